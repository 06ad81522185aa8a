// SPDX-License-Identifier: GPL-2.0

//! Device status field (virtio 1.4, 2.1 Device Status Field).
//!
//! C header: [`include/uapi/linux/virtio_config.h`](srctree/include/uapi/linux/virtio_config.h)

/// The device status field, a set of bits that show the progress of initialisation.
///
/// The driver may add bits, in the order of the initialisation sequence. Bits are only cleared by a
/// reset, that is by writing [`DeviceStatus::RESET`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceStatus(u8);

impl DeviceStatus {
    /// No bit. Writing it resets the device; once it is read back, the reset is complete.
    pub const RESET: Self = Self(0);

    /// The guest has found the device and recognised it as a virtio device.
    #[doc(alias = "VIRTIO_CONFIG_S_ACKNOWLEDGE")]
    pub const ACKNOWLEDGE: Self = Self(1);

    /// The guest knows how to drive the device.
    #[doc(alias = "VIRTIO_CONFIG_S_DRIVER")]
    pub const DRIVER: Self = Self(2);

    /// The driver is set up and ready to drive the device.
    #[doc(alias = "VIRTIO_CONFIG_S_DRIVER_OK")]
    pub const DRIVER_OK: Self = Self(4);

    /// The driver has acknowledged the features it understands; the negotiation is complete.
    #[doc(alias = "VIRTIO_CONFIG_S_FEATURES_OK")]
    pub const FEATURES_OK: Self = Self(8);

    /// The device has met an error from which it cannot recover without a reset.
    #[doc(alias = "VIRTIO_CONFIG_S_NEEDS_RESET")]
    pub const NEEDS_RESET: Self = Self(0x40);

    /// The guest has given up on the device.
    #[doc(alias = "VIRTIO_CONFIG_S_FAILED")]
    pub const FAILED: Self = Self(0x80);

    /// Returns the status for the value `bits` of the status register.
    #[inline]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Returns the value for the status register.
    #[inline]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns this status with the bits of `other` added.
    #[inline]
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether all bits of `other` are set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
