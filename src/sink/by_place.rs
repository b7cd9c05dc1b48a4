//! What is known of the clients of a cell while it runs.

/// Something of each client of a cell, by its place among them; what was not touched yet is as by
/// default.
#[derive(Clone, Debug, Default)]
pub(super) struct ByPlace<V>(Vec<V>);

impl<V: Default> ByPlace<V> {
    /// That of the client in this place.
    #[inline]
    pub(super) fn of(&mut self, place: usize) -> &mut V {
        if self.0.len() <= place {
            self.grow(place);
        }
        &mut self.0[place]
    }

    #[cold]
    fn grow(&mut self, place: usize) {
        self.0.resize_with((place + 1).next_power_of_two(), V::default);
    }

    /// Forgets everything, keeping the memory for the next cell.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
