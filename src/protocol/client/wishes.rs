//! What an app wants of its room besides being in it: streams, infos, messages, a valid token.
//!
//! Told to the server as a whole, numbered, and repeated until it is answered: so nothing that is
//! lost or overtaken leaves the two apart.

use super::{Client, Context, Effect, Online, Out, State};
use crate::{
    id::RoomId,
    protocol::{
        call::{Ask, Call, CallKind, Slot, Streams, Token, Unanswered},
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
    pub(super) fn wished(self, rules: &Rules, call: Call) -> Option<Wished> {
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

    /// The same client with other wishes.
    pub(super) const fn wishing(self, wishes: Wishes) -> Self {
        Self { wishes, ..self }
    }

    /// The message that tells the server what is wanted.
    pub(super) const fn errands(self, token: Token) -> Effect {
        let Wishes { version, streams, asked, answered, .. } = self.wishes;
        self.send(ClientBody::Errands(Errands { version, token, streams, answered, asked }))
    }

    /// Nobody is waited for any more: what was asked is over without an answer.
    pub(super) fn unanswered(self, room: RoomId, why: Unanswered) -> Option<Effect> {
        let Wishes { answered, asked, .. } = self.wishes;
        (answered < asked).then_some(Effect::Unanswered(room, (answered, asked), why))
    }

    /// A call of a client in no room that is about something in a room.
    pub(super) fn wish_in_vain(self, call: Call) -> (Self, Out) {
        let failed = |kind, room, code| Out::of([Effect::CallFailed(kind, room, code)]);
        let out = match call {
            Call::RenewToken(room, _) => {
                failed(CallKind::RenewToken, room, ErrorCode::NOT_IN_THIS_ROOM)
            }
            Call::StartPublishing(room, slot) => publish_refused(room, slot),
            Call::Ask(room, ask) => Out::of([Effect::Unasked(room, ask, Unanswered::NotInRoom)]),
            Call::StopPublishing(_)
            | Call::LoginRoom(_)
            | Call::LogoutRoom(_)
            | Call::SwitchRoom(..) => Out::NONE,
        };
        (self, out)
    }
}

fn publish_refused(room: Option<RoomId>, slot: Slot) -> Out {
    let streams = Streams::NONE.with(slot);
    Out::of([Effect::PublishRefused(room, streams, ErrorCode::NOT_LOGGED_IN)])
}

impl Online {
    /// A call that wants something of the room.
    pub(super) fn wish(
        self,
        client: &Client,
        context: &Context<'_>,
        wished: Wished,
    ) -> (Client, Out) {
        let (wishes, token) = match wished {
            Wished::Now(wishes) if wishes == client.wishes => return (*client, Out::NONE),
            Wished::Now(wishes) => (wishes, self.login.token),
            Wished::Proven(wishes, token) => (wishes, token),
            Wished::Ask(room, ask) => return self.ask(client, context, (room, ask)),
        };
        self.tell(&client.wishing(wishes), context, token)
    }

    /// The server is told what is wanted now.
    fn tell(self, client: &Client, context: &Context<'_>, token: Token) -> (Client, Out) {
        let login = crate::protocol::call::Login { token, ..self.login };
        let errands = Repeat::first(context.rules, client.rtt, context.now);
        let online = Self { login, errands, ..self };
        (client.with(State::Online(online)), Out::of([client.errands(token)]))
    }

    fn ask(
        self,
        client: &Client,
        context: &Context<'_>,
        (room, ask): (RoomId, Ask),
    ) -> (Client, Out) {
        let failed = |why| Effect::Unasked(room, ask, why);
        if room != self.login.room {
            return (*client, Out::of([failed(Unanswered::OtherRoom)]));
        }
        let mut wishes = client.wishes;
        // spec: R58
        let rate = context.rules.rates.user_messages;
        let may_pass = match ask {
            Ask::Broadcast(_) => wishes.messages.lets_through(rate, context.now),
            Ask::ExtraInfo(..) => true,
        };
        if !may_pass {
            return (*client, Out::of([failed(Unanswered::TooFrequent)]));
        }
        wishes.asked += 1;
        let (client, told) =
            self.tell(&client.wishing(wishes.changed()), context, self.login.token);
        (client, told.iter().fold(Out::of([Effect::Post(ask)]), Out::and))
    }

    /// The server has done what was wanted.
    pub(super) fn done(
        self,
        client: &Client,
        context: &Context<'_>,
        (version, answered): (u32, u32),
        refused: Refused,
    ) -> (Client, Out) {
        let room = self.login.room;
        let before = client.wishes.answered;
        let answered = answered.max(before);
        let mut wishes = Wishes { answered, ..client.wishes };
        let mut out = Out::NONE;
        if before < answered {
            out = out.and(Effect::Answered(room, (before, answered)));
        }
        let online = self.heard(context);
        if version != wishes.version {
            // What is wanted now is still under way.
            return (client.wishing(wishes).with(State::Online(online)), out);
        }
        wishes.done = version;
        let client = client.answered(context, self.errands);
        let gone = refused.all().and(wishes.streams);
        if gone.is_empty() {
            let online = Self { errands: Repeat::NEVER, ..online };
            return (client.wishing(wishes).with(State::Online(online)), out);
        }
        let by_code = [
            (refused.taken, ErrorCode::STREAM_EXISTS),
            (refused.barred, ErrorCode::PUBLISHING_REFUSED),
        ];
        for (streams, code) in by_code {
            let streams = streams.and(wishes.streams);
            if !streams.is_empty() {
                out = out.and(Effect::PublishRefused(Some(room), streams, code));
            }
        }
        wishes = wishes.with(wishes.streams.minus(gone));
        let (client, told) = online.tell(&client.wishing(wishes), context, self.login.token);
        (client, told.iter().fold(out, Out::and))
    }

    /// The app is told that its token will expire (spec: R51).
    pub(super) fn warn(self, client: &Client, context: &Context<'_>) -> (Client, Out) {
        let end = self.login.token.end().max(context.now);
        let secs = end.since(context.now).as_micros() / 1_000_000;
        let secs = u32::try_from(secs).expect("a token that will expire has less than 2^32 s");
        let wishes = Wishes { warn_at: SimTime::NEVER, ..client.wishes };
        let told = Effect::TokenWillExpire(self.login.room, secs);
        (client.wishing(wishes), Out::of([told]))
    }
}
