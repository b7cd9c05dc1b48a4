//! A number that says whether two runs told the same, without keeping what they told.
//!
//! Every callback gives a hash of its time, its client, its place among the client's callbacks and
//! all that it tells; the fingerprint is their sum.  So it depends neither on the order of cells nor
//! on who heard which.

use std::fmt;

use crate::{
    id::{Id, RoomId},
    observe::{Callback, Observer, Seat, Subject},
    sink::by_place::ByPlace,
    time::SimTime,
};

/// The fingerprint of a run, or of a part of it.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    sum: u128,
    n_rows: u64,
    /// How many callbacks each client of the cell has had: a client is in one cell, and so with
    /// one sum.
    n_of_client: ByPlace<u32>,
}

impl Fingerprint {
    /// Adds what another has of other cells.
    pub fn join(&mut self, other: &Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.n_rows += other.n_rows;
    }

    /// How many callbacks there were.
    pub const fn n_rows(&self) -> u64 {
        self.n_rows
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        (self.sum, self.n_rows) == (other.sum, other.n_rows)
    }
}

impl Eq for Fingerprint {}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.sum)
    }
}

impl Observer for Fingerprint {
    fn callback(&mut self, at: SimTime, seat: Seat, room: Option<RoomId>, what: Callback<'_>) {
        let index = self.n_of_client.of(seat.place);
        let mut hash = Hash::new();
        let room = room.map_or(0, |it| it.index() as u64 + 1);
        hash.add(at.as_micros() ^ u64::from(*index).rotate_right(24), seat.client.index() as u64);
        add_content(&mut hash, room, what);
        *index += 1;
        self.sum = self.sum.wrapping_add(hash.finish());
        self.n_rows += 1;
    }

    fn ended(&mut self, _: usize) {
        self.n_of_client.clear();
    }
}

/// The kinds have the numbers in which they stand in [`Callback`].
fn add_content(hash: &mut Hash, room: u64, what: Callback<'_>) {
    // Room and kind, then what is told.
    let room = room << 16;
    match what {
        Callback::StateChanged(status) => {
            let reason = (status.reason as u64) << 8;
            hash.add(room | reason, status.code.number().into());
        }
        Callback::UserUpdate(update, users) => {
            hash.add(room | (update as u64) << 8 | 1, users.len() as u64);
            for user in users {
                hash.add(user.index() as u64, 0);
            }
        }
        Callback::StreamUpdate(update, streams) => {
            hash.add(room | (update as u64) << 8 | 2, streams.len() as u64);
            for it in streams {
                let reason = u64::from(it.how.stream_delete_reason());
                hash.add(reason << 32 | it.stream.index() as u64, it.user.index() as u64);
            }
        }
        Callback::OnlineCount(n) => hash.add(room | 3, n.into()),
        Callback::TokenWillExpire(secs) => hash.add(room | 4, secs.into()),
        Callback::ExtraInfo(user, key, value) => {
            hash.add(room | 5, user.index() as u64);
            hash.add(key.index() as u64, value.index() as u64);
        }
        Callback::Broadcast(user, text) => {
            hash.add(room | 6, (user.index() as u64) << 32 | text.index() as u64);
        }
        Callback::NetworkMode(mode) => hash.add(room | 7, mode as u64),
        Callback::CallResult(call, code, subject) => {
            hash.add(room | (call as u64) << 8 | 8, code.number().into());
            match subject {
                Subject::None => (),
                Subject::Stream(stream) => hash.add(1, stream.index() as u64),
                Subject::Text(text) => hash.add(2, text.index() as u64),
            }
        }
    }
}

/// A hash of pairs of words: all 128 bits of a product, as in wyhash.
struct Hash(u64, u64);

impl Hash {
    const fn new() -> Self {
        Self(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the halves of a product")]
    const fn add(&mut self, one: u64, other: u64) {
        let product = (self.0 ^ one) as u128 * (self.1 ^ other.rotate_left(32)) as u128;
        // A factor of nothing must not make all else nothing.
        self.0 = product as u64 ^ other.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.1 = (product >> 64) as u64 ^ self.0.rotate_left(23).wrapping_add(one);
    }

    const fn finish(self) -> u128 {
        let (one, other) = (mixed(self.0 ^ self.1.rotate_left(17)), mixed(self.1));
        (one as u128) << 64 | other as u128
    }
}

/// The finaliser of splitmix64.
const fn mixed(mut it: u64) -> u64 {
    it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ it >> 31
}
