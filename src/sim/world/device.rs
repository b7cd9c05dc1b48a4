//! A client's device: its link, its app, and which of its sessions a call is for.

use super::{World, stall::Move};
use crate::{
    id::{ClientId, LinkId, RoomId, SessionId, Span, UserId},
    link::{Cut, Direction, Link, network::NetworkMode, queue::Queue},
    observe::{Callback, Observer, Subject},
    protocol::{
        call::{AppEvent, Call, CallKind},
        client::{self, State},
        code::{ErrorCode, Event, Reason, Status},
        rules::Detect,
    },
    scenario::{Gear, Outage, Refusal},
    time::Clock,
};

/// A client's device.
///
/// In the order in which it is touched: nearly all events touch the first line of memory alone.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Device {
    pub(super) app: App,
    pub(super) user: UserId,
    pub(super) sessions: Span<SessionId>,
    pub(super) clock: Clock,
    /// The kind of link, up and down.
    pub(super) kinds: [LinkId; 2],
    pub(super) n_outages: u32,
    /// Outages that the operating system has announced and not ended.
    pub(super) n_announced: u32,
    pub(super) link: Link,
    /// What waits before the bottlenecks of its own, up and down.
    pub(super) queues: [Queue; 2],
    /// In multi-room mode, the room of each session.
    pub(super) rooms: Option<Vec<Option<RoomId>>>,
    /// How often the device got another address.
    pub(super) address: u32,
    /// What the app knows of the device's network.
    pub(super) knows: Known,
}

const _: () = assert!(std::mem::offset_of!(Device, queues) <= 64, "one line of memory");

/// What an app knows of its device's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Whether it is gone.
    pub(super) is_lost: bool,
    /// The address that it has, or had.
    pub(super) address: u32,
    /// By what it is reached, or was.
    pub(super) mode: Option<NetworkMode>,
}

/// Whether a client's app runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum App {
    Running(Engine),
    Suspended(Engine),
    Dead,
}

/// Whether the app has created the SDK's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Created,
    Destroyed,
}

impl Device {
    /// The device of a client at the start, with its sessions and, in multi-room mode, their rooms.
    pub(super) fn new(
        user: UserId,
        (sessions, rooms): (Span<SessionId>, Option<Vec<Option<RoomId>>>),
        gear: Gear,
        mode: Option<NetworkMode>,
    ) -> Self {
        Self {
            user,
            sessions,
            rooms,
            link: Link::default(),
            queues: [Queue::default(), Queue::default()],
            kinds: [gear.link; 2],
            clock: gear.clock,
            app: App::Running(Engine::Created),
            address: 0,
            knows: Known { is_lost: false, address: 0, mode },
            n_announced: 0,
            n_outages: 0,
        }
    }

    pub(super) const fn is_running(&self) -> bool {
        matches!(self.app, App::Running(_))
    }

    /// Whether all calls of the app go to the only session that there is.
    pub(super) fn hears_calls_alone(&self) -> bool {
        self.rooms.is_none() && self.app == App::Running(Engine::Created)
    }
}

impl<O: Observer> World<'_, O> {
    /// The link is cut, and the client may know at once (spec: R19).
    pub(super) fn begin_outage(&mut self, client: ClientId, outage: Outage) {
        let (now, seat) = (self.now(), self.seat(client));
        if outage.holds() {
            self.move_ways(client, Move::Stops(outage.cut));
        } else {
            self.devices[client].link.cut(outage.cut);
        }
        let device = &mut self.devices[client];
        device.n_outages += 1;
        if device.n_outages == 1 {
            self.observer.cut(now, seat);
        }
        device.n_announced += u32::from(outage.is_announced());
        let is_known = self.rules.detect == Detect::AtOutage && device.is_running();
        if !self.look_at_network(client) {
            self.each_session(client, is_known.then_some(client::Input::OutageSeen));
        }
    }

    pub(super) fn end_outage(&mut self, client: ClientId, outage: Outage) {
        let (now, seat) = (self.now(), self.seat(client));
        if outage.holds() {
            self.move_ways(client, Move::Goes(outage.cut));
        } else {
            self.devices[client].link.mend(outage.cut);
        }
        let device = &mut self.devices[client];
        device.n_outages -= 1;
        if device.n_outages == 0 {
            self.observer.mended(now, seat);
        }
        device.n_announced -= u32::from(outage.is_announced());
        if !self.look_at_network(client) {
            self.each_session(client, None);
        }
    }

    /// By what the device reaches the network when no outage cuts it, if its app listens to that.
    fn network_of(&self, client: ClientId) -> Option<NetworkMode> {
        self.scenario.links()[self.devices[client].kinds[Direction::Up as usize]].network
    }

    /// A client's link becomes one of another kind; what is drawn for it goes on as it was.
    pub(super) fn change_link(&mut self, client: ClientId, link: LinkId, cut: Cut) {
        if self.become_of_kind(client, link, cut) {
            self.each_session(client, None);
        }
    }

    /// Whether a way of the link stops by that, or moves again.
    fn become_of_kind(&mut self, client: ClientId, link: LinkId, cut: Cut) -> bool {
        for direction in Direction::BOTH {
            if cut.covers(direction) {
                self.devices[client].kinds[direction as usize] = link;
            }
        }
        self.move_ways(client, Move::Becomes(link, cut))
    }

    /// A device reaches the network by another address: its connections are gone, and it knows.
    pub(super) fn change_network(&mut self, client: ClientId, link: LinkId) {
        self.lose_held(client);
        let is_turned = self.become_of_kind(client, link, Cut::Both);
        self.devices[client].address += 1;
        for session in self.devices[client].sessions.iter() {
            self.sessions[session].leave_address();
        }
        if !self.look_at_network(client) && is_turned {
            self.each_session(client, None);
        }
    }

    /// All sessions of a client hear of something, or only see what has changed around them.
    pub(super) fn each_session(&mut self, client: ClientId, input: Option<client::Input<'_>>) {
        for place in 0..self.devices[client].sessions.len() {
            let session = self.devices[client].sessions.at(place);
            match input {
                Some(input) => self.step_client(session, input),
                None => self.settle(session),
            }
        }
    }

    /// An app that runs learns what its operating system says of the network, if that is news.
    fn look_at_network(&mut self, client: ClientId) -> bool {
        let mode = self.network_of(client);
        let device = &mut self.devices[client];
        let (before, is_lost) = (device.knows, 0 < device.n_announced);
        let is_moved = device.address != before.address && !is_lost;
        if !device.is_running() || is_lost == before.is_lost && !is_moved {
            return false;
        }
        device.knows = if is_lost {
            Known { is_lost, ..before }
        } else {
            Known { is_lost, address: device.address, mode }
        };
        // spec: R63
        let is_news = is_lost || before.is_lost || mode != before.mode;
        if let Some(mode) = mode.filter(|_| is_news)
            && device.app == App::Running(Engine::Created)
        {
            let mode = if is_lost { NetworkMode::Offline } else { mode };
            self.call_back(client, None, Callback::NetworkMode(mode));
        }
        let is_back = before.is_lost && !is_lost;
        let input = match (is_lost, is_back) {
            (true, _) => client::Input::LinkLost,
            (false, true) => client::Input::LinkBack,
            (false, false) => client::Input::NetworkChanged,
        };
        self.each_session(client, Some(input));
        true
    }

    /// Something other than a call happens to a client's app.
    pub(super) fn app(&mut self, client: ClientId, event: AppEvent) {
        let mode = self.network_of(client);
        let device = &mut self.devices[client];
        let input = match (event, device.app) {
            (AppEvent::Kill, _) => {
                device.app = App::Dead;
                Some(client::Input::Killed)
            }
            (AppEvent::Start, _) => {
                device.app = App::Running(Engine::Created);
                device.knows = Known { is_lost: false, address: device.address, mode };
                None
            }
            (AppEvent::Suspend, App::Running(engine)) => {
                device.app = App::Suspended(engine);
                None
            }
            (AppEvent::Resume, App::Suspended(engine)) => {
                device.app = App::Running(engine);
                // Who knows at once of every outage knows that it was away.
                let knows = self.rules.detect == Detect::AtOutage;
                knows.then_some(client::Input::OutageSeen)
            }
            (AppEvent::DestroyEngine, App::Running(_)) => {
                device.app = App::Running(Engine::Destroyed);
                Some(client::Input::EngineDestroyed)
            }
            (AppEvent::CreateEngine, App::Running(_)) => {
                device.app = App::Running(Engine::Created);
                None
            }
            (AppEvent::Resume, App::Running(_) | App::Dead) => return, // It was killed meanwhile.
            (
                AppEvent::Suspend | AppEvent::DestroyEngine | AppEvent::CreateEngine,
                App::Suspended(_) | App::Dead,
            ) => unreachable!("{event:?} of an app that is {:?}", device.app),
        };
        if input.is_some() && matches!(event, AppEvent::Kill | AppEvent::DestroyEngine) {
            self.observer.forgot(self.now(), self.seat(client));
        }
        self.each_session(client, input);
        self.look_at_network(client);
    }

    /// A call that the SDK refuses because of what it is called with (spec: R56, R58, R60).
    pub(super) fn tell_refusal(&mut self, client: ClientId, refusal: Refusal) {
        let Refusal { call, room, text, code } = refusal;
        let code = match self.devices[client].app {
            App::Running(Engine::Destroyed) => ErrorCode::NO_ENGINE, // spec: R61
            App::Running(Engine::Created) | App::Suspended(_) | App::Dead => code,
        };
        let subject = text.map_or(Subject::None, Subject::Text);
        self.call_back(client, room, Callback::CallResult(call, code, subject));
    }

    /// A call that the SDK refuses because of where its client is.
    fn refuse(
        &mut self,
        client: ClientId,
        (call, room, code): (CallKind, Option<RoomId>, ErrorCode),
    ) {
        self.call_back(client, room, Callback::CallResult(call, code, Subject::None));
    }

    /// The app calls the SDK.
    pub(super) fn call(&mut self, client: ClientId, call: Call) {
        let device = &self.devices[client];
        match device.app {
            App::Running(Engine::Created) => (),
            App::Running(Engine::Destroyed) => return self.call_without_engine(client, call),
            App::Suspended(_) | App::Dead => {
                unreachable!("{call:?} of an app that is {:?}", device.app)
            }
        }
        match &device.rooms {
            None => self.step_client(device.sessions.at(0), client::Input::Call(call)),
            Some(_) => self.call_in_rooms(client, call),
        }
    }

    /// Without an engine nothing can be called (spec: R61).
    fn call_without_engine(&mut self, client: ClientId, call: Call) {
        let code = ErrorCode::NO_ENGINE;
        let room = call.rooms().next();
        let kind = match call {
            Call::LoginRoom(_) => CallKind::LoginRoom,
            Call::SwitchRoom(..) => CallKind::SwitchRoom,
            Call::RenewToken(..) => CallKind::RenewToken,
            Call::StartPublishing(..) => CallKind::StartPublishingStream,
            Call::Ask(_, ask) => ask.kind(),
            Call::StopPublishing(_) => return,
            Call::LogoutRoom(_) => {
                let (reason, event) = (Reason::LogoutFailed, Event::LogoutRoom);
                let failed = Callback::StateChanged(Status { reason, code, event });
                return self.call_back(client, room, failed);
            }
        };
        self.call_back(client, room, Callback::CallResult(kind, code, Subject::None));
    }

    /// A call of a client in multi-room mode: each room has a session of its own (spec: R47).
    fn call_in_rooms(&mut self, client: ClientId, call: Call) {
        match call {
            Call::LoginRoom(login) => {
                let n_rooms = self.n_rooms_of(client);
                let session = self.session_of(client, login.room);
                // spec: R48
                if !self.is_in(session) && self.rules.rooms_max <= n_rooms {
                    let code = ErrorCode::TOO_MANY_ROOMS;
                    return self.refuse(client, (CallKind::LoginRoom, Some(login.room), code));
                }
                self.step_client(session, client::Input::Call(call));
            }
            Call::LogoutRoom(None) => self.call_all(client, call, |_| true),
            Call::SwitchRoom(from, to) => {
                let (left, entered) =
                    (self.session_of(client, from), self.session_of(client, to.room));
                if self.is_in(left) && self.is_in(entered) {
                    let code = ErrorCode::ROOM_IN_USE;
                    return self.refuse(client, (CallKind::SwitchRoom, Some(to.room), code));
                }
                let was_in = self.is_in(left);
                self.step_client(left, client::Input::SwitchAway(from));
                if was_in {
                    self.step_client(entered, client::Input::Call(Call::LoginRoom(to)));
                }
            }
            Call::StopPublishing(_) => self.call_all(client, call, |_| true),
            Call::RenewToken(None, _) if self.n_rooms_of(client) == 0 => {
                self.refuse(client, (CallKind::RenewToken, None, ErrorCode::NOT_IN_THIS_ROOM));
            }
            Call::RenewToken(None, _) => self.call_all(client, call, |it| it),
            Call::LogoutRoom(Some(room))
            | Call::RenewToken(Some(room), _)
            | Call::StartPublishing(Some(room), _)
            | Call::Ask(room, _) => {
                self.step_client(self.session_of(client, room), client::Input::Call(call));
            }
            Call::StartPublishing(None, _) => {
                unreachable!("{call:?} in multi-room mode names no room")
            }
        }
    }

    /// A call for all sessions of a client of which it is said whether they are in their rooms.
    fn call_all(&mut self, client: ClientId, call: Call, is_meant: impl Fn(bool) -> bool) {
        for place in 0..self.devices[client].sessions.len() {
            let session = self.devices[client].sessions.at(place);
            if is_meant(self.is_in(session)) {
                self.step_client(session, client::Input::Call(call));
            }
        }
    }

    /// Whether a session is in its room or on the way there.
    fn is_in(&self, session: SessionId) -> bool {
        !matches!(self.sessions[session].client.state, State::LoggedOut(_))
    }

    fn n_rooms_of(&self, client: ClientId) -> u32 {
        let sessions = self.devices[client].sessions;
        let n = sessions.iter().filter(|it| self.is_in(*it)).count();
        u32::try_from(n).expect("sessions are limited")
    }

    /// The session of a client for a room that it names.
    fn session_of(&self, client: ClientId, room: RoomId) -> SessionId {
        let device = &self.devices[client];
        let rooms = device.rooms.as_ref().expect("the client is in multi-room mode");
        let place = rooms.iter().position(|it| *it == Some(room));
        device.sessions.at(place.expect("every room that a client names has a session"))
    }
}
