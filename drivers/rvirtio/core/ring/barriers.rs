// SPDX-License-Identifier: GPL-2.0

//! The order of accesses to shared memory.

/// The order of accesses to shared memory.
///
/// Which instructions are needed depends on what the device is: another CPU, or, with
/// `ORDER_PLATFORM`, a real device (virtio 1.4, 6.1 Driver Requirements: Reserved Feature Bits).
pub trait Barriers {
    /// Orders all accesses before with all accesses after.
    #[doc(alias = "virtio_mb")]
    fn mb(&self);

    /// Orders loads before with loads after.
    #[doc(alias = "virtio_rmb")]
    fn rmb(&self);

    /// Orders stores before with stores after.
    #[doc(alias = "virtio_wmb")]
    fn wmb(&self);
}
