//! Policy `caching`: what may be answered from memory, and what may be kept (RFC 9111).
