//! In which pieces some content lies in the store: in one, unless it arrived in several requests.

use std::ops::Range;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::problem::{Problem, Result};

/// A piece in the store, and the part of it that is wanted.
pub(super) type Piece = (Uuid, Range<u64>);

/// Where a part of some content is.
pub(super) async fn within(tx: &mut PgConnection, content: Uuid, pieces: i32, part: Range<u64>) -> Result<Vec<Piece>> {
    if pieces == 0 {
        return Ok(vec![(content, part)]);
    }
    let rows = sqlx::query!(
        r#"SELECT id, size AS "size!" FROM file_pieces WHERE content_id = $1 AND number IS NOT NULL ORDER BY number"#,
        content
    );
    let rows = rows.fetch_all(tx).await?;
    let sizes = rows.into_iter().map(|row| Ok((row.id, u64::try_from(row.size).map_err(Problem::internal)?)));
    Ok(cut(sizes.collect::<Result<Vec<_>>>()?, &part))
}

/// Those pieces, or parts of pieces, that a part of the whole is made of.
fn cut(pieces: Vec<(Uuid, u64)>, part: &Range<u64>) -> Vec<Piece> {
    let mut begin = 0;
    let mut wanted = Vec::new();
    for (id, size) in pieces {
        let (first, end) = (part.start.max(begin), part.end.min(begin + size));
        if first < end {
            wanted.push((id, first - begin..end - begin));
        }
        begin += size;
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_made_of_parts_of_pieces() {
        let id = Uuid::from_u128;
        let pieces = vec![(id(1), 10), (id(2), 1), (id(3), 5)];
        let cut = |part| cut(pieces.clone(), &part);
        assert_eq!(cut(0..16), [(id(1), 0..10), (id(2), 0..1), (id(3), 0..5)]);
        assert_eq!(cut(9..11), [(id(1), 9..10), (id(2), 0..1)]);
        assert_eq!(cut(12..13), [(id(3), 1..2)]);
        assert_eq!(cut(3..3), []);
    }
}
