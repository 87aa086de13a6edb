//! Dates in headers.

use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// RFC 9110, section 5.6.7.
pub(crate) fn http_date(moment: OffsetDateTime) -> String {
    let form =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    moment.to_offset(UtcOffset::UTC).format(&form).unwrap_or_default()
}
