//! A member that is in its room.

use super::{
    Context, Departed, Departure, Effect, Gone, Input, Member, Ousted, Ouster, Out, State,
};
use crate::{
    id::{Epoch, RoomId},
    protocol::{
        call::{Login, Notify, Token},
        message::{ClientBody, Known, List, ServerBody, ServerMsg},
        repeat::{Repeat, RoundTrip},
        rules::{Anchor, TokenExpiry},
    },
    time::SimTime,
};

/// A member of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// The room.
    pub room: RoomId,
    /// When the session began: no other of this member began then.
    pub since: SimTime,
    /// When the member is taken for gone; never, while it is known to be there.
    pub lease_ends_at: SimTime,
    /// When a relogin has been processed.
    pub greet_at: SimTime,
    /// What is gone when it has been; nothing, if the request was only repeated.
    pub anew: Option<Departed>,
    /// When the member is put out because its token has expired.
    pub expel_at: SimTime,
    /// Whether the member is told of users who come and go (spec: R41, R53).
    pub hears: Notify,
    /// The number of what the member wanted last, see [`Errands`](crate::protocol::message::Errands).
    pub version: u32,
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

impl Present {
    /// The earliest deadline that no heartbeat moves.
    pub(in crate::protocol) fn unmoved_deadline(&self) -> SimTime {
        let feed_at = match self.feed {
            Feed::Closed => SimTime::NEVER,
            Feed::Open { repeat, .. } => repeat.at,
        };
        self.greet_at.min(self.expel_at).min(feed_at)
    }

    /// Something other than a message happens to a member.
    pub(super) fn step(
        mut self,
        member: &mut Member,
        context: &Context<'_>,
        input: Input<'_>,
    ) -> Out {
        let Context { rules, now, .. } = *context;
        match input {
            Input::Wake => return self.wake(member, context),
            Input::Published(published) => {
                let to = published.to(self.hears);
                if let Feed::Open { acked, sent, .. } = self.feed
                    && sent < to
                {
                    let out = self.tell((member.epoch, member.rtt), context, (acked, to));
                    self.of(member);
                    return out;
                }
            }
            Input::Oust(by) => return self.oust(member, context, by),
            Input::SignalBack(epoch) if epoch == member.epoch => {
                self.lease_ends_at = SimTime::NEVER;
                self.of(member);
            }
            Input::SignalLost => {
                self.lease_ends_at = now + rules.lease.after;
                self.of(member);
            }
            // Out of turn; messages have been dealt with before.
            Input::SignalBack(_) | Input::Receive(_) => (),
        }
        Out::NONE
    }

    #[inline]
    const fn of(self, member: &mut Member) {
        member.state = State::Present(self);
    }

    /// Put out: the room is left at once, the client told until it knows (spec: R9, R37).
    fn oust(self, member: &mut Member, context: &Context<'_>, by: Ouster) -> Out {
        let repeat = Repeat::first(context.rules, member.rtt, context.now);
        member.state = State::Ousted(Ousted { by, repeat, until: self.lease_ends_at });
        Out::of([Effect::Leave(self.room, by.departure()), member.kick(by)])
    }

    fn wake(mut self, member: &mut Member, context: &Context<'_>) -> Out {
        let now = context.now;
        if self.greet_at.is_due(now) {
            let accepted = Out::of([member.send(self.accept(context))]);
            let relogin = self.anew.map(Effect::Relogin);
            Self { greet_at: SimTime::NEVER, anew: None, ..self }.of(member);
            return relogin.into_iter().fold(accepted, Out::and);
        }
        // spec: R52
        if self.expel_at.is_due(now) {
            return self.oust(member, context, Ouster::TokenExpired);
        }
        // spec: R15, R21, R24
        if self.lease_ends_at.is_due(now) {
            member.state = State::Absent(Gone::Silent);
            return Out::of([Effect::Leave(self.room, Departure::LeaseEnded)]);
        }
        match &mut self.feed {
            Feed::Open { acked, sent, repeat } if repeat.is_due(now) => {
                *repeat = repeat.again(context.rules, now);
                let told = (*acked, *sent);
                self.of(member);
                Out::of([self.roster(member.epoch, told)])
            }
            Feed::Open { .. } | Feed::Closed => Out::NONE,
        }
    }

    /// Tells the member what happened between two positions.
    fn tell(
        &mut self,
        (epoch, rtt): (Epoch, RoundTrip),
        context: &Context<'_>,
        (from, to): (u32, u32),
    ) -> Out {
        self.feed = self.feed.told((context, rtt), from, to);
        Out::of([self.roster(epoch, (from, to))])
    }

    const fn roster(&self, epoch: Epoch, (from, to): (u32, u32)) -> Effect {
        Effect::Send(ServerMsg { epoch, body: ServerBody::Roster { from, to, users: self.hears } })
    }

    /// Lets the member in, or in again.  Who is told of no users has nothing to ask for in a room
    /// where nothing else has happened, and is told of what does from now on.
    pub(super) fn accept(&mut self, context: &Context<'_>) -> ServerBody {
        let list = if self.hears == Notify::Off && context.noted.to(Notify::Off) == 0 {
            List::Empty
        } else {
            List::Unasked
        };
        if (self.feed, list) == (Feed::Closed, List::Empty) {
            self.feed = Feed::Open { acked: 0, sent: 0, repeat: Repeat::NEVER };
        }
        ServerBody::LoginAccepted { since: self.since, list }
    }

    /// A relogin of a session that is alive, or its repetition.
    pub(super) fn greet(
        mut self,
        member: &mut Member,
        context: &Context<'_>,
        (epoch, login): (Epoch, Login),
    ) {
        let done_at = context.now + context.rules.login_processing;
        self.lease_ends_at = Member::lease(epoch, context);
        if epoch == member.epoch {
            self.greet_at = self.greet_at.min(done_at);
            return self.of(member);
        }
        // Another login knows nothing of what the one before wanted (spec: R62).
        let (version, departed) = if epoch.is_same_login(member.epoch) {
            (self.version, Departed::Nothing)
        } else {
            (0, Departed::Streams)
        };
        let hears = match login.notify {
            Notify::Off => Notify::Off,
            Notify::On => context.place,
        };
        let anew = match (self.anew, departed) {
            (Some(Departed::Streams), _) | (_, Departed::Streams) => Departed::Streams,
            (None | Some(Departed::Nothing), Departed::Nothing) => Departed::Nothing,
        };
        let (greet_at, anew, feed) = (done_at, Some(anew), Feed::Closed);
        let mut present = Self { greet_at, anew, hears, version, feed, ..self };
        present.prove(context, login.token);
        *member = Member { epoch, rtt: RoundTrip::UNKNOWN, state: State::Present(present) };
    }

    /// The member shows a token.
    pub(super) fn prove(&mut self, context: &Context<'_>, token: Token) {
        self.expel_at = match context.rules.token_expiry {
            TokenExpiry::Keep => SimTime::NEVER,
            TokenExpiry::Kick => token.end(),
        };
    }

    /// A message of the member other than login and logout, on a connection of which this is known.
    #[inline]
    pub(super) fn hear(
        &mut self,
        (epoch, rtt): (Epoch, &mut RoundTrip),
        context: &Context<'_>,
        body: &ClientBody,
    ) -> Out {
        let send = |body| Out::of([Effect::Send(ServerMsg { epoch, body })]);
        match *body {
            ClientBody::Heartbeat | ClientBody::Probe => {
                self.heard(context, body);
                let answer = send(ServerBody::HeartbeatAck);
                if self.feed != Feed::Closed {
                    return answer;
                }
                // Perhaps it does not know that it was let in anew, and never asks for the list.
                let body = self.accept(context);
                answer.and(Effect::Send(ServerMsg { epoch, body }))
            }
            // It did not know when it said so.
            ClientBody::AskRoster(Known { since, .. })
            | ClientBody::AckRoster(Known { since, .. })
                if since != self.since =>
            {
                self.heard(context, body);
                send(self.accept(context))
            }
            // A list that was told before the session was lost has come late: what follows is told.
            ClientBody::AckRoster(known) if self.feed == Feed::Closed => {
                self.hear((epoch, rtt), context, &ClientBody::AskRoster(known))
            }
            ClientBody::AskRoster(Known { to: known, .. }) => {
                self.heard(context, body);
                let acked = match self.feed {
                    Feed::Closed => known,
                    Feed::Open { acked, .. } => acked.max(known),
                };
                let to = context.noted.to(self.hears).max(acked);
                self.tell((epoch, *rtt), context, (acked, to))
            }
            ClientBody::AckRoster(Known { to: known, .. }) => {
                self.heard(context, body);
                let noted = context.noted.to(Notify::On);
                assert!(known <= noted, "it has heard of {known}, and there is {noted}: {self:?}");
                if let Feed::Open { acked, sent, repeat } = &mut self.feed {
                    // Perhaps of more than it was told since it was let in anew.
                    *sent = known.max(*sent);
                    if known == *sent {
                        *rtt = rtt.answered(context.rules, *repeat, context.now);
                    }
                    *acked = known.max(*acked);
                    if *acked == *sent {
                        *repeat = Repeat::NEVER;
                    }
                }
                Out::NONE
            }
            // What is wanted now replaces what was wanted before (spec: R65).
            ClientBody::Errands(errands) if self.version <= errands.version => {
                self.heard(context, body);
                self.version = errands.version;
                self.prove(context, errands.token);
                Out::of([Effect::Do(errands)])
            }
            ClientBody::AskCount => {
                self.heard(context, body);
                send(ServerBody::Count(context.n_users))
            }
            // Out of turn.
            ClientBody::Errands(_)
            | ClientBody::AckKick
            | ClientBody::Login(_)
            | ClientBody::Logout => Out::NONE,
        }
    }

    /// A message arrived just now.
    #[inline]
    fn heard(&mut self, context: &Context<'_>, body: &ClientBody) {
        let Context { rules, now, .. } = *context;
        match (rules.lease.anchor, body) {
            (Anchor::LastMessage, _) | (_, ClientBody::Heartbeat) => {
                self.lease_ends_at = rules.lease.renewed(self.lease_ends_at, now);
            }
            (Anchor::Outage | Anchor::LastHeartbeat, _) => (),
        }
    }
}

impl Feed {
    /// The member is told just now, perhaps what it has been told before.
    fn told(
        self,
        (&Context { rules, now, .. }, rtt): (&Context<'_>, RoundTrip),
        acked: u32,
        sent: u32,
    ) -> Self {
        let repeat = match self {
            _ if acked == sent => Repeat::NEVER,
            Self::Open { sent: before, .. } if before == sent => Repeat::anew(rules, rtt, now),
            Self::Open { .. } | Self::Closed => Repeat::first(rules, rtt, now),
        };
        Self::Open { acked, sent, repeat }
    }
}
