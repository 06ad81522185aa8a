// SPDX-License-Identifier: GPL-2.0

//! The device's configuration space (virtio 1.4, 5.1.4).

use crate::{
    limits::{
        full_duplex,
        speed,
        Mac, //
    },
    spec::{
        config,
        feature,
        status, //
    }, //
};
use kernel::prelude::*;
use rvirtio::{
    config::ConfigField,
    Config,
    Feature,
    Features, //
};

/// The configuration space of a device that has agreed to `features`, which decide what is in it.
#[derive(Clone, Copy)]
pub(crate) struct NetConfig<'bound> {
    config: Config<'bound>,
    features: Features,
}

/// The state of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) up: bool,
    /// In Mbit/s.
    pub(crate) speed: Option<u32>,
    pub(crate) full_duplex: Option<bool>,
}

impl<'bound> NetConfig<'bound> {
    pub(crate) fn new(config: Config<'bound>, features: Features) -> Self {
        Self { config, features }
    }

    /// Returns the MAC address.
    pub(crate) fn mac(&self) -> Result<Option<Mac>> {
        self.group(feature::MAC, || {
            let mut mac = [0; 6];
            for (offset, byte) in mac.iter_mut().enumerate() {
                *byte = self.read(config::MAC + offset)?;
            }
            Ok(mac)
        })
    }

    /// Returns the largest MTU.
    pub(crate) fn mtu(&self) -> Result<Option<u16>> {
        self.features
            .contains(feature::MTU)
            .then(|| self.read(config::MTU))
            .transpose()
    }

    /// Returns the state of the link. Without STATUS it is up. Its speed is not known while that keeps
    /// changing.
    #[doc(alias = "virtnet_update_settings")]
    pub(crate) fn link(&self) -> Result<Link> {
        let bits = self.status()?;
        let settings = self.group(feature::SPEED_DUPLEX, || {
            Ok((self.read(config::SPEED)?, self.read(config::DUPLEX)?))
        });
        let settings = settings.unwrap_or(None);
        Ok(Link {
            up: bits.is_none_or(|bits| bits & status::LINK_UP != 0),
            speed: settings.and_then(|(raw, _)| speed(raw)),
            full_duplex: settings.and_then(|(_, raw)| full_duplex(raw)),
        })
    }

    /// Returns whether the device says how fast its link is.
    pub(crate) fn has_speed(&self) -> bool {
        self.features.contains(feature::SPEED_DUPLEX)
    }

    /// Returns the largest number of pairs of queues, if the device says one.
    pub(crate) fn max_pairs(&self) -> Result<Option<u16>> {
        let pairs = || self.read(config::MAX_VIRTQUEUE_PAIRS);
        match self.group(feature::MQ, pairs)? {
            None => self.group(feature::RSS, pairs),
            pairs => Ok(pairs),
        }
    }

    /// Returns the largest key, and the hashes that the device can make, if it makes any.
    pub(crate) fn hash_limits(&self) -> Result<Option<(u8, u32)>> {
        let limits = || {
            Ok((
                self.read(config::RSS_MAX_KEY_SIZE)?,
                self.read(config::SUPPORTED_HASH_TYPES)?,
            ))
        };
        match self.group(feature::RSS, limits)? {
            None => self.group(feature::HASH_REPORT, limits),
            limits => Ok(limits),
        }
    }

    /// Returns the largest table of RSS.
    pub(crate) fn max_table(&self) -> Result<Option<u16>> {
        let max = || self.read(config::RSS_MAX_INDIRECTION_TABLE_LENGTH);
        self.group(feature::RSS, max)
    }

    /// Returns whether the device wants the interface to announce itself.
    #[doc(alias = "VIRTIO_NET_S_ANNOUNCE")]
    pub(crate) fn wants_announcement(&self) -> bool {
        matches!(self.status(), Ok(Some(bits)) if bits & status::ANNOUNCE != 0)
    }

    /// Reads the field of the same name, in one access: it is right whatever else changes.
    fn status(&self) -> Result<Option<u16>> {
        self.features
            .contains(feature::STATUS)
            .then(|| self.read(config::STATUS))
            .transpose()
    }

    /// Reads fields that are there if `feature` is, and belong together.
    fn group<T>(&self, feature: Feature, mut read: impl FnMut() -> Result<T>) -> Result<Option<T>> {
        let group = || self.config.consistent(|_| read());
        self.features.contains(feature).then(group).transpose()
    }

    fn read<T: ConfigField>(&self, offset: usize) -> Result<T> {
        // CAST: Offsets are small constants.
        self.config.read(offset as u32)
    }
}
