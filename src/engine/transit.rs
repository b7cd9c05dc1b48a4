//! What is under way: parcels in order of their arrival.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::Waybill;
use crate::time::SimTime;

/// When a parcel arrives and where it is kept meanwhile: what the heap moves about is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    at: SimTime,
    /// The key of its waybill.
    waybill: u64,
    place: u32,
}

/// The parcels under way.
#[derive(Debug)]
pub(super) struct Transit<P> {
    arrivals: BinaryHeap<Reverse<Arrival>>,
    parcels: Vec<P>,
    /// Places in `parcels` that hold nothing any more.
    free: Vec<u32>,
}

impl<P: Copy> Transit<P> {
    pub(super) const fn new() -> Self {
        Self { arrivals: BinaryHeap::new(), parcels: Vec::new(), free: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// When the next parcel arrives; never, if none is under way.
    #[inline]
    pub(super) fn first_at(&self) -> SimTime {
        self.arrivals.peek().map_or(SimTime::NEVER, |it| it.0.at)
    }

    #[inline]
    pub(super) fn push(&mut self, at: SimTime, waybill: Waybill, parcel: P) {
        let place = if let Some(place) = self.free.pop() {
            self.parcels[place as usize] = parcel;
            place
        } else {
            self.parcels.push(parcel);
            u32::try_from(self.parcels.len() - 1).expect("fewer than 2^32 parcels are under way")
        };
        let waybill = waybill.key();
        self.arrivals.push(Reverse(Arrival { at, waybill, place }));
    }

    /// Takes the parcel that arrives next.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Waybill, P)> {
        let Reverse(Arrival { waybill, place, .. }) = self.arrivals.pop()?;
        self.free.push(place);
        #[expect(clippy::cast_possible_truncation, reason = "splitting is the purpose")]
        let waybill = Waybill { lane: (waybill >> 32) as u32, number: waybill as u32 };
        Some((waybill, self.parcels[place as usize]))
    }
}
