//! The calls of a script: what an app does, and what happens to it.

use crate::{
    id::{ClientId, RoomId, StreamId, TextId},
    protocol::{
        call::{AppEvent, Ask, Call, CallKind, Login, Notify, Slot, Token, Via},
        code::ErrorCode,
    },
    scenario::{
        Action, Refusal, RoomMode,
        name::{self, NameOf},
        parse::Draft,
        read::{Fields, Node},
    },
    time::SimTime,
};

/// What the app of a client does, or what happens to it.
pub(super) const CALLS: [&str; 13] = [
    "loginRoom",
    "logoutRoom",
    "switchRoom",
    "renewToken",
    "startPublishingStream",
    "stopPublishingStream",
    "setRoomExtraInfo",
    "sendBroadcastMessage",
    "destroyEngine",
    "createEngine",
    "killApp",
    "startApp",
    "suspendApp",
];

/// The same call for each of several clients, and when it has its end.
type Calls = (Vec<Action>, Option<SimTime>);

impl<'a> Draft<'a> {
    /// What each of the clients does; without clients, it is only read for its faults.
    pub(super) fn calls(
        &mut self,
        kind: &str,
        at: Node<'a>,
        begins: Option<SimTime>,
        clients: Option<&[ClientId]>,
    ) -> Option<Calls> {
        let clients = clients.unwrap_or_default();
        let each = |action: &dyn Fn(ClientId) -> Action| {
            let actions: Vec<Action> = clients.iter().map(|it| action(*it)).collect();
            Some((actions, None))
        };
        match kind {
            "loginRoom" | "switchRoom" => self.way_in(kind, at, begins, clients),
            "logoutRoom" => {
                let mut fields = self.reader.fields(at, &["room"])?;
                let room = self.room_if_named(&mut fields)?;
                each(&|it| Action::Call(it, Call::LogoutRoom(room)))
            }
            "renewToken" => {
                let mut fields = self.reader.fields(at, &["room", "token"])?;
                let room = self.room_if_named(&mut fields);
                let token = fields.required(&mut self.reader, "token");
                let token = token.and_then(|it| self.token(&it, begins));
                let call = Call::RenewToken(room?, token?);
                each(&|it| Action::Call(it, call))
            }
            "startPublishingStream" | "stopPublishingStream" => self.publishing(kind, at, clients),
            "setRoomExtraInfo" => self.extra_info(at, clients),
            "sendBroadcastMessage" => self.broadcast(at, clients),
            "suspendApp" => {
                let mut fields = self.reader.fields(at, &["for"])?;
                let span = fields.required(&mut self.reader, "for");
                let span = span.and_then(|it| self.reader.positive_span(&it))?;
                let (actions, _) = each(&|it| Action::App(it, AppEvent::Suspend))?;
                Some((actions, Some(begins? + span)))
            }
            _ => {
                self.reader.fields(at, &[])?;
                let event = match kind {
                    "destroyEngine" => AppEvent::DestroyEngine,
                    "createEngine" => AppEvent::CreateEngine,
                    "killApp" => AppEvent::Kill,
                    _ => AppEvent::Start,
                };
                each(&|it| Action::App(it, event))
            }
        }
    }

    /// `loginRoom` and `switchRoom`; the SDK refuses ids that are not allowed (spec: R60).
    fn way_in(
        &mut self,
        kind: &str,
        at: Node<'a>,
        begins: Option<SimTime>,
        clients: &[ClientId],
    ) -> Option<Calls> {
        let config = ["token", "isUserStatusNotify", "maxMemberCount"];
        let rooms: &[&str] = if kind == "switchRoom" { &["from", "to"] } else { &["room"] };
        let mut fields = self.reader.fields(at, &[rooms, &config].concat())?;
        let (call, login, via) = if kind == "switchRoom" {
            let from = self.room_of(&mut fields, "from");
            let to = self.login(&mut fields, "to", begins, Via::SwitchRoom);
            (Call::SwitchRoom(from?, to?), to?, CallKind::SwitchRoom)
        } else {
            let login = self.login(&mut fields, "room", begins, Via::LoginRoom)?;
            (Call::LoginRoom(login), login, CallKind::LoginRoom)
        };
        let bad_room = name::room_id_fault(&self.rooms.name(login.room), self.lengths);
        let action = |client: &ClientId| {
            // Those of a population have names that the SDK takes.
            let bad_user = self.clients.get(*client).and_then(|spec| {
                name::user_id_fault(&self.users[spec.user], self.lengths).or(spec.bad_name)
            });
            match bad_user.or(bad_room) {
                Some(code) => {
                    let (room, text) = (Some(login.room), None);
                    Action::Refused(*client, Refusal { call: via, room, text, code })
                }
                None => Action::Call(*client, call),
            }
        };
        Some((clients.iter().map(action).collect(), None))
    }

    /// The room of a login and its configuration.
    fn login(
        &mut self,
        fields: &mut Fields<'a>,
        room: &str,
        begins: Option<SimTime>,
        via: Via,
    ) -> Option<Login> {
        let room = self.room_of(fields, room);
        self.entered.extend(room);
        let token = match fields.optional("token") {
            None => Some(Token::NONE),
            Some(it) => self.token(&it, begins),
        };
        let config = self.login_config(fields);
        let (room, (notify, max_members)) = (room?, config?);
        Some(Login { room, notify, max_members, token: token?, via })
    }

    /// `isUserStatusNotify` and `maxMemberCount`.
    pub(super) fn login_config(&mut self, fields: &mut Fields<'a>) -> Option<(Notify, u32)> {
        let notify = match fields.optional("isUserStatusNotify") {
            None => Some(Notify::On),
            Some(it) => self.reader.boolean(&it, (Notify::On, Notify::Off)),
        };
        let max_members = match fields.optional("maxMemberCount") {
            None => Some(0),
            Some(it) => self.reader.integer(&it, 0..=u64::from(u32::MAX)),
        };
        let max_members = max_members.and_then(|it| u32::try_from(it).ok());
        Some((notify?, max_members?))
    }

    /// `wrong`, or how long after the call a token is valid.
    fn token(&mut self, at: &Node<'a>, begins: Option<SimTime>) -> Option<Token> {
        let is_word = at.as_str().is_some_and(|it| !it.starts_with(|c: char| c.is_ascii_digit()));
        if at.as_str() == Some("wrong") {
            return Some(Token::WRONG);
        }
        if is_word {
            let problem = format!("unknown token `{}`", self.reader.shown(at));
            let remedy = "write \"wrong\", or how long it is valid, such as \"10min\"";
            self.reader.fault(at, problem, remedy);
            return None;
        }
        let valid_for = self.reader.span(at)?;
        begins.map(|begins| Token::until(begins + valid_for))
    }

    pub(super) fn room_of(&mut self, fields: &mut Fields<'a>, name: &str) -> Option<RoomId> {
        let room = fields.required(&mut self.reader, name)?;
        self.room_called(&room)
    }

    #[expect(clippy::option_option, reason = "a fault and an unnamed room are two things")]
    fn room_if_named(&mut self, fields: &mut Fields<'a>) -> Option<Option<RoomId>> {
        match fields.optional("room") {
            None => Some(None),
            Some(room) => self.room_called(&room).map(Some),
        }
    }

    fn publishing(&mut self, kind: &str, at: Node<'a>, clients: &[ClientId]) -> Option<Calls> {
        let is_start = kind == "startPublishingStream";
        let known: &[&str] = if is_start { &["stream", "room"] } else { &["stream"] };
        let mut fields = self.reader.fields(at, known)?;
        let room = if is_start { self.room_if_named(&mut fields) } else { Some(None) };
        let stream = fields.required(&mut self.reader, "stream")?;
        let pattern = self.name(&stream, NameOf::Stream)?;
        let room = room?;
        let mut actions = Vec::new();
        for client in clients {
            if self.clients.get(*client).is_none() {
                let problem = "members of a population publish no streams";
                let remedy = "let clients publish who are named one by one or as a group";
                self.reader.fault(&stream, problem, remedy);
                return None;
            }
            let is_multi = self.clients[*client].mode == RoomMode::Multi;
            if is_start && is_multi && room.is_none() {
                let problem = "in multi-room mode a stream is published in one of the rooms";
                self.reader.fault(fields.node(), problem, "name the `room`");
                return None;
            }
            let room = room.filter(|_| is_multi);
            // Every client of a group publishes a stream of its own.
            let name = pattern.replace("{client}", &self.clients[*client].name);
            let slot = self.slot(*client, name, &stream)?;
            let start = Call::StartPublishing(room, slot);
            let call = if is_start { start } else { Call::StopPublishing(slot) };
            actions.push(Action::Call(*client, call));
        }
        Some((actions, None))
    }

    /// The place of a stream among those of a client.
    fn slot(&mut self, client: ClientId, name: String, at: &Node<'a>) -> Option<Slot> {
        let stream = match self.names.streams.get(&name) {
            Some(stream) => *stream,
            None => {
                let stream: StreamId = self.streams.push(name.clone());
                self.names.streams.insert(name, stream);
                stream
            }
        };
        let own = &mut self.clients[client].streams;
        if let Some(place) = own.iter().position(|it| *it == stream) {
            return Some(Slot::from_index(place));
        }
        if own.len() == Slot::COUNT {
            let problem = format!("a client publishes more than {} streams", Slot::COUNT);
            self.reader.fault(at, problem, "use the names of its streams again");
            return None;
        }
        own.push(stream);
        Some(Slot::from_index(own.len() - 1))
    }

    fn extra_info(&mut self, at: Node<'a>, clients: &[ClientId]) -> Option<Calls> {
        let mut fields = self.reader.fields(at, &["room", "key", "value"])?;
        let room = self.room_of(&mut fields, "room");
        let key = self.text(&mut fields, "key");
        let value = self.text(&mut fields, "value");
        let ((key, key_id), (value, value_id), room) = (key?, value?, room?);
        // spec: R56
        let lengths = self.lengths;
        let code = if key.is_empty() {
            Some(ErrorCode::EXTRA_KEY_EMPTY)
        } else if (lengths.extra_key as usize) < key.len() {
            Some(ErrorCode::EXTRA_KEY_LENGTH)
        } else {
            let is_long = (lengths.extra_value as usize) < value.len();
            is_long.then_some(ErrorCode::EXTRA_VALUE_LENGTH)
        };
        Some(asked(clients, room, Ask::ExtraInfo(key_id, value_id), code))
    }

    fn broadcast(&mut self, at: Node<'a>, clients: &[ClientId]) -> Option<Calls> {
        let mut fields = self.reader.fields(at, &["room", "message"])?;
        let room = self.room_of(&mut fields, "room");
        let (text, id) = self.text(&mut fields, "message")?;
        // spec: R58
        let code = if text.is_empty() {
            Some(ErrorCode::MESSAGE_EMPTY)
        } else {
            let is_long = (self.lengths.message as usize) < text.len();
            is_long.then_some(ErrorCode::MESSAGE_LENGTH)
        };
        Some(asked(clients, room?, Ask::Broadcast(id), code))
    }

    fn text(&mut self, fields: &mut Fields<'a>, name: &str) -> Option<(&'a str, TextId)> {
        let at = fields.required(&mut self.reader, name)?;
        let text = self.name(&at, NameOf::Text)?;
        let id = match self.names.texts.get(text) {
            Some(id) => *id,
            None => {
                let id = self.texts.push(text.to_owned());
                self.names.texts.insert(text, id);
                id
            }
        };
        Some((text, id))
    }
}

/// Each of the clients asks something of a room, or is refused by the SDK.
fn asked(clients: &[ClientId], room: RoomId, ask: Ask, code: Option<ErrorCode>) -> Calls {
    let action = |client: &ClientId| match code {
        Some(code) => {
            let (call, room, text) = (ask.kind(), Some(room), Some(ask.text()));
            Action::Refused(*client, Refusal { call, room, text, code })
        }
        None => Action::Call(*client, Call::Ask(room, ask)),
    };
    (clients.iter().map(action).collect(), None)
}
