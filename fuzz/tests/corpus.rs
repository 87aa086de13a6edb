//! Each target over its corpus, and over what a fixed sequence of changes makes of it: the same in every run.

#![allow(clippy::unwrap_used)]

use std::path::Path;

/// Inputs that are made of each file.
const CHANGED: usize = 300;

/// Xorshift (Marsaglia, 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Bytes that mean something to one parser or another.
const MEANT: &[&[u8]] = &[
    b"%2e",
    b"%2F",
    b"%00",
    b"//",
    b"/../",
    b"..",
    b"?",
    b"#",
    b"\"",
    b"\\",
    b",",
    b";",
    b"=",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3\xa4",
    b".",
    b"*",
    b"{",
    b"}",
    b"[[",
    b"]]",
    b"''",
    b"0",
    b"-1",
    b"18446744073709551616",
];

fn change(dice: &mut Dice, seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.truncate(at),
            3 => {
                let end = at + dice.below(bytes.len() - at + 1).min(32);
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => drop(bytes.splice(at..at, MEANT[dice.below(MEANT.len())].iter().copied())),
        }
    }
    bytes
}

fn run(name: &str, changed: usize, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for file in files {
        let seed = std::fs::read(&file).unwrap();
        target(&seed);
        for _ in 0..changed {
            let input = change(&mut dice, &seed);
            if std::panic::catch_unwind(|| target(&input)).is_err() {
                panic!("{name} fails on this change of {}: {:?}", file.display(), String::from_utf8_lossy(&input));
            }
        }
    }
}

#[test]
fn headers() {
    run("headers", 10 * CHANGED, breakwater_fuzz::headers);
}

#[test]
fn cache_key() {
    run("cache_key", 10 * CHANGED, breakwater_fuzz::cache_key);
}

#[test]
fn routes() {
    run("routes", 10 * CHANGED, breakwater_fuzz::routes);
}

#[test]
fn tokens() {
    run("tokens", CHANGED, breakwater_fuzz::tokens);
}

#[test]
fn gateway_file() {
    run("gateway_file", CHANGED / 10, breakwater_fuzz::gateway_file);
}
