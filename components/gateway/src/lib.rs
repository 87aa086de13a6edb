//! The pipeline as a WASI HTTP component, for Spin and every other host of WASI 0.3.
//!
//! The shell: it brings time, randomness, variables, the state and the upstreams, and carries out what the pipeline
//! asks for. It decides nothing.
//!
//! Rules that hold in here:
//! - an answer's body goes from the upstream to the client inside the host, unless the cache wants a copy of it;
//! - a request's body is copied through, because its size and its pauses are counted;
//! - an instance serves several requests at once and goes on living between them, so what is `thread_local` here
//!   belongs to the instance, and no borrow of it is held over an `await`;
//! - a policy that traps ends this instance and the requests in it; the host makes another.

#[cfg(any(target_family = "wasm", clippy, test))]
mod origin;

// Export names are no symbols for native linkers.
#[cfg(any(target_family = "wasm", clippy))]
mod body;
#[cfg(any(target_family = "wasm", clippy))]
mod clock;
#[cfg(any(target_family = "wasm", clippy))]
mod configuration;
#[cfg(any(target_family = "wasm", clippy))]
mod endpoints;
#[cfg(any(target_family = "wasm", clippy))]
mod imports;
#[cfg(any(target_family = "wasm", clippy))]
mod policies;
#[cfg(any(target_family = "wasm", clippy))]
mod request;
#[cfg(any(target_family = "wasm", clippy))]
mod response;
#[cfg(any(target_family = "wasm", clippy))]
mod service;
#[cfg(any(target_family = "wasm", clippy))]
mod snapshot;
#[cfg(any(target_family = "wasm", clippy))]
mod upstream;
