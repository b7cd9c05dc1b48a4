//! Every way in which a client's room status changes: reason, event and code.
//!
//! The list is by hand, from the documents.  A run that tells anything else contradicts it, and a
//! line of it that no scenario of the gallery shows is a gap; tests look for both.

use crate::protocol::code::{ErrorCode, Event, Reason};

/// One way in which a client's room status changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The reason of `onRoomStateChanged`.
    pub reason: Reason,
    /// What brings it about.
    pub event: Event,
    /// The error code that comes with it.
    pub code: ErrorCode,
}

/// The rules of `docs/spec.md` that a reason with a code rests on.
pub const fn rules(reason: Reason, code: ErrorCode) -> &'static str {
    match (reason, code.number()) {
        (Reason::Logining, _) => "R3, R34",
        (Reason::Logined, _) => "R4, R34",
        (Reason::LoginFailed, 1_002_053) => "R5, R35",
        (Reason::LoginFailed, 1_002_033) => "R43, R45",
        (Reason::LoginFailed, 1_002_034) => "R42, R45",
        (Reason::LoginFailed, 1_002_066) => "R44, R45",
        (Reason::LoginFailed, 1_002_055) => "R37",
        (Reason::LoginFailed, 1_002_056) => "R52",
        (Reason::LoginFailed, 1_002_057) => "R46",
        (Reason::LoginFailed, _) => "R45",
        (Reason::Reconnecting, _) => "R6, R19",
        (Reason::Reconnected, _) => "R7, R22",
        (Reason::ReconnectFailed, 1_002_053) => "R8, R25",
        (Reason::ReconnectFailed, 1_002_086) => "R32",
        (Reason::ReconnectFailed, _) => "R45",
        (Reason::KickOut, 1_002_050) => "R9, R31",
        (Reason::KickOut, 1_002_056) => "R52",
        (Reason::KickOut, 1_002_057) => "R46",
        (Reason::KickOut, _) => "R37, R38",
        (Reason::Logout, _) => "R10, R34, R61",
        (Reason::LogoutFailed, 1_000_001) => "R61",
        (Reason::LogoutFailed, _) => "R11, R36",
    }
}

/// All of them: by reason, event and code.
pub fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |reason, event, codes: &[ErrorCode]| {
        entries.extend(codes.iter().map(|code| Entry { reason, event, code: *code }));
    };
    let ok = &[ErrorCode::OK];
    add(Reason::Logining, Event::LoginRoom, ok);
    add(Reason::Logining, Event::SwitchRoom, ok);
    add(Reason::Logined, Event::Accepted, ok);
    add(Reason::Logined, Event::SwitchAccepted, ok);
    let final_codes = ErrorCode::REJECTIONS.iter().filter_map(|it| ErrorCode::rejection(*it));
    let mut refusals: Vec<ErrorCode> = final_codes.filter(|it| !it.is_passing()).collect();
    // Who is put out before it knows that it is in.
    let kicked_away =
        [ErrorCode::KICKED_BY_BACKEND, ErrorCode::KICKED_BY_EXPIRY, ErrorCode::KICKED_BY_FAULT];
    refusals.extend(kicked_away);
    refusals.sort_unstable();
    add(Reason::LoginFailed, Event::Refused, &refusals);
    add(Reason::LoginFailed, Event::SwitchRefused, &refusals);
    let given_up = &[ErrorCode::RETRY_TIMEOUT];
    add(Reason::LoginFailed, Event::GaveUp, given_up);
    add(Reason::LoginFailed, Event::SwitchGaveUp, given_up);
    let broken = &[ErrorCode::NETWORK_DISCONNECTED, ErrorCode::TEMPORARILY_BROKEN];
    add(Reason::Reconnecting, Event::LinkLost, broken);
    add(Reason::Reconnecting, Event::Silence, broken);
    add(Reason::Reconnecting, Event::SessionGone, broken);
    add(Reason::Reconnecting, Event::Reset, broken);
    add(Reason::Reconnected, Event::Accepted, ok);
    let mut ends: Vec<ErrorCode> =
        refusals.into_iter().filter(|it| it.ends_reconnecting() && !it.is_kick()).collect();
    ends.sort_unstable();
    add(Reason::ReconnectFailed, Event::Refused, &ends);
    add(Reason::ReconnectFailed, Event::GaveUp, given_up);
    add(
        Reason::KickOut,
        Event::Kicked,
        &[
            ErrorCode::KICKED_OUT,
            ErrorCode::KICKED_BY_BACKEND,
            ErrorCode::KICKED_BY_EXPIRY,
            ErrorCode::KICKED_BY_FAULT,
        ],
    );
    // Who comes back after it was put out, or is put out before it knows that it is back.
    add(Reason::KickOut, Event::Refused, &kicked_away);
    add(Reason::Logout, Event::LogoutRoom, ok);
    add(Reason::Logout, Event::SwitchRoom, ok);
    add(Reason::Logout, Event::DestroyEngine, ok);
    add(
        Reason::LogoutFailed,
        Event::LogoutRoom,
        &[ErrorCode::NO_ENGINE, ErrorCode::NOT_IN_THIS_ROOM],
    );
    add(Reason::LogoutFailed, Event::SwitchRoom, &[ErrorCode::NOT_IN_THIS_ROOM]);
    entries.sort_unstable();
    entries
}
