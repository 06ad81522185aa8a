// SPDX-License-Identifier: GPL-2.0

//! Virtio device ids, the id tables of drivers, and module aliases.
//!
//! C header: [`include/linux/mod_devicetable.h`](srctree/include/linux/mod_devicetable.h)

use kernel::device_id::{
    RawDeviceId,
    RawDeviceIdIndex, //
};

/// The id that matches any device type or vendor.
#[doc(alias = "VIRTIO_DEV_ANY_ID")]
pub(crate) const ANY_ID: u32 = 0xffff_ffff;

/// An id as the bus compares it, with the driver's info. It is like C's `struct virtio_device_id`,
/// which has no such info.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawId {
    pub(crate) device: u32,
    pub(crate) vendor: u32,
    info: usize,
}

impl RawId {
    /// Returns the id of a device, which has no driver info.
    pub(crate) const fn new(device: u32, vendor: u32) -> Self {
        Self {
            device,
            vendor,
            info: 0,
        }
    }

    /// Returns whether this table entry matches a device.
    #[doc(alias = "virtio_id_match")]
    pub(crate) fn matches(&self, device: &RawId) -> bool {
        (self.device == device.device || self.device == ANY_ID)
            && (self.vendor == device.vendor || self.vendor == ANY_ID)
    }

    /// Returns whether this is the all-zero entry that ends a table. 0 is not a valid device id.
    pub(crate) fn is_end(&self) -> bool {
        self.device == 0
    }
}

/// An entry of a [`virtio_device_table!`](crate::virtio_device_table).
#[doc(alias = "virtio_device_id")]
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct DeviceId(RawId);

impl DeviceId {
    /// Returns the entry for devices of virtio type `device` (virtio 1.4, 5 "Device Types") from
    /// any vendor.
    ///
    /// Type 0 fails to build: it is reserved, and would end the table.
    pub const fn new(device: u32) -> Self {
        assert!(device != 0, "0 is a reserved virtio device id");
        Self(RawId::new(device, ANY_ID))
    }

    /// Returns the device type and the vendor, for [`alias`].
    const fn parts(&self) -> (u32, u32) {
        (self.0.device, self.0.vendor)
    }
}

// SAFETY: `DeviceId` is a transparent wrapper of `RawId`.
unsafe impl RawDeviceId for DeviceId {
    type RawType = RawId;
}

// SAFETY: `DRIVER_DATA_OFFSET` is the offset of `info`, a `usize` field that nothing else uses.
unsafe impl RawDeviceIdIndex for DeviceId {
    const DRIVER_DATA_OFFSET: usize = core::mem::offset_of!(RawId, info);
}

/// The id table of a driver.
pub type IdTable<T> = &'static dyn kernel::device_id::IdTable<DeviceId, T>;

/// The name of the bus, and the prefix of its module aliases. It is `virtio` if the kernel has no C
/// virtio bus, because udev, systemd and dracut know that name.
pub const BUS_NAME: &str = if cfg!(CONFIG_VIRTIO) {
    "rvirtio"
} else {
    "virtio"
};

/// The size of `alias=rvirtio:d0000000Xv0000000X*` with the terminating NUL.
#[doc(hidden)]
pub const ALIAS_LEN: usize = 40;

/// Returns the `.modinfo` entry by which udev finds the module for `id`.
///
/// modpost only supports C's `virtio_device_id`, whose entries are smaller than `RawId`, so the
/// aliases are generated here. Trailing NULs are allowed there.
#[doc(hidden)]
pub const fn alias(id: &DeviceId) -> [u8; ALIAS_LEN] {
    let (device, vendor) = id.parts();
    let alias = Text::new()
        .str("alias=")
        .str(BUS_NAME)
        .str(":d")
        .hex_or_star(device)
        .str("v")
        .hex_or_star(vendor);
    // A star matches everything that follows; without one the alias must still allow more fields.
    if vendor == ANY_ID {
        alias.bytes
    } else {
        alias.str("*").bytes
    }
}

/// A byte string that is built at compile time.
struct Text {
    bytes: [u8; ALIAS_LEN],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; ALIAS_LEN],
            len: 0,
        }
    }

    const fn byte(mut self, byte: u8) -> Self {
        self.bytes[self.len] = byte;
        self.len += 1;
        self
    }

    const fn str(mut self, s: &str) -> Self {
        let mut i = 0;
        while i < s.len() {
            self = self.byte(s.as_bytes()[i]);
            i += 1;
        }
        self
    }

    const fn hex_or_star(mut self, id: u32) -> Self {
        if id == ANY_ID {
            return self.byte(b'*');
        }
        let mut shift = 32;
        while shift > 0 {
            shift -= 4;
            self = self.byte(b"0123456789ABCDEF"[(id >> shift & 0xf) as usize]);
        }
        self
    }
}

/// Declares the id table of a driver, with a module alias for each entry.
///
/// # Examples
///
/// ```ignore
/// virtio_device_table!(
///     TABLE,
///     <Rng as virtio::Driver>::IdInfo,
///     [(virtio::DeviceId::new(virtio::spec::device_id::RNG), ())]
/// );
/// ```
#[macro_export]
macro_rules! virtio_device_table {
    ($name:ident, $info:ty, [$(($id:expr, $value:expr $(,)?)),+ $(,)?]) => {
        static $name: ::kernel::device_id::IdArray<
            $crate::DeviceId,
            $info,
            { <[$crate::DeviceId]>::len(&[$($id,)+]) },
        > = ::kernel::device_id::IdArray::new([$(($id, &$value),)+]);

        #[cfg(MODULE)]
        const _: () = {
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static ALIASES: [[u8; $crate::ALIAS_LEN];
                <[$crate::DeviceId]>::len(&[$($id,)+])] =
                [$($crate::alias(&$id),)+];
        };
    };
}
