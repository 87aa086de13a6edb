//! The keys of the edges: from the configuration, and from a file that is read again when it changes, so that a
//! key is replaced without a restart.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::{ConfigError, EdgeConfig};

/// How often the file is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One edge key: `<id>.<base64url of 32 bytes>`.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) secret: [u8; 32],
}

/// All keys that are accepted now.
pub(super) struct Keys {
    configured: Vec<Arc<Key>>,
    file: Option<PathBuf>,
    from_file: Mutex<FromFile>,
}

struct FromFile {
    keys: Vec<Arc<Key>>,
    modified: Option<SystemTime>,
    looked: Instant,
}

impl Keys {
    pub(super) fn new(config: &EdgeConfig) -> Result<Self, ConfigError> {
        let configured = config
            .keys
            .iter()
            .map(|key| parse(key.reveal()).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|reason| ConfigError::new("edge.keys", reason))?;
        let mut from_file = FromFile { keys: Vec::new(), modified: None, looked: Instant::now() };
        if let Some(path) = &config.keys_file {
            from_file.modified = modified(path);
            from_file.keys = read(path)
                .map_err(|reason| ConfigError::new("edge.keys_file", format!("`{}`: {reason}", path.display())))?;
        }
        if configured.is_empty() && from_file.keys.is_empty() {
            return Err(ConfigError::new("edge.keys", "must hold a key (or edge.keys_file must name a file with one)"));
        }
        Ok(Self { configured, file: config.keys_file.clone(), from_file: Mutex::new(from_file) })
    }

    /// The key with this id.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Key>> {
        if let Some(key) = self.configured.iter().find(|key| key.id == id) {
            return Some(key.clone());
        }
        let path = self.file.as_ref()?;
        // Nothing panics while holding the lock.
        let mut held = self.from_file.lock().ok()?;
        if held.looked.elapsed() >= LOOK_EVERY {
            held.looked = Instant::now();
            let changed = modified(path);
            if changed != held.modified {
                match read(path) {
                    Ok(keys) => {
                        tracing::info!(count = keys.len(), "edge keys read again");
                        held.keys = keys;
                        held.modified = changed;
                    }
                    // A file that is half written is looked at again; until then the old keys hold.
                    Err(reason) => tracing::error!(reason, "edge.keys_file cannot be used"),
                }
            }
        }
        held.keys.iter().find(|key| key.id == id).cloned()
    }
}

fn modified(path: &PathBuf) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

fn read(path: &PathBuf) -> Result<Vec<Arc<Key>>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| parse(line).map(Arc::new).map_err(str::to_owned))
        .collect()
}

fn parse(text: &str) -> Result<Key, &'static str> {
    const FORM: &str = "a key must be <id>.<32 bytes as base64url without padding>";
    let (id, secret) = text.split_once('.').ok_or(FORM)?;
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if id.is_empty() || id.len() > 64 || !id.bytes().all(good) {
        return Err(FORM);
    }
    let secret = URL_SAFE_NO_PAD.decode(secret).map_err(|_| FORM)?;
    Ok(Key { id: id.to_owned(), secret: secret.try_into().map_err(|_| FORM)? })
}
