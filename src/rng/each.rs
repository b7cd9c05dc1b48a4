//! The same draw of many entities, made at once.

use pulp::{Simd, WithSimd};

use super::{
    Draws, Entity, Purpose, WORDS_PER_BLOCK, halves,
    wide::{self, N_BLOCKS, Places},
};

/// One word of each block.
struct Word<'a> {
    key: &'a [u32; 8],
    places: &'a Places,
    place: usize,
    to: &'a mut [u32; N_BLOCKS],
}

impl Draws {
    /// Draw number `index` of each of the entities for `purpose`, in their order.
    pub fn draw_each(&self, purpose: Purpose, entities: &[Entity], index: u64) -> Vec<u32> {
        let mut all = Vec::with_capacity(entities.len());
        let counter = index / WORDS_PER_BLOCK;
        let Ok(counter) = u32::try_from(counter) else {
            all.extend(entities.iter().map(|it| self.draw(purpose, *it, index)));
            return all;
        };
        let place = usize::try_from(index % WORDS_PER_BLOCK).expect("below 16");
        for entities in entities.chunks(N_BLOCKS) {
            let nothing = [0; N_BLOCKS];
            let mut places = Places { counters: [counter; N_BLOCKS], low: nothing, high: nothing };
            for (entity, (low, high)) in
                entities.iter().zip(places.low.iter_mut().zip(&mut places.high))
            {
                (*low, *high) = halves(Self::stream(purpose, *entity));
            }
            let mut words = nothing;
            self.arch.dispatch(Word { key: &self.key, places: &places, place, to: &mut words });
            all.extend_from_slice(&words[..entities.len()]);
        }
        all
    }
}

impl WithSimd for Word<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let to = S::as_mut_simd_u32s(self.to).0;
        wide::each(
            simd,
            self.key,
            |it| self.places.of::<S>(it),
            |group, words| to[group] = words[self.place],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is drawn for all is what is drawn for each.
    #[test]
    fn what_is_drawn_at_once_is_what_is_drawn_one_by_one() {
        let draws = Draws::new(7);
        for n in [0, 1, 15, 16, 17, 40] {
            let entities: Vec<Entity> =
                (0..n).map(|it| Entity::named(&format!("viewer-{it}"))).collect();
            for index in [0, 1, 15, 16, 4099, (1 << 36) - 1, 1 << 36] {
                let each = entities.iter().map(|it| draws.draw(Purpose::Arrival, *it, index));
                let each: Vec<u32> = each.collect();
                assert_eq!(draws.draw_each(Purpose::Arrival, &entities, index), each, "{index}");
            }
        }
    }
}
