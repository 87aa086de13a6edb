//! Random bytes for request ids, drawn from the system in stock: a system call per request would be a waste.

use std::io;

/// A stock of random bytes.
pub struct Random {
    stock: Box<[u8; 4096]>,
    used: usize,
}

impl Random {
    /// Fails if the system has none.
    pub fn new() -> io::Result<Self> {
        let mut random = Self { stock: Box::new([0; 4096]), used: 0 };
        random.refill()?;
        Ok(random)
    }

    fn refill(&mut self) -> io::Result<()> {
        getrandom::fill(&mut self.stock[..]).map_err(io::Error::other)?;
        self.used = 0;
        Ok(())
    }

    /// Fills a buffer that is smaller than the stock.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        if self.used + buffer.len() > self.stock.len() && self.refill().is_err() {
            // It worked at the start, so it does not fail now. If it does, ids repeat, which harms nobody's safety.
            self.used = 0;
        }
        buffer.copy_from_slice(&self.stock[self.used..][..buffer.len()]);
        self.used += buffer.len();
    }
}
