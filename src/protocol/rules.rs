//! Every number of the protocol, as parameters: what the documents leave open or disagree on.
//!
//! A profile is a full set of them.  What each stands on is told in `docs/assumptions.md`.

use crate::{
    protocol::{
        code::ErrorCode,
        gate::Rate,
        member::Ouster,
        retry::{Budget, Retry, Schedule, Wait},
    },
    time::SimSpan,
};

/// The parameters by which clients and server behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How often a client says that it is there; `None`: it is not modelled by messages.
    pub heartbeat: Option<Heartbeat>,
    /// When the server takes a silent client for gone.
    pub lease: Lease,
    /// When a client takes its connection for broken.
    pub detect: Detect,
    /// How a client retries a login.
    pub retry: Retry,
    /// How long the server works on a login before it answers.
    pub login_processing: SimSpan,
    /// How long after a change the server tells the other members of the room.
    pub fan_out: SimSpan,
    /// How a message that waits for an answer is repeated.
    pub resend: Resend,
    /// How long a logout is repeated before the client lets it be.
    pub logout_timeout: SimSpan,
    /// Whether a client that the backend puts out while it is away is refused when it comes back.
    pub kick_memory: Memory,
    /// Who must want to take part for one user to be told of another.
    pub notify_gate: NotifyGate,
    /// How many members of a room take part in `onRoomUserUpdate`; 0: all.
    pub notice_limit: u32,
    /// How many logins a room bears; `None`: any number.
    pub login_rate: Option<Rate>,
    /// In how many rooms a client may be in multi-room mode.
    pub rooms_max: u32,
    /// What becomes of a member whose token expires.
    pub token_expiry: TokenExpiry,
    /// How long before its end the app is told that a token will expire.
    pub token_warning: SimSpan,
    /// How often the app is told how many users are in the room; `None`: it does not listen.
    pub online_count: Option<SimSpan>,
    /// The code that comes with Reconnecting.
    pub reconnecting_code: ErrorCode,
    /// How long Reconnecting is held back, in case the connection comes back.
    pub debounce: SimSpan,
    /// How often messages and extra infos may be sent.
    pub rates: Rates,
    /// How long ids and texts may be.
    pub lengths: Lengths,
}

/// What becomes of a member whose token expires while it is in the room (spec: R52).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenExpiry {
    /// It stays, but may not publish anew.
    Keep,
    /// It is put out.
    Kick,
}

/// How often messages and extra infos may be sent (spec: R56, R58).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// The least time between two messages of one user.
    pub user_messages: Rate,
    /// The messages of one room.
    pub room_messages: Rate,
    /// The extra infos of one room.
    pub extra_infos: Rate,
}

/// The most bytes of ids and texts (spec: R56, R58, R60).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of a user's id.
    pub user_id: u32,
    /// Of a user's name.
    pub user_name: u32,
    /// Of a room's id.
    pub room_id: u32,
    /// Of a message.
    pub message: u32,
    /// Of the key of an extra info.
    pub extra_key: u32,
    /// Of the value of an extra info.
    pub extra_value: u32,
}

/// Who must have set `isUserStatusNotify` for one user to be told of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyGate {
    /// The one who is told, and the one who is told of.
    Both,
    /// The one who is told.
    Receiver,
}

/// Whether something is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// It is remembered.
    On,
    /// It is forgotten at once.
    Off,
}

/// Heartbeats as messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The time from one heartbeat to the next.
    pub every: SimSpan,
    /// When the first one is sent.
    pub phase: Phase,
}

/// When the first heartbeat of a connection is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A drawn part of the interval after the login.
    Random,
    /// One interval after the login.
    Login,
    /// So long after the login.
    After(SimSpan),
}

/// The server's heartbeat timeout (spec: R15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// How long a member may be silent.
    pub after: SimSpan,
    /// Since when it counts as silent.
    pub anchor: Anchor,
}

/// The instant from which the lease runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The instant at which the client's way to the server breaks, or the client stops using it:
    /// a heartbeat without gaps and without delay.
    Outage,
    /// The arrival of the last message.
    LastMessage,
    /// The arrival of the last login or heartbeat; probes and other messages do not count.
    LastHeartbeat,
}

/// How a client finds out that its connection is broken.  An operating system that announces the
/// loss of its network is believed at once, in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detect {
    /// It knows at once of every outage.
    AtOutage,
    /// It counts how long its heartbeats have gone unanswered.
    BySilence {
        /// A heartbeat is sent when so long no answer was heard and no heartbeat sent.
        probe_after: SimSpan,
        /// The connection is broken when a heartbeat, and those after it, had no answer so long.
        broken_after: SimSpan,
    },
}

/// How a message that waits for an answer is repeated: after `first`, then each time twice as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend {
    /// The wait before the first repetition.
    pub first: SimSpan,
    /// The longest wait.
    pub cap: SimSpan,
}

impl Resend {
    /// The wait after the message has been sent `1 + repeats` times.
    pub fn wait(self, repeats: u32) -> SimSpan {
        let doubled = 1_u64.checked_shl(repeats).unwrap_or(u64::MAX);
        self.first.times(doubled).min(self.cap)
    }
}

impl Rules {
    /// The document to the letter: the lease runs from the outage, the client knows at once.
    pub fn zego_doc() -> Self {
        Self {
            heartbeat: None,
            // spec: R15
            lease: Lease { after: SimSpan::from_secs(90), anchor: Anchor::Outage },
            // spec: R19
            detect: Detect::AtOutage,
            retry: Retry {
                schedule: sdk_schedule(),
                attempt_timeout: SimSpan::from_secs(10),
                // spec: R16
                budget: Budget::Time(SimSpan::from_secs(20 * 60)),
            },
            // With 50 ms each way this gives the 120 ms of the document.  spec: R17
            login_processing: SimSpan::from_millis(20),
            // spec: R18
            fan_out: SimSpan::from_millis(100),
            resend: Resend { first: SimSpan::from_secs(1), cap: SimSpan::from_secs(60) },
            logout_timeout: SimSpan::from_secs(6),
            kick_memory: Memory::On,
            notify_gate: NotifyGate::Both,
            // spec: R53
            notice_limit: 500,
            // spec: R59
            login_rate: Some(Rate::per_second(200)),
            // spec: R48
            rooms_max: 5,
            // spec: R52
            token_expiry: TokenExpiry::Keep,
            // spec: R51
            token_warning: SimSpan::from_secs(30),
            online_count: None,
            // spec: R6
            reconnecting_code: ErrorCode::TEMPORARILY_BROKEN,
            debounce: SimSpan::ZERO,
            // spec: R56, R58
            rates: Rates {
                user_messages: Rate::one_in(SimSpan::from_millis(500)),
                room_messages: Rate::per_second(10),
                extra_infos: Rate::per_second(10),
            },
            // spec: R56, R58, R60
            lengths: Lengths {
                user_id: 63,
                user_name: 255,
                room_id: 127,
                message: 1024,
                extra_key: 10,
                extra_value: 128,
            },
        }
    }

    /// The same service with heartbeats as messages, as on a real network.
    pub fn zego() -> Self {
        Self {
            heartbeat: Some(Heartbeat { every: SimSpan::from_secs(5), phase: Phase::Random }),
            lease: Lease { after: SimSpan::from_secs(90), anchor: Anchor::LastMessage },
            detect: Detect::BySilence {
                probe_after: SimSpan::from_secs(5),
                broken_after: SimSpan::from_secs(10),
            },
            ..Self::zego_doc()
        }
    }

    /// As [`Rules::zego`], with the 100 s of the newer pages.
    pub fn zego_100s() -> Self {
        let mut rules = Self::zego();
        rules.lease.after = SimSpan::from_secs(100);
        rules
    }

    /// Whether a relogin of a client that was put out is refused.
    pub const fn remembers(&self, by: Ouster) -> bool {
        match by {
            Ouster::OtherClient => true,
            Ouster::Backend | Ouster::RoomClosed => matches!(self.kick_memory, Memory::On),
            Ouster::TokenExpired | Ouster::Fault => false,
        }
    }

    /// All profiles, with their names in a scenario.
    pub fn profiles() -> [(&'static str, Self); 3] {
        [("zego-doc", Self::zego_doc()), ("zego", Self::zego()), ("zego-100s", Self::zego_100s())]
    }
}

/// 1 to 3 s, then 4, 8, 8, 16, 16, and 32 s for ever.
fn sdk_schedule() -> Schedule {
    let fixed = [4, 8, 8, 16, 16, 32].map(|secs| Wait::Exactly(SimSpan::from_secs(secs)));
    let mut waits = vec![Wait::Seconds { from: 1, to: 3 }];
    waits.extend(fixed);
    Schedule::List(waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_wait_twice_as_long_up_to_the_cap() {
        let resend = Resend { first: SimSpan::from_secs(1), cap: SimSpan::from_secs(60) };
        let waits = [0, 1, 2, 5, 6, 63, 64, 4_000_000_000].map(|it| resend.wait(it));
        assert_eq!(waits, [1, 2, 4, 32, 60, 60, 60, 60].map(SimSpan::from_secs));
    }
}
