//! Who says what to whom: the room service as pure machines.
//!
//! A client has one login at a time ([`client::Client`]); the server sees it as a member
//! ([`member::Member`]) and keeps the rooms ([`server::Server`]).  Time and drawn numbers come in,
//! messages and callbacks go out.  There is no clock here, no randomness, no link and no queue.
#![deny(clippy::float_arithmetic)]

pub mod backend;
pub mod beats;
pub mod call;
pub mod client;
pub mod code;
pub mod gate;
pub mod journal;
pub mod member;
pub mod message;
pub mod pulse;
pub mod quiet;
pub mod repeat;
pub mod retry;
pub mod rules;
pub mod server;
pub mod station;
pub mod table;

/// The effects of one step: at most `N`, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what a machine does has to be carried out"]
pub struct Effects<E, const N: usize>([Option<E>; N]);

impl<E: Copy, const N: usize> Effects<E, N> {
    /// Nothing happened.
    pub const NONE: Self = Self([None; N]);

    /// These effects, in this order.
    pub fn of<const M: usize>(effects: [E; M]) -> Self {
        const { assert!(M <= N, "more effects than a step can have") };
        let mut all = [None; N];
        for (slot, effect) in all.iter_mut().zip(effects) {
            *slot = Some(effect);
        }
        Self(all)
    }

    /// The effects and one more.
    pub fn and(mut self, effect: E) -> Self {
        let free = self.0.iter_mut().find(|it| it.is_none());
        *free.expect("a step has at most N effects") = Some(effect);
        self
    }

    /// The effects that there are among some, in this order.
    pub fn of_some<const M: usize>(effects: [Option<E>; M]) -> Self {
        const { assert!(M <= N, "more effects than a step can have") };
        let (mut all, mut n) = (Self::NONE, 0);
        for effect in effects.into_iter().flatten() {
            all.0[n] = Some(effect);
            n += 1;
        }
        all
    }

    /// The effects, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.0.iter().map_while(Option::as_ref)
    }
}
