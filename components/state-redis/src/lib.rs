//! The port `state` over Redis, for Spin.
