//! What an app wants of its room besides being in it: streams, infos, messages, a valid token.
//!
//! Told to the server as a whole, numbered, and repeated until it is answered: so nothing that is
//! lost or overtaken leaves the two apart.

use super::{Client, Context, Effect, Out};
use crate::{
    id::RoomId,
    protocol::{
        call::{Ask, Call, CallKind, Login, Streams, Token, Unanswered},
        code::ErrorCode,
        gate::Gate,
        message::{ClientBody, Errands, Refused},
        repeat::Repeat,
        rules::Rules,
    },
    time::SimTime,
};

/// What an app wants besides being in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// How often they have changed.
    pub version: u32,
    /// The version that the server has last done; what a new session has not to be told.
    pub done: u32,
    /// The streams that are to be published.
    pub streams: Streams,
    /// How much has been asked of rooms so far.
    pub asked: u32,
    /// How much of it is over, answered or not.
    pub answered: u32,
    /// When the app is told that its token will expire.
    pub warn_at: SimTime,
    /// Lets messages through.
    pub messages: Gate,
}

impl Wishes {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            version: 0,
            done: 0,
            streams: Streams::NONE,
            asked: 0,
            answered: 0,
            warn_at: SimTime::NEVER,
            messages: Gate::default(),
        }
    }

    /// The same wishes with another token.
    pub(super) fn proven(self, rules: &Rules, token: Token) -> Self {
        let end = token.end();
        let warn_at = if end == SimTime::NEVER {
            SimTime::NEVER
        } else {
            let before = rules.token_warning.as_micros();
            SimTime::from_micros(end.as_micros().saturating_sub(before))
        };
        Self { warn_at, ..self }
    }

    /// Nothing is wanted any more; what has not been answered is over.
    pub(super) const fn none(self) -> Self {
        Self {
            done: self.version,
            streams: Streams::NONE,
            answered: self.asked,
            warn_at: SimTime::NEVER,
            ..self
        }
    }

    const fn changed(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    fn with(self, streams: Streams) -> Self {
        if streams == self.streams { self } else { Self { streams, ..self }.changed() }
    }
}

/// The wishes after a call that needs no connection, if it was such a call.
#[derive(Clone, Copy)]
pub(super) enum Wished {
    /// They are these now.
    Now(Wishes),
    /// The token is this one now, too.
    Proven(Wishes, Token),
    /// Something is asked of the room.
    Ask(RoomId, Ask),
}

impl Client {
    /// What a call wants besides being in a room; nothing if it is about being in one.
    pub(super) fn wished(&self, rules: &Rules, call: Call) -> Option<Wished> {
        let wishes = self.wishes;
        match call {
            Call::LoginRoom(_) | Call::LogoutRoom(_) | Call::SwitchRoom(..) => None,
            Call::RenewToken(_, token) => {
                Some(Wished::Proven(wishes.proven(rules, token).changed(), token))
            }
            Call::StartPublishing(_, slot) => {
                Some(Wished::Now(wishes.with(wishes.streams.with(slot))))
            }
            Call::StopPublishing(slot) => {
                Some(Wished::Now(wishes.with(wishes.streams.without(slot))))
            }
            Call::Ask(room, ask) => Some(Wished::Ask(room, ask)),
        }
    }

    /// The message that tells the server what is wanted.
    pub(super) const fn errands(&self, token: Token) -> Effect {
        let Wishes { version, streams, asked, answered, .. } = self.wishes;
        self.send(ClientBody::Errands(Errands { version, token, streams, answered, asked }))
    }

    /// Nobody is waited for any more: what was asked is over without an answer.
    pub(super) fn unanswered(&self, room: RoomId, why: Unanswered) -> Option<Effect> {
        let Wishes { answered, asked, .. } = self.wishes;
        (answered < asked).then_some(Effect::Unanswered(room, (answered, asked), why))
    }

    /// A call of a client in its room that wants something of the room.
    pub(super) fn wish(&mut self, context: &Context<'_>, wished: Wished) -> Out {
        let (wishes, token) = match wished {
            Wished::Now(wishes) if wishes == self.wishes => return Out::NONE,
            Wished::Now(wishes) => (wishes, self.in_room().0.login.token),
            Wished::Proven(wishes, token) => (wishes, token),
            Wished::Ask(room, ask) => return self.ask(context, (room, ask)),
        };
        self.wishes = wishes;
        Out::of([self.tell_wishes(context, token)])
    }

    /// Whether a server that has let the client in has something to be told.
    pub(super) fn has_wishes(&self) -> bool {
        let Wishes { version, done, streams, .. } = self.wishes;
        !streams.is_empty() || version != done
    }

    /// The server is told what is wanted now.
    pub(super) fn tell_wishes(&mut self, context: &Context<'_>, token: Token) -> Effect {
        let (online, rtt) = self.in_room();
        online.login.token = token;
        online.errands = Repeat::first(context.rules, *rtt, context.now);
        self.errands(token)
    }

    fn ask(&mut self, context: &Context<'_>, (room, ask): (RoomId, Ask)) -> Out {
        let failed = |why| Out::of([Effect::Unasked(room, ask, why)]);
        let Login { room: own, token, .. } = self.in_room().0.login;
        if room != own {
            return failed(Unanswered::OtherRoom);
        }
        // spec: R58
        let rate = context.rules.rates.user_messages;
        let may_pass = match ask {
            Ask::Broadcast(_) => self.wishes.messages.lets_through(rate, context.now),
            Ask::ExtraInfo(..) => true,
        };
        if !may_pass {
            return failed(Unanswered::TooFrequent);
        }
        self.wishes.asked += 1;
        self.wishes = self.wishes.changed();
        Out::of([Effect::Post(ask), self.tell_wishes(context, token)])
    }

    /// The server has done what was wanted.
    pub(super) fn done(
        &mut self,
        context: &Context<'_>,
        (version, answered): (u32, u32),
        refused: Refused,
    ) -> Out {
        let before = self.wishes.answered;
        let answered = answered.max(before);
        self.wishes.answered = answered;
        let is_all = version == self.wishes.version;
        let gone = refused.all().and(self.wishes.streams);
        let (online, rtt) = self.in_room();
        let Login { room, token, .. } = online.login;
        online.heard(context);
        let mut out = Out::NONE;
        if before < answered {
            out = out.and(Effect::Answered(room, (before, answered)));
        }
        if !is_all {
            return out; // What is wanted now is still under way.
        }
        *rtt = rtt.answered(context.rules, online.errands, context.now);
        online.errands = Repeat::NEVER;
        self.wishes.done = version;
        if gone.is_empty() {
            return out;
        }
        let by_code = [
            (refused.taken, ErrorCode::STREAM_EXISTS),
            (refused.barred, ErrorCode::PUBLISHING_REFUSED),
        ];
        for (streams, code) in by_code {
            let streams = streams.and(self.wishes.streams);
            if !streams.is_empty() {
                out = out.and(Effect::PublishRefused(Some(room), streams, code));
            }
        }
        self.wishes = self.wishes.with(self.wishes.streams.minus(gone));
        out.and(self.tell_wishes(context, token))
    }

    /// The app is told that its token will expire (spec: R51).
    pub(super) fn warn(&mut self, context: &Context<'_>, login: Login) -> Out {
        self.wishes.warn_at = SimTime::NEVER;
        let Login { room, token, .. } = login;
        let secs = token.end().max(context.now).since(context.now).as_micros() / 1_000_000;
        let secs = u32::try_from(secs).expect("a token that will expire has less than 2^32 s");
        Out::of([Effect::TokenWillExpire(room, secs)])
    }
}

/// A call of a client in no room that is about something in a room.
pub(super) fn wish_in_vain(call: Call) -> Out {
    let failed = |kind, room, code| Out::of([Effect::CallFailed(kind, room, code)]);
    match call {
        Call::RenewToken(room, _) => {
            failed(CallKind::RenewToken, room, ErrorCode::NOT_IN_THIS_ROOM)
        }
        Call::StartPublishing(room, slot) => {
            let streams = Streams::NONE.with(slot);
            Out::of([Effect::PublishRefused(room, streams, ErrorCode::NOT_LOGGED_IN)])
        }
        Call::Ask(room, ask) => Out::of([Effect::Unasked(room, ask, Unanswered::NotInRoom)]),
        Call::StopPublishing(_)
        | Call::LoginRoom(_)
        | Call::LogoutRoom(_)
        | Call::SwitchRoom(..) => Out::NONE,
    }
}
