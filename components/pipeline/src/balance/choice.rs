//! Which endpoint is next. Weights are the endpoints' effective ones, in any unit: 0 is not to be chosen.

/// One endpoint by lot, according to the weights; none if there is none to choose.
pub fn by_lot(weights: &[u32], random: u64) -> Option<usize> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    if total == 0 {
        return None;
    }
    // The high half of the product: as even as the random number, and no division.
    let mut point = ((u128::from(random) * u128::from(total)) >> 64) as u64;
    weights.iter().position(|weight| {
        let hit = point < u64::from(*weight);
        point = point.saturating_sub(u64::from(*weight));
        hit
    })
}

/// Of two drawn by lot, the one with fewer requests under way for its weight ("the power of two choices").
pub fn least_requests(weights: &mut [u32], under_way: impl Fn(usize) -> u32, random: [u64; 2]) -> Option<usize> {
    let first = by_lot(weights, random[0])?;
    let weight = std::mem::take(&mut weights[first]);
    let second = by_lot(weights, random[1]);
    weights[first] = weight;
    let Some(second) = second else { return Some(first) };
    let load = |one: usize, other: usize| (u64::from(under_way(one)) + 1) * u64::from(weights[other]);
    Some(if load(second, first) < load(first, second) { second } else { first })
}

/// In turn, spread evenly: of weights 2 and 1 comes first, second, first, and not first, first, second.
#[derive(Debug, Default)]
pub struct RoundRobin {
    /// What each endpoint is owed.
    owed: Vec<i64>,
}

impl RoundRobin {
    /// The next endpoint.
    pub fn next(&mut self, weights: &[u32]) -> Option<usize> {
        self.owed.resize(weights.len(), 0);
        let mut best = None;
        let mut total = 0;
        for (index, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
            total += i64::from(*weight);
            self.owed[index] += i64::from(*weight);
            if best.is_none_or(|best: usize| self.owed[index] > self.owed[best]) {
                best = Some(index);
            }
        }
        if let Some(best) = best {
            self.owed[best] -= total;
        }
        best
    }
}

/// The same endpoint for the same key: weighted rendezvous hashing. When an endpoint goes, only its own keys move; when
/// one comes, it takes its share from all. `identity` names an endpoint, whatever its place in the list.
pub fn hashed(weights: &[u32], identity: impl Fn(usize) -> u64, key: u64) -> Option<usize> {
    let score = |index: usize| {
        // A number in (0, 1]: 53 bits, as a float has them.
        let draw = (mix(key ^ mix(identity(index))) >> 11) as f64 + 1.0;
        -f64::from(weights[index]) / (draw / 2f64.powi(53)).ln().min(-f64::MIN_POSITIVE)
    };
    (0..weights.len()).filter(|index| weights[*index] > 0).max_by(|one, other| score(*one).total_cmp(&score(*other)))
}

/// A number for a text that is the same in every worker and every edge (FNV-1a, mixed). Not for hostile collisions:
/// those would only make their own sender's requests meet.
pub fn key(text: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    mix(text.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// Spreads every bit over all others (SplitMix64's end).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const ROUNDS: u64 = 30_000;

    /// Evenly spread numbers instead of random ones, so that nothing here fails by chance.
    fn numbers(salt: u64) -> impl Iterator<Item = u64> {
        (0..ROUNDS).map(move |index| mix(index.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt)))
    }

    fn count(endpoints: usize, choices: impl Iterator<Item = usize>) -> Vec<f64> {
        let mut counts = vec![0.0; endpoints];
        for choice in choices {
            counts[choice] += 1.0 / ROUNDS as f64;
        }
        counts
    }

    fn close(counts: &[f64], wanted: &[f64]) {
        for (got, wanted) in counts.iter().zip(wanted) {
            assert!((got - wanted).abs() < 0.02, "{counts:?}");
        }
    }

    #[test]
    fn everybody_gets_their_share() {
        let weights = [1, 2, 0, 5];
        let wanted = [0.125, 0.25, 0.0, 0.625];
        close(&count(4, numbers(1).map(|random| by_lot(&weights, random).unwrap())), &wanted);
        let mut turn = RoundRobin::default();
        close(&count(4, (0..ROUNDS).map(|_| turn.next(&weights).unwrap())), &wanted);
        let hash = |key| hashed(&weights, |index| index as u64 + 100, key).unwrap();
        close(&count(4, numbers(2).map(hash)), &wanted);
    }

    #[test]
    fn turns_are_spread() {
        let mut turn = RoundRobin::default();
        let turns: Vec<_> = (0..7).map(|_| turn.next(&[5, 1, 1]).unwrap()).collect();
        assert_eq!(turns, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn the_less_busy_of_two_is_chosen() {
        // With two endpoints both are always drawn.
        for random in numbers(3).zip(numbers(4)).take(100) {
            let choose = |busy: [u32; 2], mut weights: [u32; 2]| {
                least_requests(&mut weights, |index| busy[index], [random.0, random.1]).unwrap()
            };
            assert_eq!(choose([3, 4], [1, 1]), 0);
            assert_eq!(choose([4, 3], [1, 1]), 1);
            assert_eq!(choose([5, 2], [4, 1]), 0, "6 of 4 is less than 3 of 1");
        }
    }

    #[test]
    fn nobody_is_chosen_where_nobody_is() {
        assert_eq!(by_lot(&[0, 0], 1), None);
        assert_eq!(least_requests(&mut [0], |_| 0, [1, 2]), None);
        assert_eq!(least_requests(&mut [0, 7], |_| 9, [1, 2]), Some(1));
        assert_eq!(RoundRobin::default().next(&[]), None);
        assert_eq!(hashed(&[0], |_| 1, 1), None);
    }

    proptest! {
        #[test]
        fn a_key_moves_only_if_its_endpoint_goes(
            weights in proptest::collection::vec(1u32..10, 2..8), gone in 0usize..8, key in any::<u64>()
        ) {
            let gone = gone % weights.len();
            let before = hashed(&weights, |index| index as u64, key).unwrap();
            let mut left = weights.clone();
            left[gone] = 0;
            let after = hashed(&left, |index| index as u64, key).unwrap();
            prop_assert!(after == before || before == gone);
        }

        #[test]
        fn what_is_chosen_can_be(weights in proptest::collection::vec(0u32..5, 1..8), random in any::<[u64; 2]>()) {
            let some = weights.iter().any(|weight| *weight > 0);
            let mut scratch = weights.clone();
            for choice in [
                by_lot(&weights, random[0]),
                least_requests(&mut scratch, |index| index as u32, random),
                RoundRobin::default().next(&weights),
                hashed(&weights, |index| index as u64, random[0]),
            ] {
                prop_assert_eq!(choice.is_some(), some);
                prop_assert!(choice.is_none_or(|index| weights[index] > 0));
            }
            prop_assert_eq!(scratch, weights);
        }
    }
}
