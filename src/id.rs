//! Small indices for the things of a run, and tables addressed by them.
//!
//! Names live in the scenario; everything below it counts.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Index, IndexMut},
};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $sign:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl Id for $name {
            fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).expect("tables hold at most 2^32 entries"))
            }

            fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($sign, "{}"), self.0)
            }
        }
    )*};
}

/// A number that addresses one kind of table and nothing else.
pub trait Id: Copy {
    /// The id of the entry at `index`.
    fn from_index(index: usize) -> Self;
    /// The place of this entry.
    fn index(self) -> usize;
}

ids! {
    /// One device of a user.
    ClientId "c";
    /// An account.
    UserId "u";
    /// A room.
    RoomId "r";
    /// One client as far as one room is concerned: the only one of a client in single-room mode,
    /// one for each room that it ever names in multi-room mode.
    SessionId "s";
    /// A kind of link.
    LinkId "l";
    /// A stream, by its name.
    StreamId "x";
    /// A text that an app hands to the SDK: a message, a key, a value.
    TextId "t";
}

/// Counts the logins of one client, and the connections of each login: what belongs to an older
/// one is out of turn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(
    /// The login in the upper half, its connection in the lower: one word travels faster than two.
    u64,
);

impl Epoch {
    /// The epoch before the first login.
    pub const NONE: Self = Self(0);

    /// The first connection of the next login.
    #[must_use]
    pub const fn next_login(self) -> Self {
        Self(((self.0 >> 32) + 1) << 32)
    }

    /// The next connection of the same login.
    #[must_use]
    pub const fn next_connection(self) -> Self {
        Self(self.0 + 1)
    }

    /// Whether both are of the same login.
    pub const fn is_same_login(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}.{}", self.0 >> 32, self.0 & u64::from(u32::MAX))
    }
}

/// Ids that stand side by side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span<I> {
    first: u32,
    count: u32,
    kind: PhantomData<fn() -> I>,
}

impl<I: Id> Span<I> {
    /// The ids of the places from `first` to before `end`.
    pub fn from_range(first: usize, end: usize) -> Self {
        let place = |it: usize| u32::try_from(it).expect("tables hold at most 2^32 entries");
        Self { first: place(first), count: place(end - first), kind: PhantomData }
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The one at this place among them.
    pub fn at(self, place: usize) -> I {
        assert!(place < self.len(), "place {place} of {} ids", self.count);
        I::from_index(self.first as usize + place)
    }

    /// All of them, in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = I> {
        (self.first as usize..self.first as usize + self.len()).map(I::from_index)
    }
}

impl<I: Id + fmt::Debug> fmt::Debug for Span<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A table with one entry for each id of kind `I`.
#[derive(Clone)]
pub struct IdVec<I, T> {
    entries: Vec<T>,
    kind: PhantomData<fn(I)>,
}

impl<I: Id, T> IdVec<I, T> {
    /// A table of the given entries, the first of them at id 0.
    pub const fn from_vec(entries: Vec<T>) -> Self {
        Self { entries, kind: PhantomData }
    }

    /// A table of `len` entries made by `make`.
    pub fn filled(len: usize, make: impl FnMut() -> T) -> Self {
        let mut entries = Vec::with_capacity(len);
        entries.resize_with(len, make);
        Self::from_vec(entries)
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of an id, if there is one.
    pub fn get(&self, id: I) -> Option<&T> {
        self.entries.get(id.index())
    }

    /// The entry of an id, to be changed, if there is one.
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.entries.get_mut(id.index())
    }

    /// Adds an entry and gives its id.
    pub fn push(&mut self, entry: T) -> I {
        self.entries.push(entry);
        I::from_index(self.entries.len() - 1)
    }

    /// The entries with their ids, in order.
    pub fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.entries.iter().enumerate().map(|(index, entry)| (I::from_index(index), entry))
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.entries.len()).map(I::from_index)
    }
}

impl<I: Id, T> Index<I> for IdVec<I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        &self.entries[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for IdVec<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.entries[id.index()]
    }
}

impl<I, T: fmt::Debug> fmt::Debug for IdVec<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.fmt(f)
    }
}
