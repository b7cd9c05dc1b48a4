//! What is in flight: parcels in order of their arrival, in a calendar queue.
//!
//! While few are in flight they stand in one sorted list.  Of many, only the next are sorted: time
//! is cut into buckets, and a parcel waits in the bucket of its arrival, in no order, until that
//! bucket is opened.  What arrives beyond the reach of one wheel of buckets waits in those of a
//! coarser one, and moves to the finer when its time has come near: twice at most, however far
//! ahead it was (ADR 12).

mod wheel;

use super::Waybill;
use crate::time::SimTime;
use wheel::Wheel;

/// A parcel and when it arrives.
#[derive(Clone, Copy, Debug)]
struct Arrival<P> {
    at: SimTime,
    /// The key of its waybill.
    waybill: u64,
    parcel: P,
}

/// The length of a bucket of the finest wheel, about half a millisecond, in bits of microseconds.
const FINE_BITS: u32 = 9;
/// The length of a bucket of the middle wheel, half a second: all that the finest wheel reaches.
const MIDDLE_BITS: u32 = 19;
/// The length of a bucket of the coarsest wheel, nine minutes: all that the middle wheel reaches.
const COARSE_BITS: u32 = 29;
const N_FINE: usize = 1 << (MIDDLE_BITS - FINE_BITS);
const N_MIDDLE: usize = 1 << (COARSE_BITS - MIDDLE_BITS);
/// Enough for the latest instant that there is.
const N_COARSE: usize = 1 << (40 - COARSE_BITS);
const _: () = assert!(super::TIME_MAX.as_micros() < 1 << 40, "the coarsest wheel ends there");

/// What is left for a parcel's place in a bucket of two to the `bits` microseconds, of a word that
/// has its instant and its lane, too.
const fn place_bits(bits: u32) -> u32 {
    64 - bits - 32
}

/// So few parcels are all in order; half as many, after there were more.
const FEW: usize = 64;
/// So many are not, if they belong to several buckets.
const MANY: usize = 128;
/// So many others arrive before one that is told of, at least.
const N_BEFORE: usize = 6;

/// The parcels in flight.
///
/// A bucket is named by its number in time, of the finest wheel where nothing else is said.
#[derive(Debug)]
pub(super) struct CalendarQueue<P> {
    /// The parcels of all buckets up to the one that was opened last, in order, and before them
    /// those that have arrived.
    open: Vec<Arrival<P>>,
    n_arrived: usize,
    /// The number of that bucket.
    opened: usize,
    /// Those of the buckets that come next.
    fine: Wheel<P, FINE_BITS, N_FINE>,
    /// Those beyond the finest wheel's reach.
    middle: Wheel<P, MIDDLE_BITS, N_MIDDLE>,
    /// Those beyond the middle wheel's reach.
    coarse: Wheel<P, COARSE_BITS, N_COARSE>,
    /// How many parcels the three have, and how many of them the two coarser ones.
    n_ahead: usize,
    n_far: usize,
    /// When the first parcel arrives of those in the two coarser wheels.
    far_first_at: SimTime,
    /// The ranks of those of a bucket that is opened.
    ranks: Vec<u64>,
    /// The number of the next bucket that had any when the last was opened; nothing, if that was a
    /// long one, which has what comes next itself.
    next: Option<usize>,
    /// Up to which place parcels have been told of there.
    n_told: usize,
}

impl<P: Copy> Arrival<P> {
    fn new(at: SimTime, waybill: Waybill, parcel: P) -> Self {
        Self { at, waybill: waybill.key(), parcel }
    }

    fn key(&self) -> u128 {
        key_of(self.at, self.waybill)
    }

    fn bucket(&self) -> usize {
        number::<FINE_BITS>(self.at)
    }

    /// What it is ordered by within its bucket, together with its place there: all but for numbers
    /// of one lane that meet.
    #[inline]
    fn rank<const BITS: u32>(&self, place: usize) -> u64 {
        let micros = self.at.as_micros() % (1 << BITS);
        micros << (64 - BITS) | (self.waybill >> 32) << place_bits(BITS) | place as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "splitting is the purpose")]
    const fn waybill(&self) -> Waybill {
        Waybill { lane: (self.waybill >> 32) as u32, number: self.waybill as u32 }
    }
}

impl<P: Copy> CalendarQueue<P> {
    pub(super) const fn new() -> Self {
        Self {
            open: Vec::new(),
            n_arrived: 0,
            opened: 0,
            fine: Wheel::new(),
            middle: Wheel::new(),
            coarse: Wheel::new(),
            n_ahead: 0,
            n_far: 0,
            far_first_at: SimTime::NEVER,
            ranks: Vec::new(),
            next: Some(0),
            n_told: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.n_open() + self.n_ahead
    }

    /// How many parcels are in order.
    const fn n_open(&self) -> usize {
        self.open.len() - self.n_arrived
    }

    /// When the next parcel arrives; never, if none is in flight.
    ///
    /// No bucket beyond the finest wheel's reach is opened for that: much may be sent before.
    #[inline]
    pub(super) fn first_at(&mut self) -> SimTime {
        match self.open.get(self.n_arrived) {
            Some(it) => it.at,
            None => self.first_ahead_at(),
        }
    }

    #[inline(never)]
    fn first_ahead_at(&mut self) -> SimTime {
        if self.n_ahead != self.n_far {
            self.open_next();
        }
        self.open.get(self.n_arrived).map_or(self.far_first_at, |it| it.at)
    }

    /// Takes the parcel that arrives next, of which [`CalendarQueue::first_at`] has told.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Waybill, P)> {
        let arrival = match self.open.get(self.n_arrived) {
            Some(it) => *it,
            None => self.open_far()?,
        };
        self.n_arrived += 1;
        if self.n_arrived == self.open.len() {
            self.open.clear();
            self.n_arrived = 0;
        }
        Some((arrival.waybill(), arrival.parcel))
    }

    /// The parcel that arrives next, where none is open.
    #[cold]
    fn open_far(&mut self) -> Option<Arrival<P>> {
        if self.n_far != 0 {
            self.open_next();
        }
        self.open.get(self.n_arrived).copied()
    }

    /// A parcel that arrives before long, if one is known that has not been told of: a hint, for some.
    #[inline]
    pub(super) fn foretell(&mut self) -> Option<(Waybill, P)> {
        let arrival = if let Some(next) = self.next {
            self.fine.get(next, self.n_told)?
        } else {
            self.n_told = self.n_told.max(self.n_arrived + N_BEFORE);
            self.open.get(self.n_told)?
        };
        self.n_told += 1;
        Some((arrival.waybill(), arrival.parcel))
    }

    /// Takes in a parcel.  Most come last of few: for these nothing is made that is not kept.
    #[expect(clippy::inline_always, reason = "of most runs, most is this")]
    #[inline(always)]
    pub(super) fn push(&mut self, at: SimTime, waybill: Waybill, parcel: P) {
        let (key, bucket) = (key_of(at, waybill.key()), number::<FINE_BITS>(at));
        let is_few = self.n_ahead == 0 && self.n_open() < FEW;
        if !is_few && self.opened < bucket {
            return self.put_ahead(at, waybill, parcel);
        }
        self.opened = self.opened.max(bucket);
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
        self.n_told = self.n_told.saturating_sub(self.n_arrived);
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
        let first = open[0].bucket();
        if open.len() <= MANY || first == self.opened {
            return;
        }
        let n_first = open.partition_point(|it| it.bucket() == first);
        self.opened = first;
        for later in self.open.split_off(self.n_arrived + n_first) {
            self.file(later);
        }
        self.look_ahead();
    }

    /// What comes next is in the bucket after the one that is open.
    fn look_ahead(&mut self) {
        (self.next, self.n_told) = (Some(self.fine.next_after(self.opened).unwrap_or(0)), 0);
    }

    #[inline(never)]
    fn put_ahead(&mut self, at: SimTime, waybill: Waybill, parcel: P) {
        self.file(Arrival::new(at, waybill, parcel));
    }

    /// Puts an arrival to those of its bucket, in the finest wheel that reaches so far.
    #[inline]
    fn file(&mut self, arrival: Arrival<P>) {
        self.n_ahead += 1;
        if arrival.bucket() - self.opened <= N_FINE {
            self.fine.put(arrival);
        } else {
            self.file_far(arrival);
        }
    }

    #[inline(never)]
    fn file_far(&mut self, arrival: Arrival<P>) {
        self.n_far += 1;
        self.far_first_at = self.far_first_at.min(arrival.at);
        if arrival.bucket() / N_FINE - self.opened / N_FINE <= N_MIDDLE {
            self.middle.put(arrival);
        } else {
            self.coarse.put(arrival);
        }
    }

    /// Opens the next bucket that has parcels, or all of them if there are few again.
    #[inline(never)]
    fn open_next(&mut self) {
        if self.n_ahead <= FEW / 2 {
            return self.open_all();
        }
        while self.n_open() == 0 {
            let next = self.fine.next_after(self.opened);
            let far_first = number::<FINE_BITS>(self.far_first_at);
            match next {
                Some(next) if self.n_far == 0 || next < far_first => self.open_bucket(next),
                Some(_) | None => self.bring_nearer(far_first),
            }
        }
    }

    fn open_all(&mut self) {
        self.fine.drain_into(&mut self.open);
        self.middle.drain_into(&mut self.open);
        self.coarse.drain_into(&mut self.open);
        (self.n_ahead, self.n_far, self.far_first_at) = (0, 0, SimTime::NEVER);
        self.open.sort_unstable_by_key(Arrival::key);
        self.opened = self.open.last().map(Arrival::bucket).expect("parcels are ahead");
    }

    /// Moves to the finer wheels what is in those buckets of the coarser ones that have the first
    /// parcel, which is in this bucket.
    #[inline(never)]
    fn bring_nearer(&mut self, far_first: usize) {
        // Nothing arrives before that, so the finest wheel can begin there.
        self.opened = self.opened.max(far_first - far_first % N_FINE - 1);
        let coarse = self.coarse.take(far_first / N_FINE / N_MIDDLE);
        self.leave_far(coarse.len());
        for arrival in &coarse {
            self.file(*arrival);
        }
        self.coarse.put_aside(coarse);
        let number = far_first / N_FINE;
        let middle = self.middle.take(number);
        self.leave_far(middle.len());
        // A bucket in which parcels are few for each of the finest wheel is put in order as a whole.
        if middle.len() <= N_FINE && self.n_ahead == self.n_far {
            self.opened = number * N_FINE + N_FINE - 1;
            (self.next, self.n_told) = (None, 0);
            self.put_in_order::<MIDDLE_BITS>(&middle, number);
        } else {
            for arrival in &middle {
                self.file(*arrival);
            }
        }
        self.middle.put_aside(middle);
        let first_at = self.middle.first_at(number);
        self.far_first_at = first_at.min(self.coarse.first_at(number / N_MIDDLE));
    }

    /// So many parcels are taken out of the coarser wheels.
    const fn leave_far(&mut self, n: usize) {
        self.n_ahead -= n;
        self.n_far -= n;
    }

    fn open_bucket(&mut self, number: usize) {
        self.opened = number;
        let bucket = self.fine.take(number);
        self.n_ahead -= bucket.len();
        self.put_in_order::<FINE_BITS>(&bucket, number);
        self.fine.put_aside(bucket);
        self.look_ahead();
    }

    /// Opens a bucket of this length and number: what is there for a later turn of its wheel is filed
    /// anew.
    fn put_in_order<const BITS: u32>(&mut self, bucket: &[Arrival<P>], number: usize) {
        let n_places = 1 << place_bits(BITS);
        self.ranks.clear();
        for (place, arrival) in bucket.iter().enumerate() {
            if self::number::<BITS>(arrival.at) != number {
                self.file(*arrival);
            } else if place < n_places {
                self.ranks.push(arrival.rank::<BITS>(place));
            } else {
                self.open.push(*arrival);
            }
        }
        self.ranks.sort_unstable();
        self.open.extend(self.ranks.iter().map(|it| bucket[place::<BITS>(*it)]));
        // Numbers of one lane may have met, or too many of all.
        if !self.open.is_sorted_by_key(Arrival::key) {
            self.open.sort_unstable_by_key(Arrival::key);
        }
    }
}

/// What parcels are ordered by: instant, lane and number in one word, for one comparison.
#[inline]
fn key_of(at: SimTime, waybill: u64) -> u128 {
    u128::from(at.as_micros()) << 64 | u128::from(waybill)
}

/// The number of the bucket in which an instant is, where buckets last for two to the `BITS`
/// microseconds.
#[inline]
fn number<const BITS: u32>(at: SimTime) -> usize {
    usize::try_from(at.as_micros() >> BITS).expect("runs are limited")
}

/// The place that is part of a rank.
#[expect(clippy::cast_possible_truncation, reason = "only its lowest bits are kept")]
const fn place<const BITS: u32>(rank: u64) -> usize {
    rank as usize % (1 << place_bits(BITS))
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
            sent in prop::collection::vec((0..5_u32, 0..9_u32, 0..7_u64, 0..40_u32), 1..900),
            n_slow in 0..900_usize,
            n_near in 0..900_usize,
        ) {
            let (mut queue, mut plain) = (CalendarQueue::new(), std::collections::BTreeMap::new());
            let (mut now, mut n_sent) = (0, 0_u32);
            for (place, (n_taken, scale, delay, lane)) in sent.into_iter().enumerate() {
                // At first more are sent than taken, then they grow few.
                let n_taken = if place < n_slow { n_taken / 3 } else { n_taken };
                // Delays from none to days, in few steps, so that instants meet; of one stretch of
                // the test, all less than a second.
                let scale = if place.abs_diff(n_near) < 200 { scale.min(3) } else { scale };
                let at = now + delay * 10_u64.pow(scale) * 60;
                n_sent += 1;
                // Every other one has a higher number than all that follow.
                let number = if n_sent % 2 == 0 { n_sent } else { u32::MAX - n_sent };
                let waybill = Waybill { lane, number };
                queue.push(SimTime::from_micros(at), waybill, number);
                plain.insert((at, lane, number), number);
                for _ in 0..n_taken {
                    let first = plain.pop_first();
                    let first_at = first.map_or(SimTime::NEVER, |it| SimTime::from_micros(it.0.0));
                    prop_assert_eq!(queue.first_at(), first_at);
                    let expected = first.map(|((_, lane, number), parcel)| {
                        (Waybill { lane, number }, parcel)
                    });
                    prop_assert_eq!(queue.pop(), expected);
                    now = first.map_or(now, |it| it.0.0);
                }
                prop_assert_eq!(queue.len(), plain.len());
                if lane % 2 == 0 {
                    let first_at = plain.first_key_value().map(|it| it.0.0);
                    let first_at = first_at.map_or(SimTime::NEVER, SimTime::from_micros);
                    prop_assert_eq!(queue.first_at(), first_at);
                }
            }
        }
    }

    /// What is far ahead is moved a few times only, however long much else goes on before.
    #[test]
    fn what_is_far_ahead_is_left_alone() {
        let mut queue = CalendarQueue::new();
        let mut number = 0..;
        let mut push = |queue: &mut CalendarQueue<()>, at: u64| {
            let number = number.next().expect("there are enough");
            queue.push(SimTime::from_micros(at), Waybill { lane: 0, number }, ());
        };
        // 1000 near, 100 ms ahead, for 20 s; 1000 are one minute ahead, 1000 a day.
        for at in 0..1000 {
            push(&mut queue, 100 * at);
            push(&mut queue, 60_000_000 + at);
            push(&mut queue, 86_400_000_000 + at);
        }
        for _ in 0..200_000 {
            let at = queue.first_at().as_micros();
            assert!(at < 60_000_000, "{at} comes before what is near");
            queue.pop().expect("one is in flight");
            push(&mut queue, at + 100_000);
            assert_eq!(queue.n_far, 2000, "at {at}");
        }
    }

    /// Parcels are told of before they arrive, each once.
    #[test]
    fn parcels_are_foretold_once() {
        let mut queue = CalendarQueue::new();
        let at = |number: u32| SimTime::from_micros(u64::from(number) * 10);
        for number in 0..1000 {
            queue.push(at(number), Waybill { lane: 1, number }, number);
        }
        let (mut n_foretold, mut foretold) = (0, vec![false; 1000]);
        for number in 0..1000 {
            for _ in 0..2 {
                if let Some((waybill, parcel)) = queue.foretell() {
                    assert!(number < parcel, "{parcel} is foretold when {number} is next");
                    assert_eq!(waybill, Waybill { lane: 1, number: parcel });
                    assert!(!std::mem::replace(&mut foretold[parcel as usize], true), "{parcel}");
                    n_foretold += 1;
                }
            }
            assert_eq!(queue.first_at(), at(number));
            assert_eq!(queue.pop(), Some((Waybill { lane: 1, number }, number)));
        }
        // Not the first, which stood in order from the beginning, nor the last few.
        assert!(700 < n_foretold, "{n_foretold}");
    }

    /// Many parcels before one that was opened early are still in order.
    #[test]
    fn who_comes_late_to_an_open_span_is_in_order() {
        let at = |micros| SimTime::from_micros(micros);
        let mut queue = CalendarQueue::new();
        queue.push(at(400_000), Waybill { lane: 0, number: 0 }, 0);
        assert_eq!(queue.first_at(), at(400_000));
        for number in (1..200).rev() {
            queue.push(at(2 * u64::from(number)), Waybill { lane: 0, number }, number);
        }
        for number in 1..200 {
            assert_eq!(queue.first_at(), at(2 * u64::from(number)));
            assert_eq!(queue.pop(), Some((Waybill { lane: 0, number }, number)));
        }
        assert_eq!((queue.len(), queue.first_at()), (1, at(400_000)));
        assert_eq!(queue.pop(), Some((Waybill { lane: 0, number: 0 }, 0)));
        assert_eq!((queue.len(), queue.first_at()), (0, SimTime::NEVER));
    }
}
