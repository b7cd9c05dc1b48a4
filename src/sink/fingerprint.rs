//! A number that says whether two runs told the same, without keeping what they told.
//!
//! Every callback gives a hash of its time, its client, its place among the client's callbacks and
//! all that it tells; the fingerprint is their sum.  So it depends neither on the order of cells nor
//! on who heard which.

use std::fmt;

use crate::{
    id::{ClientId, Id, RoomId},
    observe::{Callback, Observer, Subject},
    sink::by_key::{ByKey, clear},
    time::SimTime,
};

/// The fingerprint of a run, or of a part of it.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    sum: u128,
    n_rows: u64,
    /// How many callbacks each client of the cell has had.
    n_of_client: ByKey<u64>,
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
    fn callback(
        &mut self,
        at: SimTime,
        client: ClientId,
        room: Option<RoomId>,
        what: Callback<'_>,
    ) {
        let index = self.n_of_client.entry(client.index() as u64).or_default();
        let mut hash = Hash::new();
        hash.add(at.as_micros());
        hash.add((client.index() as u64) << 32 | room.map_or(0, |it| it.index() as u64 + 1));
        hash.add(*index);
        add_content(&mut hash, what);
        *index += 1;
        self.sum = self.sum.wrapping_add(hash.finish());
        self.n_rows += 1;
    }

    fn ended(&mut self, _: usize) {
        clear(&mut self.n_of_client);
    }
}

/// The kinds have the numbers in which they stand in [`Callback`].
fn add_content(hash: &mut Hash, what: Callback<'_>) {
    match what {
        Callback::StateChanged(status) => {
            hash.add(u64::from(status.code.number()) << 16 | (status.reason as u64) << 8);
        }
        Callback::UserUpdate(update, users) => {
            hash.add((users.len() as u64) << 16 | (update as u64) << 8 | 1);
            for user in users {
                hash.add(user.index() as u64);
            }
        }
        Callback::StreamUpdate(update, streams) => {
            hash.add((streams.len() as u64) << 16 | (update as u64) << 8 | 2);
            for it in streams {
                let reason = u64::from(it.how.stream_delete_reason());
                hash.add(reason << 32 | it.stream.index() as u64);
                hash.add(it.user.index() as u64);
            }
        }
        Callback::OnlineCount(n) => hash.add(u64::from(n) << 8 | 3),
        Callback::TokenWillExpire(secs) => hash.add(u64::from(secs) << 8 | 4),
        Callback::ExtraInfo(user, key, value) => {
            hash.add((user.index() as u64) << 8 | 5);
            hash.add((key.index() as u64) << 32 | value.index() as u64);
        }
        Callback::Broadcast(user, text) => {
            hash.add((user.index() as u64) << 8 | 6);
            hash.add(text.index() as u64);
        }
        Callback::NetworkMode(mode) => hash.add((mode as u64) << 8 | 7),
        Callback::CallResult(call, code, subject) => {
            hash.add(u64::from(code.number()) << 16 | (call as u64) << 8 | 8);
            hash.add(match subject {
                Subject::None => 0,
                Subject::Stream(stream) => (stream.index() as u64) << 8 | 1,
                Subject::Text(text) => (text.index() as u64) << 8 | 2,
            });
        }
    }
}

/// Two independent hashes of a row of words.
struct Hash(u64, u64);

impl Hash {
    const fn new() -> Self {
        Self(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344)
    }

    const fn add(&mut self, word: u64) {
        let one = (self.0 ^ word).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let other = self.1.wrapping_add(word).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = one ^ one >> 32;
        self.1 = other.rotate_left(31) ^ other >> 29;
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
