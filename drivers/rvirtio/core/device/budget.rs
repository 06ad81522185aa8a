// SPDX-License-Identifier: GPL-2.0

//! The number of resets by which a device may be recovered. Tested on the host.

/// The number of resets within [`PERIOD`].
const RESETS: usize = 3;

/// The length of the period in seconds.
const PERIOD: u64 = 60;

/// The budget of a device that fails: three resets in a minute. A device that fails more often is
/// not worth the requests that wait for it.
#[derive(Default)]
pub(crate) struct Budget {
    /// When the last resets were, in seconds; `None` if there were fewer.
    spent: [Option<u64>; RESETS],
}

impl Budget {
    /// Returns whether a reset is left at the time `now`, in seconds since any moment, and spends
    /// it.
    pub(crate) fn spend(&mut self, now: u64) -> bool {
        let is_free = |spent: &Option<u64>| match spent {
            Some(then) => now.saturating_sub(*then) >= PERIOD,
            None => true,
        };
        match self.spent.iter_mut().find(|spent| is_free(spent)) {
            Some(spent) => {
                *spent = Some(now);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_reset_three_times_in_a_minute() {
        let mut budget = Budget::default();
        for now in [5, 5, 64] {
            assert!(budget.spend(now));
        }
        assert!(!budget.spend(64));
        // The first two are a minute ago.
        assert!(budget.spend(65));
        assert!(budget.spend(65));
        assert!(!budget.spend(65));
        assert!(!budget.spend(123));
        assert!(budget.spend(124));
        assert!(!budget.spend(124));
    }

    #[test]
    fn a_device_that_fails_rarely_is_always_reset() {
        let mut budget = Budget::default();
        for now in (0..100_000).step_by(20) {
            assert!(budget.spend(now));
        }
    }

    /// Times that go backwards, which a monotonic clock does not have, count as the same moment.
    #[test]
    fn a_clock_that_goes_back() {
        let mut budget = Budget::default();
        for now in [100, 50, 0] {
            assert!(budget.spend(now));
        }
        assert!(!budget.spend(0));
    }
}
