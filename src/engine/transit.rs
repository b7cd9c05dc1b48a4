//! What is under way: parcels in order of their arrival.
//!
//! While few are under way they stand in one row, in order.  Of many, only the next are: time is
//! cut into short spans, and a parcel is put to those of its span, in no order, until that span is
//! opened.

use super::Waybill;
use crate::time::SimTime;

/// A parcel and when it arrives.
#[derive(Clone, Copy, Debug)]
struct Arrival<P> {
    at: SimTime,
    /// The key of its waybill.
    waybill: u64,
    parcel: P,
}

/// The length of a span, about half a millisecond, in bits of microseconds.
const SPAN_BITS: u32 = 9;
/// What is left for a parcel's place in its span, of a word that has its instant and its lane, too.
const PLACE_BITS: u32 = 64 - SPAN_BITS - 32;
const N_PLACES: usize = 1 << PLACE_BITS;
/// How many spans are told apart; of later ones the first is used again.
const N_SPANS: usize = 1024;
const N_WORDS: usize = N_SPANS / 64;
/// So few parcels are all in order; half as many, after there were more.
const FEW: usize = 64;
/// So many are not, if they belong to several spans.
const MANY: usize = 128;

/// The parcels under way.
#[derive(Debug)]
pub(super) struct Transit<P> {
    /// The parcels of all spans up to the one that was opened last, in order, and before them
    /// those that have arrived.
    open: Vec<Arrival<P>>,
    n_arrived: usize,
    /// The number of that span.
    opened: usize,
    /// Those of each later span; no spans at all, until there are many.
    spans: Vec<Vec<Arrival<P>>>,
    /// Which of them have any, a bit each.
    occupied: [u64; N_WORDS],
    /// The ranks of those of a span that is opened.
    ranks: Vec<u64>,
    /// Memory of spans that are over.
    spare: Vec<Vec<Arrival<P>>>,
    /// How many parcels later spans have.
    n_ahead: usize,
    /// The number of the next span that had any when the last was opened, and how many of its
    /// parcels have been told of.
    next: usize,
    n_told: usize,
}

impl<P: Copy> Arrival<P> {
    fn new(at: SimTime, waybill: Waybill, parcel: P) -> Self {
        Self { at, waybill: waybill.key(), parcel }
    }

    fn key(&self) -> u128 {
        key_of(self.at, self.waybill)
    }

    fn span(&self) -> usize {
        span_of(self.at)
    }

    /// What it is ordered by within its span, together with its place there: all but for numbers of
    /// one lane that meet.
    #[inline]
    fn rank(&self, place: usize) -> u64 {
        let micros = self.at.as_micros() % (1 << SPAN_BITS);
        micros << (64 - SPAN_BITS) | (self.waybill >> 32) << PLACE_BITS | place as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "splitting is the purpose")]
    const fn waybill(&self) -> Waybill {
        Waybill { lane: (self.waybill >> 32) as u32, number: self.waybill as u32 }
    }
}

impl<P: Copy> Transit<P> {
    pub(super) const fn new() -> Self {
        Self {
            open: Vec::new(),
            n_arrived: 0,
            opened: 0,
            spans: Vec::new(),
            occupied: [0; N_WORDS],
            ranks: Vec::new(),
            spare: Vec::new(),
            n_ahead: 0,
            next: 0,
            n_told: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.n_ahead + self.n_open()
    }

    /// How many parcels are in order.
    const fn n_open(&self) -> usize {
        self.open.len() - self.n_arrived
    }

    /// When the next parcel arrives; never, if none is under way.
    #[inline]
    pub(super) fn first_at(&mut self) -> SimTime {
        if self.n_open() == 0 && self.n_ahead != 0 {
            self.open_next();
        }
        self.open.get(self.n_arrived).map_or(SimTime::NEVER, |it| it.at)
    }

    /// Takes the parcel that arrives next, of which [`Transit::first_at`] has told.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Waybill, P)> {
        let arrival = *self.open.get(self.n_arrived)?;
        self.n_arrived += 1;
        if self.n_arrived == self.open.len() {
            self.open.clear();
            self.n_arrived = 0;
        }
        Some((arrival.waybill(), arrival.parcel))
    }

    /// A parcel of the next span, if one is known that has not been told of: a hint, for some.
    #[inline]
    pub(super) fn foretell(&mut self) -> Option<(Waybill, P)> {
        let arrival = self.spans.get(self.next % N_SPANS)?.get(self.n_told)?;
        self.n_told += 1;
        Some((arrival.waybill(), arrival.parcel))
    }

    /// Takes in a parcel.  Most come last of few: for these nothing is made that is not kept.
    #[expect(clippy::inline_always, reason = "of most runs, most is this")]
    #[inline(always)]
    pub(super) fn push(&mut self, at: SimTime, waybill: Waybill, parcel: P) {
        let (key, span) = (key_of(at, waybill.key()), span_of(at));
        let is_few = self.n_ahead == 0 && self.n_open() < FEW;
        if !is_few && self.opened < span {
            return self.put_ahead(at, waybill, parcel);
        }
        self.opened = self.opened.max(span);
        if self.open.len() == self.open.capacity() {
            self.forget_arrived();
        }
        if self.open.last().is_none_or(|it| it.key() < key) {
            self.open.push(Arrival::new(at, waybill, parcel));
        } else {
            self.put_before(at, waybill, parcel);
        }
    }

    #[inline(never)]
    fn forget_arrived(&mut self) {
        self.open.drain(..self.n_arrived);
        self.n_arrived = 0;
        self.open.reserve(FEW);
    }

    /// Puts an arrival in its place among the open ones, of which some come later.
    #[inline(never)]
    fn put_before(&mut self, at: SimTime, waybill: Waybill, parcel: P) {
        let arrival = Arrival::new(at, waybill, parcel);
        let open = &self.open[self.n_arrived..];
        let n_later = open.iter().rev().take_while(|it| arrival.key() < it.key()).count();
        self.open.insert(self.open.len() - n_later, arrival);
        let open = &self.open[self.n_arrived..];
        let first = open[0].span();
        if open.len() <= MANY || first == self.opened {
            return;
        }
        let n_first = open.partition_point(|it| it.span() == first);
        for later in self.open.split_off(self.n_arrived + n_first) {
            self.put_ahead(later.at, later.waybill(), later.parcel);
        }
        self.opened = first;
    }

    /// Puts an arrival to those of its span.
    #[inline(never)]
    fn put_ahead(&mut self, at: SimTime, waybill: Waybill, parcel: P) {
        let arrival = Arrival::new(at, waybill, parcel);
        if self.spans.is_empty() {
            self.spans.resize_with(N_SPANS, Vec::new);
        }
        let slot = arrival.span() % N_SPANS;
        let span = &mut self.spans[slot];
        if span.capacity() == 0 {
            *span = self.spare.pop().unwrap_or_default();
        }
        span.push(arrival);
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.n_ahead += 1;
    }

    /// Opens the next span that has parcels, or all of them if there are few again.
    #[inline(never)]
    fn open_next(&mut self) {
        if self.n_ahead <= FEW / 2 {
            self.open.extend(self.spans.iter_mut().flat_map(|it| it.drain(..)));
            self.open.sort_unstable_by_key(Arrival::key);
            self.opened = self.open.last().map(Arrival::span).expect("parcels are ahead");
            self.occupied = [0; N_WORDS];
            self.n_ahead = 0;
        } else {
            self.open_span(self.next_span());
        }
    }

    fn open_span(&mut self, number: usize) {
        let slot = number % N_SPANS;
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        let mut span = std::mem::take(&mut self.spans[slot]);
        self.n_ahead -= span.len();
        self.ranks.clear();
        for (place, arrival) in span.iter().enumerate() {
            if arrival.span() != number {
                self.put_ahead(arrival.at, arrival.waybill(), arrival.parcel);
            } else if place < N_PLACES {
                self.ranks.push(arrival.rank(place));
            } else {
                self.open.push(*arrival);
            }
        }
        self.ranks.sort_unstable();
        self.open.extend(self.ranks.iter().map(|it| span[place(*it)]));
        // Numbers of one lane may have met, or too many of all.
        if !self.open.is_sorted_by_key(Arrival::key) {
            self.open.sort_unstable_by_key(Arrival::key);
        }
        span.clear();
        self.spare.push(span);
        self.opened = number;
        self.n_told = 0;
        if self.n_ahead != 0 {
            self.next = self.next_occupied();
        }
    }

    /// The number of the next span that has parcels.
    fn next_span(&self) -> usize {
        let span = self.next_occupied();
        let of_all = || self.spans.iter().flatten().map(Arrival::span);
        if self.spans[span % N_SPANS].iter().any(|it| it.span() == span) {
            span
        } else {
            // What is there is further ahead than all spans reach.
            of_all().min().expect("parcels are ahead")
        }
    }

    /// The number of the next span for which there may be parcels.
    fn next_occupied(&self) -> usize {
        let first = self.opened + 1;
        let mut word = first / 64;
        let mut bits = self.occupied[word % N_WORDS] & (u64::MAX << (first % 64));
        while bits == 0 {
            word += 1;
            bits = self.occupied[word % N_WORDS];
        }
        64 * word + bits.trailing_zeros() as usize
    }
}

/// What parcels are ordered by: instant, lane and number in one word, for one comparison.
#[inline]
fn key_of(at: SimTime, waybill: u64) -> u128 {
    u128::from(at.as_micros()) << 64 | u128::from(waybill)
}

/// The number of the span in which an instant is.
#[inline]
fn span_of(at: SimTime) -> usize {
    usize::try_from(at.as_micros() >> SPAN_BITS).expect("runs are limited")
}

/// The place that is part of a rank.
#[expect(clippy::cast_possible_truncation, reason = "only its lowest bits are kept")]
const fn place(rank: u64) -> usize {
    rank as usize % N_PLACES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Parcels come in order of arrival, lane and number, wherever they were kept and in which
        /// order they were sent.
        #[test]
        fn parcels_come_in_order(
            sent in prop::collection::vec((0..5_u32, 0..7_u32, 0..3_u64, 0..40_u32), 1..600),
            n_slow in 0..600_usize,
        ) {
            let (mut transit, mut plain) = (Transit::new(), std::collections::BTreeMap::new());
            let (mut now, mut n_sent) = (0, 0_u32);
            for (place, (n_taken, scale, delay, lane)) in sent.into_iter().enumerate() {
                // At first more are sent than taken, then they grow few.
                let n_taken = if place < n_slow { n_taken / 3 } else { n_taken };
                // Delays from none to minutes, in few steps, so that instants meet.
                let at = now + delay * 10_u64.pow(scale) * 60;
                n_sent += 1;
                // Every other one has a higher number than all that follow.
                let number = if n_sent % 2 == 0 { n_sent } else { u32::MAX - n_sent };
                let waybill = Waybill { lane, number };
                transit.push(SimTime::from_micros(at), waybill, number);
                plain.insert((at, lane, number), number);
                for _ in 0..n_taken {
                    let first = plain.pop_first();
                    let first_at = first.map_or(SimTime::NEVER, |it| SimTime::from_micros(it.0.0));
                    prop_assert_eq!(transit.first_at(), first_at);
                    let expected = first.map(|((_, lane, number), parcel)| {
                        (Waybill { lane, number }, parcel)
                    });
                    prop_assert_eq!(transit.pop(), expected);
                    now = first.map_or(now, |it| it.0.0);
                }
                prop_assert_eq!(transit.len(), plain.len());
            }
        }
    }

    /// Parcels are told of before they arrive, each once.
    #[test]
    fn parcels_are_foretold_once() {
        let mut transit = Transit::new();
        let at = |number: u32| SimTime::from_micros(u64::from(number) * 10);
        for number in 0..1000 {
            transit.push(at(number), Waybill { lane: 1, number }, number);
        }
        let (mut n_foretold, mut foretold) = (0, vec![false; 1000]);
        for number in 0..1000 {
            for _ in 0..2 {
                if let Some((waybill, parcel)) = transit.foretell() {
                    assert!(number < parcel, "{parcel} is foretold when {number} is next");
                    assert_eq!(waybill, Waybill { lane: 1, number: parcel });
                    assert!(!std::mem::replace(&mut foretold[parcel as usize], true), "{parcel}");
                    n_foretold += 1;
                }
            }
            assert_eq!(transit.first_at(), at(number));
            assert_eq!(transit.pop(), Some((Waybill { lane: 1, number }, number)));
        }
        // Not the first, which stood in order from the beginning, nor the last few.
        assert!(700 < n_foretold, "{n_foretold}");
    }

    /// Many parcels before one that was opened early are still in order.
    #[test]
    fn who_comes_late_to_an_open_span_is_in_order() {
        let at = |micros| SimTime::from_micros(micros);
        let mut transit = Transit::new();
        transit.push(at(400_000), Waybill { lane: 0, number: 0 }, 0);
        assert_eq!(transit.first_at(), at(400_000));
        for number in (1..200).rev() {
            transit.push(at(2 * u64::from(number)), Waybill { lane: 0, number }, number);
        }
        for number in 1..200 {
            assert_eq!(transit.first_at(), at(2 * u64::from(number)));
            assert_eq!(transit.pop(), Some((Waybill { lane: 0, number }, number)));
        }
        assert_eq!((transit.len(), transit.first_at()), (1, at(400_000)));
        assert_eq!(transit.pop(), Some((Waybill { lane: 0, number: 0 }, 0)));
        assert_eq!((transit.len(), transit.first_at()), (0, SimTime::NEVER));
    }
}
