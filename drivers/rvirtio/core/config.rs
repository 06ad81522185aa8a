// SPDX-License-Identifier: GPL-2.0

//! Device-specific configuration space (virtio 1.4, 2.5).
//!
//! C header: [`include/linux/virtio_config.h`](srctree/include/linux/virtio_config.h)

#[allow(unreachable_pub, reason = "also compiled for tests on the host")]
mod access;

use crate::device::Device;
use kernel::{
    device::Bound,
    prelude::*, //
};

/// The configuration space of a device. It is little-endian, as in all devices with VERSION_1.
///
/// Only read a field if the feature that it depends on was negotiated, or was offered and has no
/// prerequisite (virtio 1.4, 2.5.1). All methods may be called from any context, but each access is
/// an exit to the hypervisor.
#[derive(Clone, Copy)]
pub struct Config<'a>(&'a Device<Bound>);

mod private {
    pub trait Sealed {}
}

/// An integer that can be read in one access.
pub trait ConfigField: private::Sealed + Sized {
    #[doc(hidden)]
    fn read(config: &Config<'_>, offset: u32) -> Result<Self>;
}

macro_rules! config_field {
    ($($int:ty: $read:ident,)*) => {$(
        impl private::Sealed for $int {}
        impl ConfigField for $int {
            fn read(config: &Config<'_>, offset: u32) -> Result<Self> {
                config.0.configuration(|transport| transport.$read(offset))
            }
        }
    )*};
}

config_field! {
    u8: config_read8,
    u16: config_read16,
    u32: config_read32,
}

impl<'a> Config<'a> {
    pub(crate) fn new(dev: &'a Device<Bound>) -> Self {
        Self(dev)
    }

    /// Returns the size in bytes. It depends on the device, and can be larger or smaller than the
    /// structure that the driver knows.
    pub fn len(&self) -> u32 {
        self.0.transport().config_len()
    }

    /// Returns whether the device has no configuration space.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the field at `offset` in one access.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the field is outside the configuration space of the device, or if `offset` is
    /// not a multiple of the size of the field; [`EIO`] after the device was reset.
    #[doc(alias = "virtio_cread")]
    pub fn read<T: ConfigField>(&self, offset: u32) -> Result<T> {
        // CAST: 1, 2 or 4.
        self.check(offset, size_of::<T>() as u32)?;
        T::read(self, offset)
    }

    /// Reads a 64-bit field in two accesses, between which the configuration did not change.
    ///
    /// # Errors
    ///
    /// Those of [`Config::read`] and [`Config::consistent`].
    #[doc(alias = "virtio_cread64")]
    pub fn read_u64(&self, offset: u32) -> Result<u64> {
        self.check(offset, 8)?;
        self.consistent(|config| {
            let low: u32 = config.read(offset)?;
            let high: u32 = config.read(offset + 4)?;
            Ok(u64::from(high) << 32 | u64::from(low))
        })
    }

    /// Calls `read` until the configuration has not changed during the call.
    ///
    /// # Errors
    ///
    /// Those of `read`; [`EIO`] if the configuration keeps changing, or after the device was reset.
    #[doc(alias = "config_generation")]
    pub fn consistent<R>(&self, mut read: impl FnMut(&Self) -> Result<R>) -> Result<R> {
        let generation = || {
            self.0
                .configuration(|transport| transport.config_generation())
        };
        let value = access::consistent(generation, || read(self))?;
        if value.is_none() {
            dev_err!(self.0, "configuration keeps changing\n");
        }
        value.ok_or(EIO)
    }

    /// Writes a byte.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the byte is outside the configuration space of the device; [`EIO`] after the
    /// device was reset.
    #[doc(alias = "virtio_cwrite8")]
    pub fn write(&self, offset: u32, value: u8) -> Result {
        self.check(offset, 1)?;
        self.0
            .configuration(|transport| transport.config_write8(offset, value))
    }

    /// Writes the four bytes of the field at `offset` in one access.
    ///
    /// # Errors
    ///
    /// Those of [`Config::read`].
    #[doc(alias = "virtio_cwrite32")]
    pub fn write_u32(&self, offset: u32, value: u32) -> Result {
        self.check(offset, 4)?;
        self.0
            .configuration(|transport| transport.config_write32(offset, value))
    }

    /// Checks that a field of `size` bytes, a power of two, exists and is aligned.
    fn check(&self, offset: u32, size: u32) -> Result {
        if access::has_field(self.len(), offset, size) {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }
}
