//! A room's journal: all that happened in it of which its members are told, in the server's order.
//!
//! A position in it stands for what a member knows: all that happened up to there.
//! So "what this client knows of the room" is one number, and what it has missed is a range.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    id::{StreamId, TextId, UserId},
    protocol::{call::Notify, code::Update, member::Departure},
    time::{SimSpan, SimTime},
};

/// One thing that happened in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: SimTime,
    /// By whom or to whom.
    pub user: UserId,
    /// What.
    pub what: What,
}

/// What happened in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The user came or went; apps are told of it, or not (spec: R41, R53).
    User(Update, Notify),
    /// A stream of the user's came or went (spec: R49); if it went, how.
    Stream(StreamId, Update, Departure),
    /// The user set an extra info of the room: key and value (spec: R55).
    ExtraInfo(TextId, TextId),
    /// The user sent a message to the room (spec: R57).
    Broadcast(TextId),
}

/// Whose app is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The user, who is told nothing of what it did itself (spec: R27).
    pub user: UserId,
    /// Whether it is told of users who come and go.
    pub users: Notify,
}

/// All that happened in a room since the run began, and how much of it has been told.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    changes: Vec<Change>,
    /// The positions of those of which somebody is told: all of them, and those of which also
    /// those are told who are not told of users.
    told: [Vec<u32>; 2],
    /// The users who are in the room now, of those of whom somebody is told.
    present: BTreeSet<UserId>,
    /// How far it goes.
    noted: Reach,
    n_published: u32,
    /// How far it has been made public.
    published: Reach,
    /// The position at which the room was last created.
    created: u32,
}

/// How far a journal goes: the positions after the last change of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// After the last one of which those are told who are told of users.
    pub to_all: u32,
    /// After the last one of which those are told who are not.
    pub to_quiet: u32,
}

impl Reach {
    /// How far it goes for such a member.
    pub const fn to(self, users: Notify) -> u32 {
        match users {
            Notify::On => self.to_all,
            Notify::Off => self.to_quiet,
        }
    }

    /// The same and one more change, up to this position.
    const fn with(self, what: What, to: u32) -> Self {
        match what {
            What::User(_, Notify::Off) => self,
            What::User(_, Notify::On) => Self { to_all: to, ..self },
            What::Stream(..) | What::ExtraInfo(..) | What::Broadcast(_) => {
                Self { to_all: to, to_quiet: to }
            }
        }
    }
}

/// What remains of all that happened between two positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Who has come, in order of their ids.
    pub joined: Vec<UserId>,
    /// Who has left, in order of their ids.
    pub left: Vec<UserId>,
    /// The streams that have come, with their publishers.
    pub started: Vec<(StreamId, UserId)>,
    /// The streams that have gone, with their publishers and how they went.
    pub ended: Vec<(StreamId, UserId, Departure)>,
    /// The room's extra info, if it was set: by whom, key and value.
    pub extra_info: Option<(UserId, TextId, TextId)>,
}

/// So many changes are looked through first.
const N_RECENT: usize = 16;

impl Journal {
    /// An empty journal with memory for so many changes.
    pub fn with_capacity(n: usize) -> Self {
        Self { changes: Vec::with_capacity(n), ..Self::default() }
    }

    /// How far it goes.
    pub const fn noted(&self) -> Reach {
        self.noted
    }

    /// The position after the last change.
    fn head(&self) -> u32 {
        u32::try_from(self.changes.len()).expect("a run has fewer than 2^32 changes of a room")
    }

    /// Notes a change; a user comes and goes by turns, and so does a stream.
    pub fn note(&mut self, change: Change) {
        let last = self.changes.last().map_or(SimTime::ZERO, |it| it.at);
        assert!(last <= change.at, "the journal fell from {last} to {}", change.at);
        let place = self.head();
        self.changes.push(change);
        self.noted = self.noted.with(change.what, self.head());
        match change.what {
            // There is nothing to make public.
            What::User(_, Notify::Off) if self.n_published == place => self.n_published += 1,
            What::User(_, Notify::Off) => (),
            What::User(update, Notify::On) => {
                self.told[Notify::On as usize].push(place);
                let is_by_turns = match update {
                    Update::Add => self.present.insert(change.user),
                    Update::Delete => self.present.remove(&change.user),
                };
                assert!(is_by_turns, "{change:?} comes twice in a row");
            }
            What::Stream(..) | What::ExtraInfo(..) | What::Broadcast(_) => {
                for told in &mut self.told {
                    told.push(place);
                }
            }
        }
    }

    /// The room is created: what was set in it before is no more.
    pub fn create(&mut self) {
        self.created = self.head();
    }

    /// The key of the room's extra info, if it has one.
    pub fn extra_key(&self) -> Option<TextId> {
        self.extra_info(self.created, self.head()).map(|(_, key, _)| key)
    }

    /// When the next change is to be told to the members.
    pub fn publish_at(&self, fan_out: SimSpan) -> SimTime {
        self.changes.get(self.n_published as usize).map_or(SimTime::NEVER, |it| it.at + fan_out)
    }

    /// How far it has been made public.
    pub const fn published(&self) -> Reach {
        self.published
    }

    /// Makes public all changes that are due.
    pub fn publish(&mut self, now: SimTime, fan_out: SimSpan) -> Reach {
        while self.publish_at(fan_out).is_due(now) {
            let what = self.changes[self.n_published as usize].what;
            self.n_published += 1;
            self.published = self.published.with(what, self.n_published);
        }
        self.published
    }

    /// The changes after position `from`, up to position `to`, of which a viewer's app is told.
    fn told(&self, from: u32, to: u32, viewer: Viewer) -> impl Iterator<Item = &Change> {
        let places = self.places(from, to, viewer.users);
        places.filter_map(move |it| self.told_at(it, viewer))
    }

    /// The places, among the changes of which such members are told, of those after one position,
    /// up to another.
    pub fn places(&self, from: u32, to: u32, users: Notify) -> Range<usize> {
        let all = &self.told[users as usize];
        let (old, recent) = all.split_at(all.len().saturating_sub(N_RECENT));
        let place = |position| {
            // Most are the last ones.
            match recent.iter().rposition(|it| *it < position) {
                Some(last) => old.len() + last + 1,
                None => old.partition_point(|it| *it < position),
            }
        };
        place(from)..place(to)
    }

    /// The change at such a place, if a viewer's app is told of it.
    pub fn told_at(&self, place: usize, viewer: Viewer) -> Option<&Change> {
        let position = self.told[viewer.users as usize][place] as usize;
        let change = &self.changes[position];
        let is_told = change.user != viewer.user
            && match change.what {
                What::User(..) | What::Stream(..) | What::Broadcast(_) => true,
                // Who has set it since knows better.
                What::ExtraInfo(..) => !self.changes[position..].iter().any(|later| {
                    later.user == viewer.user && matches!(later.what, What::ExtraInfo(..))
                }),
            };
        is_told.then_some(change)
    }

    /// The positions from one to before another of changes of which such members are told.
    fn told_of(&self, from: u32, to: u32, users: Notify) -> &[u32] {
        self.told[users as usize].get(self.places(from, to, users)).unwrap_or_default()
    }

    /// What remains for a viewer at `to` of all that happened since: to users since the first
    /// position, and else since the second, which is not before it.  Messages do not: who was not
    /// there has missed them (spec: R57).
    pub fn difference(&self, [users_from, from]: [u32; 2], to: u32, viewer: Viewer) -> Difference {
        let mut difference = Difference::default();
        if self.told_of(users_from, to, viewer.users).is_empty() {
            return difference;
        }
        if (users_from, viewer.users) == (0, Notify::On) {
            difference.joined = self.present_at(to);
            difference.joined.retain(|it| *it != viewer.user);
        } else {
            let of_users = self.told(users_from, to, viewer).filter_map(of_user);
            for (user, update, ()) in net(of_users.collect()) {
                match update {
                    Update::Add => difference.joined.push(user),
                    Update::Delete => difference.left.push(user),
                }
            }
        }
        // Of streams all are told alike, and there are fewer.
        let of_all = self.told(from, to, Viewer { users: Notify::Off, ..viewer });
        let of_streams = of_all.filter_map(|it| match it.what {
            // The same stream of somebody else is another one.
            What::Stream(stream, update, how) => Some(((stream, it.user), update, how)),
            What::User(..) | What::ExtraInfo(..) | What::Broadcast(_) => None,
        });
        for ((stream, user), update, how) in net(of_streams.collect()) {
            match update {
                Update::Add => difference.started.push((stream, user)),
                Update::Delete => difference.ended.push((stream, user, how)),
            }
        }
        let extra_info = self.extra_info(from.max(self.created), to);
        difference.extra_info = extra_info.filter(|(user, ..)| *user != viewer.user);
        difference
    }

    /// The users who were in the room at a position, in order of their ids: those who are, without
    /// what has happened since, which is little.
    fn present_at(&self, position: u32) -> Vec<UserId> {
        let mut present: Vec<UserId> = self.present.iter().copied().collect();
        let since = self.told_of(position, self.head(), Notify::On);
        let since = since.iter().rev().filter_map(|it| of_user(&self.changes[*it as usize]));
        for (user, update, ()) in since {
            match (update, present.binary_search(&user)) {
                (Update::Add, Ok(place)) => _ = present.remove(place),
                (Update::Delete, Err(place)) => present.insert(place, user),
                (Update::Add, Err(_)) | (Update::Delete, Ok(_)) => {
                    unreachable!("{user:?} comes and goes by turns")
                }
            }
        }
        present
    }

    fn extra_info(&self, from: u32, to: u32) -> Option<(UserId, TextId, TextId)> {
        let loud = self.told_of(from, to, Notify::Off);
        loud.iter().rev().find_map(|it| match self.changes[*it as usize].what {
            What::ExtraInfo(key, value) => Some((self.changes[*it as usize].user, key, value)),
            What::User(..) | What::Stream(..) | What::Broadcast(_) => None,
        })
    }
}

/// The user who came or went by a change, if one did.
const fn of_user(change: &Change) -> Option<(UserId, Update, ())> {
    match change.what {
        What::User(update, _) => Some((change.user, update, ())),
        What::Stream(..) | What::ExtraInfo(..) | What::Broadcast(_) => None,
    }
}

/// What remains of comings and goings: of each thing the last, unless it is as it was before.
fn net<K: Copy + Ord, T: Copy>(mut changes: Vec<(K, Update, T)>) -> Vec<(K, Update, T)> {
    changes.sort_by_key(|it| it.0); // Stable: each thing's changes keep their order.
    let of_each = changes.chunk_by(|one, other| one.0 == other.0);
    // A thing comes and goes by turns, so the first change tells what was before.
    let remaining = of_each.filter_map(|of_one| {
        let (first, last) = (of_one[0], of_one[of_one.len() - 1]);
        (first.1 == last.1).then_some(last)
    });
    remaining.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn user(index: usize) -> UserId {
        UserId::from_index(index)
    }

    /// Somebody who does nothing.
    fn viewer(users: Notify) -> Viewer {
        Viewer { user: user(9), users }
    }

    fn journal(changes: impl IntoIterator<Item = (usize, What)>) -> Journal {
        let mut journal = Journal::default();
        for (second, (index, what)) in (0..).zip(changes) {
            let at = SimTime::ZERO + SimSpan::from_secs(second);
            journal.note(Change { at, user: user(index), what });
        }
        journal
    }

    fn of_users(changes: &[(usize, Update)]) -> Journal {
        journal(changes.iter().map(|(user, update)| (*user, What::User(*update, Notify::On))))
    }

    #[test]
    fn the_difference_is_what_remains_of_all_changes() {
        use Update::{Add, Delete};
        let journal = of_users(&[
            (2, Add),
            (1, Add),
            (3, Add),
            (1, Delete), // 4
            (4, Add),
            (4, Delete),
            (3, Delete),
            (3, Add),
        ]);
        let ids = |of: &[usize]| of.iter().map(|it| user(*it)).collect::<Vec<_>>();
        let at = |position| {
            let all = journal.difference([0; 2], position, viewer(Notify::On));
            assert_eq!(all.left, []);
            all.joined
        };
        assert_eq!(at(8), ids(&[2, 3]));
        // What came later is not part of it.
        assert_eq!([at(7), at(5)], [ids(&[2]), ids(&[2, 3, 4])]);
        assert_eq!([at(3), at(1)], [ids(&[1, 2, 3]), ids(&[2])]);
        let own = Viewer { user: user(2), users: Notify::On };
        assert_eq!(journal.difference([0; 2], 3, own).joined, ids(&[1, 3]));
        // User 1 left; 4 came and went, 3 went and came: both are as they were.
        let since = journal.difference([3; 2], 8, viewer(Notify::On));
        assert_eq!((since.joined, since.left), (ids(&[]), ids(&[1])));
        assert_eq!(journal.difference([5; 2], 5, viewer(Notify::On)), Difference::default());
        assert_eq!(journal.difference([0; 2], 8, viewer(Notify::Off)), Difference::default());
    }

    #[test]
    fn streams_and_infos_remain_and_messages_do_not() {
        let (stream, text) = (StreamId::from_index, TextId::from_index);
        let how = Departure::Logout;
        let mut journal = journal([
            (1, What::Stream(stream(0), Update::Add, how)),
            (1, What::ExtraInfo(text(0), text(1))),
            (2, What::Stream(stream(1), Update::Add, how)),
            (1, What::Broadcast(text(2))),
            (1, What::Stream(stream(0), Update::Delete, how)),
            (2, What::ExtraInfo(text(0), text(3))),
        ]);
        let all = journal.difference([0; 2], 6, viewer(Notify::Off));
        assert_eq!(all.started, [(stream(1), user(2))]);
        assert_eq!(all.ended, []);
        assert_eq!(all.extra_info, Some((user(2), text(0), text(3))));
        assert_eq!(
            journal.difference([1; 2], 6, viewer(Notify::Off)).ended,
            [(stream(0), user(1), how)]
        );
        assert_eq!(journal.extra_key(), Some(text(0)));
        // User 2 is told neither of its own stream nor of the info that it set itself.
        let own = Viewer { user: user(2), users: Notify::On };
        assert_eq!(journal.difference([0; 2], 6, own), Difference::default());
        // A room that is created anew has no extra info.
        journal.create();
        assert_eq!(journal.extra_key(), None);
        assert_eq!(journal.difference([0; 2], 6, viewer(Notify::On)).extra_info, None);
    }

    #[test]
    fn changes_are_told_when_the_fan_out_has_passed() {
        let (coming, told) =
            (|it| What::User(Update::Add, it), |to_all, to_quiet| Reach { to_all, to_quiet });
        let text = What::Broadcast(TextId::from_index(0));
        // At 0 s, 1 s, 2 s, 3 s.
        let changes =
            [(1, coming(Notify::On)), (2, text), (3, coming(Notify::On)), (4, coming(Notify::Off))];
        let mut journal = journal(changes);
        let fan_out = SimSpan::from_millis(100);
        assert_eq!(journal.publish_at(fan_out), SimTime::from_micros(100_000));
        assert_eq!(journal.publish(SimTime::from_micros(99_999), fan_out), told(0, 0));
        assert_eq!(journal.publish(SimTime::from_micros(100_000), fan_out), told(1, 0));
        assert_eq!(journal.publish(SimTime::from_micros(1_100_000), fan_out), told(2, 2));
        // Those who are not told of users hear nothing of the third, and nobody of the fourth.
        assert_eq!(journal.publish(SimTime::from_micros(5_000_000), fan_out), told(3, 2));
        assert_eq!(journal.publish_at(fan_out), SimTime::NEVER);
    }

    /// However far it has been made public, a journal goes as far as somebody has something to be
    /// told.
    #[test]
    fn a_journal_goes_to_the_last_change_of_each_kind() {
        let (mut journal, mut reaches) = (Journal::default(), Vec::new());
        let coming = |notify| What::User(Update::Add, notify);
        let text = What::Broadcast(TextId::from_index(0));
        for (user_, what) in
            [(1, coming(Notify::Off)), (2, coming(Notify::On)), (3, text), (4, coming(Notify::On))]
        {
            journal.note(Change { at: SimTime::ZERO, user: user(user_), what });
            reaches.push((journal.noted().to(Notify::On), journal.noted().to(Notify::Off)));
        }
        assert_eq!(reaches, [(0, 0), (2, 0), (3, 3), (4, 3)]);
        assert_eq!(journal.published(), Reach::default());
    }
}
