//! The client's machine: one login, from `loginRoom` to its end.
//!
//! [`Client::step`] takes time, drawn numbers and an input, changes the client, and gives its
//! effects; nothing else has a part in it.  A deadline lives in the state that it belongs to;
//! leaving the state drops it, and waking early or late does nothing.

mod online;
mod trying;
mod wishes;

use crate::{
    id::{Epoch, RoomId},
    protocol::{
        Effects,
        call::{Ask, Call, CallKind, Login, Notify, Streams, Unanswered, Via},
        code::{ErrorCode, Event, Reason, Status},
        message::{ClientBody, ClientMsg, ServerBody, ServerMsg},
        repeat::{Repeat, RoundTrip},
        rules::Rules,
    },
    time::SimTime,
};
use trying::{Lost, Trying, give_up_at};
use wishes::wish_in_vain;

pub use online::{Online, Roster};
pub use wishes::Wishes;

/// One device of a user, as far as one room is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The current login and its connection, or the last one.  Each attempt to log in is a
    /// connection of its own: while the client waits for the next, this is already the next one's.
    pub epoch: Epoch,
    /// What the app wants of its room besides being in it.
    pub wishes: Wishes,
    /// What is known of the way to the server.
    pub rtt: RoundTrip,
    /// How far the app knows who came to its room and went: not as far as all else, while it is told
    /// of no users.
    pub known_users: u32,
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
        /// When the app is told, unless the connection is back by then; never, when it has been.
        tell_at: SimTime,
        /// What broke the connection.
        broken_by: Event,
    },
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
pub enum Input<'a> {
    /// The app calls the SDK.
    Call(Call),
    /// The operating system says that the device's network is gone.
    LinkLost,
    /// The client knows that its connection is broken, though nobody says so (see
    /// [`Detect::AtOutage`](crate::protocol::rules::Detect::AtOutage)).
    OutageSeen,
    /// The operating system says that the device's network is back.
    LinkBack,
    /// The device has gone to another network, and has another address there.
    NetworkChanged,
    /// A message arrives.
    Receive(&'a ServerMsg),
    /// A deadline is due.
    Wake,
    /// The app switches to another room, by another session (spec: R47).
    SwitchAway(RoomId),
    /// The app's process is killed.
    Killed,
    /// The app destroys the engine.
    EngineDestroyed,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Sends a message.
    Send(ClientMsg),
    /// Calls the app's `onRoomStateChanged`.
    StateChanged(RoomId, Status),
    /// Tells the app of what happened in the room from one position to another, one by one.
    RosterChanges(RoomId, (u32, u32), Notify),
    /// Tells the app what remains of what happened to users from the first position, and of all
    /// else from the second, to another.
    RosterDifference(RoomId, ([u32; 2], u32), Notify),
    /// Something is not asked of the room, for this reason.
    Unasked(RoomId, Ask, Unanswered),
    /// A call returns an error and changes nothing.
    CallFailed(CallKind, Option<RoomId>, ErrorCode),
    /// Streams are not published, and not tried any more.
    PublishRefused(Option<RoomId>, Streams, ErrorCode),
    /// Something is asked of the room; it gets the next number.
    Post(Ask),
    /// What was asked, from one number to another, has its answers.
    Answered(RoomId, (u32, u32)),
    /// What was asked, from one number to another, will have none.
    Unanswered(RoomId, (u32, u32), Unanswered),
    /// Calls the app's `onRoomTokenWillExpire`, with so many seconds.
    TokenWillExpire(RoomId, u32),
    /// Calls the app's `onRoomOnlineUserCountUpdate`.
    OnlineCount(RoomId, u32),
    /// A drawn number was used; the next step needs a new one.
    Spent(Die),
}

type Out = Effects<Effect, 5>;

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
    pub fn new() -> Self {
        let (wishes, rtt) = (Wishes::new(), RoundTrip::UNKNOWN);
        let state = State::LoggedOut(None);
        Self { epoch: Epoch::NONE, wishes, rtt, known_users: 0, state }
    }

    /// When the client wants to be woken.
    pub fn deadline(&self) -> SimTime {
        match &self.state {
            State::LoggedOut(None) => SimTime::NEVER,
            State::LoggedOut(Some(farewell)) => farewell.repeat.at.min(farewell.until),
            State::Logining { attempt, give_up_at, .. } => attempt.deadline().min(*give_up_at),
            State::Reconnecting { attempt, give_up_at, tell_at, .. } => {
                attempt.deadline().min(*give_up_at).min(*tell_at).min(self.wishes.warn_at)
            }
            State::Online(it) => it.deadline().min(self.wishes.warn_at),
        }
    }

    /// Whether the client is in its room and says so.
    pub const fn is_online(&self) -> bool {
        matches!(self.state, State::Online(_))
    }

    /// Whether the client holds, or tries to make, the connection that its epoch names: between two
    /// attempts it has none.
    pub const fn has_connection(&self) -> bool {
        match &self.state {
            State::Online(_) => true,
            State::Logining { attempt, .. } | State::Reconnecting { attempt, .. } => {
                matches!(attempt.stage, Stage::Trying { .. })
            }
            State::LoggedOut(_) => false,
        }
    }

    /// Whether a step may use drawn numbers.
    pub const fn may_spend(&self) -> bool {
        matches!(self.state, State::Logining { .. } | State::Reconnecting { .. })
    }

    /// Whether an attempt under way fails now because no answer has come in its time.
    pub fn times_out(&self, now: SimTime) -> bool {
        match &self.state {
            State::Logining { attempt, give_up_at, .. } => {
                attempt.is_overdue(now) && !give_up_at.is_due(now)
            }
            // What the app has not been told yet goes first.
            State::Reconnecting { attempt, give_up_at, tell_at, .. } => {
                attempt.is_overdue(now) && !give_up_at.is_due(now) && !tell_at.is_due(now)
            }
            State::LoggedOut(_) | State::Online(_) => false,
        }
    }

    /// Lets something happen to the client; gives what it does.
    #[inline]
    pub fn step(&mut self, context: &Context<'_>, input: Input<'_>) -> Out {
        match self.state {
            State::LoggedOut(farewell) => self.logged_out(context, farewell, input),
            State::Logining { login, attempt, give_up_at } => {
                Trying { login, attempt, give_up_at, lost: None }.step(self, context, input)
            }
            State::Reconnecting { login, attempt, give_up_at, known, tell_at, broken_by } => {
                let lost = Some(Lost { known, tell_at, broken_by });
                Trying { login, attempt, give_up_at, lost }.step(self, context, input)
            }
            State::Online(_) => self.online(context, input),
        }
    }

    const fn send(&self, body: ClientBody) -> Effect {
        Effect::Send(ClientMsg { epoch: self.epoch, body })
    }

    /// What is still under way on this connection is out of turn from now on.
    const fn leave_connection(&mut self) {
        self.epoch = self.epoch.next_connection();
    }

    fn logged_out(
        &mut self,
        context: &Context<'_>,
        farewell: Option<Farewell>,
        input: Input<'_>,
    ) -> Out {
        let Context { rules, now, .. } = *context;
        let logout = |epoch| Effect::Send(ClientMsg { epoch, body: ClientBody::Logout });
        match input {
            Input::Call(Call::LoginRoom(login)) => self.enter(context, login),
            Input::Call(Call::LogoutRoom(None)) => Out::NONE,
            Input::Call(Call::LogoutRoom(Some(room))) => {
                Out::of([logout_failed(room, Event::LogoutRoom)])
            }
            Input::Call(Call::SwitchRoom(room, _)) | Input::SwitchAway(room) => {
                Out::of([logout_failed(room, Event::SwitchRoom)])
            }
            Input::Call(call) => wish_in_vain(call),
            Input::Receive(&ServerMsg { epoch, body }) => match body {
                // The login was given up while the answer was under way: the server must not keep
                // a member that nobody is.
                ServerBody::LoginAccepted { .. } if farewell.is_none() => {
                    let farewell = Farewell::new(context, epoch, self.rtt);
                    self.state = State::LoggedOut(Some(farewell));
                    Out::of([logout(epoch)])
                }
                ServerBody::LogoutAccepted if farewell.is_some_and(|it| it.epoch == epoch) => {
                    self.state = State::LoggedOut(None);
                    Out::NONE
                }
                ServerBody::Kicked(_) => {
                    Out::of([Effect::Send(ClientMsg { epoch, body: ClientBody::AckKick })])
                }
                // Out of turn.
                ServerBody::LoginAccepted { .. }
                | ServerBody::LogoutAccepted
                | ServerBody::LoginRejected(_)
                | ServerBody::HeartbeatAck
                | ServerBody::SessionGone
                | ServerBody::Roster { .. }
                | ServerBody::ErrandsDone { .. }
                | ServerBody::Count(_)
                | ServerBody::Reset => Out::NONE,
            },
            Input::Wake => match farewell {
                Some(it) if it.until.is_due(now) => {
                    self.state = State::LoggedOut(None);
                    Out::NONE
                }
                Some(it) if it.repeat.is_due(now) => {
                    let farewell = Farewell { repeat: it.repeat.again(rules, now), ..it };
                    self.state = State::LoggedOut(Some(farewell));
                    Out::of([logout(it.epoch)])
                }
                Some(_) | None => Out::NONE,
            },
            Input::Killed | Input::EngineDestroyed => {
                self.end();
                Out::NONE
            }
            Input::LinkLost | Input::OutageSeen | Input::LinkBack | Input::NetworkChanged => {
                Out::NONE
            }
        }
    }

    /// In no room, with nothing left to say.
    const fn end(&mut self) {
        self.wishes = self.wishes.none();
        self.state = State::LoggedOut(None);
    }

    /// `destroyEngine` leaves the room; there is nobody left to repeat it (spec: R61).
    fn destroyed(&mut self, room: RoomId) -> Out {
        let gone = Effect::status(room, (Reason::Logout, ErrorCode::OK), Event::DestroyEngine);
        let over = self.unanswered(room, Unanswered::NotInRoom);
        let out = Out::of([gone, self.send(ClientBody::Logout)]);
        self.end();
        over.into_iter().fold(out, Out::and)
    }

    /// `loginRoom` of a client that is in no room.
    ///
    /// It ends a farewell: the server takes the newer epoch for the end of the older.
    fn enter(&mut self, context: &Context<'_>, login: Login) -> Out {
        let (attempt, give_up_at) = (Attempt::first(context), give_up_at(context));
        self.state = State::Logining { login, attempt, give_up_at };
        self.wishes = self.wishes.none().proven(context.rules, login.token);
        self.epoch = self.epoch.next_login();
        self.known_users = 0;
        // spec: R3, R13
        let event = match login.via {
            Via::LoginRoom => Event::LoginRoom,
            Via::SwitchRoom => Event::SwitchRoom,
        };
        let logining = Effect::status(login.room, (Reason::Logining, ErrorCode::OK), event);
        Out::of([logining, self.send(ClientBody::Login(login))])
    }

    /// Leaves the room at once and tells the server as well as it can (spec: R10, R12).
    fn leave(&mut self, context: &Context<'_>, own: RoomId, event: Event) -> Out {
        let gone = Effect::status(own, (Reason::Logout, ErrorCode::OK), event);
        let over = self.unanswered(own, Unanswered::NotInRoom);
        let out = Out::of([gone, self.send(ClientBody::Logout)]);
        self.end();
        self.state = State::LoggedOut(Some(Farewell::new(context, self.epoch, self.rtt)));
        over.into_iter().fold(out, Out::and)
    }

    /// A call about being in a room, while in `own` room or on the way there.
    fn call(&mut self, context: &Context<'_>, own: RoomId, call: Call) -> Out {
        match call {
            // spec: R33
            Call::LoginRoom(other) => {
                let code = ErrorCode::ALREADY_IN_ROOM;
                Out::of([Effect::CallFailed(CallKind::LoginRoom, Some(other.room), code)])
            }
            Call::LogoutRoom(Some(other)) if other != own => {
                Out::of([logout_failed(other, Event::LogoutRoom)])
            }
            Call::SwitchRoom(other, _) if other != own => {
                Out::of([logout_failed(other, Event::SwitchRoom)])
            }
            Call::SwitchRoom(_, to) if to.room == own => {
                let code = ErrorCode::ROOM_IN_USE;
                Out::of([Effect::CallFailed(CallKind::SwitchRoom, Some(own), code)])
            }
            Call::LogoutRoom(_) => self.leave(context, own, Event::LogoutRoom),
            // Should the logout be lost, the server learns of it from the login (spec: R34).
            Call::SwitchRoom(_, to) => {
                let gone = Effect::status(own, (Reason::Logout, ErrorCode::OK), Event::SwitchRoom);
                let over = self.unanswered(own, Unanswered::NotInRoom);
                let out = Out::of([gone, self.send(ClientBody::Logout)]);
                let entering = self.enter(context, to);
                over.into_iter().chain(entering.iter().copied()).fold(out, Out::and)
            }
            Call::RenewToken(..)
            | Call::StartPublishing(..)
            | Call::StopPublishing(_)
            | Call::Ask(..) => unreachable!("{call:?} is not about being in a room"),
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Farewell {
    /// The logout is sent now.
    fn new(&Context { rules, now, .. }: &Context<'_>, epoch: Epoch, rtt: RoundTrip) -> Self {
        Self { epoch, repeat: Repeat::first(rules, rtt, now), until: now + rules.logout_timeout }
    }
}

/// `logoutRoom` names a room that the client is not in: the app is told, nothing else happens
/// (spec: R11).
const fn logout_failed(room: RoomId, event: Event) -> Effect {
    Effect::status(room, (Reason::LogoutFailed, ErrorCode::NOT_IN_THIS_ROOM), event)
}
