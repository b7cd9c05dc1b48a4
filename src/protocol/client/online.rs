//! A client in its room: heartbeats, answers, and what the server tells.

use super::{Attempt, Client, Context, Effect, Input, Out, State, trying::give_up_at};
use crate::{
    id::RoomId,
    protocol::{
        beats::Beats,
        call::{Login, Notify, Unanswered},
        code::{ErrorCode, Event, Reason, Status},
        message::{ClientBody, Known, List, ServerBody, ServerMsg},
        repeat::{Repeat, RoundTrip},
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
    /// When the session began, as the server has said.
    pub since: SimTime,
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
    /// The same, after the server has let the client in anew: what comes may be what was told
    /// before, and does not prove that the server has been asked.
    AskedAnew(Repeat),
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
            Roster::Asked(repeat) | Roster::AskedAnew(repeat) => repeat.at,
            Roster::Known => SimTime::NEVER,
        };
        self.count_at.min(self.errands.at).min(ask_at)
    }

    /// What the server is told of what the client knows.
    const fn knows(&self) -> Known {
        Known { to: self.known, since: self.since }
    }

    /// An answer is heard now.
    #[inline]
    pub(super) fn heard(&mut self, &Context { rules, now, .. }: &Context<'_>) {
        self.beats.hear_answer(rules, now);
    }
}

impl Client {
    /// Something happens to a client in its room.
    #[inline]
    pub(super) fn online(&mut self, context: &Context<'_>, input: Input<'_>) -> Out {
        let login = self.in_room().0.login;
        match input {
            Input::Call(call) => match self.wished(context.rules, call) {
                Some(wished) => self.wish(context, wished),
                None => self.call(context, login.room, call),
            },
            Input::LinkLost | Input::OutageSeen | Input::NetworkChanged => {
                self.broken(context, Event::LinkLost)
            }
            Input::Receive(&ServerMsg { epoch, body }) if epoch == self.epoch => {
                self.hear(context, body)
            }
            Input::Wake => self.wake(context),
            Input::SwitchAway(_) => self.leave(context, login.room, Event::SwitchRoom),
            Input::Killed => {
                self.end();
                Out::NONE
            }
            Input::EngineDestroyed => self.destroyed(login.room),
            // Out of turn.
            Input::Receive(_) | Input::LinkBack => Out::NONE,
        }
    }

    /// What a client in its room is, and what it knows of the way to the server.
    #[inline]
    pub(super) fn in_room(&mut self) -> (&mut Online, &mut RoundTrip) {
        match &mut self.state {
            State::Online(online) => (online, &mut self.rtt),
            State::LoggedOut(_) | State::Logining { .. } | State::Reconnecting { .. } => {
                unreachable!("{:?} is not in its room", self.epoch)
            }
        }
    }

    #[inline]
    fn hear(&mut self, context: &Context<'_>, body: ServerBody) -> Out {
        let Context { rules, now, .. } = *context;
        let known_users = self.known_users;
        let (online, rtt) = self.in_room();
        let room = online.login.room;
        match body {
            ServerBody::HeartbeatAck => {
                online.heard(context);
                Out::NONE
            }
            // Said again, or of a session before.
            ServerBody::LoginAccepted { since, .. } if since <= online.since => {
                online.heard(context);
                Out::NONE
            }
            // Let in anew: as a new member, whom the server tells nothing until asked, and of whom
            // it knows nothing that the app wants.
            ServerBody::LoginAccepted { since, list } => {
                online.heard(context);
                online.since = since;
                let token = online.login.token;
                let ask = self.ask_for(context, list, Roster::AskedAnew);
                let has_wished = self.wishes.version != 0;
                let tell = has_wished.then(|| self.tell_wishes(context, token));
                Out::of_some([ask, tell])
            }
            ServerBody::Roster { from, to, users } => {
                let known = online.known;
                assert!(from <= known, "told of changes after {from}, it lacks some: {online:?}");
                // Of what tells nothing the server awaits no acknowledgement.
                let is_awaited = from < to || matches!(online.roster, Roster::AskedAnew(_));
                let to = to.max(known);
                // Who is told of users anew hears what has become of those it was told of, and of
                // all others (spec: R53).
                let mut is_anew = users == Notify::On && known_users < known;
                if let Roster::Asked(repeat) | Roster::AskedAnew(repeat) = online.roster {
                    *rtt = rtt.answered(rules, repeat, now);
                    online.heard(context);
                    is_anew = true;
                } // Else it is no answer, and does not prove that the server hears the client.
                let news = if is_anew {
                    Effect::RosterDifference(room, ([known_users, known], to), users)
                } else {
                    Effect::RosterChanges(room, (known, to), users)
                };
                (online.known, online.roster) = (to, Roster::Known);
                let ack = ClientBody::AckRoster(online.knows());
                if users == Notify::On {
                    self.known_users = to;
                }
                let ack = is_awaited.then(|| self.send(ack));
                Out::of_some([Some(news), ack])
            }
            ServerBody::ErrandsDone { version, answered, refused } => {
                self.done(context, (version, answered), refused)
            }
            // spec: R54
            ServerBody::Count(n) => {
                online.heard(context);
                Out::of([Effect::OnlineCount(room, n)])
            }
            // spec: R9
            ServerBody::Kicked(code) => {
                let told = Effect::status(room, (Reason::KickOut, code), Event::Kicked);
                let over = self.unanswered(room, Unanswered::NotInRoom);
                let out = Out::of([told, self.send(ClientBody::AckKick)]);
                self.end();
                over.into_iter().fold(out, Out::and)
            }
            ServerBody::SessionGone => self.broken(context, Event::SessionGone),
            // spec: R6
            ServerBody::Reset => self.broken(context, Event::Reset),
            // Out of turn.
            ServerBody::LoginRejected(_) | ServerBody::LogoutAccepted => Out::NONE,
        }
    }

    /// The member list of a session that begins is asked for, unless it is empty.
    pub(super) fn ask_for(
        &mut self,
        &Context { rules, now, .. }: &Context<'_>,
        list: List,
        asked: fn(Repeat) -> Roster,
    ) -> Option<Effect> {
        let (online, rtt) = self.in_room();
        if list == List::Empty {
            online.roster = Roster::Known;
            return None;
        }
        online.roster = asked(Repeat::first(rules, *rtt, now));
        let ask = ClientBody::AskRoster(online.knows());
        Some(self.send(ask))
    }

    #[inline]
    fn wake(&mut self, context: &Context<'_>) -> Out {
        let Context { rules, now, .. } = *context;
        let warn_at = self.wishes.warn_at;
        let (online, _) = self.in_room();
        let login = online.login;
        let body = if online.beats.broken_at.is_due(now) {
            return self.broken(context, Event::Silence);
        } else if online.beats.beat_at.is_due(now) {
            online.beats.beat(rules, now);
            ClientBody::Heartbeat
        } else if online.beats.probe_at.is_due(now) {
            online.beats.await_answer(rules, now);
            ClientBody::Probe
        } else if warn_at.is_due(now) {
            return self.warn(context, login);
        } else if online.count_at.is_due(now) {
            let every = rules.online_count.expect("a count is due, so they are asked for");
            online.count_at = now + every;
            ClientBody::AskCount
        } else if online.errands.is_due(now) {
            online.errands = online.errands.again(rules, now);
            let token = online.login.token;
            return Out::of([self.errands(token)]);
        } else if let Roster::Asked(repeat) | Roster::AskedAnew(repeat) = &mut online.roster
            && repeat.is_due(now)
        {
            *repeat = repeat.again(rules, now);
            ClientBody::AskRoster(online.knows())
        } else {
            return Out::NONE;
        };
        Out::of([self.send(body)])
    }

    /// The connection is broken: the app is told, and the first attempt is made at once.
    fn broken(&mut self, context: &Context<'_>, event: Event) -> Out {
        let Context { rules, now, .. } = *context;
        let Online { login, known, .. } = *self.in_room().0;
        // spec: R6, R19
        let told =
            Effect::status(login.room, (Reason::Reconnecting, rules.reconnecting_code), event);
        let (told, tell_at) = if rules.debounce.is_zero() {
            (Some(told), SimTime::NEVER)
        } else {
            (None, now + rules.debounce)
        };
        let over = self.unanswered(login.room, Unanswered::Broken);
        self.wishes.answered = self.wishes.asked;
        self.leave_connection();
        self.state = State::Reconnecting {
            login,
            attempt: Attempt::first(context),
            give_up_at: give_up_at(context),
            known,
            tell_at,
            broken_by: event,
        };
        let login = self.send(ClientBody::Login(login));
        told.into_iter().chain(over).chain([login]).fold(Out::NONE, Out::and)
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
