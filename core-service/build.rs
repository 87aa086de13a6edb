//! Rebuilds the crate when a migration changes: `sqlx::migrate!` embeds them. Also when `cargo xtask sqlx` wants the
//! queries described anew.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-env-changed=SQLX_OFFLINE_DIR");
}
