//! One client as the server sees it.
//!
//! Pure: [`Member::step`] takes time and an input, and gives the next member and its effects.
//! Whether other members exist, and what their room's journal holds, it learns from its inputs.

mod ousted;

use crate::{
    id::{Epoch, RoomId},
    protocol::{
        Effects,
        call::Login,
        code::ErrorCode,
        message::{ClientBody, ClientMsg, ServerBody, ServerMsg},
        repeat::Repeat,
        rules::{Anchor, Rules},
    },
    time::SimTime,
};

pub use ousted::{Ousted, Ouster};

/// One client as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The newest login that the server has heard of.
    pub epoch: Epoch,
    /// Where that login stands.
    pub state: State,
}

/// Where a login stands at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In no room.
    Absent(Gone),
    /// A login is being processed.
    Joining {
        /// The room, and what the app wants of it.
        login: Login,
        /// When the processing is done.
        admit_at: SimTime,
    },
    /// In a room.
    Present(Present),
    /// Put out; the client may not know yet.
    Ousted(Ousted),
}

/// How a member came to be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It never came, was refused, or its lease ended: a login makes it a member (again).
    Silent,
    /// It logged out: what still arrives of that login is out of turn.
    LoggedOut,
}

/// A member of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// The room.
    pub room: RoomId,
    /// When the member is taken for gone; never, while it is known to be there.
    pub lease_ends_at: SimTime,
    /// When a relogin has been processed.
    pub greet_at: SimTime,
    /// How the member is told of changes in the room.
    pub feed: Feed,
}

/// How a member is told of the changes in its room: in order, each one once, whatever is lost.
///
/// A message holds all that the member has not acknowledged, so none can overtake another, and
/// the last one is repeated until it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// The member has not asked for the list yet.
    Closed,
    /// The member is told of every change.
    Open {
        /// The position in the journal up to which the member has acknowledged.
        acked: u32,
        /// The position up to which it has been told.
        sent: u32,
        /// When it is told again; never, when all is acknowledged.
        repeat: Repeat,
    },
}

/// What can happen to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A message of the client arrives.
    Receive(ClientMsg),
    /// The room's journal has been made public up to this position.
    Published(u32),
    /// The member is put out.
    Oust(Ouster),
    /// The client, with this login, is in its room and its way to the server is open.
    SignalBack(Epoch),
    /// That is so no longer.
    SignalLost,
    /// A deadline is due.
    Wake,
}

/// What the server does about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Sends the client a message.
    Send(ServerMsg),
    /// Takes the member into the room.
    Join(Login),
    /// Takes the member out of the room.
    Leave(RoomId),
}

type Out = Effects<Effect, 2>;

/// What a step knows of the world around the member.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The parameters of the protocol.
    pub rules: &'a Rules,
    /// The present instant.
    pub now: SimTime,
    /// The last position in the journal of the member's room.
    pub head: u32,
    /// Why a login that is being processed is to be refused, if it is.
    pub refusal: Option<ErrorCode>,
    /// With which connection the client is known to be there (see [`Anchor::Outage`]), if it is.
    pub signal: Option<Epoch>,
}

impl Member {
    /// A client of which the server has never heard.
    pub const fn new() -> Self {
        Self { epoch: Epoch::NONE, state: State::Absent(Gone::Silent) }
    }

    /// When the server has something to do about the member.
    pub fn deadline(&self) -> SimTime {
        match self.state {
            State::Absent(_) => SimTime::NEVER,
            State::Joining { admit_at, .. } => admit_at,
            State::Present(it) => {
                let feed_at = match it.feed {
                    Feed::Closed => SimTime::NEVER,
                    Feed::Open { repeat, .. } => repeat.at,
                };
                it.lease_ends_at.min(it.greet_at).min(feed_at)
            }
            State::Ousted(it) => it.repeat.at.min(it.until),
        }
    }

    /// The room that the member is in.
    pub const fn room(&self) -> Option<RoomId> {
        match self.state {
            State::Present(Present { room, .. }) => Some(room),
            State::Absent(_) | State::Joining { .. } | State::Ousted(_) => None,
        }
    }

    /// What becomes of the member, and what the server does.
    #[inline]
    #[must_use]
    pub fn step(self, context: Context<'_>, input: Input) -> (Self, Out) {
        if let Input::Receive(message) = input {
            return match message.body {
                ClientBody::Login(login) => self.login(context, message.epoch, login),
                ClientBody::Logout => self.logout(message.epoch),
                ClientBody::Heartbeat
                | ClientBody::AskRoster(_)
                | ClientBody::AckRoster(_)
                | ClientBody::AckKick => self.hear(context, message),
            };
        }
        match self.state {
            // Whoever comes back after its user has come from another client is too late.
            // spec: R32
            State::Absent(Gone::Silent)
                if input == Input::Oust(Ouster::OtherClient) && self.epoch != Epoch::NONE =>
            {
                let (repeat, until) = (Repeat::NEVER, SimTime::NEVER);
                let by = Ouster::OtherClient;
                (self.with(State::Ousted(Ousted { by, repeat, until })), Out::NONE)
            }
            State::Absent(_) => (self, Out::NONE),
            State::Joining { login, admit_at } => match input {
                Input::Wake if admit_at.is_due(context.now) => self.admit(context, login),
                // Not yet a member, so there is nothing to end.
                Input::Receive(_)
                | Input::Published(_)
                | Input::Oust(_)
                | Input::SignalBack(_)
                | Input::SignalLost
                | Input::Wake => (self, Out::NONE),
            },
            State::Present(present) => self.present(context, present, input),
            State::Ousted(ousted) => ousted.step(self, context, input),
        }
    }

    const fn with(self, state: State) -> Self {
        Self { state, ..self }
    }

    const fn send(self, body: ServerBody) -> Effect {
        Effect::Send(ServerMsg { epoch: self.epoch, body })
    }

    const fn kick(self, by: Ouster) -> Effect {
        self.send(ServerBody::Kicked(by.code()))
    }

    /// A login request: the first of its login, or a repetition, or a relogin.
    fn login(self, context: Context<'_>, epoch: Epoch, login: Login) -> (Self, Out) {
        let done_at = context.now + context.rules.login_processing;
        if epoch < self.epoch {
            return (self, Out::NONE); // Out of turn.
        }
        // What has been let in is not looked at again, only because its answer was lost.
        let is_known =
            epoch == self.epoch && matches!(self.state, State::Joining { .. } | State::Present(_));
        // spec: R43
        if !is_known && !login.token.is_valid(context.now) {
            let reject = ServerBody::LoginRejected(ErrorCode::TOKEN_INVALID);
            return (self, Out::of([Effect::Send(ServerMsg { epoch, body: reject })]));
        }
        let joining = Self { epoch, state: State::Joining { login, admit_at: done_at } };
        match self.state {
            State::Absent(Gone::LoggedOut) if epoch.is_same_login(self.epoch) => (self, Out::NONE),
            State::Joining { .. } if epoch == self.epoch => (self, Out::NONE),
            // Put out on this very connection, or on an earlier one and that is remembered.
            // spec: R32
            State::Ousted(Ousted { by, .. })
                if epoch == self.epoch
                    || epoch.is_same_login(self.epoch) && context.rules.remembers(by) =>
            {
                let member = Self { epoch, ..self };
                let refusal = ServerBody::LoginRejected(by.refusal());
                (member, Out::of([member.send(refusal)]))
            }
            // The session is alive: nobody else hears of it (spec: R20, R30).
            State::Present(present) if present.room == login.room => {
                let (feed, greet_at) = if epoch == self.epoch {
                    (present.feed, present.greet_at.min(done_at))
                } else {
                    (Feed::Closed, done_at)
                };
                let member = Self { epoch, ..self };
                let lease_ends_at = member.lease(context);
                let present = Present { lease_ends_at, greet_at, feed, ..present };
                (member.with(State::Present(present)), Out::NONE)
            }
            // A new login elsewhere, while the logout was lost.
            State::Present(present) => (joining, Out::of([Effect::Leave(present.room)])),
            // A newer login is let in, whatever became of the older (spec: R39).
            State::Absent(_) | State::Joining { .. } | State::Ousted(_) => (joining, Out::NONE),
        }
    }

    fn logout(self, epoch: Epoch) -> (Self, Out) {
        let done = Effect::Send(ServerMsg { epoch, body: ServerBody::LogoutAccepted });
        if epoch < self.epoch && !epoch.is_same_login(self.epoch) {
            return (self, Out::of([done])); // A newer login has ended that one.
        }
        let out = match self.state {
            State::Present(present) => Out::of([Effect::Leave(present.room), done]),
            State::Absent(_) | State::Joining { .. } | State::Ousted(_) => Out::of([done]),
        };
        let epoch = epoch.max(self.epoch);
        (Self { epoch, state: State::Absent(Gone::LoggedOut) }, out)
    }

    /// A message other than login and logout.
    fn hear(self, context: Context<'_>, ClientMsg { epoch, body }: ClientMsg) -> (Self, Out) {
        if epoch != self.epoch {
            return (self, Out::NONE); // Out of turn.
        }
        match self.state {
            State::Present(present) => self.hear_present(context, present, body),
            State::Absent(Gone::Silent) => (self, Out::of([self.send(ServerBody::SessionGone)])),
            State::Ousted(ousted) if body == ClientBody::AckKick => {
                (self.with(State::Ousted(ousted.told())), Out::NONE)
            }
            State::Ousted(ousted) => (self, Out::of([self.kick(ousted.by)])),
            State::Absent(Gone::LoggedOut) | State::Joining { .. } => (self, Out::NONE),
        }
    }

    fn hear_present(self, context: Context<'_>, present: Present, body: ClientBody) -> (Self, Out) {
        let heard = present.heard(context);
        match body {
            ClientBody::Heartbeat => {
                (self.with(State::Present(heard)), Out::of([self.send(ServerBody::HeartbeatAck)]))
            }
            // A list that was told before the session was lost has come late: what follows is told.
            ClientBody::AckRoster(known) if present.feed == Feed::Closed => {
                self.hear_present(context, present, ClientBody::AskRoster(known))
            }
            ClientBody::AskRoster(known) => {
                let acked = match present.feed {
                    Feed::Closed => known,
                    Feed::Open { acked, .. } => acked.max(known),
                };
                let feed = Feed::told(context, acked, context.head);
                let roster = self.send(ServerBody::Roster { from: acked, to: context.head });
                (self.with(State::Present(Present { feed, ..heard })), Out::of([roster]))
            }
            ClientBody::AckRoster(known) => {
                let feed = match present.feed {
                    Feed::Closed => Feed::Closed,
                    Feed::Open { acked, sent, repeat } => {
                        assert!(known <= sent, "{self:?} has heard of {known} before it was told");
                        let acked = acked.max(known);
                        let repeat = if acked == sent { Repeat::NEVER } else { repeat };
                        Feed::Open { acked, sent, repeat }
                    }
                };
                (self.with(State::Present(Present { feed, ..heard })), Out::NONE)
            }
            // Out of turn.
            ClientBody::AckKick | ClientBody::Login(_) | ClientBody::Logout => (self, Out::NONE),
        }
    }

    /// When the lease ends that begins now.
    fn lease(self, context: Context<'_>) -> SimTime {
        if context.signal == Some(self.epoch) {
            return SimTime::NEVER;
        }
        context.now + context.rules.lease.after
    }

    fn admit(self, context: Context<'_>, login: Login) -> (Self, Out) {
        if let Some(code) = context.refusal {
            // Asked again, it is decided again.
            let refused = self.with(State::Absent(Gone::Silent));
            return (refused, Out::of([self.send(ServerBody::LoginRejected(code))]));
        }
        let present = Present {
            room: login.room,
            lease_ends_at: self.lease(context),
            greet_at: SimTime::NEVER,
            feed: Feed::Closed,
        };
        let out = Out::of([Effect::Join(login), self.send(ServerBody::LoginAccepted)]);
        (self.with(State::Present(present)), out)
    }

    fn present(self, context: Context<'_>, present: Present, input: Input) -> (Self, Out) {
        let Context { rules, now, .. } = context;
        match input {
            Input::Wake => self.wake_present(context, present),
            Input::Published(to) => match present.feed {
                Feed::Open { acked, sent, .. } if sent < to => {
                    let feed = Feed::told(context, acked, to);
                    let roster = self.send(ServerBody::Roster { from: acked, to });
                    (self.with(State::Present(Present { feed, ..present })), Out::of([roster]))
                }
                Feed::Open { .. } | Feed::Closed => (self, Out::NONE),
            },
            // spec: R9, R37
            Input::Oust(by) => {
                let repeat = Repeat::first(rules, now);
                let ousted = Ousted { by, repeat, until: present.lease_ends_at };
                let out = Out::of([Effect::Leave(present.room), self.kick(by)]);
                (self.with(State::Ousted(ousted)), out)
            }
            Input::SignalBack(epoch) if epoch == self.epoch => {
                let present = Present { lease_ends_at: SimTime::NEVER, ..present };
                (self.with(State::Present(present)), Out::NONE)
            }
            Input::SignalLost => {
                let present = Present { lease_ends_at: now + rules.lease.after, ..present };
                (self.with(State::Present(present)), Out::NONE)
            }
            // Out of turn; messages have been dealt with before.
            Input::SignalBack(_) | Input::Receive(_) => (self, Out::NONE),
        }
    }

    fn wake_present(self, context: Context<'_>, present: Present) -> (Self, Out) {
        let now = context.now;
        if present.greet_at.is_due(now) {
            let present = Present { greet_at: SimTime::NEVER, ..present };
            let accepted = self.send(ServerBody::LoginAccepted);
            return (self.with(State::Present(present)), Out::of([accepted]));
        }
        // spec: R15, R21, R24
        if present.lease_ends_at.is_due(now) {
            let gone = self.with(State::Absent(Gone::Silent));
            return (gone, Out::of([Effect::Leave(present.room)]));
        }
        match present.feed {
            Feed::Open { acked, sent, repeat } if repeat.is_due(now) => {
                let repeat = repeat.again(context.rules, now);
                let feed = Feed::Open { acked, sent, repeat };
                let roster = self.send(ServerBody::Roster { from: acked, to: sent });
                (self.with(State::Present(Present { feed, ..present })), Out::of([roster]))
            }
            Feed::Open { .. } | Feed::Closed => (self, Out::NONE),
        }
    }
}

impl Default for Member {
    fn default() -> Self {
        Self::new()
    }
}

impl Present {
    /// A message arrived just now.
    fn heard(self, context: Context<'_>) -> Self {
        match context.rules.lease.anchor {
            Anchor::Outage => self,
            Anchor::LastMessage => {
                Self { lease_ends_at: context.now + context.rules.lease.after, ..self }
            }
        }
    }
}

impl Feed {
    /// The member is told just now.
    fn told(context: Context<'_>, acked: u32, sent: u32) -> Self {
        let is_known = acked == sent;
        let repeat =
            if is_known { Repeat::NEVER } else { Repeat::first(context.rules, context.now) };
        Self::Open { acked, sent, repeat }
    }
}
