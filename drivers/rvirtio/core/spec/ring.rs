// SPDX-License-Identifier: GPL-2.0

//! Virtqueue layout in memory (virtio 1.4, 2.7 Split Virtqueues and 2.8 Packed Virtqueues).
//!
//! Sizes and offsets are in bytes, queue sizes in descriptors.
//!
//! C header: [`include/uapi/linux/virtio_ring.h`](srctree/include/uapi/linux/virtio_ring.h)

/// Largest queue size, of both layouts.
pub const QUEUE_SIZE_MAX: u16 = 32768;

/// Size of one descriptor, of both layouts, in a ring and in an indirect table.
pub const DESC_SIZE: u32 = 16;

/// Descriptor flag: the buffer continues in the next descriptor.
#[doc(alias = "VRING_DESC_F_NEXT")]
pub const DESC_F_NEXT: u16 = 1;

/// Descriptor flag: the device writes the element; without it, the device reads.
#[doc(alias = "VRING_DESC_F_WRITE")]
pub const DESC_F_WRITE: u16 = 2;

/// Descriptor flag: the element is a table of descriptors.
#[doc(alias = "VRING_DESC_F_INDIRECT")]
pub const DESC_F_INDIRECT: u16 = 4;

/// The width of a notification (virtio 1.4, 2.9 Driver Notifications).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyWidth {
    /// 16 bits: the queue.
    Bits16,
    /// 32 bits, with `NOTIFICATION_DATA`: the queue, and the position of the driver in it.
    Bits32,
}

impl NotifyWidth {
    /// Returns the length of a notification in bytes.
    #[inline]
    pub const fn bytes(self) -> u8 {
        match self {
            Self::Bits16 => 2,
            Self::Bits32 => 4,
        }
    }
}

/// Split virtqueues.
pub mod split {
    /// Used ring flag: the device asks for no available buffer notifications.
    #[doc(alias = "VRING_USED_F_NO_NOTIFY")]
    pub const USED_F_NO_NOTIFY: u16 = 1;

    /// Available ring flag: the driver asks for no used buffer notifications.
    #[doc(alias = "VRING_AVAIL_F_NO_INTERRUPT")]
    pub const AVAIL_F_NO_INTERRUPT: u16 = 1;

    /// Alignment of the descriptor table.
    #[doc(alias = "VRING_DESC_ALIGN_SIZE")]
    pub const DESC_ALIGN: usize = 16;

    /// Alignment of the available ring (driver area).
    #[doc(alias = "VRING_AVAIL_ALIGN_SIZE")]
    pub const AVAIL_ALIGN: usize = 2;

    /// Alignment of the used ring (device area).
    #[doc(alias = "VRING_USED_ALIGN_SIZE")]
    pub const USED_ALIGN: usize = 4;

    /// Offset of `flags` in the available ring and in the used ring.
    pub const FLAGS: usize = 0;

    /// Offset of `idx` in the available ring and in the used ring.
    pub const IDX: usize = 2;

    /// Offset of the `ring` array in the available ring and in the used ring.
    pub const RING: usize = 4;

    /// Size of an element of the available ring.
    pub const AVAIL_ELEM_SIZE: usize = 2;

    /// Size of an element of the used ring.
    pub const USED_ELEM_SIZE: usize = 8;

    /// Returns the size of the descriptor table.
    #[inline]
    pub const fn desc_size(queue_size: u16) -> usize {
        super::DESC_SIZE as usize * queue_size as usize
    }

    /// Returns the offset of `used_event` in the available ring.
    #[inline]
    pub const fn used_event(queue_size: u16) -> usize {
        RING + AVAIL_ELEM_SIZE * queue_size as usize
    }

    /// Returns the size of the available ring, `used_event` included.
    #[inline]
    pub const fn avail_size(queue_size: u16) -> usize {
        used_event(queue_size) + 2
    }

    /// Returns the offset of `avail_event` in the used ring.
    #[inline]
    pub const fn avail_event(queue_size: u16) -> usize {
        RING + USED_ELEM_SIZE * queue_size as usize
    }

    /// Returns the size of the used ring, `avail_event` included.
    #[inline]
    pub const fn used_size(queue_size: u16) -> usize {
        avail_event(queue_size) + 2
    }
}

/// Packed virtqueues.
pub mod packed {
    /// Descriptor flag: equal to the driver's wrap counter in an available descriptor, to the
    /// device's in a used one.
    #[doc(alias = "VRING_PACKED_DESC_F_AVAIL")]
    pub const DESC_F_AVAIL: u16 = 1 << 7;

    /// Descriptor flag: the inverse of the driver's wrap counter in an available descriptor, equal
    /// to the device's in a used one.
    #[doc(alias = "VRING_PACKED_DESC_F_USED")]
    pub const DESC_F_USED: u16 = 1 << 15;

    /// Event flags: notify always.
    #[doc(alias = "VRING_PACKED_EVENT_FLAG_ENABLE")]
    pub const EVENT_FLAG_ENABLE: u16 = 0;

    /// Event flags: do not notify.
    #[doc(alias = "VRING_PACKED_EVENT_FLAG_DISABLE")]
    pub const EVENT_FLAG_DISABLE: u16 = 1;

    /// Event flags: notify when the descriptor at the event position is made available or used.
    /// Only with `EVENT_IDX`.
    #[doc(alias = "VRING_PACKED_EVENT_FLAG_DESC")]
    pub const EVENT_FLAG_DESC: u16 = 2;

    /// The bits that hold the event flags; the others are reserved.
    pub const EVENT_FLAG_MASK: u16 = 3;

    /// The bit of an event position that holds the wrap counter; the others hold the offset.
    #[doc(alias = "VRING_PACKED_EVENT_F_WRAP_CTR")]
    pub const EVENT_WRAP: u16 = 1 << 15;

    /// Alignment of the descriptor ring.
    pub const DESC_ALIGN: usize = 16;

    /// Alignment of the event suppression areas (driver area and device area).
    pub const EVENT_ALIGN: usize = 4;

    /// Size of an event suppression area.
    pub const EVENT_SIZE: usize = 4;

    /// Returns the size of the descriptor ring.
    #[inline]
    pub const fn desc_size(queue_size: u16) -> usize {
        super::DESC_SIZE as usize * queue_size as usize
    }
}
