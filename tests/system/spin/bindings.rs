//! Spin's own interfaces, for wasmtime.

use wasmtime::component::{HasData, Linker};

use super::instance::Data;

wasmtime::component::bindgen!({
    path: "system/spin/wit",
    world: "breakwater:test-host/host",
    with: { "spin:redis/redis.connection": ::redis::aio::MultiplexedConnection },
});

/// The host's data, as these interfaces see it: all of it.
pub struct Spin;

impl HasData for Spin {
    type Data<'a> = &'a mut Data;
}

pub fn add_to_linker(linker: &mut Linker<Data>) {
    spin::redis::redis::add_to_linker::<Data, Spin>(linker, |data| data).unwrap();
    spin::variables::variables::add_to_linker::<Data, Spin>(linker, |data| data).unwrap();
}
