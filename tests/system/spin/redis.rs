//! `spin:redis` over a real Redis, as far as `execute` goes: our components use nothing else.

use redis::Value;
use redis::aio::MultiplexedConnection;
use wasmtime::component::{Accessor, Resource};

use super::bindings::Spin;
use super::bindings::spin::redis::redis::{
    Error, Host, HostConnection, HostConnectionWithStore, Payload, RedisParameter, RedisResult,
};
use super::instance::Data;

impl Host for Data {}

impl HostConnection for Data {
    fn drop(&mut self, connection: Resource<MultiplexedConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

fn other(error: impl std::fmt::Display) -> Error {
    Error::Other(error.to_string())
}

fn unused<T>() -> Result<T, Error> {
    Err(other("the test host has `execute` alone"))
}

impl<T: Send> HostConnectionWithStore<T> for Spin {
    async fn open(accessor: &Accessor<T, Self>, address: String) -> Result<Resource<MultiplexedConnection>, Error> {
        let allowed = accessor.with(|mut access| access.get().application.outbound.allows(&address));
        if !allowed {
            return Err(Error::InvalidAddress);
        }
        let client = redis::Client::open(address).map_err(|_| Error::InvalidAddress)?;
        let connection = client.get_multiplexed_async_connection().await.map_err(other)?;
        accessor.with(|mut access| access.get().table.push(connection).map_err(|_| Error::TooManyConnections))
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        connection: Resource<MultiplexedConnection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Result<Vec<RedisResult>, Error> {
        let mut connection = accessor.with(|mut access| access.get().table.get(&connection).cloned()).map_err(other)?;
        let mut command = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => command.arg(number),
                RedisParameter::Binary(bytes) => command.arg(bytes),
            };
        }
        let mut results = Vec::new();
        flatten(command.query_async(&mut connection).await.map_err(other)?, &mut results)?;
        Ok(results)
    }

    async fn publish(
        _: &Accessor<T, Self>,
        _: Resource<MultiplexedConnection>,
        _: String,
        _: Payload,
    ) -> Result<(), Error> {
        unused()
    }

    async fn get(
        _: &Accessor<T, Self>,
        _: Resource<MultiplexedConnection>,
        _: String,
    ) -> Result<Option<Payload>, Error> {
        unused()
    }

    async fn set(
        _: &Accessor<T, Self>,
        _: Resource<MultiplexedConnection>,
        _: String,
        _: Payload,
    ) -> Result<(), Error> {
        unused()
    }

    async fn incr(_: &Accessor<T, Self>, _: Resource<MultiplexedConnection>, _: String) -> Result<i64, Error> {
        unused()
    }

    async fn del(_: &Accessor<T, Self>, _: Resource<MultiplexedConnection>, _: Vec<String>) -> Result<u32, Error> {
        unused()
    }

    async fn sadd(
        _: &Accessor<T, Self>,
        _: Resource<MultiplexedConnection>,
        _: String,
        _: Vec<String>,
    ) -> Result<u32, Error> {
        unused()
    }

    async fn smembers(
        _: &Accessor<T, Self>,
        _: Resource<MultiplexedConnection>,
        _: String,
    ) -> Result<Vec<String>, Error> {
        unused()
    }

    async fn srem(
        _: &Accessor<T, Self>,
        _: Resource<MultiplexedConnection>,
        _: String,
        _: Vec<String>,
    ) -> Result<u32, Error> {
        unused()
    }
}

/// Spin gives nested answers as one list.
fn flatten(value: Value, results: &mut Vec<RedisResult>) -> Result<(), Error> {
    match value {
        Value::Nil => results.push(RedisResult::Nil),
        Value::Int(number) => results.push(RedisResult::Int64(number)),
        Value::BulkString(bytes) => results.push(RedisResult::Binary(bytes)),
        Value::SimpleString(text) => results.push(RedisResult::Status(text)),
        Value::Okay => results.push(RedisResult::Status("OK".to_owned())),
        Value::Array(values) => {
            for value in values {
                flatten(value, results)?;
            }
        }
        _ => return Err(Error::TypeError),
    }
    Ok(())
}
