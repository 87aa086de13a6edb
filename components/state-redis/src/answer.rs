//! What Redis answers, as the port's records.

use breakwater_kit::types::Allowance;
use spin_sdk::redis::RedisResult;

/// The one value of a command such as `GET`.
pub fn value(answer: Vec<RedisResult>) -> Result<Option<Vec<u8>>, String> {
    match answer.into_iter().next() {
        None | Some(RedisResult::Nil) => Ok(None),
        Some(RedisResult::Binary(bytes)) => Ok(Some(bytes)),
        Some(RedisResult::Status(text)) => Ok(Some(text.into_bytes())),
        Some(RedisResult::Int64(number)) => Err(format!("a number where bytes belong: {number}")),
    }
}

/// The one number of a command such as `INCRBY`.
pub fn number(answer: &[RedisResult]) -> Result<u64, String> {
    match answer {
        [RedisResult::Int64(number)] => Ok(number.cast_unsigned()),
        _ => Err("no number where one belongs".to_owned()),
    }
}

/// The answer of the script `take`: four numbers for each of `buckets`.
pub fn allowances(answer: &[RedisResult], buckets: usize) -> Result<Vec<Allowance>, String> {
    let allowances: Vec<Allowance> = answer
        .chunks_exact(4)
        .filter_map(|fields| match fields {
            [
                RedisResult::Int64(allowed),
                RedisResult::Int64(remaining),
                RedisResult::Int64(retry_after),
                RedisResult::Int64(reset_after),
            ] => Some(Allowance {
                allowed: *allowed == 1,
                remaining: remaining.cast_unsigned(),
                retry_after: retry_after.cast_unsigned(),
                reset_after: reset_after.cast_unsigned(),
            }),
            _ => None,
        })
        .collect();
    if allowances.len() == buckets {
        Ok(allowances)
    } else {
        Err(format!("{} allowances for {buckets} buckets", allowances.len()))
    }
}

/// The answer of the script `lease`: 1 or 0 for each of `leases`.
pub fn granted(answer: &[RedisResult], leases: usize) -> Result<Vec<bool>, String> {
    let granted: Vec<bool> = answer
        .iter()
        .filter_map(|field| match field {
            RedisResult::Int64(number) => Some(*number == 1),
            _ => None,
        })
        .collect();
    if granted.len() == leases { Ok(granted) } else { Err(format!("{} answers for {leases} leases", granted.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_numbers_are_an_allowance() {
        let answer: Vec<_> = [1, 9, 0, 1000, 0, 0, 250, 3000].map(RedisResult::Int64).into();
        let read = allowances(&answer, 2);
        let expected = [
            Allowance { allowed: true, remaining: 9, retry_after: 0, reset_after: 1000 },
            Allowance { allowed: false, remaining: 0, retry_after: 250, reset_after: 3000 },
        ];
        assert_eq!(read.as_deref(), Ok(expected.as_slice()));
    }

    #[test]
    fn an_answer_of_another_shape_is_refused() {
        assert!(allowances(&[RedisResult::Int64(1)], 1).is_err());
        assert!(allowances(&[RedisResult::Nil, RedisResult::Nil, RedisResult::Nil, RedisResult::Nil], 1).is_err());
        assert!(number(&[RedisResult::Nil]).is_err());
        assert_eq!(number(&[RedisResult::Int64(7)]), Ok(7));
    }

    #[test]
    fn nothing_is_none() {
        assert_eq!(value(vec![RedisResult::Nil]), Ok(None));
        assert_eq!(value(vec![RedisResult::Binary(b"x".to_vec())]), Ok(Some(b"x".to_vec())));
        assert!(value(vec![RedisResult::Int64(1)]).is_err());
    }
}
