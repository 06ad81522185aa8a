// SPDX-License-Identifier: GPL-2.0

//! Network device (virtio 1.4, 5.1 Network Device).
//!
//! C header: [`include/uapi/linux/virtio_net.h`](srctree/include/uapi/linux/virtio_net.h)

pub mod control;
pub mod feature;
pub mod header;

/// Offsets of the fields of the device configuration space in bytes, each with its width.
#[doc(alias = "virtio_net_config")]
pub mod config {
    /// MAC address, 6 bytes (`MAC`).
    pub const MAC: usize = 0;
    /// Status bits, 16 bits (`STATUS`); see [`status`](super::status).
    pub const STATUS: usize = 6;
    /// Largest number of pairs of queues, 16 bits (`MQ` or `RSS`).
    pub const MAX_VIRTQUEUE_PAIRS: usize = 8;
    /// Largest MTU, 16 bits (`MTU`).
    pub const MTU: usize = 10;
    /// Link speed in Mbit/s, 32 bits (`SPEED_DUPLEX`).
    pub const SPEED: usize = 12;
    /// Duplex mode, 8 bits: 0 is half, 1 is full (`SPEED_DUPLEX`).
    pub const DUPLEX: usize = 16;
    /// Largest size of an RSS key in bytes, 8 bits (`RSS` or `HASH_REPORT`).
    pub const RSS_MAX_KEY_SIZE: usize = 17;
    /// Largest number of entries of an RSS table, 16 bits (`RSS`).
    pub const RSS_MAX_INDIRECTION_TABLE_LENGTH: usize = 18;
    /// Mask of hash types, 32 bits (`RSS` or `HASH_REPORT`).
    pub const SUPPORTED_HASH_TYPES: usize = 20;
}

/// Bits of the field [`config::STATUS`].
pub mod status {
    /// There is a link.
    #[doc(alias = "VIRTIO_NET_S_LINK_UP")]
    pub const LINK_UP: u16 = 1;
    /// The driver has to announce itself on the network.
    #[doc(alias = "VIRTIO_NET_S_ANNOUNCE")]
    pub const ANNOUNCE: u16 = 2;
}

/// Indices of queues.
pub mod queue {
    /// Returns the index of the receive queue of pair `pair`.
    #[doc(alias = "rxq2vq")]
    pub const fn receive(pair: u16) -> u16 {
        pair.wrapping_mul(2)
    }

    /// Returns the index of the transmit queue of pair `pair`.
    #[doc(alias = "txq2vq")]
    pub const fn transmit(pair: u16) -> u16 {
        receive(pair).wrapping_add(1)
    }

    /// Returns the index of the control queue of a device that has so many pairs.
    pub const fn control(pairs: u16) -> u16 {
        receive(pairs)
    }
}

/// Length of an Ethernet header without VLAN tags in bytes.
#[doc(alias = "ETH_HLEN")]
pub const ETHERNET_HEADER: u32 = 14;

/// Length of a VLAN tag in bytes.
#[doc(alias = "VLAN_HLEN")]
pub const VLAN_TAG: u32 = 4;

/// The largest frame that a device may pass with segmentation offloads, in bytes: an IP packet of
/// 65535 bytes and what comes before it, as 5.1.6.3.1 counts.
pub const MAX_GSO_FRAME: u32 = 65589;
