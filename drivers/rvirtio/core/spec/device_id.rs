// SPDX-License-Identifier: GPL-2.0

//! Virtio device ids (virtio 1.4, 5 Device Types).
//!
//! C header: [`include/uapi/linux/virtio_ids.h`](srctree/include/uapi/linux/virtio_ids.h)

/// Network device.
#[doc(alias = "VIRTIO_ID_NET")]
pub const NET: u32 = 1;

/// Block device.
#[doc(alias = "VIRTIO_ID_BLOCK")]
pub const BLOCK: u32 = 2;

/// Entropy device.
#[doc(alias = "VIRTIO_ID_RNG")]
pub const RNG: u32 = 4;

/// SCSI host.
#[doc(alias = "VIRTIO_ID_SCSI")]
pub const SCSI: u32 = 8;
