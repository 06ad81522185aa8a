// SPDX-License-Identifier: GPL-2.0

//! Negotiation of features (virtio 1.4, 2.2 Feature Bits).
//!
//! [`negotiate`] is a pure function from the features that the device offers to those that the
//! driver accepts. The offer is not trusted: a bit is only accepted if it is implemented and all of
//! its prerequisites are accepted too. All other bits that are offered, known or not, are dropped,
//! which is not an error.

use crate::{
    ring,
    spec::feature::{
        self,
        Feature,
        Features, //
    },
};
use core::fmt;

/// A prerequisite: `feature` is only accepted together with at least one of `any_of`.
///
/// A feature that needs several others has one row for each of them.
#[derive(Clone, Copy, Debug)]
pub struct Dependency {
    /// The feature that has the prerequisite.
    pub feature: Feature,
    /// The features of which at least one has to be accepted.
    pub any_of: Features,
}

impl Dependency {
    /// Returns the row for a `feature` that needs `needed`.
    pub const fn new(feature: Feature, needed: Feature) -> Self {
        Self::any(feature, Features::EMPTY.with(needed))
    }

    /// Returns the row for a `feature` that needs at least one of `any_of`.
    pub const fn any(feature: Feature, any_of: Features) -> Self {
        Self { feature, any_of }
    }
}

/// The features that the platform requires of all devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// None.
    Nothing,
    /// `ACCESS_PLATFORM`: devices can only access the guest's memory through the DMA API.
    #[doc(alias = "virtio_require_restricted_mem_acc")]
    AccessPlatform,
}

/// The reason why the features cannot be negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NegotiateError {
    /// The device does not offer `VERSION_1`: it is a legacy device.
    LegacyDevice,
    /// The device does not offer `ACCESS_PLATFORM`, which the platform requires.
    NoAccessPlatform,
}

impl fmt::Display for NegotiateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LegacyDevice => "VIRTIO_F_VERSION_1 not offered (legacy device)",
            Self::NoAccessPlatform => {
                "VIRTIO_F_ACCESS_PLATFORM not offered, required as guest memory is encrypted"
            }
        })
    }
}

/// Returns the features to accept of those that the device offers.
///
/// `driver` has the bits of the device type that the front end implements, and `transport` the
/// other bits that the transport implements. The bits of the ring, [`ring::FEATURES`], are added
/// here. `dependencies` has the prerequisites among the bits of the device type. A bit whose
/// prerequisite is missing is dropped, and so are the bits that need it in turn.
///
/// # Errors
///
/// See [`NegotiateError`].
#[doc(alias = "virtio_dev_probe")]
#[doc(alias = "virtio_features_ok")]
#[doc(alias = "vring_transport_features")]
pub fn negotiate(
    offered: Features,
    driver: Features,
    transport: Features,
    dependencies: &[Dependency],
    demand: Demand,
) -> Result<Features, NegotiateError> {
    if !offered.contains(feature::VERSION_1) {
        return Err(NegotiateError::LegacyDevice);
    }

    let implemented = driver
        .intersect(feature::DEVICE_TYPE_BITS)
        .union(transport.difference(feature::DEVICE_TYPE_BITS))
        .union(ring::FEATURES);

    let features = close(offered.intersect(implemented), dependencies);
    if demand == Demand::AccessPlatform && !features.contains(feature::ACCESS_PLATFORM) {
        return Err(NegotiateError::NoAccessPlatform);
    }
    Ok(features)
}

/// Returns the largest part of `set` in which no feature lacks a prerequisite.
pub fn close(mut set: Features, dependencies: &[Dependency]) -> Features {
    // Every round except the last removes a bit, so there are at most 129.
    loop {
        let closed = dependencies
            .iter()
            .filter(|row| row.any_of.intersect(set).is_empty())
            .fold(set, |closed, row| closed.without(row.feature));
        if closed == set {
            return set;
        }
        set = closed;
    }
}
