// SPDX-License-Identifier: GPL-2.0

//! Negotiation of features.

use kernel::prelude::*;

#[kunit_tests(rvirtio_negotiation)]
mod tests {
    use crate::blk_files::spec as blk;
    use rvirtio::{
        init::{
            negotiate,
            Demand,
            NegotiateError, //
        },
        spec::feature,
        Dependency,
        Features, //
    };

    const DRIVER: Features = Features::of(&[blk::feature::FLUSH, blk::feature::CONFIG_WCE]);
    const TRANSPORT: Features = Features::of(&[feature::ACCESS_PLATFORM]);
    const DEPENDENCIES: &[Dependency] = &[Dependency::new(
        blk::feature::CONFIG_WCE,
        blk::feature::FLUSH,
    )];

    fn accepted(offered: Features) -> Result<Features, NegotiateError> {
        negotiate(offered, DRIVER, TRANSPORT, DEPENDENCIES, Demand::Nothing)
    }

    /// Of all bits only those are accepted that somebody implements.
    #[test]
    fn only_implemented_bits() {
        let all = Features::from_bits(u128::MAX);
        let expected = DRIVER.union(TRANSPORT).union(rvirtio::ring::FEATURES);
        assert_eq!(accepted(all), Ok(expected));
    }

    /// Nothing is accepted that was not offered.
    #[test]
    fn only_offered_bits() {
        for bit in 0..128 {
            let offered = Features::from_bits(1 << bit).with(feature::VERSION_1);
            assert!(accepted(offered).is_ok_and(|set| set.is_subset(offered)));
        }
    }

    /// A bit whose prerequisite is missing is dropped.
    #[test]
    fn prerequisites() {
        let base = Features::of(&[feature::VERSION_1]);
        let wce = base.with(blk::feature::CONFIG_WCE);
        assert_eq!(accepted(wce), Ok(base));
        let both = wce.with(blk::feature::FLUSH);
        assert_eq!(accepted(both), Ok(both));
    }

    /// A legacy device is refused.
    #[test]
    fn legacy_device() {
        let all = Features::from_bits(u128::MAX).without(feature::VERSION_1);
        assert_eq!(accepted(all), Err(NegotiateError::LegacyDevice));
    }

    /// The four words of the registers are the 128 bits.
    #[test]
    fn words_and_bits() {
        let set = Features::from_words([1, 2, 4, 8]);
        assert_eq!(set.bits(), 1 | 2 << 32 | 4 << 64 | 8 << 96);
        for (select, word) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 0), (u32::MAX, 0)] {
            assert_eq!(set.word(select), word);
        }
    }
}
