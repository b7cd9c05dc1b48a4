//! The order of events in one cell: what happens next, and when.
//!
//! Generic: it holds parcels and deadlines and knows neither rooms nor clients nor links.
//! Ties are decided by a canonical key, never by the order of insertion: at one instant come first
//! the script, then the parcels that arrive, by (lane, number), then what has been worked on, then
//! the deadlines, by slot, those in the row last of the same slot.
#![deny(clippy::float_arithmetic)]

mod calendar;
mod row;
mod tournament;
mod word;

use crate::time::SimTime;
use calendar::CalendarQueue;
use row::Row;
use tournament::Tournament;
use word::Word;

/// The most deadline slots that one cell can have.
pub const SLOTS_MAX: usize = word::SLOTS_MAX;
/// The latest instant that a run can reach.
pub const TIME_MAX: SimTime = word::TIME_MAX;

/// Names one parcel under way: its lane and its number on that lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waybill {
    /// What the parcel travels on.
    pub lane: u32,
    /// Its number there; no two parcels of a lane share one.
    pub number: u32,
}

impl Waybill {
    /// Lane and number in one word, so that comparing them is one comparison.
    #[inline]
    pub fn key(self) -> u64 {
        u64::from(self.lane) << 32 | u64::from(self.number)
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<P> {
    /// The script's next entry is due.
    Script,
    /// A parcel arrives.
    Arrival(Waybill, P),
    /// Some work is done, of which whoever has it knows.
    WorkEnds,
    /// The deadline of a slot is due.  Handling it must move the slot's deadline.
    Deadline(usize),
    /// The deadline of a slot in the row is due, and no longer in the row.
    InRow(usize),
    /// Nothing more happens before the end.
    End,
}

/// The agenda of one cell.
///
/// A deadline is a value in a slot: it may move at any time and nothing is ever cancelled.
/// Parcels wait in order, or in short spans of time while many are under way.
/// Deadlines that are set in order may stand in a row, besides; a slot may stand there more than
/// once, and what stands there cannot be moved: whoever is called says whether it is still due.
#[derive(Debug)]
pub struct Agenda<P> {
    now: SimTime,
    end: SimTime,
    under_way: CalendarQueue<P>,
    deadlines: Tournament,
    row: Row,
}

impl<P: Copy> Agenda<P> {
    /// An agenda at time zero with `n_slots` deadlines; what is due after `end` never happens.
    pub fn new(n_slots: usize, end: SimTime) -> Self {
        assert!(end <= TIME_MAX, "the end {end} is beyond {TIME_MAX}");
        Self {
            now: SimTime::ZERO,
            end,
            under_way: CalendarQueue::new(),
            deadlines: Tournament::new(n_slots),
            row: Row::default(),
        }
    }

    /// The present instant.
    pub const fn now(&self) -> SimTime {
        self.now
    }

    /// How many parcels are under way.
    pub fn n_under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Sends a parcel that arrives at `at`.
    #[expect(clippy::inline_always, reason = "of most runs, most is this")]
    #[inline(always)]
    pub fn send(&mut self, at: SimTime, waybill: Waybill, parcel: P) {
        assert!(self.now <= at, "{waybill:?} would arrive at {at}, before now, {}", self.now);
        self.under_way.push(at, waybill, parcel);
    }

    /// Sets the deadline of `slot`; one beyond the end is as good as none.
    #[inline]
    pub fn set_deadline(&mut self, slot: usize, at: SimTime) {
        self.deadlines.set(slot, if self.end < at { SimTime::NEVER } else { at });
    }

    /// Sets the deadline of `slot`, unless it has an earlier one.
    #[inline]
    pub fn set_earlier_deadline(&mut self, slot: usize, at: SimTime) {
        if at <= self.end {
            self.deadlines.set_earlier(slot, at);
        }
    }

    /// Puts a deadline of `slot` into the row, if it is later than all that stand there; whether it
    /// is.  One beyond the end is as good as there.
    #[inline]
    pub fn line_up(&mut self, slot: usize, at: SimTime) -> bool {
        self.end < at || self.row.push(Word::of(slot, at))
    }

    /// The slot that stands in the row after so many others.
    #[inline]
    pub fn in_row(&self, place: usize) -> Option<usize> {
        self.row.slot(place)
    }

    /// A parcel that arrives before long, if one is known that has not been told of.
    #[inline]
    pub fn foretell(&mut self) -> Option<(Waybill, P)> {
        self.under_way.foretell()
    }

    /// Moves to whatever happens next, given when the script's next entry is due, and when the next
    /// work is done.
    #[expect(clippy::inline_always, reason = "it is called once, for every event")]
    #[inline(always)]
    pub fn next(&mut self, script_at: SimTime, work_ends_at: SimTime) -> Next<P> {
        let arrival_at = self.under_way.first_at();
        let (set, in_row) = (self.deadlines.first(), self.row.first());
        let at = script_at.min(arrival_at).min(work_ends_at).min(set.min(in_row).at());
        if self.end < at {
            return Next::End;
        }
        assert!(self.now <= at, "time fell from {} to {at}", self.now);
        self.now = at;
        if script_at == at {
            return Next::Script;
        }
        if arrival_at == at {
            let (waybill, parcel) = self.under_way.pop().expect("it was seen above");
            return Next::Arrival(waybill, parcel);
        }
        if work_ends_at == at {
            return Next::WorkEnds;
        }
        if set <= in_row {
            return Next::Deadline(set.slot());
        }
        self.row.pop();
        Next::InRow(in_row.slot())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> SimTime {
        SimTime::from_micros(micros)
    }

    fn waybill(lane: u32, number: u32) -> Waybill {
        Waybill { lane, number }
    }

    /// What is next, where there is neither a script nor work.
    fn next<P: Copy>(agenda: &mut Agenda<P>) -> Next<P> {
        agenda.next(SimTime::NEVER, SimTime::NEVER)
    }

    #[test]
    fn one_instant_goes_script_then_arrivals_then_work_then_deadlines() {
        // The reverse of the expected order of insertion.
        let mut agenda = Agenda::new(3, at(100));
        agenda.set_deadline(2, at(5));
        agenda.set_deadline(0, at(5));
        agenda.send(at(5), waybill(1, 0), 'd');
        agenda.send(at(5), waybill(0, 9), 'c');
        agenda.send(at(5), waybill(0, 2), 'b');
        assert_eq!(agenda.next(at(5), at(5)), Next::Script);
        assert_eq!(next(&mut agenda), Next::Arrival(waybill(0, 2), 'b'));
        assert_eq!(next(&mut agenda), Next::Arrival(waybill(0, 9), 'c'));
        assert_eq!(agenda.next(SimTime::NEVER, at(5)), Next::Arrival(waybill(1, 0), 'd'));
        assert_eq!(agenda.next(SimTime::NEVER, at(5)), Next::WorkEnds);
        assert_eq!(next(&mut agenda), Next::Deadline(0));
        agenda.set_deadline(0, SimTime::NEVER);
        assert_eq!(next(&mut agenda), Next::Deadline(2));
        agenda.set_deadline(2, at(101));
        assert_eq!(next(&mut agenda), Next::End);
        assert_eq!(agenda.now(), at(5));
    }

    #[test]
    fn the_row_is_one_with_the_deadlines_and_last_of_a_slot() {
        let mut agenda = Agenda::<()>::new(3, at(10));
        assert!(agenda.line_up(1, at(5)));
        assert!(!agenda.line_up(0, at(5)), "of one instant, the lower slot is earlier");
        assert!(agenda.line_up(2, at(5)));
        assert!(agenda.line_up(2, at(7)));
        assert!(!agenda.line_up(0, at(6)), "it would not be the last");
        assert!(agenda.line_up(0, at(11)), "beyond the end");
        assert_eq!(
            (agenda.in_row(0), agenda.in_row(2), agenda.in_row(3)),
            (Some(1), Some(2), None)
        );
        agenda.set_deadline(1, at(5));
        agenda.set_deadline(0, at(9));
        agenda.set_earlier_deadline(0, at(10));
        agenda.set_earlier_deadline(0, at(6));
        assert_eq!(next(&mut agenda), Next::Deadline(1));
        agenda.set_deadline(1, SimTime::NEVER);
        for (slot, second) in [(1, 5), (2, 5)] {
            assert_eq!(next(&mut agenda), Next::InRow(slot));
            assert_eq!(agenda.now(), at(second));
        }
        assert_eq!(next(&mut agenda), Next::Deadline(0));
        assert_eq!(agenda.now(), at(6));
        agenda.set_deadline(0, SimTime::NEVER);
        assert_eq!(next(&mut agenda), Next::InRow(2));
        assert_eq!(next(&mut agenda), Next::End);
    }

    #[test]
    fn the_end_itself_still_happens() {
        let mut agenda = Agenda::<()>::new(1, at(10));
        agenda.set_deadline(0, at(10));
        assert_eq!(next(&mut agenda), Next::Deadline(0));
        agenda.set_deadline(0, at(11));
        assert_eq!(agenda.next(at(11), at(11)), Next::End);
    }

    #[test]
    fn what_is_beyond_the_end_stays_under_way() {
        let mut agenda = Agenda::new(1, at(10));
        agenda.send(at(11), waybill(0, 0), ());
        assert_eq!(next(&mut agenda), Next::End);
        assert_eq!(agenda.n_under_way(), 1);
    }
}
