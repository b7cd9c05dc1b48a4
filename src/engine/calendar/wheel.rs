//! A ring of buckets of equal length, each for what arrives within it.

use super::{Arrival, number};
use crate::time::SimTime;

/// `N` buckets of two to the `BITS` microseconds each; of later ones the first is used again.
///
/// Knows no present: what is asked for comes after a bucket that is named by its number in time.
#[derive(Debug)]
pub(super) struct Wheel<P, const BITS: u32, const N: usize> {
    /// No buckets at all, until there is something to put into them.
    buckets: Vec<Vec<Arrival<P>>>,
    /// Which of them have any, a bit each.
    occupied: Vec<u64>,
    /// Memory of buckets that are over.
    spare: Vec<Vec<Arrival<P>>>,
    /// How many parcels there are.
    len: usize,
}

impl<P: Copy, const BITS: u32, const N: usize> Wheel<P, BITS, N> {
    pub(super) const fn new() -> Self {
        Self { buckets: Vec::new(), occupied: Vec::new(), spare: Vec::new(), len: 0 }
    }

    /// The parcel at a place of a bucket.
    #[inline]
    pub(super) fn get(&self, number: usize, place: usize) -> Option<&Arrival<P>> {
        self.buckets.get(number % N)?.get(place)
    }

    /// Puts an arrival into its bucket.
    #[inline]
    pub(super) fn put(&mut self, arrival: Arrival<P>) {
        if self.buckets.is_empty() {
            self.buckets.resize_with(N, Vec::new);
            self.occupied.resize(N / 64, 0);
        }
        let slot = number::<BITS>(arrival.at) % N;
        let bucket = &mut self.buckets[slot];
        if bucket.capacity() == 0 {
            *bucket = self.spare.pop().unwrap_or_default();
        }
        bucket.push(arrival);
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.len += 1;
    }

    /// Takes out all that is in a bucket, and what is there for a later turn of the ring.
    pub(super) fn take(&mut self, number: usize) -> Vec<Arrival<P>> {
        let slot = number % N;
        let Some(bucket) = self.buckets.get_mut(slot) else { return Vec::new() };
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        self.len -= bucket.len();
        std::mem::take(bucket)
    }

    /// Keeps the memory of a bucket that was taken.
    pub(super) fn put_aside(&mut self, mut bucket: Vec<Arrival<P>>) {
        if bucket.capacity() != 0 {
            bucket.clear();
            self.spare.push(bucket);
        }
    }

    /// Moves all there is to the end of a list, in no order.
    pub(super) fn drain_into(&mut self, list: &mut Vec<Arrival<P>>) {
        for (word, bits) in self.occupied.iter_mut().enumerate() {
            while *bits != 0 {
                let slot = 64 * word + bits.trailing_zeros() as usize;
                list.append(&mut self.buckets[slot]);
                *bits &= *bits - 1;
            }
        }
        self.len = 0;
    }

    /// The number of the first bucket after another that may have parcels, if any may.
    #[inline]
    pub(super) fn next_after(&self, number: usize) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let first = number + 1;
        let mut word = first / 64;
        let mut bits = self.occupied[word % (N / 64)] & (u64::MAX << (first % 64));
        while bits == 0 {
            word += 1;
            bits = self.occupied[word % (N / 64)];
        }
        Some(64 * word + bits.trailing_zeros() as usize)
    }

    /// When the first parcel arrives, all of which are in buckets after this one; never, if there
    /// is none.
    pub(super) fn first_at(&self, after: usize) -> SimTime {
        let mut next = self.next_after(after);
        while let Some(this) = next.filter(|it| *it <= after + N) {
            let bucket = &self.buckets[this % N];
            let of_this_turn = bucket.iter().filter(|it| number::<BITS>(it.at) == this);
            if let Some(first_at) = of_this_turn.map(|it| it.at).min() {
                return first_at;
            }
            next = self.next_after(this);
        }
        // All are more than a turn of the ring ahead.
        self.buckets.iter().flatten().map(|it| it.at).min().unwrap_or(SimTime::NEVER)
    }
}
