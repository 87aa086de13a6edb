//! What the tests stand on: a database, an app, a client.

mod app;
mod client;
mod database;
mod edge;
mod proxy;

pub use self::app::{Settings, TestApp, User, settings};
pub use self::client::{Answer, Call};
pub use self::database::{TestDatabase, database_config};
pub use self::edge::{EDGE_KEY, EdgeKey};
pub use self::proxy::Proxy;
