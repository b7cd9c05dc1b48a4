//! The client's machine: one login, from `loginRoom` to its end.
//!
//! Pure: [`Client::step`] takes time, a drawn number and an input, and gives the next client and
//! its effects.  A deadline lives in the state that it belongs to; leaving the state drops it, and
//! waking early or late does nothing.

mod trying;

use crate::{
    id::{Epoch, RoomId},
    protocol::{
        Effects,
        call::{Call, Login, Notify},
        code::{ErrorCode, Reason},
        message::{ClientBody, ClientMsg, ServerBody, ServerMsg},
        repeat::Repeat,
        rules::{Detect, Rules},
    },
    time::SimTime,
};
use trying::{Trying, give_up_at};

/// One device of a user, as far as one room is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The current login and its connection, or the last one.
    pub epoch: Epoch,
    /// Where the login stands.
    pub state: State,
}

/// Where the login of a client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In no room; perhaps still telling the server so (spec: R2).
    LoggedOut(Option<Farewell>),
    /// `loginRoom` was called and has not succeeded yet.
    Logining {
        /// The room, and what the app wants of it.
        login: Login,
        /// The attempt under way or to come.
        attempt: Attempt,
        /// When the client stops trying.
        give_up_at: SimTime,
    },
    /// In the room.
    Online(Online),
    /// Was in the room and tries to get back.
    Reconnecting {
        /// The room, and what the app wants of it.
        login: Login,
        /// The attempt under way or to come.
        attempt: Attempt,
        /// When the client stops trying.
        give_up_at: SimTime,
        /// How far the app knows the room's journal.
        known: u32,
    },
}

/// A client in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Online {
    /// The room, and what the app wants of it.
    pub login: Login,
    /// When the next heartbeat is sent.
    pub beat_at: SimTime,
    /// When a heartbeat is sent because no answer was heard and no heartbeat sent.
    pub probe_at: SimTime,
    /// When the connection is taken for broken because a heartbeat has had no answer.
    pub broken_at: SimTime,
    /// How far the app knows the room's journal.
    pub known: u32,
    /// Whether the member list has come since the connection was made.
    pub roster: Roster,
}

/// Whether the member list has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roster {
    /// It was asked for, and is asked for again.
    Asked(Repeat),
    /// It has come; changes are told one by one.
    Known,
}

/// One attempt to log in, or the wait for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number in the schedule of waits; 0 is the one made at once.
    pub number: u32,
    /// How many have failed since the client began to try.
    pub failed: u32,
    /// What it is doing.
    pub stage: Stage,
}

/// What an attempt is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits for the server's answer.
    Trying {
        /// When the request is repeated.
        repeat: Repeat,
        /// When the attempt has failed.
        fails_at: SimTime,
    },
    /// Waits before it starts.
    Waiting {
        /// When it starts.
        start_at: SimTime,
    },
}

/// A logout that the server has not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// The login that ended.
    pub epoch: Epoch,
    /// When the logout is repeated.
    pub repeat: Repeat,
    /// When the client lets it be.
    pub until: SimTime,
}

/// What can happen to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The app calls the SDK.
    Call(Call),
    /// The device knows that its network is gone.
    LinkLost,
    /// The device knows that its network is back.
    LinkBack,
    /// A message arrives.
    Receive(ServerMsg),
    /// A deadline is due.
    Wake,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Sends a message.
    Send(ClientMsg),
    /// Calls the app's `onRoomStateChanged`.
    StateChanged(RoomId, Reason, ErrorCode),
    /// Tells the app of the room's changes from one position to another, one callback each.
    RosterChanges(RoomId, u32, u32),
    /// Tells the app how the member lists at two positions differ.
    RosterDifference(RoomId, u32, u32),
    /// A call returns an error and changes nothing.
    CallFailed(RoomId, ErrorCode),
    /// A drawn number was used; the next step needs a new one.
    Spent(Die),
}

type Out = Effects<Effect, 4>;

/// What a step knows of the world around the client.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The parameters of the protocol.
    pub rules: &'a Rules,
    /// The present instant.
    pub now: SimTime,
    /// Evenly distributed numbers that no step has used.
    pub luck: Luck,
}

/// The drawn numbers that a step may use, one of each die.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Luck {
    /// For the phase of the heartbeats.
    pub phase: u32,
    /// For the wait before an attempt.
    pub wait: u32,
}

/// What a number is drawn for.  Each die has draws of its own, so that none moves the others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Die {
    /// The phase of the heartbeats of a connection.
    Phase,
    /// The wait before an attempt.
    Wait,
}

impl Client {
    /// A client before its first login.
    pub const fn new() -> Self {
        Self { epoch: Epoch::NONE, state: State::LoggedOut(None) }
    }

    /// When the client wants to be woken.
    pub fn deadline(&self) -> SimTime {
        match self.state {
            State::LoggedOut(None) => SimTime::NEVER,
            State::LoggedOut(Some(farewell)) => farewell.repeat.at.min(farewell.until),
            State::Logining { attempt, give_up_at, .. }
            | State::Reconnecting { attempt, give_up_at, .. } => attempt.deadline().min(give_up_at),
            State::Online(it) => {
                let ask_at = match it.roster {
                    Roster::Asked(repeat) => repeat.at,
                    Roster::Known => SimTime::NEVER,
                };
                it.beat_at.min(it.probe_at).min(it.broken_at).min(ask_at)
            }
        }
    }

    /// Whether the client is in its room and says so.
    pub const fn is_online(&self) -> bool {
        matches!(self.state, State::Online(_))
    }

    /// What becomes of the client, and what it does.
    #[inline]
    #[must_use]
    pub fn step(self, context: Context<'_>, input: Input) -> (Self, Out) {
        match self.state {
            State::LoggedOut(farewell) => self.logged_out(context, farewell, input),
            State::Logining { login, attempt, give_up_at } => {
                Trying { login, attempt, give_up_at, known: None }.step(self, context, input)
            }
            State::Reconnecting { login, attempt, give_up_at, known } => {
                Trying { login, attempt, give_up_at, known: Some(known) }.step(self, context, input)
            }
            State::Online(online) => self.online(context, online, input),
        }
    }

    const fn with(self, state: State) -> Self {
        Self { state, ..self }
    }

    const fn send(self, body: ClientBody) -> Effect {
        Effect::Send(ClientMsg { epoch: self.epoch, body })
    }

    fn logged_out(
        self,
        context: Context<'_>,
        farewell: Option<Farewell>,
        input: Input,
    ) -> (Self, Out) {
        let Context { rules, now, .. } = context;
        match input {
            Input::Call(Call::LoginRoom(login)) => self.enter(context, login),
            Input::Call(Call::LogoutRoom(None)) => (self, Out::NONE),
            Input::Call(Call::LogoutRoom(Some(room)) | Call::SwitchRoom(room, _)) => {
                (self, Out::of([logout_failed(room)]))
            }
            Input::Receive(ServerMsg { epoch, body }) => match body {
                // The login was given up while the answer was under way: the server must not keep
                // a member that nobody is.
                ServerBody::LoginAccepted if farewell.is_none() => {
                    let farewell = Farewell::new(context, epoch);
                    let message = ClientMsg { epoch, body: ClientBody::Logout };
                    let client = self.with(State::LoggedOut(Some(farewell)));
                    (client, Out::of([Effect::Send(message)]))
                }
                ServerBody::LogoutAccepted if farewell.is_some_and(|it| it.epoch == epoch) => {
                    (self.with(State::LoggedOut(None)), Out::NONE)
                }
                ServerBody::Kicked(_) => {
                    let message = ClientMsg { epoch, body: ClientBody::AckKick };
                    (self, Out::of([Effect::Send(message)]))
                }
                // Out of turn.
                ServerBody::LoginAccepted
                | ServerBody::LogoutAccepted
                | ServerBody::LoginRejected(_)
                | ServerBody::HeartbeatAck
                | ServerBody::SessionGone
                | ServerBody::Roster { .. } => (self, Out::NONE),
            },
            Input::Wake => match farewell {
                Some(it) if it.until.is_due(now) => (self.with(State::LoggedOut(None)), Out::NONE),
                Some(it) if it.repeat.is_due(now) => {
                    let farewell = Farewell { repeat: it.repeat.again(rules, now), ..it };
                    let message = ClientMsg { epoch: it.epoch, body: ClientBody::Logout };
                    let client = self.with(State::LoggedOut(Some(farewell)));
                    (client, Out::of([Effect::Send(message)]))
                }
                Some(_) | None => (self, Out::NONE),
            },
            Input::LinkLost | Input::LinkBack => (self, Out::NONE),
        }
    }

    fn online(self, context: Context<'_>, online: Online, input: Input) -> (Self, Out) {
        match input {
            Input::Call(call) => self.call(context, online.login.room, call),
            Input::LinkLost => self.broken(context, online),
            Input::Receive(ServerMsg { epoch, body }) if epoch == self.epoch => {
                self.hear(context, online, body)
            }
            Input::Wake => self.wake_online(context, online),
            // Out of turn.
            Input::Receive(_) | Input::LinkBack => (self, Out::NONE),
        }
    }

    fn hear(self, context: Context<'_>, online: Online, body: ServerBody) -> (Self, Out) {
        match body {
            ServerBody::HeartbeatAck => {
                (self.with(State::Online(online.heard(context))), Out::NONE)
            }
            // Twice accepted: perhaps as a new member, whom the server tells nothing until asked.
            ServerBody::LoginAccepted => {
                let (known, heard) = (online.known, online.heard(context));
                if online.roster != Roster::Known || online.login.notify == Notify::Off {
                    return (self.with(State::Online(heard)), Out::NONE);
                }
                let roster = Roster::Asked(Repeat::first(context.rules, context.now));
                let online = Online { roster, ..heard };
                let ask = self.send(ClientBody::AskRoster(known));
                (self.with(State::Online(online)), Out::of([ask]))
            }
            ServerBody::Roster { from, to } => {
                let (room, known) = (online.login.room, online.known);
                assert!(
                    from <= known,
                    "{self:?} is told of changes after {from}, so it lacks some"
                );
                let to = to.max(known);
                let (news, online) = match online.roster {
                    Roster::Asked(_) => {
                        (Effect::RosterDifference(room, known, to), online.heard(context))
                    }
                    // Not an answer: it does not prove that the server hears the client.
                    Roster::Known => (Effect::RosterChanges(room, known, to), online),
                };
                let online = Online { known: to, roster: Roster::Known, ..online };
                let ack = self.send(ClientBody::AckRoster(to));
                (self.with(State::Online(online)), Out::of([news, ack]))
            }
            // spec: R9
            ServerBody::Kicked(code) => {
                let callback = Effect::StateChanged(online.login.room, Reason::KickOut, code);
                let ack = self.send(ClientBody::AckKick);
                (self.with(State::LoggedOut(None)), Out::of([callback, ack]))
            }
            ServerBody::SessionGone => self.broken(context, online),
            // Out of turn.
            ServerBody::LoginRejected(_) | ServerBody::LogoutAccepted => (self, Out::NONE),
        }
    }

    fn wake_online(self, context: Context<'_>, online: Online) -> (Self, Out) {
        let Context { rules, now, .. } = context;
        if online.broken_at.is_due(now) {
            return self.broken(context, online);
        }
        if online.beat_at.is_due(now) {
            let heartbeat = rules.heartbeat.expect("a beat is due, so there are heartbeats");
            let online = Online { beat_at: now + heartbeat.every, ..online }.sent(context);
            let beat = self.send(ClientBody::Heartbeat);
            return (self.with(State::Online(online)), Out::of([beat]));
        }
        if online.probe_at.is_due(now) {
            let probe = self.send(ClientBody::Heartbeat);
            return (self.with(State::Online(online.sent(context))), Out::of([probe]));
        }
        match online.roster {
            Roster::Asked(repeat) if repeat.is_due(now) => {
                let online = Online { roster: Roster::Asked(repeat.again(rules, now)), ..online };
                let ask = self.send(ClientBody::AskRoster(online.known));
                (self.with(State::Online(online)), Out::of([ask]))
            }
            Roster::Asked(_) | Roster::Known => (self, Out::NONE),
        }
    }

    /// The connection is broken: the app is told, and the first attempt is made at once.
    fn broken(self, context: Context<'_>, online: Online) -> (Self, Out) {
        let state = State::Reconnecting {
            login: online.login,
            attempt: Attempt::first(context),
            give_up_at: give_up_at(context),
            known: online.known,
        };
        // spec: R6, R19
        let code = ErrorCode::TEMPORARILY_BROKEN;
        let callback = Effect::StateChanged(online.login.room, Reason::Reconnecting, code);
        // Answers that are still under way belong to the broken connection.
        let client = Self { epoch: self.epoch.next_connection(), state };
        (client, Out::of([callback, client.send(ClientBody::Login(online.login))]))
    }

    /// `loginRoom` of a client that is in no room.
    ///
    /// It ends a farewell: the server takes the newer epoch for the end of the older.
    fn enter(self, context: Context<'_>, login: Login) -> (Self, Out) {
        let (attempt, give_up_at) = (Attempt::first(context), give_up_at(context));
        let state = State::Logining { login, attempt, give_up_at };
        let client = Self { epoch: self.epoch.next_login(), state };
        // spec: R3, R13
        let logining = Effect::StateChanged(login.room, Reason::Logining, ErrorCode::OK);
        (client, Out::of([logining, client.send(ClientBody::Login(login))]))
    }

    /// A call while in `own` room or on the way there.
    fn call(self, context: Context<'_>, own: RoomId, call: Call) -> (Self, Out) {
        let gone = Effect::StateChanged(own, Reason::Logout, ErrorCode::OK);
        let logout = self.send(ClientBody::Logout);
        match call {
            // spec: R33
            Call::LoginRoom(other) => {
                (self, Out::of([Effect::CallFailed(other.room, ErrorCode::ALREADY_IN_ROOM)]))
            }
            Call::LogoutRoom(Some(other)) | Call::SwitchRoom(other, _) if other != own => {
                (self, Out::of([logout_failed(other)]))
            }
            // The client leaves at once and tells the server as well as it can (spec: R10, R12).
            Call::LogoutRoom(_) => {
                let farewell = Farewell::new(context, self.epoch);
                (self.with(State::LoggedOut(Some(farewell))), Out::of([gone, logout]))
            }
            // Should the logout be lost, the server learns of it from the login (spec: R34).
            Call::SwitchRoom(_, to) => {
                let (client, entering) = self.enter(context, to);
                (client, entering.iter().fold(Out::of([gone, logout]), Out::and))
            }
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Online {
    /// An answer was heard just now: no heartbeat is taken to be without one.
    fn heard(self, context: Context<'_>) -> Self {
        match context.rules.detect {
            Detect::AtOutage => self,
            Detect::BySilence { probe_after, .. } => {
                Self { probe_at: context.now + probe_after, broken_at: SimTime::NEVER, ..self }
            }
        }
    }

    /// A heartbeat was sent just now; the connection has until then to answer it, or an earlier one.
    fn sent(self, context: Context<'_>) -> Self {
        match context.rules.detect {
            Detect::AtOutage => self,
            Detect::BySilence { probe_after, broken_after } => Self {
                probe_at: context.now + probe_after,
                broken_at: self.broken_at.min(context.now + broken_after),
                ..self
            },
        }
    }
}

impl Farewell {
    /// The logout is sent now.
    fn new(Context { rules, now, .. }: Context<'_>, epoch: Epoch) -> Self {
        Self { epoch, repeat: Repeat::first(rules, now), until: now + rules.logout_timeout }
    }
}

/// `logoutRoom` names a room that the client is not in: the app is told, nothing else happens
/// (spec: R11).
const fn logout_failed(room: RoomId) -> Effect {
    Effect::StateChanged(room, Reason::LogoutFailed, ErrorCode::NOT_IN_THIS_ROOM)
}
