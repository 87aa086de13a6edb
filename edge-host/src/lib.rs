//! The native shell of the edge: sockets, TLS, upstreams and state around the sandboxed policies.
