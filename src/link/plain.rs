//! Messages of the first lane over plain ways: what becomes of one hangs on its own draws alone.
//!
//! It is what [`Link::send`](super::Link::send) says, from little memory.

use prefetch_index::prefetch_index;

use crate::{
    link::{Cause, Direction, Flow, PathModel, Verdict, chance::Chance},
    rng::{Draws, Entity},
    time::SimTime,
};

/// The ways up and down of the first lane of a flow, if both are plain.
///
/// A message touches two lines of memory: the first, and that of its direction.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct PlainWays<'a> {
    paths: Option<[&'a PathModel; 2]>,
    entity: Entity,
    /// How many messages were sent, by direction.
    pub n_sent: [u32; 2],
    /// The messages, by direction, of which it is known that none is lost: from the first number to
    /// before the second.
    calm: [[u32; 2]; 2],
    /// The numbers of the blocks of draws for delays that are at hand: where messages take long, those
    /// of answers are behind.
    blocks: [u32; 2],
    delays: [Delays; 2],
}

/// Draws for the delays of sixteen messages.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Delays([u32; 16]);

impl<'a> PlainWays<'a> {
    /// Ways that are not plain.
    pub const fn none(entity: Entity) -> Self {
        Self {
            paths: None,
            entity,
            n_sent: [0; 2],
            calm: [[0; 2]; 2],
            blocks: [u32::MAX; 2],
            delays: [Delays([0; 16]), Delays([0; 16])],
        }
    }

    /// The ways of an entity's messages over these paths.
    pub fn of(entity: Entity, paths: [&'a PathModel; 2]) -> Self {
        let are_plain = paths.iter().all(|it| it.is_plain());
        Self { paths: are_plain.then_some(paths), ..Self::none(entity) }
    }

    /// Whether they are plain.
    #[inline]
    pub const fn are_plain(&self) -> bool {
        self.paths.is_some()
    }

    /// Whether these are the ways over the paths, and plain.
    pub fn are_over(&self, paths: [&PathModel; 2]) -> bool {
        self.paths.is_some_and(|it| {
            it.into_iter().zip(paths).all(|(one, other)| std::ptr::eq(one, other))
        })
    }

    #[inline]
    const fn path(&self, direction: Direction) -> &'a PathModel {
        self.paths.expect("the ways are plain")[direction as usize]
    }

    /// What becomes of the message with this number that is sent now, unless the link is cut.
    #[expect(clippy::inline_always, reason = "of most runs, most is this")]
    #[inline(always)]
    pub fn send(
        &mut self,
        flow: &mut Flow,
        draws: &Draws,
        (direction, number): (Direction, u32),
        now: SimTime,
    ) -> Verdict {
        let path = self.path(direction);
        let [first, end] = self.calm[direction as usize];
        if (number < first || end <= number) && self.loses(flow, draws, (direction, number)) {
            return Verdict::Drop(Cause::Loss);
        }
        if path.delay.jitter.is_zero() {
            return Verdict::Deliver(now + path.delay.mean);
        }
        if self.blocks[direction as usize] != number / 16 {
            self.draw(draws, (direction, number / 16));
        }
        let luck = self.delays[direction as usize].0[number as usize % 16];
        Verdict::Deliver(now + path.delay.of(luck))
    }

    #[inline(never)]
    fn draw(&mut self, draws: &Draws, (direction, block): (Direction, u32)) {
        self.blocks[direction as usize] = block;
        let delays = draws.block(Chance::Delay.purpose(direction), self.entity, u64::from(block));
        self.delays[direction as usize] = Delays(delays);
    }

    /// Asks for the memory that a message touches, without waiting for it.
    #[inline]
    pub fn fetch(&self, direction: Direction) {
        prefetch_index(std::slice::from_ref(&self.paths), 0);
        prefetch_index(&self.delays, direction as usize);
    }

    /// Whether a message is lost of which that is not known.
    #[cold]
    fn loses(
        &mut self,
        flow: &mut Flow,
        draws: &Draws,
        (direction, number): (Direction, u32),
    ) -> bool {
        let path = self.path(direction);
        let (is_lost, end) = flow.loses_next(draws, path, (direction, number));
        self.calm[direction as usize] = [number + u32::from(is_lost), end];
        is_lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        link::{Link, Sending, Serial, delay::Delay, gate::Gate, loss::Loss, queue::Queue},
        time::SimSpan,
    };

    /// Messages over plain ways have the fates that the link gives them, in any order.
    #[test]
    fn plain_ways_are_the_link() {
        let (draws, now) = (Draws::new(3), SimTime::from_micros(7_000_000));
        for (loss, jitter) in [("0", 0), ("0", 9), ("1%", 9), ("30%", 0), ("100%", 5)] {
            let path = PathModel {
                delay: Delay {
                    mean: SimSpan::from_millis(50),
                    jitter: SimSpan::from_millis(jitter),
                    ..Delay::NONE
                },
                loss: Loss::Random(loss.parse().unwrap()),
                ..PathModel::ideal()
            };
            let entity = Entity::named("A");
            let flow = || Flow::new(entity, draws.deal(&[entity])[0]);
            let (mut one, mut other, mut link) = (flow(), flow(), Link::default());
            let mut ways = PlainWays::of(entity, [&path; 2]);
            assert!(ways.are_plain());
            let numbers = (0..600).flat_map(|it| [it; 2]).chain([590, 40, 41, 1 << 20, 3]);
            for (number, direction) in numbers.flat_map(|it| Direction::BOTH.map(|to| (it, to))) {
                let plain = ways.send(&mut one, &draws, (direction, number), now);
                let serial = Serial { lane: 0, number };
                let sending =
                    Sending { draws: &draws, direction, serial, bytes: 0, now, gate: Gate::OPEN };
                let fate = link.send(&mut other, &path, &mut Queue::default(), sending);
                assert_eq!(plain, fate.verdict, "{loss} {jitter} {number} {direction:?}");
            }
        }
    }
}
