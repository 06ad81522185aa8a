// SPDX-License-Identifier: GPL-2.0

//! Feature sets and negotiation.

use proptest::prelude::*;
use ringtest::{
    blk,
    negotiate::{close, negotiate, Demand, Dependency, NegotiateError},
    ring,
    spec::feature,
    Feature, Features,
};

fn any_features() -> impl Strategy<Value = Features> {
    // The bits of interest are few, so sets are also made of single bits.
    prop_oneof![
        any::<u128>().prop_map(Features::from_bits),
        Just(Features::from_bits(u128::MAX)),
        proptest::collection::vec(0u8..128, 0..20).prop_map(|bits| {
            bits.into_iter()
                .fold(Features::EMPTY, |set, bit| set.with(Feature::new(bit)))
        }),
    ]
}

fn any_dependencies() -> impl Strategy<Value = Vec<Dependency>> {
    let row = (0u8..128, any_features())
        .prop_map(|(bit, any_of)| Dependency::any(Feature::new(bit), any_of));
    proptest::collection::vec(row, 0..40)
}

/// Returns whether every feature in `set` has its prerequisites there.
fn is_closed(set: Features, dependencies: &[Dependency]) -> bool {
    dependencies.iter().all(|row| {
        !set.contains(row.feature) || row.any_of.iter().any(|needed| set.contains(needed))
    })
}

proptest! {
    /// Whatever is offered, only what is offered, implemented and complete is accepted.
    ///
    /// covers: INIT-05 INIT-06 INIT-07 INIT-08 INIT-11 FEAT-01
    #[test]
    fn accepted_features_are_offered_implemented_and_complete(
        offered in any_features(),
        driver in any_features(),
        transport in any_features(),
        dependencies in any_dependencies(),
    ) {
        let result = negotiate(offered, driver, transport, &dependencies, Demand::Nothing);
        if !offered.contains(feature::VERSION_1) {
            prop_assert_eq!(result, Err(NegotiateError::LegacyDevice));
            return Ok(());
        }
        let accepted = result.unwrap();
        prop_assert!(accepted.is_subset(offered));
        prop_assert!(is_closed(accepted, &dependencies));

        for bit in accepted.iter() {
            let of_driver = driver.contains(bit) && matches!(bit.bit(), 0..=23 | 50..=127);
            let of_transport = transport.contains(bit) && matches!(bit.bit(), 24..=49);
            prop_assert!(of_driver || of_transport || ring::FEATURES.contains(bit));
        }
    }

    /// What is dropped has a reason: adding it again would leave something incomplete.
    #[test]
    fn nothing_is_dropped_without_need(
        set in any_features(),
        dependencies in any_dependencies(),
    ) {
        let closed = close(set, &dependencies);
        prop_assert!(is_closed(closed, &dependencies));
        prop_assert_eq!(close(closed, &dependencies), closed);
        for bit in set.difference(closed).iter() {
            let more = closed.with(bit);
            prop_assert!(!is_closed(more, &dependencies));
        }
    }

    #[test]
    fn words_are_the_set(bits in any::<u128>()) {
        let set = Features::from_bits(bits);
        let words = [0, 1, 2, 3].map(|i| set.word(i));
        prop_assert_eq!(Features::from_words(words), set);
        prop_assert_eq!(set.word(4), 0);
        for bit in 0..128 {
            let word = words[usize::from(bit) / 32];
            prop_assert_eq!(set.contains(Feature::new(bit)), word >> (bit % 32) & 1 == 1);
        }
    }
}

/// `SR_IOV` and all other bits that nobody implements are left out.
///
/// covers: INIT-08 FEAT-10
#[test]
fn device_that_offers_everything() {
    let driver = Features::of(&[blk::feature::MQ, blk::feature::FLUSH]);
    let transport = Features::of(&[feature::ACCESS_PLATFORM]);
    let all = Features::from_bits(u128::MAX);
    let accepted = negotiate(all, driver, transport, &[], Demand::Nothing);
    assert_eq!(accepted, Ok(driver.union(transport).union(ring::FEATURES)));
}

/// covers: FEAT-02 INIT-10
#[test]
fn legacy_device_is_refused() {
    let offered = Features::from_bits(u128::MAX).without(feature::VERSION_1);
    let none = Features::EMPTY;
    let error = negotiate(offered, none, none, &[], Demand::Nothing).unwrap_err();
    assert!(error.to_string().contains("VIRTIO_F_VERSION_1"));
}

/// In a guest whose memory is encrypted a device can access only what the DMA API gives it.
#[test]
fn the_platform_can_demand_its_translation() {
    let offered = Features::of(&[feature::VERSION_1, feature::ACCESS_PLATFORM]);
    let needed = Features::of(&[feature::ACCESS_PLATFORM]);
    let try_it = |offered, transport| {
        negotiate(
            offered,
            Features::EMPTY,
            transport,
            &[],
            Demand::AccessPlatform,
        )
    };
    assert_eq!(try_it(offered, needed), Ok(offered));
    let without = offered.without(feature::ACCESS_PLATFORM);
    assert_eq!(
        try_it(without, needed),
        Err(NegotiateError::NoAccessPlatform)
    );
    // Nor is it enough that the device could.
    assert_eq!(
        try_it(offered, Features::EMPTY),
        Err(NegotiateError::NoAccessPlatform)
    );
}

/// covers: INIT-06
#[test]
fn prerequisites_are_followed_through() {
    let [a, b, c] = [1, 2, 3].map(Feature::new);
    let chain = [Dependency::new(a, b), Dependency::new(b, c)];
    assert_eq!(close(Features::of(&[a, b]), &chain), Features::EMPTY);
    assert_eq!(
        close(Features::of(&[a, b, c]), &chain),
        Features::of(&[a, b, c])
    );
    assert_eq!(close(Features::of(&[a, c]), &chain), Features::of(&[c]));

    let either = [Dependency::any(a, Features::of(&[b, c]))];
    assert_eq!(close(Features::of(&[a, c]), &either), Features::of(&[a, c]));
    assert_eq!(close(Features::of(&[a]), &either), Features::EMPTY);
}

/// The ring bits are those that the specification gives to rings.
#[test]
fn ring_features_are_not_device_features() {
    assert!(ring::FEATURES
        .intersect(feature::DEVICE_TYPE_BITS)
        .is_empty());
    assert!(ring::FEATURES.contains(feature::VERSION_1));
}
