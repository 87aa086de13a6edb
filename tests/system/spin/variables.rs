//! `spin:variables` over the manifest's.

use wasmtime::component::Accessor;

use super::bindings::Spin;
use super::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use super::instance::Data;

impl Host for Data {}

impl<T: Send> HostWithStore<T> for Spin {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<String, Error> {
        accessor.with(|mut access| access.get().application.variables.get(&name).cloned().ok_or(Error::Undefined(name)))
    }
}
