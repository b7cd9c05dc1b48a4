//! Names of clients, users, rooms, marks, scenarios and profiles: data from strangers, made
//! harmless once.

use crate::scenario::read::{Node, Reader};

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameOf {
    /// A client, a user or a group.
    User,
    /// A room.
    Room,
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
    /// The most bytes; for users and rooms the SDK's limits (codes 1002007 and 1002013).
    pub(super) const fn bytes_max(self) -> usize {
        match self {
            Self::User => 63,
            Self::Room => 127,
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
    let (problem, remedy) = if name.is_empty() {
        ("the name is empty".to_owned(), "write at least one character".to_owned())
    } else if max < name.len() {
        (format!("the name has {} bytes", name.len()), format!("at most {max} are allowed"))
    } else if let Some(c) = name.chars().find(|it| !allowed(*it, of)) {
        let remedy = match of {
            NameOf::User | NameOf::Room => {
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
        NameOf::User | NameOf::Room => c == ' ' || c.is_ascii_graphic() && c != ';' && c != '"',
        NameOf::Mark => c.is_ascii_alphanumeric() || c == '_' || c == '\'',
        NameOf::Scenario | NameOf::Profile | NameOf::Link => {
            c.is_ascii_alphanumeric() || "._-".contains(c)
        }
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
            assert!(fault_of(name, NameOf::User).is_some(), "{name:?}");
        }
        for name in ["../x", "a/b", "..", ".hidden", "", "a\0"] {
            assert!(fault_of(name, NameOf::Scenario).is_some(), "{name:?}");
        }
        assert!(fault_of(&"x".repeat(64), NameOf::User).is_some());
        assert!(fault_of("4T", NameOf::Mark).is_some());
    }

    #[test]
    fn ordinary_names_pass() {
        for name in ["A", "user 1", "a/b", "x@y.example", "viewer-12", &"x".repeat(63)] {
            assert_eq!(fault_of(name, NameOf::User), None);
        }
        assert_eq!(fault_of("T4''", NameOf::Mark), None);
        assert_eq!(fault_of("situation-2", NameOf::Scenario), None);
    }
}
