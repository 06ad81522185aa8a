// SPDX-License-Identifier: GPL-2.0

//! All counters, and the file to which their increments are written.

use crate::{
    api::{self, Counter},
    record::{Entry, Kind, Snapshot},
};
use std::{collections::HashMap, fs::File, io};

/// Counters that are made at once; each takes 8 bytes per virtual CPU.
const BATCH: usize = 4096;

/// What one counter counts: a block or an instruction. A block that is translated anew keeps its counter.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub kind: Kind,
    /// Guest virtual address; physical for device accesses.
    pub address: u64,
    /// Instructions in the block; 1 for an instruction.
    pub len: u32,
}

struct Inline {
    key: Key,
    counter: Counter,
    /// Its value at the last snapshot.
    seen: u64,
}

/// Everything counted since the start, and since the last snapshot.
pub struct Counts {
    inline: Vec<Inline>,
    index: HashMap<Key, usize>,
    fresh: Vec<Counter>,
    /// Counted by callbacks, since the last snapshot.
    called: HashMap<Key, u64>,
    file: File,
}

impl Counts {
    pub fn new(file: File) -> Self {
        Self { inline: Vec::new(), index: HashMap::new(), fresh: Vec::new(), called: HashMap::new(), file }
    }

    /// The counter for `key`, to be added to by generated code.
    pub fn counter(&mut self, key: Key) -> Counter {
        if let Some(&known) = self.index.get(&key) {
            return self.inline[known].counter;
        }
        if self.fresh.is_empty() {
            self.fresh.extend(api::counters(BATCH));
        }
        let counter = self.fresh.pop().expect("a batch is not empty");
        self.index.insert(key, self.inline.len());
        self.inline.push(Inline { key, counter, seen: 0 });
        counter
    }

    /// Counts one event here and now.
    pub fn add(&mut self, key: Key) {
        *self.called.entry(key).or_default() += 1;
    }

    /// Writes what was counted since the last snapshot.
    pub fn snapshot(&mut self) -> io::Result<()> {
        let mut entries = Vec::new();
        for inline in &mut self.inline {
            let now = inline.counter.sum();
            if now != inline.seen {
                entries.push(entry(inline.key, now - inline.seen));
                inline.seen = now;
            }
        }
        entries.extend(self.called.drain().map(|(key, count)| entry(key, count)));
        Snapshot { entries }.write(&mut self.file)
    }
}

fn entry(key: Key, count: u64) -> Entry {
    Entry { kind: key.kind, address: key.address, len: key.len, count }
}
