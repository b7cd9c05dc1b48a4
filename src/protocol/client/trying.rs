//! A client that tries to get into a room: attempts, waits, giving up.
//!
//! The first login and every relogin go the same way; they differ in what the app is told.  Each
//! attempt is a connection with an epoch of its own, so what is answered to an earlier one is out
//! of turn.

use super::{
    Attempt, Client, Context, Die, Effect, Input, Online, Out, Roster, Stage, State, wishes::Wished,
};
use crate::{
    id::RoomId,
    protocol::{
        beats::Beats,
        call::{Ask, Call, Login, Unanswered, Via},
        code::{ErrorCode, Event, Reason},
        message::{ClientBody, List, ServerBody, ServerMsg},
        repeat::{Repeat, RoundTrip},
        retry::{Budget, LateAnswer, WaitFrom},
        rules::{Phase, Rules},
    },
    time::SimTime,
};

/// A client that tries to log in, for the first time or again.
#[derive(Clone, Copy)]
pub(super) struct Trying {
    pub(super) login: Login,
    pub(super) attempt: Attempt,
    pub(super) give_up_at: SimTime,
    /// What was lost; nothing at the first login.
    pub(super) lost: Option<Lost>,
}

/// What a client had before its connection broke.
#[derive(Clone, Copy)]
pub(super) struct Lost {
    /// How far the app knows the room's journal.
    pub(super) known: u32,
    /// When the app is told, unless the connection is back by then; never, when it has been.
    pub(super) tell_at: SimTime,
    /// What broke the connection.
    pub(super) broken_by: Event,
}

impl Trying {
    pub(super) fn step(self, client: &mut Client, context: &Context<'_>, input: Input<'_>) -> Out {
        match input {
            Input::Call(call) => self.call(client, context, call),
            Input::SwitchAway(_) => client.leave(context, self.login.room, Event::SwitchRoom),
            Input::Killed => {
                client.end();
                Out::NONE
            }
            Input::EngineDestroyed => client.destroyed(self.login.room),
            // Giving up goes before an attempt that would start at the same instant.
            Input::LinkBack | Input::NetworkChanged if self.give_up_at.is_due(context.now) => {
                Out::NONE
            }
            // A fresh series of attempts begins at once.
            Input::LinkBack | Input::NetworkChanged => {
                client.leave_connection();
                let attempt = Attempt { failed: self.attempt.failed, ..Attempt::first(context) };
                self.try_now(client, attempt)
            }
            // The attempt goes on over another connection: it repeats its request and fails when it
            // would have.
            Input::LinkLost => {
                client.leave_connection();
                Out::NONE
            }
            Input::Receive(&ServerMsg { epoch, body }) if epoch == client.epoch => match body {
                ServerBody::LoginAccepted { since, list } => {
                    self.succeed(client, context, (since, list))
                }
                ServerBody::LoginRejected(code) => self.refused(client, context, code),
                ServerBody::Reset => self.reset(client, context),
                // Overtaken by the answer, or of no connection that is being made.
                ServerBody::LogoutAccepted
                | ServerBody::HeartbeatAck
                | ServerBody::SessionGone
                | ServerBody::Roster { .. }
                | ServerBody::ErrandsDone { .. }
                | ServerBody::Count(_)
                | ServerBody::Kicked(_) => Out::NONE,
            },
            Input::Wake => self.wake(client, context),
            // Out of turn: to an attempt before, or from before the connection broke.  And who has no
            // connection has none that could break.
            Input::Receive(_) | Input::OutageSeen => Out::NONE,
        }
    }

    /// A call while the client is on its way into the room, for the first time or again.
    fn call(self, client: &mut Client, context: &Context<'_>, call: Call) -> Out {
        match client.wished(context.rules, call) {
            None => return client.call(context, self.login.room, call),
            // The server is told when it has let the client in.
            Some(Wished::Now(wishes)) => client.wishes = wishes,
            Some(Wished::Proven(wishes, token)) => {
                client.wishes = wishes;
                let login = Login { token, ..self.login };
                Self { login, ..self }.go_on(client, self.attempt);
            }
            Some(Wished::Ask(room, ask)) => return Out::of([self.unasked(room, ask)]),
        }
        Out::NONE
    }

    /// Nothing can be asked now.
    fn unasked(&self, room: RoomId, ask: Ask) -> Effect {
        let why = match self.lost {
            _ if room != self.login.room => Unanswered::OtherRoom,
            None => Unanswered::NotInRoom,
            Some(_) => Unanswered::Broken,
        };
        Effect::Unasked(room, ask, why)
    }

    fn wake(self, client: &mut Client, context: &Context<'_>) -> Out {
        let Context { rules, now, .. } = *context;
        if let Some(lost) = self.lost
            && lost.tell_at.is_due(now)
        {
            let lost = Some(Lost { tell_at: SimTime::NEVER, ..lost });
            Self { lost, ..self }.go_on(client, self.attempt);
            return self.held(rules).into_iter().fold(Out::NONE, Out::and);
        }
        // spec: R51
        if self.lost.is_some() && client.wishes.warn_at.is_due(now) {
            return client.warn(context, self.login);
        }
        // Giving up goes before an attempt that would start at the same instant.
        // spec: R5, R8, R25
        if self.give_up_at.is_due(now) {
            return self.give_up(client, rules);
        }
        match self.attempt.stage {
            Stage::Trying { fails_at, .. } if fails_at.is_due(now) => {
                self.attempt_failed(client, context, fails_at)
            }
            Stage::Trying { repeat, fails_at } if repeat.is_due(now) => {
                let stage = Stage::Trying { repeat: repeat.again(rules, now), fails_at };
                self.try_now(client, Attempt { stage, ..self.attempt })
            }
            Stage::Waiting { start_at } if start_at.is_due(now) => {
                let stage = Stage::start_next(context);
                self.try_now(client, Attempt { stage, ..self.attempt })
            }
            Stage::Trying { .. } | Stage::Waiting { .. } => Out::NONE,
        }
    }

    /// The connection of the attempt is gone, and with it the attempt: the next one comes in its turn,
    /// as after any other that has failed (A74).
    fn reset(self, client: &mut Client, context: &Context<'_>) -> Out {
        match self.attempt.stage {
            Stage::Trying { fails_at, .. } => self.attempt_failed(client, context, fails_at),
            Stage::Waiting { .. } => Out::NONE, // It had failed already.
        }
    }

    /// The attempt under way has failed, and its connection is closed.  The next one is waited for,
    /// if there is to be one.
    fn attempt_failed(self, client: &mut Client, context: &Context<'_>, fails_at: SimTime) -> Out {
        let Context { rules, now, luck } = *context;
        if rules.retry.late_answer == LateAnswer::Ignored {
            client.leave_connection();
        }
        let failed = self.attempt.failed + 1;
        if rules.retry.budget == Budget::Attempts(failed) {
            return self.give_up(client, rules);
        }
        let number = self.attempt.number.saturating_add(1);
        let from = match rules.retry.from {
            WaitFrom::End => now,
            WaitFrom::Start => rules.retry.started_at(fails_at),
        };
        let start_at = now.max(from + rules.retry.schedule.wait(number, luck.wait));
        self.go_on(client, Attempt { number, failed, stage: Stage::Waiting { start_at } });
        Out::of([Effect::Spent(Die::Wait)])
    }

    /// The client goes on trying.
    const fn go_on(&self, client: &mut Client, attempt: Attempt) {
        let (login, give_up_at) = (self.login, self.give_up_at);
        client.state = match self.lost {
            None => State::Logining { login, attempt, give_up_at },
            Some(Lost { known, tell_at, broken_by }) => {
                State::Reconnecting { login, attempt, give_up_at, known, tell_at, broken_by }
            }
        };
    }

    /// The callback Reconnecting, if the app has not been told yet.
    fn held(&self, rules: &Rules) -> Option<Effect> {
        let lost = self.lost.filter(|it| it.tell_at != SimTime::NEVER)?;
        let told = (Reason::Reconnecting, rules.reconnecting_code);
        Some(Effect::status(self.login.room, told, lost.broken_by))
    }

    /// What a first login tells as the event of a `loginRoom` is that of a `switchRoom`, if it is.
    const fn event(&self, login: Event, switch: Event) -> Event {
        match (self.lost, self.login.via) {
            (None, Via::SwitchRoom) => switch,
            (None, Via::LoginRoom) | (Some(_), _) => login,
        }
    }

    fn try_now(self, client: &mut Client, attempt: Attempt) -> Out {
        self.go_on(client, attempt);
        Out::of([client.send(ClientBody::Login(self.login))])
    }

    fn succeed(
        self,
        client: &mut Client,
        context: &Context<'_>,
        (since, list): (SimTime, List),
    ) -> Out {
        let Context { rules, now, luck } = *context;
        // A login is a connection of its own, of which nothing was known.
        let rtt = match self.attempt.stage {
            Stage::Trying { repeat, .. } => RoundTrip::UNKNOWN.answered(rules, repeat, now),
            Stage::Waiting { .. } => RoundTrip::UNKNOWN,
        };
        client.rtt = rtt;
        // spec: R4, R7, R22
        let (reason, known) = match self.lost {
            None => (Some(Reason::Logined), 0),
            // Back before the app was told that the connection was broken: it never is.
            Some(Lost { known, tell_at, .. }) if tell_at != SimTime::NEVER => (None, known),
            Some(Lost { known, .. }) => (Some(Reason::Reconnected), known),
        };
        let event = self.event(Event::Accepted, Event::SwitchAccepted);
        let told = reason.map(|it| Effect::status(self.login.room, (it, ErrorCode::OK), event));
        let mut spent = None;
        let beat_at = match rules.heartbeat.map(|it| (it.phase, it.every)) {
            None => SimTime::NEVER,
            Some((Phase::Login, every)) => now + every,
            Some((Phase::After(span), _)) => now + span,
            Some((Phase::Random, every)) => {
                spent = Some(Effect::Spent(Die::Phase));
                now + every.scaled(luck.phase)
            }
        };
        client.state = State::Online(Online {
            login: self.login,
            beats: Beats::first(rules, now, beat_at),
            count_at: rules.online_count.map_or(SimTime::NEVER, |it| now + it),
            errands: Repeat::NEVER,
            since,
            known,
            roster: Roster::Known,
        });
        let ask = client.ask_for(context, list, Roster::Asked);
        let tell = client.has_wishes().then(|| client.tell_wishes(context, self.login.token));
        Out::of_some([told, ask, tell, spent])
    }

    /// The server does not let the client in: whoever was put out while away was kicked out, and
    /// what may pass is tried again (spec: R45).
    fn refused(self, client: &mut Client, context: &Context<'_>, code: ErrorCode) -> Out {
        let event = self.event(Event::Refused, Event::SwitchRefused);
        if self.lost.is_some() && code.is_kick() {
            return self.stop(client, context.rules, (Reason::KickOut, code, event));
        }
        let is_final = match self.lost {
            None => !code.is_passing(),
            Some(_) => code.ends_reconnecting(),
        };
        if is_final {
            return self.fail(client, context.rules, (code, event));
        }
        match self.attempt.stage {
            Stage::Trying { fails_at, .. } => self.attempt_failed(client, context, fails_at),
            Stage::Waiting { .. } => Out::NONE, // Refused twice.
        }
    }

    fn give_up(self, client: &mut Client, rules: &Rules) -> Out {
        let event = self.event(Event::GaveUp, Event::SwitchGaveUp);
        self.fail(client, rules, (ErrorCode::RETRY_TIMEOUT, event))
    }

    /// The end of trying; what follows is up to the app (spec: R13, R14, R26).
    fn fail(self, client: &mut Client, rules: &Rules, (code, event): (ErrorCode, Event)) -> Out {
        let reason = match self.lost {
            None => Reason::LoginFailed,
            Some(_) => Reason::ReconnectFailed,
        };
        self.stop(client, rules, (reason, code, event))
    }

    /// The client is in no room, and its app is told so.
    fn stop(
        self,
        client: &mut Client,
        rules: &Rules,
        (reason, code, event): (Reason, ErrorCode, Event),
    ) -> Out {
        client.end();
        let told = Effect::status(self.login.room, (reason, code), event);
        self.held(rules).into_iter().chain([told]).fold(Out::NONE, Out::and)
    }
}

impl Attempt {
    /// The attempt that is made at once.
    pub(super) fn first(context: &Context<'_>) -> Self {
        Self { number: 0, failed: 0, stage: Stage::start(context, Repeat::first) }
    }

    /// Whether it is under way, and its time is over.
    pub(super) fn is_overdue(self, now: SimTime) -> bool {
        matches!(self.stage, Stage::Trying { fails_at, .. } if fails_at.is_due(now))
    }

    pub(super) fn deadline(self) -> SimTime {
        match self.stage {
            Stage::Trying { repeat, fails_at } => repeat.at.min(fails_at),
            Stage::Waiting { start_at } => start_at,
        }
    }
}

impl Stage {
    /// The first request of an attempt after the first is sent now.  On a connection of its own the
    /// answer is to it alone; else perhaps to one that was sent before.
    fn start_next(context: &Context<'_>) -> Self {
        match context.rules.retry.late_answer {
            LateAnswer::Ignored => Self::start(context, Repeat::first),
            LateAnswer::Accepted => Self::start(context, Repeat::anew),
        }
    }

    /// The request is sent now, over a connection of which nothing is known.
    fn start(
        &Context { rules, now, .. }: &Context<'_>,
        repeat: fn(&Rules, RoundTrip, SimTime) -> Repeat,
    ) -> Self {
        Self::Trying {
            repeat: repeat(rules, RoundTrip::UNKNOWN, now),
            fails_at: now + rules.retry.attempt_timeout,
        }
    }
}

/// When a client that begins to try now stops trying (spec: R16).
pub(super) fn give_up_at(&Context { rules, now, .. }: &Context<'_>) -> SimTime {
    match rules.retry.budget {
        Budget::Attempts(_) => SimTime::NEVER,
        Budget::Time(span) => now + span,
    }
}
