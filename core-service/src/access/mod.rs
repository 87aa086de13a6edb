//! The room `access`.
