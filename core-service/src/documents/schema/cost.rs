//! How much work a schema can ask for, bounded before it ever runs.
//!
//! A few hundred bytes of `allOf` and `$ref` can ask for a billion checks of one value, or for checks
//! without end. This counts, for a value that nests as deep as data may, how many subschemas can come
//! to look at one innermost value and all that it is in. It errs upwards, never downwards.

use super::positions::Position;
use crate::documents::bounds::DATA_DEPTH;
use crate::problem::FieldError;

/// The most checks that one way from a document's top to its innermost value may ask for.
pub const MAX: u64 = 10_000;

/// The cost of the first of `positions`, the whole schema.
pub(super) fn of(positions: &[Position]) -> Result<u64, Vec<FieldError>> {
    let order = order(positions)?;
    let mut below = vec![0; positions.len()];
    // Level by level, the innermost value first.
    for _ in 0..=DATA_DEPTH {
        let mut costs = vec![0_u64; positions.len()];
        for &index in &order {
            let position = &positions[index];
            let sum = |costs: &[u64], of: &[usize]| of.iter().fold(0_u64, |sum, &i| sum.saturating_add(costs[i]));
            let apart = position.apart.iter().map(|&i| below[i]).max();
            costs[index] = 1_u64
                .saturating_add(sum(&costs, &position.same))
                .saturating_add(sum(&below, &position.inside))
                .saturating_add(apart.unwrap_or(0));
        }
        below = costs;
    }
    match below.first() {
        Some(&cost) if cost <= MAX => Ok(cost),
        _ => {
            let message = "asks for too many checks of the same value";
            Err(vec![FieldError::new("", "maxWork", message)])
        }
    }
}

/// The positions, each after those that look at the same value on its behalf.
fn order(positions: &[Position]) -> Result<Vec<usize>, Vec<FieldError>> {
    let mut users = vec![Vec::new(); positions.len()];
    let mut waiting: Vec<usize> = vec![0; positions.len()];
    for (index, position) in positions.iter().enumerate() {
        waiting[index] = position.same.len();
        for &used in &position.same {
            users[used].push(index);
        }
    }
    let mut order: Vec<usize> = (0..positions.len()).filter(|&i| waiting[i] == 0).collect();
    let mut next = 0;
    while let Some(&ready) = order.get(next) {
        next += 1;
        for &user in &users[ready] {
            waiting[user] -= 1;
            if waiting[user] == 0 {
                order.push(user);
            }
        }
    }
    match waiting.iter().position(|&count| count > 0) {
        None => Ok(order),
        Some(endless) => {
            let message = "comes back to itself without looking at another value";
            let pointer = positions[endless].pointer.clone();
            Err(vec![FieldError::new(pointer, "$ref", message)])
        }
    }
}
