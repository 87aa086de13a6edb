//! Bytes as people and signatures read them.

/// Lower-case hexadecimal (RFC 4648, section 8, in lower case).
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
