//! Links that copy messages.

use super::{
    Cause, Fate, Flow, Link, PathModel, Reorder, Sending, Twin, Verdict, ahead::Timed,
    chance::Chance, gate::Held, is_full, queue::Queue,
};

impl Flow {
    /// Whether a message is copied.
    #[inline(never)]
    fn copies(&mut self, path: &PathModel, sending: Sending<'_>) -> bool {
        let Sending { draws, direction, serial, .. } = sending;
        path.duplicate.hits(self.dice.draw(draws, (direction, Chance::Copy), serial))
    }

    /// Whether the copy of a message is lost.
    ///
    /// It is judged as the lane's next message would be, by draws of its own, but leaves a burst
    /// model as it found it, so that copies move no other message's luck (assumption A69).
    fn loses_copy(&mut self, path: &PathModel, sending: Sending<'_>) -> bool {
        let Sending { draws, direction, serial, now, .. } = sending;
        let mut chain = self.chains[direction as usize][serial.lane as usize];
        let (timed, link, dice) = (&mut self.timed, self.link, &mut self.dice);
        path.loss.loses(
            &mut chain,
            |times| Timed::of(timed, link).spells.at(draws, (direction, times), now).state,
            |chance| dice.draw(draws, (direction, chance.of_copy()), serial),
        )
    }

    /// Whether the copy of a message is sent on at once: judged as the lane's next message would be,
    /// it leaves the count of a gap as it found it (assumption A69).
    fn copy_goes_first(&mut self, path: &PathModel, sending: Sending<'_>) -> bool {
        let Sending { draws, direction, serial, .. } = sending;
        let n_since = self.n_since[direction as usize][serial.lane as usize];
        path.reorder.is_some_and(|Reorder { share, gap }| {
            let chance = (direction, Chance::CopyReorder);
            gap - 1 <= n_since && share.hits(self.dice.draw(draws, chance, serial))
        })
    }
}

impl Link {
    /// What becomes of a message that is not cut off, and of its copy.
    #[inline(never)]
    pub(super) fn send_with_copy(
        &mut self,
        flow: &mut Flow,
        path: &PathModel,
        queue: &mut Queue,
        sending: Sending<'_>,
    ) -> Fate {
        let dropped = |cause| Fate { verdict: Verdict::Drop(cause), copy: None };
        let is_lost = flow.loses(path, sending);
        let is_copied = flow.copies(path, sending);
        // As in netem, which adds one for the copy and takes one for the loss.
        if is_lost && !is_copied {
            return dropped(Cause::Loss);
        }
        // Once for both, as in netem: a message that has a place has one for its copy.
        if is_full(path, queue, sending) {
            return dropped(Cause::QueueFull);
        }
        let is_first = flow.goes_first(path, sending);
        let held = Held { twin: Twin::Message, is_first, bits_moved: 0 };
        let verdict = self.pass(flow, path, queue, (sending, held));
        let copy = if is_copied && !is_lost && !flow.loses_copy(path, sending) {
            let is_first = flow.copy_goes_first(path, sending);
            let held = Held { twin: Twin::Copy, is_first, bits_moved: 0 };
            Some(self.pass(flow, path, queue, (sending, held)))
        } else {
            None
        };
        Fate { verdict, copy }
    }
}
