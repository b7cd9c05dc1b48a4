//! A member that is in its room.

use super::{
    Context, Departed, Departure, Effect, Gone, Input, Member, Ousted, Ouster, Out, State,
};
use crate::{
    id::{Epoch, RoomId},
    protocol::{
        call::{Login, Notify, Token},
        message::{ClientBody, ServerBody},
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
        self,
        member: Member,
        context: &Context<'_>,
        input: Input<'_>,
    ) -> (Member, Out) {
        let Context { rules, now, .. } = *context;
        match input {
            Input::Wake => self.wake(member, context),
            Input::Published(published) => {
                let to = published.to(self.hears);
                match self.feed {
                    Feed::Open { acked, sent, .. } if sent < to => {
                        self.tell(member, context, (acked, to))
                    }
                    Feed::Open { .. } | Feed::Closed => (member, Out::NONE),
                }
            }
            Input::Oust(by) => self.oust(member, context, by),
            Input::SignalBack(epoch) if epoch == member.epoch => {
                (Self { lease_ends_at: SimTime::NEVER, ..self }.of(member), Out::NONE)
            }
            Input::SignalLost => {
                (Self { lease_ends_at: now + rules.lease.after, ..self }.of(member), Out::NONE)
            }
            // Out of turn; messages have been dealt with before.
            Input::SignalBack(_) | Input::Receive(_) => (member, Out::NONE),
        }
    }

    #[inline]
    const fn of(self, member: Member) -> Member {
        member.with(State::Present(self))
    }

    /// Put out: the room is left at once, the client told until it knows (spec: R9, R37).
    fn oust(self, member: Member, context: &Context<'_>, by: Ouster) -> (Member, Out) {
        let repeat = Repeat::first(context.rules, context.rtt, context.now);
        let ousted = Ousted { by, repeat, until: self.lease_ends_at };
        let out = Out::of([Effect::Leave(self.room, by.departure()), member.kick(by)]);
        (member.with(State::Ousted(ousted)), out)
    }

    fn wake(self, member: Member, context: &Context<'_>) -> (Member, Out) {
        let now = context.now;
        if self.greet_at.is_due(now) {
            let present = Self { greet_at: SimTime::NEVER, anew: None, ..self };
            let accepted = Out::of([member.send(ServerBody::LoginAccepted)]);
            let relogin = self.anew.map(Effect::Relogin);
            return (present.of(member), relogin.into_iter().fold(accepted, Out::and));
        }
        // spec: R52
        if self.expel_at.is_due(now) {
            return self.oust(member, context, Ouster::TokenExpired);
        }
        // spec: R15, R21, R24
        if self.lease_ends_at.is_due(now) {
            let gone = member.with(State::Absent(Gone::Silent));
            return (gone, Out::of([Effect::Leave(self.room, Departure::LeaseEnded)]));
        }
        match self.feed {
            Feed::Open { acked, sent, repeat } if repeat.is_due(now) => {
                let feed =
                    Feed::Open { acked, sent, repeat: repeat.again(context.rules, context.now) };
                let roster = self.roster(member, (acked, sent));
                (Self { feed, ..self }.of(member), Out::of([roster]))
            }
            Feed::Open { .. } | Feed::Closed => (member, Out::NONE),
        }
    }

    /// Tells the member what happened between two positions.
    fn tell(self, member: Member, context: &Context<'_>, (from, to): (u32, u32)) -> (Member, Out) {
        let present = Self { feed: self.feed.told(context, from, to), ..self };
        (present.of(member), Out::of([self.roster(member, (from, to))]))
    }

    const fn roster(self, member: Member, (from, to): (u32, u32)) -> Effect {
        member.send(ServerBody::Roster { from, to, users: self.hears })
    }

    /// A relogin of a session that is alive, or its repetition.
    pub(super) fn greet(
        self,
        member: Member,
        context: &Context<'_>,
        (epoch, login): (Epoch, Login),
    ) -> (Member, Out) {
        let done_at = context.now + context.rules.login_processing;
        let lease_ends_at = Member { epoch, ..member }.lease(context);
        if epoch == member.epoch {
            let greet_at = self.greet_at.min(done_at);
            return (Self { lease_ends_at, greet_at, ..self }.of(member), Out::NONE);
        }
        let member = Member { rtt: RoundTrip::UNKNOWN, ..member };
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
        let present = Self { lease_ends_at, greet_at, anew, hears, version, feed, ..self };
        let present = present.proven(context, login.token);
        (present.of(Member { epoch, ..member }), Out::NONE)
    }

    /// The member shows a token.
    pub(super) fn proven(self, context: &Context<'_>, token: Token) -> Self {
        let expel_at = match context.rules.token_expiry {
            TokenExpiry::Keep => SimTime::NEVER,
            TokenExpiry::Kick => token.end(),
        };
        Self { expel_at, ..self }
    }

    /// A message of the member other than login and logout.
    #[inline]
    pub(super) fn hear(
        self,
        member: Member,
        context: &Context<'_>,
        body: ClientBody,
    ) -> (Member, Out) {
        let heard = self.heard(context, body);
        match body {
            ClientBody::Heartbeat | ClientBody::Probe => {
                (heard.of(member), Out::of([member.send(ServerBody::HeartbeatAck)]))
            }
            // A list that was told before the session was lost has come late: what follows is told.
            ClientBody::AckRoster(known) if self.feed == Feed::Closed => {
                self.hear(member, context, ClientBody::AskRoster(known))
            }
            ClientBody::AskRoster(known) => {
                let acked = match self.feed {
                    Feed::Closed => known,
                    Feed::Open { acked, .. } => acked.max(known),
                };
                heard.tell(member, context, (acked, context.head))
            }
            ClientBody::AckRoster(known) => {
                let mut member = member;
                let feed = match self.feed {
                    Feed::Closed => Feed::Closed,
                    Feed::Open { acked, sent, repeat } => {
                        if known == sent {
                            member.rtt = member.rtt.answered(context.rules, repeat, context.now);
                        }
                        assert!(
                            known <= sent,
                            "{member:?} has heard of {known} before it was told"
                        );
                        let acked = acked.max(known);
                        let repeat = if acked == sent { Repeat::NEVER } else { repeat };
                        Feed::Open { acked, sent, repeat }
                    }
                };
                (Self { feed, ..heard }.of(member), Out::NONE)
            }
            // What is wanted now replaces what was wanted before (spec: R65).
            ClientBody::Errands(errands) if self.version <= errands.version => {
                let present = Self { version: errands.version, ..heard };
                let present = present.proven(context, errands.token);
                (present.of(member), Out::of([Effect::Do(errands)]))
            }
            ClientBody::AskCount => {
                let count = member.send(ServerBody::Count(context.n_users));
                (heard.of(member), Out::of([count]))
            }
            // Out of turn.
            ClientBody::Errands(_)
            | ClientBody::AckKick
            | ClientBody::Login(_)
            | ClientBody::Logout => (member, Out::NONE),
        }
    }

    /// A message arrived just now.
    #[inline]
    fn heard(mut self, context: &Context<'_>, body: ClientBody) -> Self {
        let Context { rules, now, .. } = *context;
        match (rules.lease.anchor, body) {
            (Anchor::LastMessage, _) | (_, ClientBody::Heartbeat) => {
                self.lease_ends_at = rules.lease.renewed(self.lease_ends_at, now);
            }
            (Anchor::Outage | Anchor::LastHeartbeat, _) => (),
        }
        self
    }
}

impl Feed {
    /// The member is told just now, perhaps what it has been told before.
    fn told(self, &Context { rules, rtt, now, .. }: &Context<'_>, acked: u32, sent: u32) -> Self {
        let repeat = match self {
            _ if acked == sent => Repeat::NEVER,
            Self::Open { sent: before, .. } if before == sent => Repeat::anew(rules, rtt, now),
            Self::Open { .. } | Self::Closed => Repeat::first(rules, rtt, now),
        };
        Self::Open { acked, sent, repeat }
    }
}
