//! Small tables of what is known of clients while their cell runs.
#![expect(
    clippy::disallowed_types,
    reason = "nobody walks through these tables, and trees are slower"
)]

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// A table by numbers.  Nothing depends on its order: it is never walked through.
pub(super) type ByKey<V> = HashMap<u64, V, BuildHasherDefault<Mix>>;

/// Spreads numbers over a table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// A table that has grown so far beyond what it held is made anew rather than emptied.
const SLACK: usize = 8;

/// Empties a table for the next cell, without keeping the memory of the largest one.
pub(super) fn clear<V>(table: &mut ByKey<V>) {
    if SLACK * (table.len() + SLACK) < table.capacity() {
        *table = ByKey::default();
    } else {
        table.clear();
    }
}
