//! The rooms of a scenario: first those of populations, which are counted, then those that calls
//! name, which are listed.

use std::borrow::Cow;

use crate::{
    id::{Id, RoomId},
    scenario::Label,
};

/// Rooms by their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Rooms {
    rows: Vec<Row>,
    n_counted: usize,
    listed: Vec<String>,
}

/// Rooms that stand side by side: `name-1`, `name-2`, …, or one that is called `name`.
#[derive(Clone, Debug)]
struct Row {
    name: String,
    first: usize,
    size: Size,
}

/// How many rooms a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// One, which has the name itself.
    One,
    /// So many, which have the name and a number.
    Numbered(usize),
}

impl Size {
    pub(super) const fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Numbered(count) => count,
        }
    }
}

/// Why a row of rooms cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RowError {
    /// The rooms of this name have another number elsewhere.
    OtherSize(usize),
    /// The room of this name is one of its own elsewhere.
    Taken(String),
}

impl Rooms {
    pub(super) const fn len(&self) -> usize {
        self.n_counted + self.listed.len()
    }

    /// The name of a room.
    pub(super) fn label(&self, room: RoomId) -> Label<'_> {
        if let Some(listed) = room.index().checked_sub(self.n_counted) {
            return Label::from(&*self.listed[listed]);
        }
        let after = self.rows.partition_point(|it| it.first <= room.index());
        let row = &self.rows[after - 1];
        let number = match row.size {
            Size::One => None,
            Size::Numbered(_) => Some(room.index() - row.first + 1),
        };
        Label { stem: &row.name, number }
    }

    /// The same, written.
    pub(super) fn name(&self, room: RoomId) -> Cow<'_, str> {
        self.label(room).into()
    }

    /// The first room of such a row, which comes to be with the first mention.  All rows come
    /// before all rooms that are listed.
    pub(super) fn row(&mut self, name: &str, size: Size) -> Result<RoomId, RowError> {
        let is_same = |it: &&Row| it.name == name && (it.size == Size::One) == (size == Size::One);
        if let Some(row) = self.rows.iter().find(is_same) {
            let first = RoomId::from_index(row.first);
            let is_wanted = row.size == size;
            return is_wanted.then_some(first).ok_or_else(|| RowError::OtherSize(row.size.count()));
        }
        match size {
            Size::One => {
                if let Some(room) = self.counted(name) {
                    return Ok(room);
                }
            }
            Size::Numbered(count) => {
                let is_within = |it: &&Row| {
                    it.size == Size::One && number_of(&it.name, name).is_some_and(|it| it <= count)
                };
                if let Some(taken) = self.rows.iter().find(is_within) {
                    return Err(RowError::Taken(taken.name.clone()));
                }
            }
        }
        Ok(self.add_row(name, size))
    }

    fn add_row(&mut self, name: &str, size: Size) -> RoomId {
        assert!(self.listed.is_empty(), "rows come first");
        let first = self.n_counted;
        self.rows.push(Row { name: name.to_owned(), first, size });
        self.n_counted += size.count();
        RoomId::from_index(first)
    }

    /// The room of this name among those that are counted.
    pub(super) fn counted(&self, name: &str) -> Option<RoomId> {
        let place = |row: &Row| match row.size {
            Size::One => (row.name == name).then_some(row.first),
            Size::Numbered(count) => {
                let number = number_of(name, &row.name).filter(|it| *it <= count)?;
                Some(row.first + number - 1)
            }
        };
        self.rows.iter().find_map(place).map(RoomId::from_index)
    }

    /// Whether a room is among those that are counted.
    pub(super) fn is_counted(&self, room: RoomId) -> bool {
        room.index() < self.n_counted
    }

    /// Lists one more room.
    pub(super) fn push(&mut self, name: &str) -> RoomId {
        self.listed.push(name.to_owned());
        RoomId::from_index(self.len() - 1)
    }
}

/// The number in `name-number`, if it is one as rooms and clients have it.
pub(super) fn number_of(text: &str, name: &str) -> Option<usize> {
    let digits = text.strip_prefix(name)?.strip_prefix('-')?;
    // "live-07" and the like are nobody's name.
    let is_plain = !digits.starts_with('0') && digits.bytes().all(|it| it.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_found_by_their_names() {
        let mut rooms = Rooms::default();
        let live = rooms.row("live", Size::Numbered(3)).unwrap();
        let hall = rooms.row("hall", Size::One).unwrap();
        assert_eq!(rooms.row("live", Size::Numbered(3)), Ok(live));
        assert_eq!(rooms.row("live", Size::Numbered(4)), Err(RowError::OtherSize(3)));
        assert_eq!(rooms.row("live-2", Size::One), Ok(RoomId::from_index(1)));
        assert_eq!(rooms.row("hall", Size::One), Ok(hall));
        let other = rooms.row("other-2", Size::One).unwrap();
        assert_eq!(rooms.row("other", Size::Numbered(2)), Err(RowError::Taken("other-2".into())));
        let listed = rooms.push("r");
        let names = [live, hall, other, listed].map(|it| rooms.name(it).into_owned());
        assert_eq!(names, ["live-1", "hall", "other-2", "r"]);
        assert_eq!(rooms.name(RoomId::from_index(2)), "live-3");
        for name in ["live-0", "live-03", "live-4", "live", "live-", "live-+1", "r"] {
            assert_eq!(rooms.counted(name), None, "{name}");
        }
        assert_eq!(rooms.len(), 6);
    }
}
