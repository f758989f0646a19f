//! What happened, as a hash that tells two runs apart and as the last events for whoever reads a failure.

use std::{
    collections::VecDeque,
    fmt::{self, Write},
    hash::{DefaultHasher, Hasher},
};

const KEPT: usize = 120;

#[derive(Default)]
pub struct Trace {
    hash: DefaultHasher,
    last: VecDeque<String>,
    line: String,
    count: u64,
}

impl Trace {
    pub fn note(&mut self, at_ms: u64, event: fmt::Arguments<'_>) {
        let full = self.last.len() == KEPT;
        let line = if full { self.last.pop_front() } else { None };
        let line = self.hash_line(line.unwrap_or_default(), at_ms, event);
        self.last.push_back(line);
    }

    /// An event of which there are too many to show.
    pub fn tally(&mut self, at_ms: u64, event: fmt::Arguments<'_>) {
        let line = std::mem::take(&mut self.line);
        self.line = self.hash_line(line, at_ms, event);
    }

    fn hash_line(&mut self, mut line: String, at_ms: u64, event: fmt::Arguments<'_>) -> String {
        line.clear();
        // writing to a string does not fail
        let _ = write!(line, "{:>3}.{:03} {event}", at_ms / 1000, at_ms % 1000);
        self.hash.write(line.as_bytes());
        self.count += 1;
        line
    }

    /// Equal for two runs in which the same events happened at the same times in the same order.
    pub fn hash(&self) -> (u64, u64) {
        (self.hash.finish(), self.count)
    }

    pub fn last(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}
