//! API keys, of users and of service accounts: what programs show instead of signing in.
//!
//! Rules: a key is told once and stored as SHA-256; it begins with `bwk_` and ends with a checksum, so that scanners find
//! it and a slip of the pen costs no query ([`text`]); it always ends; it may allow less than its owner may do, from fewer
//! places, and never more, since what the owner may do is worked out anew for each request; making one needs a recent proof
//! of who is asking; looking at one is one indexed query ([`verify`]). Its end is told to the edges like that of a session
//! (`migrations/0065_api_keys.sql`).

mod made;
mod new;
pub(super) mod own;
mod row;
mod text;
mod verify;

pub(crate) use self::made::MadeApiKey;
pub(crate) use self::new::{NewApiKey, Overlap};
pub use self::row::ApiKey;
pub(super) use self::row::forget_old;
pub(crate) use self::row::{delete, of_user};
pub(crate) use self::text::{Key, PREFIX};
pub use self::verify::introspect;
pub(super) use self::verify::{For, caller};
