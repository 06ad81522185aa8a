// SPDX-License-Identifier: GPL-2.0

//! Barriers between accesses to shared memory.

/// Barriers between accesses to shared memory.
///
/// The necessary instructions depend on the device: another CPU, or, with `ORDER_PLATFORM`, a real
/// device (virtio 1.4, 6.1 Driver Requirements: Reserved Feature Bits).
pub trait Barriers {
    /// Orders earlier accesses before later accesses.
    #[doc(alias = "virtio_mb")]
    fn mb(&self);

    /// Orders earlier loads before later loads.
    #[doc(alias = "virtio_rmb")]
    fn rmb(&self);

    /// Orders earlier stores before later stores.
    #[doc(alias = "virtio_wmb")]
    fn wmb(&self);
}
