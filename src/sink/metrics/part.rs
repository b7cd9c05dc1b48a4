//! The numbers of some clients.

use crate::{
    observe::{Callback, Rounds, Standing},
    protocol::{
        code::{ErrorCode, Reason, Update},
        message::Kind,
    },
    sink::{counters::Counters, latency::Latency},
    time::SimSpan,
};

/// What happens so often in a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Apps are told Logined.
    Logins,
    /// Apps are told Reconnected.
    Relogins,
    /// Messages by which clients ask to be let in, for the first time or again.
    LoginAttempts,
    /// Those of them that come to the server.
    LoginArrivals,
    /// Messages by which the server does not let a client in.
    LoginRefusals,
    /// Attempts to get in that have no answer in time.
    LoginTimeouts,
    /// Answers to attempts that are over.
    LateAnswers,
    /// Heartbeats sent.
    Heartbeats,
    /// Messages by which the server tells members of each other.
    Notices,
    /// Callbacks of all kinds.
    Callbacks,
}

impl Flow {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Logins,
        Self::Relogins,
        Self::LoginAttempts,
        Self::LoginArrivals,
        Self::LoginRefusals,
        Self::LoginTimeouts,
        Self::LateAnswers,
        Self::Heartbeats,
        Self::Notices,
        Self::Callbacks,
    ];

    /// The name of its rate.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logins => "logins_per_s",
            Self::Relogins => "relogins_per_s",
            Self::LoginAttempts => "login_attempts_per_s",
            Self::LoginArrivals => "login_arrivals_per_s",
            Self::LoginRefusals => "login_refusals_per_s",
            Self::LoginTimeouts => "login_timeouts_per_s",
            Self::LateAnswers => "late_answers_per_s",
            Self::Heartbeats => "heartbeats_per_s",
            Self::Notices => "notices_per_s",
            Self::Callbacks => "callbacks_per_s",
        }
    }

    pub(super) const fn of_message(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Login => Some(Self::LoginAttempts),
            Kind::Heartbeat => Some(Self::Heartbeats),
            Kind::Roster => Some(Self::Notices),
            Kind::LoginRejected => Some(Self::LoginRefusals),
            Kind::Logout
            | Kind::AskRoster
            | Kind::AckRoster
            | Kind::AckKick
            | Kind::Probe
            | Kind::Errands
            | Kind::AskCount
            | Kind::LoginAccepted
            | Kind::LogoutAccepted
            | Kind::HeartbeatAck
            | Kind::SessionGone
            | Kind::Kicked
            | Kind::ErrandsDone
            | Kind::Count
            | Kind::Reset => None,
        }
    }
}

/// What there are so many of at the end of a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Clients in a room, as the server sees it; a client in several rooms counts for each.
    Members,
    /// Those of them that do not hold themselves to be in it.
    Ghosts,
    /// Clients that hold themselves to be in a room of which they are no members.
    Stranded,
    /// Clients whose apps have been told Logining, and nothing since.
    LoggingIn,
    /// Clients whose apps have been told Reconnecting, and nothing since.
    Reconnecting,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Members, Self::Ghosts, Self::Stranded, Self::LoggingIn, Self::Reconnecting];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Ghosts => "ghosts",
            Self::Stranded => "stranded",
            Self::LoggingIn => "logging_in",
            Self::Reconnecting => "reconnecting",
        }
    }

    /// Whether it counts those who stand so.
    pub(super) const fn has(self, standing: Standing) -> bool {
        match self {
            Self::Members => matches!(standing, Standing::Ghost | Standing::Present),
            Self::Ghosts => matches!(standing, Standing::Ghost),
            Self::Stranded => matches!(standing, Standing::Stranded),
            Self::LoggingIn | Self::Reconnecting => false,
        }
    }
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// From Logining to Logined.
    Login,
    /// From a change in a room to when an app is told of it by itself.
    Notice,
    /// From when a link is cut to Reconnecting, told while it still is.
    Detection,
    /// From Reconnecting to Reconnected, or to Logined.
    Recovery,
    /// From when a member ceases to hold itself to be in its room to when it does again, or is no
    /// member any more.
    Ghost,
}

impl Took {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Login, Self::Notice, Self::Detection, Self::Recovery, Self::Ghost];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Notice => "notice",
            Self::Detection => "detection",
            Self::Recovery => "recovery",
            Self::Ghost => "ghost",
        }
    }

    /// The level of those that have begun and not ended, where that can be told.
    pub const fn under_way(self) -> Option<Level> {
        match self {
            Self::Login => Some(Level::LoggingIn),
            Self::Recovery => Some(Level::Reconnecting),
            Self::Ghost => Some(Level::Ghosts),
            Self::Notice | Self::Detection => None,
        }
    }
}

/// How often apps were told something, and of how many users or streams in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Callbacks.
    pub callbacks: u64,
    /// Users or streams in them.
    pub subjects: u64,
}

/// Kinds of callbacks: the reasons of `onRoomStateChanged`, then the others.
const N_TOLD: usize = Reason::ALL.len() + OTHERS.len();

const OTHERS: [&str; 11] = [
    "onRoomUserUpdate ADD",
    "onRoomUserUpdate DELETE",
    "onRoomStreamUpdate ADD",
    "onRoomStreamUpdate DELETE",
    "onRoomOnlineUserCountUpdate",
    "onRoomTokenWillExpire",
    "onRoomExtraInfoUpdate",
    "onIMRecvBroadcastMessage",
    "onNetworkModeChanged",
    "call Succeeded",
    "call Failed",
];

/// The name of a kind of callback.
pub fn told_name(index: usize) -> String {
    match Reason::ALL.get(index) {
        Some(reason) => format!("onRoomStateChanged {}", reason.name()),
        None => OTHERS[index - Reason::ALL.len()].to_owned(),
    }
}

/// Which kind a callback is, and how many users or streams it tells of.
fn kind_of(what: Callback<'_>) -> (usize, usize) {
    let is_delete = |it| usize::from(it == Update::Delete);
    let (other, n) = match what {
        Callback::StateChanged(status) => return (status.reason as usize, 0),
        Callback::UserUpdate(update, users) => (is_delete(update), users.len()),
        Callback::StreamUpdate(update, streams) => (2 + is_delete(update), streams.len()),
        Callback::OnlineCount(_) => (4, 0),
        Callback::TokenWillExpire(_) => (5, 0),
        Callback::ExtraInfo(..) => (6, 0),
        Callback::Broadcast(..) => (7, 0),
        Callback::NetworkMode(_) => (8, 0),
        Callback::CallResult(_, ErrorCode::OK, _) => (9, 0),
        Callback::CallResult(..) => (10, 0),
    };
    (Reason::ALL.len() + other, n)
}

/// What happened in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bin {
    /// How much more often something happened than in the bin before: so what goes on evenly for
    /// many bins costs no more than what happens once.
    flows: [i64; Flow::ALL.len()],
    /// By how much levels are higher at its end than at its start.
    steps: [i64; Level::ALL.len()],
}

/// The numbers of some clients.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub(super) counters: Counters,
    told: [Told; N_TOLD],
    /// One more than there are, where what went on to the end is over.
    bins: Vec<Bin>,
    /// What levels come to over time: microseconds of each, to the end of the run.
    integrals: [i128; Level::ALL.len()],
    latencies: [Latency; Took::ALL.len()],
}

/// The highest value of a series at the end of a bin, or of a bin, and the first bin that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The value.
    pub value: u64,
    /// The bin.
    pub bin: usize,
}

impl Part {
    pub(super) fn new(n_bins: usize) -> Self {
        Self {
            counters: Counters::default(),
            told: [Told::default(); N_TOLD],
            bins: vec![Bin::default(); n_bins + 1],
            integrals: [0; Level::ALL.len()],
            latencies: Default::default(),
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.counters.join(&other.counters);
        for (told, more) in self.told.iter_mut().zip(other.told) {
            told.callbacks += more.callbacks;
            told.subjects += more.subjects;
        }
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.flows.iter_mut().zip(more.flows).for_each(|(it, more)| *it += more);
            bin.steps.iter_mut().zip(more.steps).for_each(|(it, more)| *it += more);
        }
        self.integrals.iter_mut().zip(other.integrals).for_each(|(it, more)| *it += more);
        for (latency, more) in self.latencies.iter_mut().zip(&other.latencies) {
            latency.join(more);
        }
    }

    pub(super) fn tell(&mut self, what: Callback<'_>) {
        let (kind, n_subjects) = kind_of(what);
        self.told[kind].callbacks += 1;
        self.told[kind].subjects += n_subjects as u64;
    }

    pub(super) fn flow(&mut self, bin: usize, flow: Flow, n: u64) {
        self.flows_in((bin, bin + 1), flow, n);
    }

    /// So much in each bin from the first to before the second.
    pub(super) fn flows_in(&mut self, (from, to): (usize, usize), flow: Flow, n: u64) {
        let n = n.cast_signed();
        self.bins[from].flows[flow as usize] += n;
        self.bins[to].flows[flow as usize] -= n;
    }

    /// Heartbeats, the first of them in this bin, as many in each of the bins that follow.
    pub(super) fn evenly(
        &mut self,
        (_, end, bin): (u64, u64, usize),
        n_in_bin: u32,
        Rounds { first, every, sent, .. }: Rounds,
    ) {
        let left = (end - first.as_micros()).div_ceil(every.as_micros());
        let n_first = u32::try_from(left).map_or(sent, |it| it.min(sent));
        self.flow(bin, Flow::Heartbeats, n_first.into());
        if n_first == sent {
            return;
        }
        let left = sent - n_first;
        let (first, last) = (bin + 1, self.bins.len() - 2);
        let n_full = ((left / n_in_bin) as usize).min(last + 1 - first);
        self.flows_in((first, first + n_full), Flow::Heartbeats, n_in_bin.into());
        // One that is sent as the run ends belongs to the last bin.
        let n_rest = u64::from(left) - n_full as u64 * u64::from(n_in_bin);
        self.flow((first + n_full).min(last), Flow::Heartbeats, n_rest);
    }

    /// A level changes in this bin, with so much time left to the end of the run.
    pub(super) fn step(&mut self, (bin, left): (usize, SimSpan), level: Level, change: i64) {
        self.bins[bin].steps[level as usize] += change;
        self.integrals[level as usize] += i128::from(change) * i128::from(left.as_micros());
    }

    pub(super) fn took(&mut self, what: Took, span: SimSpan) {
        self.latencies[what as usize].record(span);
    }

    /// The messages.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How often apps were told what, by kinds of callbacks that came at all.
    pub fn told(&self) -> impl Iterator<Item = (String, Told)> {
        let all = self.told.iter().enumerate().filter(|(_, it)| it.callbacks != 0);
        all.map(|(index, told)| (told_name(index), *told))
    }

    /// How long something took.
    pub const fn latency(&self, what: Took) -> &Latency {
        &self.latencies[what as usize]
    }

    /// What a level comes to over the whole run: its mean by its length, in microseconds, exactly.
    pub fn integral(&self, level: Level) -> u128 {
        u128::try_from(self.integrals[level as usize]).expect("no level is below zero")
    }

    /// How often something happened in each bin.
    pub fn flows(&self, flow: Flow) -> impl Iterator<Item = u64> {
        sums(self.bins.iter().map(move |it| it.flows[flow as usize]))
    }

    /// How many there are at the end of each bin.
    pub fn levels(&self, level: Level) -> impl Iterator<Item = u64> {
        sums(self.bins.iter().map(move |it| it.steps[level as usize]))
    }
}

/// What changes come to, one after the other, but for the last, with which all is over.
pub(super) fn sums(changes: impl ExactSizeIterator<Item = i64>) -> impl Iterator<Item = u64> {
    let n_bins = changes.len() - 1;
    let mut sum = 0;
    changes.take(n_bins).map(move |it| {
        sum += it;
        u64::try_from(sum).expect("nothing ends that has not begun")
    })
}

impl Peak {
    /// That of a series.
    pub fn of(series: impl Iterator<Item = u64>) -> Self {
        let mut peak = Self { value: 0, bin: 0 };
        for (bin, value) in series.enumerate() {
            if peak.value < value {
                peak = Self { value, bin };
            }
        }
        peak
    }
}
