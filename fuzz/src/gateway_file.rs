use std::sync::LazyLock;

use core_service::config::Config;
use core_service::{app, edge};

static CONFIG: LazyLock<Config> = LazyLock::new(|| Config::load_with(None, []).unwrap());

/// `gateway.toml`: a file is good, or its mistakes are explained.
pub fn gateway_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(mistakes) = edge::check_gateway(&CONFIG, &app::openapi(), text).unwrap() {
        assert!(!mistakes.explain("gateway.toml").is_empty());
    }
}
