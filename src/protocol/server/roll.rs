//! A list of things with numbers: each new one has a greater number than all before, and any may
//! go.

/// Things by their numbers, in order.
#[derive(Clone, Debug)]
pub(super) struct Roll<T> {
    /// Who has gone leaves an empty place; when half of the places are empty, they are given up.
    places: Vec<(u32, Option<T>)>,
    n_empty: usize,
}

impl<T> Default for Roll<T> {
    fn default() -> Self {
        Self { places: Vec::new(), n_empty: 0 }
    }
}

impl<T> Roll<T> {
    /// A list with memory for so many places.
    pub(super) fn with_capacity(n: usize) -> Self {
        Self { places: Vec::with_capacity(n), n_empty: 0 }
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.places.len() - self.n_empty
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|it| it.1.as_ref())
    }

    /// Puts one to the end.
    pub(super) fn push(&mut self, number: u32, thing: T) {
        let last = self.places.last().map_or(0, |it| it.0);
        assert!(last < number, "number {number} comes after {last}");
        self.places.push((number, Some(thing)));
    }

    /// The one with this number, if it is there.
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.places[self.place(number)?].1.as_ref()
    }

    /// Lets the one with this number go, if it is there.
    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let place = self.place(number)?;
        let gone = self.places[place].1.take()?;
        self.n_empty += 1;
        if self.places.len() <= 2 * self.n_empty {
            self.places.retain(|it| it.1.is_some());
            self.n_empty = 0;
        }
        Some(gone)
    }

    fn place(&self, number: u32) -> Option<usize> {
        // Where no place has been given up, numbers follow on each other.
        let guess = number.checked_sub(self.places.first()?.0)? as usize;
        if self.places.get(guess).is_some_and(|it| it.0 == number) {
            return Some(guess);
        }
        self.places.binary_search_by_key(&number, |it| it.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It holds what a map holds.
        #[test]
        fn a_roll_is_a_map(steps in prop::collection::vec((0..60_u32, 0..3_u32), 0..200)) {
            let (mut roll, mut map, mut last) = (Roll::default(), BTreeMap::new(), 0);
            for (number, what) in steps {
                if what == 0 {
                    prop_assert_eq!(roll.remove(number), map.remove(&number));
                } else {
                    last += what;
                    roll.push(last, last * 7);
                    map.insert(last, last * 7);
                }
                prop_assert_eq!(roll.get(number), map.get(&number));
                prop_assert_eq!((roll.len(), roll.is_empty()), (map.len(), map.is_empty()));
                prop_assert!(roll.iter().eq(map.values()));
            }
        }
    }
}
