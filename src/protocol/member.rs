//! One client as the server sees it.
//!
//! [`Member::step`] takes time and an input, changes the member, and gives its effects; nothing else
//! has a part in it.  Whether other members exist, and what their room's journal holds, it learns
//! from its inputs.

mod departure;
mod ousted;
mod present;

use crate::{
    id::{Epoch, RoomId},
    protocol::{
        Effects,
        call::{Login, Notify},
        code::ErrorCode,
        journal::Reach,
        message::{ClientBody, ClientMsg, Errands, ServerBody, ServerMsg},
        repeat::{Repeat, RoundTrip},
        rules::Rules,
        server::Moment,
    },
    time::SimTime,
};

pub use departure::Departure;
pub use ousted::{Ousted, Ouster};
pub use present::{Feed, Present};

/// One client as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The newest login that the server has heard of.
    pub epoch: Epoch,
    /// What is known of the way to the client.
    pub rtt: RoundTrip,
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

/// What can happen to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A message of the client arrives.
    Receive(&'a ClientMsg),
    /// The room's journal has been made public so far.
    Published(Reach),
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
    Leave(RoomId, Departure),
    /// The member has logged in to its room again, as another login of its client or as the same.
    Relogin(Departed),
    /// Does what the member wants besides being in the room, and tells it so.
    Do(Errands),
}

/// Whether what a member had in its room is gone, because it has logged in anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departed {
    /// Its streams are those of an earlier login.
    Streams,
    /// Nothing is.
    Nothing,
}

type Out = Effects<Effect, 2>;

/// What a step knows of the world around the member.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The parameters of the protocol.
    pub rules: &'a Rules,
    /// The present instant.
    pub now: SimTime,
    /// How far the journal goes of the room that the member is in, or logs in to now.
    pub noted: Reach,
    /// How many users are in the member's room.
    pub n_users: u32,
    /// Whether who logs in now, or is in the room already, is among those who are told of users
    /// (spec: R53).
    pub place: Notify,
    /// Why a login that arrives now is to be refused at once, if it is.
    pub door: Option<ErrorCode>,
    /// Why a login that is being processed is to be refused, if it is.
    pub refusal: Option<ErrorCode>,
    /// With which connection the client is known to be there (see [`Anchor::Outage`]), if it is.
    ///
    /// [`Anchor::Outage`]: crate::protocol::rules::Anchor::Outage
    pub signal: Option<Epoch>,
}

impl Member {
    /// A client of which the server has never heard.
    pub const fn new() -> Self {
        let state = State::Absent(Gone::Silent);
        Self { epoch: Epoch::NONE, rtt: RoundTrip::UNKNOWN, state }
    }

    /// When the server has something to do about the member.
    pub fn deadline(&self) -> SimTime {
        match &self.state {
            State::Absent(_) => SimTime::NEVER,
            State::Joining { admit_at, .. } => *admit_at,
            State::Present(it) => it.lease_ends_at.min(it.unmoved_deadline()),
            State::Ousted(it) => it.repeat.at.min(it.until),
        }
    }

    /// Whether the member has not been told all that has been made public to it.
    pub fn lacks(&self, published: Reach) -> bool {
        match self.state {
            State::Present(Present { feed: Feed::Open { sent, .. }, hears, .. }) => {
                sent < published.to(hears)
            }
            State::Present(_) | State::Absent(_) | State::Joining { .. } | State::Ousted(_) => {
                false
            }
        }
    }

    /// The room that the member is in.
    pub const fn room(&self) -> Option<RoomId> {
        match self.state {
            State::Present(Present { room, .. }) => Some(room),
            State::Absent(_) | State::Joining { .. } | State::Ousted(_) => None,
        }
    }

    /// Lets something happen to the member; gives what the server does.
    #[inline]
    pub fn step(&mut self, context: &Context<'_>, input: Input<'_>) -> Out {
        if let Input::Receive(message) = input {
            return match message.body {
                ClientBody::Login(login) => self.login(context, message.epoch, login),
                ClientBody::Logout => self.logout(message.epoch),
                ClientBody::Heartbeat
                | ClientBody::Probe
                | ClientBody::AskRoster(_)
                | ClientBody::AckRoster(_)
                | ClientBody::AckKick
                | ClientBody::Errands(_)
                | ClientBody::AskCount => self.hear(context, message),
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
                self.state = State::Ousted(Ousted { by, repeat, until });
                Out::NONE
            }
            State::Absent(_) => Out::NONE,
            State::Joining { login, admit_at } => match input {
                Input::Wake if admit_at.is_due(context.now) => self.admit(context, login),
                // Not yet a member, so there is nothing to end.
                Input::Receive(_)
                | Input::Published(_)
                | Input::Oust(_)
                | Input::SignalBack(_)
                | Input::SignalLost
                | Input::Wake => Out::NONE,
            },
            State::Present(present) => present.step(self, context, input),
            State::Ousted(ousted) => ousted.step(self, context, input),
        }
    }

    const fn send(&self, body: ServerBody) -> Effect {
        Effect::Send(ServerMsg { epoch: self.epoch, body })
    }

    const fn kick(&self, by: Ouster) -> Effect {
        self.send(ServerBody::Kicked(by.code()))
    }

    /// Whether a login request of this epoch is news, and not only repeated because its answer was
    /// lost, or out of turn.
    pub fn is_news(&self, epoch: Epoch) -> bool {
        self.epoch < epoch
            || epoch == self.epoch
                && !matches!(self.state, State::Joining { .. } | State::Present(_))
    }

    /// The server starts again and remembers the member.
    pub(super) fn resume(&mut self, moment: Moment<'_>) {
        if let State::Present(present) = &mut self.state {
            present.lease_ends_at = moment.now + moment.rules.lease.after;
        }
    }

    /// The server starts again and has forgotten the member.
    pub(super) const fn forget(&mut self) {
        self.state = State::Absent(Gone::Silent);
    }

    /// A login request: the first of its login, or a repetition, or a relogin.
    fn login(&mut self, context: &Context<'_>, epoch: Epoch, login: Login) -> Out {
        let done_at = context.now + context.rules.login_processing;
        if epoch < self.epoch {
            return Out::NONE; // Out of turn.
        }
        if self.is_news(epoch)
            && let Some(code) = context.door
        {
            let reject = ServerBody::LoginRejected(code);
            return Out::of([Effect::Send(ServerMsg { epoch, body: reject })]);
        }
        let out = match self.state {
            State::Absent(Gone::LoggedOut) if epoch.is_same_login(self.epoch) => return Out::NONE,
            State::Joining { .. } if epoch == self.epoch => return Out::NONE,
            // Put out on this very connection, or on an earlier one and that is remembered.
            // spec: R32
            State::Ousted(Ousted { by, .. })
                if epoch == self.epoch
                    || epoch.is_same_login(self.epoch) && context.rules.remembers(by) =>
            {
                self.epoch = epoch;
                return Out::of([self.send(ServerBody::LoginRejected(by.refusal()))]);
            }
            // The session is alive: nobody else hears of it (spec: R20, R30).
            State::Present(present) if present.room == login.room => {
                present.greet(self, context, (epoch, login));
                return Out::NONE;
            }
            // A new login elsewhere, while the logout was lost.
            State::Present(present) => Out::of([Effect::Leave(present.room, Departure::Moved)]),
            // A newer login is let in, whatever became of the older (spec: R39).
            State::Absent(_) | State::Joining { .. } | State::Ousted(_) => Out::NONE,
        };
        let state = State::Joining { login, admit_at: done_at };
        *self = Self { epoch, state, rtt: RoundTrip::UNKNOWN };
        out
    }

    fn logout(&mut self, epoch: Epoch) -> Out {
        let done = Effect::Send(ServerMsg { epoch, body: ServerBody::LogoutAccepted });
        if epoch < self.epoch && !epoch.is_same_login(self.epoch) {
            return Out::of([done]); // A newer login has ended that one.
        }
        let out = match self.state {
            State::Present(present) => {
                Out::of([Effect::Leave(present.room, Departure::Logout), done])
            }
            State::Absent(_) | State::Joining { .. } | State::Ousted(_) => Out::of([done]),
        };
        self.epoch = epoch.max(self.epoch);
        self.state = State::Absent(Gone::LoggedOut);
        out
    }

    /// A message other than login and logout.
    fn hear(&mut self, context: &Context<'_>, message: &ClientMsg) -> Out {
        if message.epoch != self.epoch {
            return Out::NONE; // Out of turn.
        }
        match &mut self.state {
            State::Present(present) => {
                present.hear((self.epoch, &mut self.rtt), context, &message.body)
            }
            State::Absent(Gone::Silent) => Out::of([self.send(ServerBody::SessionGone)]),
            State::Ousted(ousted) if message.body == ClientBody::AckKick => {
                *ousted = ousted.told();
                Out::NONE
            }
            State::Ousted(Ousted { by, .. }) => {
                let by = *by;
                Out::of([self.kick(by)])
            }
            State::Absent(Gone::LoggedOut) | State::Joining { .. } => Out::NONE,
        }
    }

    /// When the lease of a connection ends that begins now.
    fn lease(epoch: Epoch, context: &Context<'_>) -> SimTime {
        if context.signal == Some(epoch) {
            return SimTime::NEVER;
        }
        context.now + context.rules.lease.after
    }

    fn admit(&mut self, context: &Context<'_>, login: Login) -> Out {
        if let Some(code) = context.refusal {
            // Asked again, it is decided again.
            self.state = State::Absent(Gone::Silent);
            return Out::of([self.send(ServerBody::LoginRejected(code))]);
        }
        let hears = match login.notify {
            Notify::On => context.place,
            Notify::Off => Notify::Off,
        };
        let mut present = Present {
            room: login.room,
            since: context.now,
            lease_ends_at: Self::lease(self.epoch, context),
            greet_at: SimTime::NEVER,
            anew: None,
            expel_at: SimTime::NEVER,
            hears,
            version: 0,
            feed: Feed::Closed,
        };
        present.prove(context, login.token);
        let accepted = present.accept(context);
        self.state = State::Present(present);
        Out::of([Effect::Join(login), self.send(accepted)])
    }
}

impl Default for Member {
    fn default() -> Self {
        Self::new()
    }
}
