//! A client that tries to get into a room: attempts, waits, giving up.
//!
//! The first login and every relogin go the same way; they differ in what the app is told.

use super::{Attempt, Client, Context, Die, Effect, Input, Online, Out, Roster, Stage, State};
use crate::{
    protocol::{
        call::{Login, Notify},
        code::{ErrorCode, Reason},
        message::{ClientBody, ServerBody, ServerMsg},
        repeat::Repeat,
        retry::Budget,
        rules::Phase,
    },
    time::SimTime,
};

/// A client that tries to log in, for the first time or again.
#[derive(Clone, Copy)]
pub(super) struct Trying {
    pub(super) login: Login,
    pub(super) attempt: Attempt,
    pub(super) give_up_at: SimTime,
    /// How far the app knows the journal; nothing at the first login.
    pub(super) known: Option<u32>,
}

impl Trying {
    pub(super) fn step(self, client: Client, context: Context<'_>, input: Input) -> (Client, Out) {
        match input {
            Input::Call(call) => client.call(context, self.login.room, call),
            // A fresh series of attempts begins at once.
            Input::LinkBack => {
                let attempt = Attempt { failed: self.attempt.failed, ..Attempt::first(context) };
                self.try_now(client, attempt)
            }
            Input::Receive(ServerMsg { epoch, body }) if epoch == client.epoch => match body {
                ServerBody::LoginAccepted => self.succeed(client, context),
                ServerBody::LoginRejected(code) => self.refused(client, code),
                // Out of turn: from before the connection broke, or overtaken by the answer.
                ServerBody::LogoutAccepted
                | ServerBody::HeartbeatAck
                | ServerBody::SessionGone
                | ServerBody::Roster { .. }
                | ServerBody::Kicked(_) => (client, Out::NONE),
            },
            Input::Wake => self.wake(client, context),
            // Out of turn, or known already.
            Input::Receive(_) | Input::LinkLost => (client, Out::NONE),
        }
    }

    fn wake(self, client: Client, context: Context<'_>) -> (Client, Out) {
        let Context { rules, now, luck } = context;
        // Giving up goes before an attempt that would start at the same instant.
        // spec: R5, R8, R25
        if self.give_up_at.is_due(now) {
            return self.fail(client, ErrorCode::RETRY_TIMEOUT);
        }
        match self.attempt.stage {
            Stage::Trying { fails_at, .. } if fails_at.is_due(now) => {
                let failed = self.attempt.failed + 1;
                if rules.retry.budget == Budget::Attempts(failed) {
                    return self.fail(client, ErrorCode::RETRY_TIMEOUT);
                }
                let number = self.attempt.number.saturating_add(1);
                let start_at = now + rules.retry.schedule.wait(number, luck.wait);
                let attempt = Attempt { number, failed, stage: Stage::Waiting { start_at } };
                (self.with(client, attempt), Out::of([Effect::Spent(Die::Wait)]))
            }
            Stage::Trying { repeat, fails_at } if repeat.is_due(now) => {
                let stage = Stage::Trying { repeat: repeat.again(rules, now), fails_at };
                self.try_now(client, Attempt { stage, ..self.attempt })
            }
            Stage::Waiting { start_at } if start_at.is_due(now) => {
                let attempt = Attempt { stage: Stage::start(context), ..self.attempt };
                self.try_now(client, attempt)
            }
            Stage::Trying { .. } | Stage::Waiting { .. } => (client, Out::NONE),
        }
    }

    const fn with(&self, client: Client, attempt: Attempt) -> Client {
        let (login, give_up_at) = (self.login, self.give_up_at);
        client.with(match self.known {
            None => State::Logining { login, attempt, give_up_at },
            Some(known) => State::Reconnecting { login, attempt, give_up_at, known },
        })
    }

    fn try_now(self, client: Client, attempt: Attempt) -> (Client, Out) {
        (self.with(client, attempt), Out::of([client.send(ClientBody::Login(self.login))]))
    }

    fn succeed(self, client: Client, context: Context<'_>) -> (Client, Out) {
        let Context { rules, now, luck } = context;
        // spec: R4, R7, R22
        let (reason, known) = match self.known {
            None => (Reason::Logined, 0),
            Some(known) => (Reason::Reconnected, known),
        };
        let callback = Effect::StateChanged(self.login.room, reason, ErrorCode::OK);
        let mut out = Out::of([callback]);
        // Who does not want to be told does not ask (spec: R41).
        let roster = match self.login.notify {
            Notify::On => {
                out = out.and(client.send(ClientBody::AskRoster(known)));
                Roster::Asked(Repeat::first(rules, now))
            }
            Notify::Off => Roster::Known,
        };
        let beat_at = match rules.heartbeat.map(|it| (it.phase, it.every)) {
            None => SimTime::NEVER,
            Some((Phase::Login, every)) => now + every,
            Some((Phase::After(span), _)) => now + span,
            Some((Phase::Random, every)) => {
                out = out.and(Effect::Spent(Die::Phase));
                now + every.scaled(luck.phase)
            }
        };
        let online = Online {
            login: self.login,
            beat_at,
            probe_at: SimTime::NEVER,
            broken_at: SimTime::NEVER,
            known,
            roster,
        };
        (client.with(State::Online(online.heard(context))), out)
    }

    /// The server does not let the client in: whoever was put out while away was kicked out.
    fn refused(self, client: Client, code: ErrorCode) -> (Client, Out) {
        if self.known.is_some() && code.is_kick() {
            let callback = Effect::StateChanged(self.login.room, Reason::KickOut, code);
            return (client.with(State::LoggedOut(None)), Out::of([callback]));
        }
        self.fail(client, code)
    }

    /// The end of trying; what follows is up to the app (spec: R13, R14, R26).
    fn fail(self, client: Client, code: ErrorCode) -> (Client, Out) {
        let reason = match self.known {
            None => Reason::LoginFailed,
            Some(_) => Reason::ReconnectFailed,
        };
        let callback = Effect::StateChanged(self.login.room, reason, code);
        (client.with(State::LoggedOut(None)), Out::of([callback]))
    }
}

impl Attempt {
    /// The attempt that is made at once.
    pub(super) fn first(context: Context<'_>) -> Self {
        Self { number: 0, failed: 0, stage: Stage::start(context) }
    }

    pub(super) fn deadline(self) -> SimTime {
        match self.stage {
            Stage::Trying { repeat, fails_at } => repeat.at.min(fails_at),
            Stage::Waiting { start_at } => start_at,
        }
    }
}

impl Stage {
    /// The request is sent now.
    fn start(Context { rules, now, .. }: Context<'_>) -> Self {
        Self::Trying {
            repeat: Repeat::first(rules, now),
            fails_at: now + rules.retry.attempt_timeout,
        }
    }
}

/// When a client that begins to try now stops trying (spec: R16).
pub(super) fn give_up_at(Context { rules, now, .. }: Context<'_>) -> SimTime {
    match rules.retry.budget {
        Budget::Attempts(_) => SimTime::NEVER,
        Budget::Time(span) => now + span,
    }
}
