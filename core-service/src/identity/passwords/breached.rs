//! A filter of passwords that were in breaches: 16 bits for each, read from the file as they are asked for, so that it
//! takes no memory.
//!
//! The SHA-1 of a password (what lists of breached passwords hold) chooses a bucket by its first bits, and stands there
//! with the next 16. A bucket holds about 24, so one password in 2,700 that was in no breach is refused by mistake.
//!
//! The file: `BWPWNED1`, the number of bits that choose the bucket (one byte), for each bucket and once more at the end
//! where it begins (entries before it, 4 bytes), then the entries (2 bytes each). Numbers are little-endian.

use std::fs::File;
use std::io::{BufRead, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};

const MAGIC: &[u8; 8] = b"BWPWNED1";
const HEADER: u64 = 9;
const MOST_BITS: u8 = 28;

/// How many entries a bucket is to hold, about.
const BUCKET: u64 = 24;

/// A filter in a file.
pub struct Breached {
    file: Arc<File>,
    bits: u8,
}

impl Breached {
    /// Opens a file that [`build`] wrote.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let failed = || format!("identity.breached_passwords_file: {}", path.display());
        let mut file = File::open(path).with_context(failed)?;
        let mut head = [0; HEADER as usize];
        file.read_exact(&mut head).with_context(failed)?;
        let [magic @ .., bits] = head;
        ensure!(&magic == MAGIC && (1..=MOST_BITS).contains(&bits), "{}: is no such filter", failed());
        let (file, filter) = (Arc::new(file), bits);
        let breached = Self { file, bits: filter };
        let entries = u64::from(breached.offset(1 << bits).with_context(failed)?);
        let whole = breached.place(0) + entries * 2 == breached.file.metadata()?.len();
        ensure!(whole, "{}: is not whole", failed());
        Ok(breached)
    }

    /// Whether a password was in a breach, or looks like one that was.
    pub(super) async fn holds(&self, password: &str) -> anyhow::Result<bool> {
        let hash = sha1_smol::Sha1::from(password).digest().bytes();
        let this = Self { file: self.file.clone(), bits: self.bits };
        tokio::task::spawn_blocking(move || this.holds_hash(&hash)).await?
    }

    fn holds_hash(&self, hash: &[u8; 20]) -> anyhow::Result<bool> {
        let (bucket, entry) = split(hash, self.bits);
        let (from, to) = (self.offset(bucket)?, self.offset(bucket + 1)?);
        let length = to.checked_sub(from).context("the filter's buckets are not in order")?;
        let mut entries = vec![0; length as usize * 2];
        self.file.read_exact_at(&mut entries, self.place(from))?;
        Ok(entries.chunks_exact(2).any(|known| known == entry.to_le_bytes()))
    }

    /// How many entries stand before a bucket.
    fn offset(&self, bucket: u32) -> anyhow::Result<u32> {
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, HEADER + u64::from(bucket) * 4)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// Where an entry stands in the file.
    fn place(&self, entry: u32) -> u64 {
        HEADER + (u64::from(1_u32 << self.bits) + 1) * 4 + u64::from(entry) * 2
    }
}

/// The bucket of a hash, and what stands in it.
fn split(hash: &[u8; 20], bits: u8) -> (u32, u16) {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    let first = u64::from_be_bytes(first);
    ((first >> (64 - u32::from(bits))) as u32, (first >> (48 - u32::from(bits))) as u16)
}

/// Writes the filter of a list: a SHA-1 in hexadecimal each line, in order, and perhaps `:` and how often it was seen,
/// which must be at least `least`. The list is read twice. How many passwords the filter holds.
pub fn build(list: &Path, to: &Path, least: u64) -> anyhow::Result<u64> {
    let mut count: u64 = 0;
    each(list, least, |_| {
        count += 1;
        Ok(())
    })?;
    ensure!(count > 0, "{}: holds no password that was seen so often", list.display());
    ensure!(u32::try_from(count).is_ok(), "{}: holds more than 4,294,967,295 passwords", list.display());
    let bits = (count / BUCKET).max(2).ilog2().min(u32::from(MOST_BITS)) as u8;
    let failed = || format!("{} cannot be written", to.display());
    let mut out = BufWriter::new(File::create(to).with_context(failed)?);
    out.write_all(MAGIC)?;
    out.write_all(&[bits])?;
    let mut offsets = vec![0_u32; (1 << bits) + 1];
    out.seek(SeekFrom::Current(offsets.len() as i64 * 4))?;
    each(list, least, |hash| {
        let (bucket, entry) = split(hash, bits);
        offsets[bucket as usize + 1] += 1;
        Ok(out.write_all(&entry.to_le_bytes())?)
    })?;
    for bucket in 1..offsets.len() {
        offsets[bucket] += offsets[bucket - 1];
    }
    out.seek(SeekFrom::Start(HEADER))?;
    for offset in offsets {
        out.write_all(&offset.to_le_bytes())?;
    }
    out.flush().with_context(failed)?;
    Ok(count)
}

fn each(list: &Path, least: u64, mut with: impl FnMut(&[u8; 20]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let file = File::open(list).with_context(|| format!("{} cannot be read", list.display()))?;
    let mut before = [0; 20];
    for (number, line) in std::io::BufReader::with_capacity(1 << 20, file).lines().enumerate() {
        let line = line?;
        let (hash, seen) = line.trim().split_once(':').unwrap_or((line.trim(), "1"));
        if hash.is_empty() {
            continue;
        }
        let at = || format!("{}, line {}", list.display(), number + 1);
        let hash = read_hash(hash).with_context(|| format!("{}: is no SHA-1", at()))?;
        if hash < before {
            bail!("{}: the list must be ordered by hash", at());
        }
        before = hash;
        if seen.trim().parse::<u64>().with_context(|| format!("{}: has no count", at()))? >= least {
            with(&hash)?;
        }
    }
    Ok(())
}

fn read_hash(text: &str) -> Option<[u8; 20]> {
    let mut hash = [0; 20];
    if text.len() != 40 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn list(passwords: impl Iterator<Item = String>) -> tempfile::NamedTempFile {
        let mut hashes: Vec<String> =
            passwords.map(|password| sha1_smol::Sha1::from(password).digest().to_string().to_uppercase()).collect();
        hashes.sort();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for (index, hash) in hashes.iter().enumerate() {
            writeln!(file, "{hash}:{}", index % 3 + 1).unwrap();
        }
        file
    }

    #[tokio::test]
    async fn what_is_in_the_list_is_found_and_little_else() {
        let list = list((0..20_000).map(|n| format!("breached {n}")));
        let to = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(build(list.path(), to.path(), 1).unwrap(), 20_000);
        let bits_each = to.as_file().metadata().unwrap().len() as f64 * 8.0 / 20_000.0;
        assert!(bits_each < 18.0, "{bits_each}");
        let filter = Breached::open(to.path()).unwrap();
        let mut mistaken = 0;
        for n in 0..20_000 {
            assert!(filter.holds(&format!("breached {n}")).await.unwrap(), "{n}");
            mistaken += usize::from(filter.holds(&format!("other {n}")).await.unwrap());
        }
        // Expected: up to 40 entries of 65,536 values in a bucket, so twelve at the most in 20,000; the inputs never change.
        assert!(mistaken < 30, "{mistaken}");
    }

    #[tokio::test]
    async fn small_lists_and_counts() {
        let list = list((0..3).map(|n| format!("breached {n}")));
        let to = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(build(list.path(), to.path(), 3).unwrap(), 1);
        assert!(build(list.path(), to.path(), 4).unwrap_err().to_string().contains("no password"));
        build(list.path(), to.path(), 0).unwrap();
        let filter = Breached::open(to.path()).unwrap();
        for n in 0..3 {
            assert!(filter.holds(&format!("breached {n}")).await.unwrap());
        }
        assert!(!filter.holds("nobody had this one").await.unwrap());
    }

    #[test]
    fn bad_lists_and_files_are_named() {
        let file = |text: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text).unwrap();
            file
        };
        let to = tempfile::NamedTempFile::new().unwrap();
        let (low, high) = ("0".repeat(40), "F".repeat(40));
        for (text, reason) in [
            (format!("{high}:1\n{low}:1\n"), "line 2: the list must be ordered"),
            (format!("{low}\n{high}:many\n"), "line 2: has no count"),
            ("password\n".to_owned(), "line 1: is no SHA-1"),
        ] {
            let error = format!("{:#}", build(file(text.as_bytes()).path(), to.path(), 1).unwrap_err());
            assert!(error.contains(reason), "{error}");
        }
        for bad in [&b""[..], b"BWPWNED1", b"BWPWNED1\x02\0\0\0\0", b"NOTAFILTER\0\0", b"BWPWNED1\x3f\0\0"] {
            let error = format!("{:#}", Breached::open(file(bad).path()).err().unwrap());
            assert!(error.starts_with("identity.breached_passwords_file"), "{error}");
        }
    }
}
