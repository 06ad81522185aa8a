// SPDX-License-Identifier: GPL-2.0

//! Device-independent feature bits (virtio 1.4, 6 Reserved Feature Bits).
//!
//! C headers: [`include/uapi/linux/virtio_config.h`](srctree/include/uapi/linux/virtio_config.h),
//! [`include/uapi/linux/virtio_ring.h`](srctree/include/uapi/linux/virtio_ring.h)

mod set;

pub use self::set::{
    Feature,
    Features, //
};

/// A descriptor can point to a table of descriptors.
#[doc(alias = "VIRTIO_RING_F_INDIRECT_DESC")]
pub const INDIRECT_DESC: Feature = Feature::new(28);

/// Both sides say at which index they next want a notification.
#[doc(alias = "VIRTIO_RING_F_EVENT_IDX")]
pub const EVENT_IDX: Feature = Feature::new(29);

/// The device complies with virtio 1.0 or later.
#[doc(alias = "VIRTIO_F_VERSION_1")]
pub const VERSION_1: Feature = Feature::new(32);

/// The device accesses memory through the platform's IOMMU, if there is one.
#[doc(alias = "VIRTIO_F_ACCESS_PLATFORM")]
#[doc(alias = "VIRTIO_F_IOMMU_PLATFORM")]
pub const ACCESS_PLATFORM: Feature = Feature::new(33);

/// Packed virtqueue layout.
#[doc(alias = "VIRTIO_F_RING_PACKED")]
pub const RING_PACKED: Feature = Feature::new(34);

/// The device uses buffers in the order in which they were made available.
#[doc(alias = "VIRTIO_F_IN_ORDER")]
pub const IN_ORDER: Feature = Feature::new(35);

/// Memory accesses are ordered as for a real device of the platform.
#[doc(alias = "VIRTIO_F_ORDER_PLATFORM")]
pub const ORDER_PLATFORM: Feature = Feature::new(36);

/// Notifications carry the position of the next available descriptor.
#[doc(alias = "VIRTIO_F_NOTIFICATION_DATA")]
pub const NOTIFICATION_DATA: Feature = Feature::new(38);

/// Notifications carry a value that the device has chosen instead of the queue index.
#[doc(alias = "VIRTIO_F_NOTIF_CONFIG_DATA")]
pub const NOTIF_CONFIG_DATA: Feature = Feature::new(39);

/// A queue can be reset by itself.
#[doc(alias = "VIRTIO_F_RING_RESET")]
pub const RING_RESET: Feature = Feature::new(40);

/// Bits whose meaning the device type defines: 0 to 23 and 50 to 127.
///
/// The rest belongs to the ring, the transport and the negotiation itself.
pub const DEVICE_TYPE_BITS: Features = Features::range(0, 23).union(Features::range(50, 127));
