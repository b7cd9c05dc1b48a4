//! A room's journal: who came and went, in the server's order.
//!
//! A position in it stands for a member list: the one that all changes up to there have made.
//! So "what this client knows of the room" is one number, and what it has missed is a range.

use crate::{
    id::UserId,
    protocol::{call::Notify, code::Update},
    time::{SimSpan, SimTime},
};

/// One change of a room's member list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When the server made it.
    pub at: SimTime,
    /// Who came or went.
    pub user: UserId,
    /// Whether they came or went.
    pub update: Update,
    /// Whether apps are told of it (spec: R41).
    pub is_told: Notify,
}

/// All changes of a room's member list since the run began, and how many of them have been told.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    changes: Vec<Change>,
    published: u32,
}

/// The difference between two member lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Who is only in the later one, in order of their ids.
    pub joined: Vec<UserId>,
    /// Who is only in the earlier one, in order of their ids.
    pub left: Vec<UserId>,
}

impl Journal {
    /// The position after the last change.
    pub fn head(&self) -> u32 {
        u32::try_from(self.changes.len()).expect("a run has fewer than 2^32 changes of a room")
    }

    /// Notes a change; a user comes and goes by turns.
    pub fn note(&mut self, change: Change) {
        let last = self.changes.last().map_or(SimTime::ZERO, |it| it.at);
        assert!(last <= change.at, "the journal fell from {last} to {}", change.at);
        self.changes.push(change);
    }

    /// When the next change is to be told to the members.
    pub fn publish_at(&self, fan_out: SimSpan) -> SimTime {
        self.changes.get(self.published as usize).map_or(SimTime::NEVER, |it| it.at + fan_out)
    }

    /// Marks as told all changes that are due, and gives the position after them.
    pub fn publish(&mut self, now: SimTime, fan_out: SimSpan) -> u32 {
        while self.publish_at(fan_out).is_due(now) {
            self.published += 1;
        }
        self.published
    }

    /// The changes after position `from`, up to position `to`, of which apps are told.
    pub fn told(&self, from: u32, to: u32) -> impl Iterator<Item = &Change> {
        let range = &self.changes[from as usize..to as usize];
        range.iter().filter(|it| it.is_told == Notify::On)
    }

    /// How the member list at `to` differs from the one at `from`.
    pub fn difference(&self, from: u32, to: u32) -> Difference {
        let mut changes: Vec<_> = self.told(from, to).collect();
        changes.sort_by_key(|it| it.user); // Stable: each user's changes keep their order.
        let mut difference = Difference::default();
        for of_user in changes.chunk_by(|one, other| one.user == other.user) {
            // A user comes and goes by turns, so the first change tells what was before.
            let (first, last) = (of_user[0], of_user[of_user.len() - 1]);
            match (first.update, last.update) {
                (Update::Add, Update::Add) => difference.joined.push(first.user),
                (Update::Delete, Update::Delete) => difference.left.push(first.user),
                (Update::Add, Update::Delete) | (Update::Delete, Update::Add) => (),
            }
        }
        difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn journal(changes: &[(usize, Update)]) -> Journal {
        let mut journal = Journal::default();
        for (second, (user, update)) in (0..).zip(changes) {
            let at = SimTime::ZERO + SimSpan::from_secs(second);
            let user = UserId::from_index(*user);
            journal.note(Change { at, user, update: *update, is_told: Notify::On });
        }
        journal
    }

    #[test]
    fn the_difference_is_what_remains_of_all_changes() {
        use Update::{Add, Delete};
        let journal = journal(&[
            (2, Add),
            (1, Add),
            (3, Add),
            (1, Delete), // 4
            (4, Add),
            (4, Delete),
            (3, Delete),
            (3, Add),
        ]);
        let ids = |of: &[usize]| of.iter().map(|it| UserId::from_index(*it)).collect::<Vec<_>>();
        let all = journal.difference(0, 8);
        assert_eq!((all.joined, all.left), (ids(&[2, 3]), ids(&[])));
        // User 1 left; 4 came and went, 3 went and came: both are as they were.
        let since = journal.difference(3, 8);
        assert_eq!((since.joined, since.left), (ids(&[]), ids(&[1])));
        assert_eq!(journal.difference(5, 5), Difference::default());
    }

    #[test]
    fn changes_are_told_when_the_fan_out_has_passed() {
        let mut journal = journal(&[(1, Update::Add), (2, Update::Add)]); // At 0 s and 1 s.
        let fan_out = SimSpan::from_millis(100);
        assert_eq!(journal.publish_at(fan_out), SimTime::from_micros(100_000));
        assert_eq!(journal.publish(SimTime::from_micros(99_999), fan_out), 0);
        assert_eq!(journal.publish(SimTime::from_micros(100_000), fan_out), 1);
        assert_eq!(journal.publish(SimTime::from_micros(5_000_000), fan_out), 2);
        assert_eq!(journal.publish_at(fan_out), SimTime::NEVER);
    }
}
