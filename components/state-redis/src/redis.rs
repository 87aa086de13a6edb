//! One connection, kept between requests, and what is asked through it.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use breakwater_kit::state::{INCREMENT, LEASE, PATIENCE, TAKE};
use futures_util::future::{Either, select};
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};
use spin_sdk::{time, variables};

use crate::address::address;

thread_local! {
    static CONNECTION: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

/// A script and the name that Redis gives it.
pub struct Script {
    text: &'static str,
    sha1: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, sha1: sha1_smol::Sha1::from(text).digest().to_string() }
    }
}

pub static TAKE_SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(TAKE));
pub static LEASE_SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(LEASE));
pub static INCREMENT_SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(INCREMENT));

/// Asks Redis; the error says why it counts as away.
pub async fn execute(command: &str, arguments: Vec<RedisParameter>) -> Result<Vec<RedisResult>, String> {
    in_time(async { connection().await?.execute(command, arguments).await.map_err(reason) }).await
}

/// Runs a script by its name, or by its text where Redis does not know it yet.
pub async fn run(script: &Script, arguments: Vec<RedisParameter>) -> Result<Vec<RedisResult>, String> {
    in_time(async {
        let connection = connection().await?;
        let call = |first: &str| {
            let first = std::iter::once(RedisParameter::Binary(first.as_bytes().to_vec()));
            first.chain(arguments.iter().cloned())
        };
        match connection.execute("EVALSHA", call(&script.sha1)).await {
            // It was not run, so this takes nothing twice.
            Err(Error::Other(text)) if is_unknown_script(&text) => {
                connection.execute("EVAL", call(script.text)).await.map_err(reason)
            }
            answer => answer.map_err(reason),
        }
    })
    .await
}

/// Hosts pass on what their Redis client prints: the server's code (`NOSCRIPT`), or the client's name for it (`NoScript`,
/// `NoScriptError`).
fn is_unknown_script(text: &str) -> bool {
    text.to_ascii_uppercase().contains("NOSCRIPT")
}

async fn in_time<T>(operation: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let patience = pin!(time::sleep(Duration::from_millis(PATIENCE)));
    let answer = match select(pin!(operation), patience).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(format!("no answer within {PATIENCE} ms")),
    };
    if answer.is_err() {
        CONNECTION.take();
    }
    answer
}

/// Requests that arrive together may each open one; the last is kept.
async fn connection() -> Result<Rc<Connection>, String> {
    if let Some(connection) = CONNECTION.with_borrow(Clone::clone) {
        return Ok(connection);
    }
    let url = variable("redis_url").await?;
    let credentials = variable("redis_credentials").await?;
    let opened = Rc::new(Connection::open(address(&url, &credentials)).await.map_err(reason)?);
    CONNECTION.set(Some(Rc::clone(&opened)));
    Ok(opened)
}

async fn variable(name: &str) -> Result<String, String> {
    variables::get(name).await.map_err(|error| format!("the variable {name}: {error}"))
}

fn reason(error: Error) -> String {
    match error {
        Error::InvalidAddress => "the address of Redis is not valid, or not allowed".to_owned(),
        Error::TooManyConnections => "too many connections to Redis".to_owned(),
        Error::TypeError => "Redis keeps something else under this key".to_owned(),
        Error::Other(text) => text,
    }
}
