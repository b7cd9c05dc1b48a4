//! A client in its room: heartbeats, answers, and what the server tells.

use super::{Attempt, Client, Context, Effect, Input, Out, State, trying::give_up_at};
use crate::{
    id::RoomId,
    protocol::{
        beats::Beats,
        call::{Call, Login, Unanswered},
        code::{ErrorCode, Event, Reason, Status},
        message::{ClientBody, ServerBody, ServerMsg},
        repeat::Repeat,
    },
    time::SimTime,
};

/// A client in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Online {
    /// The room, and what the app wants of it.
    pub login: Login,
    /// What is known of its heartbeats.
    pub beats: Beats,
    /// When the number of users is asked for.
    pub count_at: SimTime,
    /// When what the app wants is told again; never, when the server has done it.
    pub errands: Repeat,
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

impl Online {
    pub(super) fn deadline(&self) -> SimTime {
        self.beats.deadline().min(self.unmoved_deadline())
    }

    /// The earliest deadline that neither heartbeats nor their answers move.
    pub(in crate::protocol) fn unmoved_deadline(&self) -> SimTime {
        let ask_at = match self.roster {
            Roster::Asked(repeat) => repeat.at,
            Roster::Known => SimTime::NEVER,
        };
        self.count_at.min(self.errands.at).min(ask_at)
    }

    #[inline]
    pub(super) fn step(
        self,
        client: &Client,
        context: &Context<'_>,
        input: Input<'_>,
    ) -> (Client, Out) {
        match input {
            Input::Call(call) => self.call(client, context, call),
            Input::LinkLost => self.broken(client, context, Event::LinkLost),
            Input::Receive(&ServerMsg { epoch, body }) if epoch == client.epoch => {
                self.hear(client, context, body)
            }
            Input::Wake => self.wake(client, context),
            Input::SwitchAway(_) => client.leave(context, self.login.room, Event::SwitchRoom),
            Input::Killed => (client.out(), Out::NONE),
            Input::EngineDestroyed => client.destroyed(self.login.room),
            // Out of turn.
            Input::Receive(_) | Input::LinkBack => (*client, Out::NONE),
        }
    }

    #[inline]
    const fn of(self, client: &Client) -> Client {
        client.with(State::Online(self))
    }

    fn call(self, client: &Client, context: &Context<'_>, call: Call) -> (Client, Out) {
        match client.wished(context.rules, call) {
            Some(wished) => self.wish(client, context, wished),
            None => client.call(context, self.login.room, call),
        }
    }

    #[inline]
    fn hear(self, client: &Client, context: &Context<'_>, body: ServerBody) -> (Client, Out) {
        let room = self.login.room;
        match body {
            ServerBody::HeartbeatAck => (self.heard(context).of(client), Out::NONE),
            // Twice accepted: perhaps as a new member, whom the server tells nothing until asked,
            // and of whom it knows nothing that the app wants.
            ServerBody::LoginAccepted => {
                let heard = self.heard(context);
                if self.roster != Roster::Known {
                    return (heard.of(client), Out::NONE);
                }
                let roster = Roster::Asked(Repeat::first(context.rules, context.rtt, context.now));
                let ask = client.send(ClientBody::AskRoster(self.known));
                let (errands, tell) = client.renewed(context, self.login);
                let online = Self { errands, roster, ..heard };
                (online.of(client), tell.into_iter().fold(Out::of([ask]), Out::and))
            }
            ServerBody::Roster { from, to, users } => {
                let known = self.known;
                assert!(
                    from <= known,
                    "{client:?} is told of changes after {from}, so it lacks some"
                );
                let to = to.max(known);
                let client = match self.roster {
                    Roster::Asked(repeat) => client.answered(context, repeat),
                    Roster::Known => *client,
                };
                let (news, online) = match self.roster {
                    Roster::Asked(_) => {
                        let news = Effect::RosterDifference(room, (known, to), users);
                        (news, self.heard(context))
                    }
                    // Not an answer: it does not prove that the server hears the client.
                    Roster::Known => (Effect::RosterChanges(room, (known, to), users), self),
                };
                let online = Self { known: to, roster: Roster::Known, ..online };
                let ack = client.send(ClientBody::AckRoster(to));
                (online.of(&client), Out::of([news, ack]))
            }
            ServerBody::ErrandsDone { version, answered, refused } => {
                self.done(client, context, (version, answered), refused)
            }
            // spec: R54
            ServerBody::Count(n) => {
                (self.heard(context).of(client), Out::of([Effect::OnlineCount(room, n)]))
            }
            // spec: R9
            ServerBody::Kicked(code) => {
                let ack = client.send(ClientBody::AckKick);
                let told = Effect::status(room, (Reason::KickOut, code), Event::Kicked);
                let over = client.unanswered(room, Unanswered::NotInRoom);
                (client.out(), over.into_iter().fold(Out::of([told, ack]), Out::and))
            }
            ServerBody::SessionGone => self.broken(client, context, Event::SessionGone),
            // Out of turn.
            ServerBody::LoginRejected(_) | ServerBody::LogoutAccepted => (*client, Out::NONE),
        }
    }

    #[inline]
    fn wake(self, client: &Client, context: &Context<'_>) -> (Client, Out) {
        let Context { rules, now, .. } = *context;
        if self.beats.broken_at.is_due(now) {
            return self.broken(client, context, Event::Silence);
        }
        if self.beats.beat_at.is_due(now) {
            let mut online = self;
            online.beats.beat(rules, now);
            return (online.of(client), Out::of([client.send(ClientBody::Heartbeat)]));
        }
        if self.beats.probe_at.is_due(now) {
            let probe = client.send(ClientBody::Probe);
            return (self.sent(context).of(client), Out::of([probe]));
        }
        if client.wishes.warn_at.is_due(now) {
            return self.warn(client, context);
        }
        if self.count_at.is_due(now) {
            let every = rules.online_count.expect("a count is due, so they are asked for");
            let online = Self { count_at: now + every, ..self };
            return (online.of(client), Out::of([client.send(ClientBody::AskCount)]));
        }
        if self.errands.is_due(now) {
            let online = Self { errands: self.errands.again(rules, now), ..self };
            return (online.of(client), Out::of([client.errands(self.login.token)]));
        }
        match self.roster {
            Roster::Asked(repeat) if repeat.is_due(now) => {
                let online = Self { roster: Roster::Asked(repeat.again(rules, now)), ..self };
                (online.of(client), Out::of([client.send(ClientBody::AskRoster(self.known))]))
            }
            Roster::Asked(_) | Roster::Known => (*client, Out::NONE),
        }
    }

    /// The connection is broken: the app is told, and the first attempt is made at once.
    fn broken(self, client: &Client, context: &Context<'_>, event: Event) -> (Client, Out) {
        let Context { rules, now, .. } = *context;
        let room = self.login.room;
        // spec: R6, R19
        let told = Effect::status(room, (Reason::Reconnecting, rules.reconnecting_code), event);
        let (told, tell_at) = if rules.debounce.is_zero() {
            (Some(told), SimTime::NEVER)
        } else {
            (None, now + rules.debounce)
        };
        let over = client.unanswered(room, Unanswered::Broken);
        let state = State::Reconnecting {
            login: self.login,
            attempt: Attempt::first(context),
            give_up_at: give_up_at(context),
            known: self.known,
            tell_at,
            broken_by: event,
        };
        let mut wishes = client.wishes;
        wishes.answered = wishes.asked;
        // Answers that are still under way belong to the broken connection.
        let epoch = client.epoch.next_connection();
        let client = Client { epoch, wishes, state, ..*client };
        let login = client.send(ClientBody::Login(self.login));
        (client, told.into_iter().chain(over).chain([login]).fold(Out::NONE, Out::and))
    }

    /// An answer was heard just now.
    #[inline]
    pub(super) fn heard(mut self, &Context { rules, now, .. }: &Context<'_>) -> Self {
        self.beats.hear_answer(rules, now);
        self
    }

    /// A heartbeat or probe was sent just now.
    #[inline]
    fn sent(mut self, &Context { rules, now, .. }: &Context<'_>) -> Self {
        self.beats.await_answer(rules, now);
        self
    }
}

impl Effect {
    /// The app is told of a change of its room status.
    pub(super) const fn status(
        room: RoomId,
        (reason, code): (Reason, ErrorCode),
        event: Event,
    ) -> Self {
        Self::StateChanged(room, Status { reason, code, event })
    }
}
