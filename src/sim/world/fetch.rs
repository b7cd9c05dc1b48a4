//! Asking for memory before it is needed, in cells that are larger than what the machine has near by.
//!
//! It changes no result: the machine only waits less.

use std::slice::from_ref;

use prefetch_index::prefetch_index;

use super::{World, mail::Parcel, session::LANES};
use crate::{
    id::{ClientId, Id, SessionId},
    link::Direction,
    observe::Observer,
};

/// The memory for a turn in the row is asked for so many turns before.
const N_AHEAD: usize = 16;
/// So few are near by at any time.
const N_NEAR: usize = 2048;

impl<O: Observer> World<'_, O> {
    /// Asks for the memory that a turn in the row needs, long before: else each waited for its own.
    #[inline]
    pub(super) fn fetch_for_turns(&self) {
        if !self.is_large() {
            return;
        }
        let in_row = |place| {
            let slot = self.agenda.in_row(place);
            slot.map(|it| SessionId::from_index(it - self.cell.rooms.len()))
        };
        if let Some(id) = in_row(N_AHEAD) {
            self.fetch_heart(id, Direction::Up);
        }
        if let Some(id) = in_row(N_AHEAD / 2)
            && self.hearts[id].pulse.is_some_and(|it| it.alarm_at() <= it.beat_at())
        {
            self.fetch_session(id);
        }
    }

    /// The same for parcels that arrive before long: for more than one, each time that one arrives.
    #[inline]
    pub(super) fn fetch_for_arrivals(&mut self) {
        if !self.is_large() {
            return;
        }
        for _ in 0..2 {
            let Some((waybill, parcel)) = self.agenda.foretell() else { return };
            let id = SessionId::from_index(waybill.lane as usize / LANES);
            self.fetch_for(id, parcel);
        }
    }

    /// The same for a parcel that is handled before long.
    #[inline]
    pub(super) fn fetch_for(&self, id: SessionId, parcel: Parcel) {
        if !self.is_large() {
            return;
        }
        match parcel {
            _ if self.hearts.is_empty() => self.fetch_session(id),
            // The answer goes down.
            Parcel::Heartbeat(_) | Parcel::Probe(_) => self.fetch_heart(id, Direction::Down),
            Parcel::HeartbeatAck(_) => self.fetch_pulse(id),
            Parcel::Other(_) => self.fetch_session(id),
        }
    }

    /// Asks for all that a deadline needs at once: else each part waited for the one before.
    #[inline]
    pub(super) fn fetch_all(&self, id: SessionId) {
        if self.is_large() {
            self.fetch_session(id);
        }
    }

    /// Whether what is needed next may be far away.
    fn is_large(&self) -> bool {
        N_NEAR <= self.sessions.len()
    }

    fn fetch_pulse(&self, id: SessionId) {
        if let Some(heart) = self.hearts.get(id) {
            prefetch_index(from_ref(&heart.pulse), 0);
        }
    }

    fn fetch_heart(&self, id: SessionId, direction: Direction) {
        if let Some(heart) = self.hearts.get(id) {
            prefetch_index(from_ref(&heart.pulse), 0);
            heart.ways.fetch(direction);
        }
    }

    fn fetch_session(&self, id: SessionId) {
        let session = &self.sessions[id];
        prefetch_index(from_ref(&session.device), 0);
        prefetch_index(from_ref(&session.client), 0);
        prefetch_index(from_ref(&session.client.wishes), 0);
        prefetch_index(from_ref(&session.client.state), 0);
        prefetch_index(from_ref(&session.prospect), 0);
        prefetch_index(from_ref(&session.flow), 0);
        self.server.fetch(id);
        // Unless a client is in several rooms, it has the number of its session.
        if let Some(device) = self.devices.get(ClientId::from_index(id.index())) {
            prefetch_index(from_ref(device), 0);
        }
    }
}
