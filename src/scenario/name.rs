//! Names of clients, users, rooms, marks, scenarios and profiles: data from strangers, made
//! harmless once.
//!
//! What harms nobody but the SDK does not take is no fault of a scenario: the call fails, with a
//! code.

use crate::{
    protocol::{code::ErrorCode, rules::Lengths},
    scenario::read::{Node, Reader},
};

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameOf {
    /// A client or a group.
    Client,
    /// The id of a user, which the SDK may refuse.
    User,
    /// The id of a room, which the SDK may refuse.
    Room,
    /// A stream.
    Stream,
    /// A message, or the key or value of an extra info, which the SDK may refuse.
    Text,
    /// A named instant.
    Mark,
    /// A scenario; becomes the name of a folder.
    Scenario,
    /// A profile.
    Profile,
    /// A kind of link.
    Link,
}

impl NameOf {
    /// The most bytes.
    pub(super) const fn bytes_max(self) -> usize {
        match self {
            Self::Client => 63,
            Self::User | Self::Room | Self::Stream => 255,
            Self::Text => 4096,
            Self::Mark => 8,
            Self::Scenario | Self::Profile | Self::Link => 64,
        }
    }
}

/// Reads a name of the given kind.
pub(super) fn read<'a>(reader: &mut Reader<'a>, at: &Node<'a>, of: NameOf) -> Option<&'a str> {
    let name = reader.text(at)?;
    match fault_of(name, of) {
        None => Some(name),
        Some((problem, remedy)) => {
            reader.fault(at, problem, remedy);
            None
        }
    }
}

/// What is wrong with a name: the problem and the remedy.
pub(super) fn fault_of(name: &str, of: NameOf) -> Option<(String, String)> {
    let max = of.bytes_max();
    let may_be_empty = matches!(of, NameOf::User | NameOf::Room | NameOf::Text);
    let (problem, remedy) = if name.is_empty() {
        if may_be_empty {
            return None;
        }
        ("the name is empty".to_owned(), "write at least one character".to_owned())
    } else if max < name.len() {
        (format!("the name has {} bytes", name.len()), format!("at most {max} are allowed"))
    } else if let Some(c) = name.chars().find(|it| !allowed(*it, of)) {
        let remedy = match of {
            NameOf::Client | NameOf::User | NameOf::Room | NameOf::Stream | NameOf::Text => {
                "use printable ASCII without `;`, `\"` and spaces at the ends"
            }
            NameOf::Mark => "use letters, digits, `_` and `'`",
            NameOf::Scenario | NameOf::Profile | NameOf::Link => {
                "use letters, digits, `.`, `_` and `-`"
            }
        };
        (format!("the name has the character `{}`", c.escape_default()), remedy.to_owned())
    } else if name.trim() != name {
        ("the name begins or ends with a space".to_owned(), "leave the spaces out".to_owned())
    } else if name.starts_with(['=', '+', '-', '@', '.']) {
        // A spreadsheet takes a cell that begins so for a formula; a dot hides a folder.
        (
            format!("the name begins with `{}`", &name[..1]),
            "begin with a letter or a digit".to_owned(),
        )
    } else if of == NameOf::Mark && name.starts_with(|it: char| it.is_ascii_digit()) {
        // An instant that begins with a digit is a duration since the start.
        ("the mark begins with a digit".to_owned(), "begin with a letter".to_owned())
    } else {
        return None;
    };
    Some((problem, remedy))
}

fn allowed(c: char, of: NameOf) -> bool {
    match of {
        NameOf::Client | NameOf::User | NameOf::Room | NameOf::Stream | NameOf::Text => {
            c == ' ' || c.is_ascii_graphic() && c != ';' && c != '"'
        }
        NameOf::Mark => c.is_ascii_alphanumeric() || c == '_' || c == '\'',
        NameOf::Scenario | NameOf::Profile | NameOf::Link => {
            c.is_ascii_alphanumeric() || "._-".contains(c)
        }
    }
}

/// Why the SDK does not take the id of a user, if it does not (spec: R60).
pub(super) fn user_id_fault(id: &str, lengths: Lengths) -> Option<ErrorCode> {
    let codes = [ErrorCode::USER_ID_EMPTY, ErrorCode::USER_ID_LENGTH, ErrorCode::USER_ID_CHARACTER];
    id_fault(id, lengths.user_id, codes)
}

/// Why the SDK does not take the name of a user, if it does not (spec: R60).
pub(super) fn user_name_fault(name: &str, lengths: Lengths) -> Option<ErrorCode> {
    if name.is_empty() {
        Some(ErrorCode::USER_NAME_EMPTY)
    } else if (lengths.user_name as usize) < name.len() {
        Some(ErrorCode::USER_NAME_LENGTH)
    } else {
        name.contains(char::is_control).then_some(ErrorCode::USER_NAME_CHARACTER)
    }
}

/// Why the SDK does not take the id of a room, if it does not (spec: R60).
pub(super) fn room_id_fault(id: &str, lengths: Lengths) -> Option<ErrorCode> {
    let codes = [ErrorCode::ROOM_ID_EMPTY, ErrorCode::ROOM_ID_LENGTH, ErrorCode::ROOM_ID_CHARACTER];
    id_fault(id, lengths.room_id, codes)
}

/// The characters of ids other than letters and digits.
const ID_CHARACTERS: &str = "~!@#$%^&*()_+=-`;',.<>\\";

fn id_fault(
    id: &str,
    bytes_max: u32,
    [empty, length, character]: [ErrorCode; 3],
) -> Option<ErrorCode> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || ID_CHARACTERS.contains(c);
    if id.is_empty() {
        Some(empty)
    } else if (bytes_max as usize) < id.len() {
        Some(length)
    } else {
        (!id.chars().all(is_allowed)).then_some(character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_do_harm_are_refused() {
        for name in
            ["", "a;b", "a\nb", "\u{1b}[2J", "\u{202e}x", "=1+1", "+a", "-a", "@a", " a", "ä"]
        {
            assert!(fault_of(name, NameOf::Client).is_some(), "{name:?}");
        }
        for name in ["../x", "a/b", "..", ".hidden", "", "a\0"] {
            assert!(fault_of(name, NameOf::Scenario).is_some(), "{name:?}");
        }
        assert!(fault_of(&"x".repeat(64), NameOf::Client).is_some());
        assert!(fault_of("4T", NameOf::Mark).is_some());
    }

    #[test]
    fn ordinary_names_pass() {
        for name in ["A", "user 1", "a/b", "x@y.example", "viewer-12", &"x".repeat(63)] {
            assert_eq!(fault_of(name, NameOf::Client), None);
        }
        assert_eq!(fault_of("T4''", NameOf::Mark), None);
        assert_eq!(fault_of("situation-2", NameOf::Scenario), None);
    }
}
