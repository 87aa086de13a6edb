//! The order in which a request meets the policies, without any I/O.
