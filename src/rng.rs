//! Randomness as a function: a draw depends on (seed, purpose, entity, index) and on nothing else.
//!
//! `ChaCha8` is addressed by (stream, block): no state, any draw at any time, in any order.
//! So nothing that is added to a run moves the draws of what was there (common random numbers).

mod each;
mod halves;
mod hand;
mod wide;

pub use halves::{HALVES_PER_BLOCK, Halves, N_AHEAD};
pub use hand::Hand;

/// What a draw is for.  The numbers are part of the format of a run: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Loss of a message from client to server.
    LossUp = 1,
    /// Loss of a message from server to client.
    LossDown = 2,
    /// Delay of a message from client to server.
    DelayUp = 3,
    /// Delay of a message from server to client.
    DelayDown = 4,
    /// The phase of a client's heartbeats.
    Phase = 5,
    /// The waits between a client's attempts.
    Wait = 6,
    /// Whether an attempt of a server callback fails.
    BackendLoss = 7,
    /// Delay of a server callback.
    BackendDelay = 8,
    /// The moves of a burst model, from client to server.
    ChainUp = 9,
    /// The moves of a burst model, from server to client.
    ChainDown = 10,
    /// Whether a message from client to server arrives twice.
    CopyUp = 11,
    /// Whether a message from server to client arrives twice.
    CopyDown = 12,
    /// Delay of a copy from client to server.
    CopyDelayUp = 13,
    /// Delay of a copy from server to client.
    CopyDelayDown = 14,
    /// Whether a message from client to server is sent on at once.
    ReorderUp = 15,
    /// Whether a message from server to client is sent on at once.
    ReorderDown = 16,
    /// Random outages of a client.
    Outage = 17,
    /// When a member of a population comes.
    Arrival = 18,
    /// How long a member of a population stays, and how long it is away.
    Stay = 19,
    /// Which kind of link a member of a population has.
    LinkShare = 20,
    /// Whether a step that concerns a share of clients concerns this one.
    StepShare = 21,
    /// What nearly every client needs, see [`Hand`].
    Hand = 22,
    /// When a link turns bad, in both directions.
    TurnBad = 30,
    /// When it turns good.
    TurnGood = 31,
    /// When a link turns bad from client to server.
    TurnBadUp = 32,
    /// When it turns good.
    TurnGoodUp = 33,
    /// When a link turns bad from server to client.
    TurnBadDown = 34,
    /// When it turns good.
    TurnGoodDown = 35,
    /// How long a worker of the server works on a message.
    Service = 40,
    /// Whether the copy of a message from client to server is lost.
    CopyLossUp = 41,
    /// Whether the copy of a message from server to client is lost.
    CopyLossDown = 42,
    /// How a burst model moves for a copy from client to server.
    CopyChainUp = 43,
    /// How a burst model moves for a copy from server to client.
    CopyChainDown = 44,
    /// Whether a copy from client to server is sent on at once.
    CopyReorderUp = 45,
    /// Whether a copy from server to client is sent on at once.
    CopyReorderDown = 46,
}

/// The key of one entity, made from its name, so that it does not depend on who else takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entity(u64);

impl Entity {
    /// The key of the entity called `name`.
    pub fn named(name: &str) -> Self {
        Self::of(Stem::START.and(name.as_bytes()))
    }

    /// The key of a hash of all bytes of a name.
    const fn of(Stem(mut hash): Stem) -> Self {
        // FNV-1a, then the finaliser of splitmix64, because FNV alone mixes its high bits badly.
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((hash ^ (hash >> 31)) & Self::MASK)
    }

    const BITS: u32 = 56;
    const MASK: u64 = (1 << Self::BITS) - 1;
}

/// The beginning of names that differ in a number at their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stem(u64);

impl Stem {
    const START: Self = Self(0xcbf2_9ce4_8422_2325);

    /// Of names such as `name-17`.
    pub fn of(name: &str) -> Self {
        Self::START.and(name.as_bytes()).and(b"-")
    }

    fn and(self, bytes: &[u8]) -> Self {
        let hash =
            |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(bytes.iter().fold(self.0, hash))
    }

    /// The key of the entity with this number.
    pub fn numbered(self, mut number: u64) -> Entity {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + u8::try_from(number % 10).expect("a digit");
            number /= 10;
            if number == 0 {
                return Entity::of(self.and(&digits[first..]));
            }
        }
    }
}

/// All the draws of one run.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    key: [u32; 8],
    /// How wide the machine's registers are.
    arch: pulp::Arch,
}

const WORDS_PER_BLOCK: u64 = 16;
/// The first row of every `ChaCha` block, "expand 32-byte k" (RFC 8439, section 2.3).
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

impl Draws {
    /// The draws of the run with this seed.
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 8];
        (key[0], key[1]) = halves(seed);
        // The rest of the key tells this program's streams from any other use of the same seed.
        for (word, text) in key[2..].iter_mut().zip(b"roomsim keyed draws v1..".chunks_exact(4)) {
            *word = text.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        Self { key, arch: pulp::Arch::new() }
    }

    /// The number of a stream of draws.
    const fn stream(purpose: Purpose, entity: Entity) -> u64 {
        (purpose as u64) << Entity::BITS | entity.0
    }

    /// Draw number `index` of `entity` for `purpose`: evenly distributed over all of `u32`.
    #[inline]
    pub fn draw(&self, purpose: Purpose, entity: Entity, index: u64) -> u32 {
        self.draw_with(&mut { Block::NONE }, purpose, entity, index)
    }

    /// The same draw; `block` must have served no other purpose and entity.
    #[inline]
    pub fn draw_with(
        &self,
        block: &mut Block,
        purpose: Purpose,
        entity: Entity,
        index: u64,
    ) -> u32 {
        let words = self.keep(block, purpose, entity, index / WORDS_PER_BLOCK);
        words[usize::try_from(index % WORDS_PER_BLOCK).expect("below 16")]
    }

    /// The words of a block, which is kept.
    #[inline]
    fn keep<'a>(
        &self,
        block: &'a mut Block,
        purpose: Purpose,
        entity: Entity,
        number: u64,
    ) -> &'a [u32; 16] {
        if block.number != number {
            *block = Block { number, words: self.block(purpose, entity, number) };
        }
        &block.words
    }

    /// The sixteen draws of a block: those from sixteen times its number on.
    #[inline]
    pub fn block(&self, purpose: Purpose, entity: Entity, number: u64) -> [u32; 16] {
        let stream = Self::stream(purpose, entity);
        self.arch.dispatch(One { key: &self.key, counter: number, stream })
    }
}

/// The sixteen draws of one block, kept for those who draw one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    number: u64,
    words: [u32; 16],
}

impl Block {
    /// No block yet.
    pub const NONE: Self = Self { number: u64::MAX, words: [0; 16] };
}

/// The two 32-bit halves, low first.
#[expect(clippy::cast_possible_truncation, reason = "splitting is the purpose")]
const fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

/// One block, with the instructions that the machine has: it takes fewer of newer ones.
struct One<'a> {
    key: &'a [u32; 8],
    counter: u64,
    stream: u64,
}

impl pulp::WithSimd for One<'_> {
    type Output = [u32; 16];

    #[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> [u32; 16] {
        chacha8(self.key, self.counter, self.stream)
    }
}

/// One block of `ChaCha8`: counter and stream are 64 bits each, as in `rand_chacha`.
///
/// The 4 x 4 words are kept as rows, so that each line below is one instruction on four words.
#[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
#[inline(always)]
fn chacha8(key: &[u32; 8], counter: u64, stream: u64) -> [u32; 16] {
    let [k0, k1, k2, k3, k4, k5, k6, k7] = *key;
    let ((c0, c1), (s0, s1)) = (halves(counter), halves(stream));
    let input = [CONSTANTS, [k0, k1, k2, k3], [k4, k5, k6, k7], [c0, c1, s0, s1]];
    let mut rows = input;
    for _ in 0..4 {
        quarter_rounds(&mut rows); // The columns.
        turn(&mut rows, [1, 2, 3]);
        quarter_rounds(&mut rows); // The diagonals.
        turn(&mut rows, [3, 2, 1]);
    }
    let mut block = [0; 16];
    for (words, (row, input)) in block.chunks_exact_mut(4).zip(rows.into_iter().zip(input)) {
        words.copy_from_slice(&add(row, input));
    }
    block
}

/// Four words that are worked on together.
type Row = [u32; 4];

#[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
#[inline(always)]
fn add(one: Row, other: Row) -> Row {
    std::array::from_fn(|it| one[it].wrapping_add(other[it]))
}

/// The exclusive or of two rows, each word rotated to the left.
#[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
#[inline(always)]
fn xor_rotated(one: Row, other: Row, by: u32) -> Row {
    std::array::from_fn(|it| (one[it] ^ other[it]).rotate_left(by))
}

/// A quarter round on each column (RFC 8439, section 2.1).
#[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
#[inline(always)]
fn quarter_rounds(rows: &mut [Row; 4]) {
    let [a, b, c, d] = rows;
    for (turn_d, turn_b) in [(16, 12), (8, 7)] {
        *a = add(*a, *b);
        *d = xor_rotated(*d, *a, turn_d);
        *c = add(*c, *d);
        *b = xor_rotated(*b, *c, turn_b);
    }
}

/// Turns the rows below the first to the left, so that diagonals become columns.
#[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
#[inline(always)]
fn turn(rows: &mut [Row; 4], by: [usize; 3]) {
    for (row, by) in rows[1..].iter_mut().zip(by) {
        *row = std::array::from_fn(|it| row[(it + by) % 4]);
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;

    /// The published generator, set to the same place.
    fn published(draws: &Draws, purpose: Purpose, entity: Entity, index: u64) -> u32 {
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_exact_mut(4).zip(draws.key) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream((purpose as u64) << 56 | entity.0);
        rng.set_word_pos(u128::from(index));
        rng.next_u32()
    }

    #[test]
    fn numbered_entities_are_those_of_their_names() {
        for number in [0, 1, 9, 10, 100, 999_999, 1_000_000] {
            let name = format!("viewer-{number}");
            assert_eq!(Stem::of("viewer").numbered(number), Entity::named(&name));
        }
    }

    #[test]
    fn draws_are_those_of_rand_chacha_bit_for_bit() {
        for seed in [0, 1, 7, u64::MAX] {
            let draws = Draws::new(seed);
            for name in ["A", "B", "viewer-49999"] {
                let entity = Entity::named(name);
                for purpose in [Purpose::LossUp, Purpose::DelayDown, Purpose::Phase] {
                    for index in (0..40).chain([1 << 20, (1 << 36) - 1, 1 << 40]) {
                        assert_eq!(
                            draws.draw(purpose, entity, index),
                            published(&draws, purpose, entity, index),
                            "seed {seed} {name} {purpose:?} {index}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_kept_block_changes_no_draw() {
        let (draws, entity, mut block) = (Draws::new(7), Entity::named("A"), Block::NONE);
        for index in (0..50).chain([3, 1 << 40, 17, 16, 0]) {
            let kept = draws.draw_with(&mut block, Purpose::LossUp, entity, index);
            assert_eq!(kept, draws.draw(Purpose::LossUp, entity, index), "{index}");
        }
    }

    /// Whoever changes these changes every trace with randomness in it.  They were computed by a
    /// second implementation, from RFC 8439 with 8 rounds.
    #[test]
    fn the_first_draws_are_these() {
        let first = |purpose| -> [u32; 4] {
            let (draws, entity) = (Draws::new(1), Entity::named("A"));
            std::array::from_fn(|it| draws.draw(purpose, entity, it as u64))
        };
        assert_eq!(Entity::named("A").0, 47_532_838_646_352_894);
        assert_eq!(first(Purpose::LossUp), [2_945_722_232, 477_654_699, 74_844_848, 874_328_994]);
        assert_eq!(
            first(Purpose::Phase),
            [2_650_373_009, 2_835_586_428, 1_194_600_273, 129_187_106]
        );
    }

    #[test]
    fn streams_are_told_apart_by_every_part_of_the_address() {
        let (a, b) = (Entity::named("A"), Entity::named("B"));
        let base = Draws::new(1).draw(Purpose::LossUp, a, 0);
        assert_ne!(base, Draws::new(2).draw(Purpose::LossUp, a, 0));
        assert_ne!(base, Draws::new(1).draw(Purpose::LossDown, a, 0));
        assert_ne!(base, Draws::new(1).draw(Purpose::LossUp, b, 0));
        assert_ne!(base, Draws::new(1).draw(Purpose::LossUp, a, 1));
    }
}
