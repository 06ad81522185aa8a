// SPDX-License-Identifier: GPL-2.0

//! The targets of a host, taken one after the other. Tested on the host.

/// A round through all targets. One that begins during another one goes on where that is, so that
/// all targets have their turn however often that happens.
#[derive(Debug)]
pub(crate) struct Round {
    targets: u32,
    next: u32,
    left: u32,
}

impl Round {
    /// Returns a round through so many targets that is at its end.
    pub(crate) fn new(targets: u32) -> Self {
        Self {
            targets,
            next: 0,
            left: 0,
        }
    }

    /// Begins with the next target, even if a round has not ended.
    pub(crate) fn begin(&mut self) {
        self.left = self.targets;
    }

    /// Returns the next target, or `None` at the end.
    pub(crate) fn turn(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let target = self.next;
        self.next += 1;
        if self.next >= self.targets {
            self.next = 0;
        }
        Some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(round: &mut Round) -> Vec<u32> {
        core::iter::from_fn(|| round.turn()).collect()
    }

    #[test]
    fn no_round_unless_it_was_begun() {
        assert_eq!(all(&mut Round::new(3)), []);
    }

    #[test]
    fn every_target_has_one_turn() {
        for targets in 0..5 {
            let mut round = Round::new(targets);
            for _ in 0..3 {
                round.begin();
                assert_eq!(all(&mut round), Vec::from_iter(0..targets));
            }
        }
    }

    #[test]
    fn rounds_that_do_not_end_leave_nobody_out() {
        let mut round = Round::new(4);
        let first_of_each = [(); 5].map(|()| {
            round.begin();
            round.turn()
        });
        assert_eq!(first_of_each, [0, 1, 2, 3, 0].map(Some));
        assert_eq!(all(&mut round), [1, 2, 3]);
    }
}
