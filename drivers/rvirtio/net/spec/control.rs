// SPDX-License-Identifier: GPL-2.0

//! Commands of the control queue (virtio 1.4, 5.1.6.5 Control Virtqueue).
//!
//! A request is the bytes of the command, its data, and a byte that the device writes.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias = "virtio_net_ctrl_hdr")]
pub struct Command {
    /// What it is about.
    pub class: u8,
    /// What is to be done.
    pub code: u8,
}

impl Command {
    const fn new(class: u8, code: u8) -> Self {
        Self { class, code }
    }
}

/// What the device has written, if it has done what it was told.
#[doc(alias = "VIRTIO_NET_OK")]
pub const OK: u8 = 0;

/// Receive mode (`CTRL_RX`, and `CTRL_RX_EXTRA` where it says so). The data is a byte: 1 is on, 0 off.
pub mod rx {
    use super::Command;

    /// All frames are received.
    #[doc(alias = "VIRTIO_NET_CTRL_RX_PROMISC")]
    pub const PROMISC: Command = Command::new(0, 0);
    /// All multicast frames are received.
    #[doc(alias = "VIRTIO_NET_CTRL_RX_ALLMULTI")]
    pub const ALLMULTI: Command = Command::new(0, 1);
    /// All unicast frames are received (`CTRL_RX_EXTRA`).
    #[doc(alias = "VIRTIO_NET_CTRL_RX_ALLUNI")]
    pub const ALLUNI: Command = Command::new(0, 2);
}

/// Addresses.
pub mod mac {
    use super::Command;

    /// Sets the addresses whose frames are received besides those of the interface (`CTRL_RX`). The data
    /// is a 32-bit number of unicast addresses, these, and the same for multicast addresses.
    #[doc(alias = "VIRTIO_NET_CTRL_MAC_TABLE_SET")]
    pub const TABLE_SET: Command = Command::new(1, 0);
    /// Sets the address of the interface (`CTRL_MAC_ADDR`), the data.
    #[doc(alias = "VIRTIO_NET_CTRL_MAC_ADDR_SET")]
    pub const ADDR_SET: Command = Command::new(1, 1);
}

/// VLANs whose frames are received (`CTRL_VLAN`). The data is a 16-bit number.
pub mod vlan {
    use super::Command;

    /// Adds one.
    #[doc(alias = "VIRTIO_NET_CTRL_VLAN_ADD")]
    pub const ADD: Command = Command::new(2, 0);
    /// Removes one.
    #[doc(alias = "VIRTIO_NET_CTRL_VLAN_DEL")]
    pub const DELETE: Command = Command::new(2, 1);
}

/// The device's wish that the driver announces itself (`GUEST_ANNOUNCE`). There is no data.
pub mod announce {
    use super::Command;

    /// It has done so.
    #[doc(alias = "VIRTIO_NET_CTRL_ANNOUNCE_ACK")]
    pub const ACK: Command = Command::new(3, 0);
}

/// Pairs of queues (`MQ`), and hashes.
pub mod mq {
    use super::Command;

    /// Sets how many are used. The data is a 16-bit number.
    #[doc(alias = "VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET")]
    pub const PAIRS_SET: Command = Command::new(4, 0);
    /// Sets that, and how received frames are spread over them (`RSS`): the hashes, 32 bits; the mask of an
    /// entry's number, 16 bits; the queue of frames without a hash, 16 bits; a table of queues, 16 bits
    /// each; the number of pairs, 16 bits; the length of the key, 8 bits; and the key.
    #[doc(alias = "VIRTIO_NET_CTRL_MQ_RSS_CONFIG")]
    pub const RSS_CONFIG: Command = Command::new(4, 1);
    /// Sets which hashes of received frames are reported, and how they are made (`HASH_REPORT`): the hashes,
    /// 32 bits; 8 bytes of zeroes; the length of the key, 8 bits; and the key.
    #[doc(alias = "VIRTIO_NET_CTRL_MQ_HASH_CONFIG")]
    pub const HASH_CONFIG: Command = Command::new(4, 2);
}

/// Statistics that the device counts (`DEVICE_STATS`). What the device writes after the answer is the result.
pub mod stats {
    use super::Command;

    /// Asks for the types that there are, bits of 64.
    #[doc(alias = "VIRTIO_NET_CTRL_STATS_QUERY")]
    pub const QUERY: Command = Command::new(8, 0);
    /// Asks for those of some queues. The data is a request for each.
    #[doc(alias = "VIRTIO_NET_CTRL_STATS_GET")]
    pub const GET: Command = Command::new(8, 1);
}

/// Offloads of what is received (`CTRL_GUEST_OFFLOADS`).
pub mod offloads {
    use super::Command;

    /// Sets which ones are on: 64 bits, those of the features.
    #[doc(alias = "VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET")]
    pub const SET: Command = Command::new(5, 0);

    /// Where the bits of the features that are above the 64th are.
    #[doc(alias = "VIRTIO_NET_OFFLOAD_MAP_MIN")]
    pub const UDP_TUNNEL_GSO: u32 = 46;
    /// The same for `GUEST_UDP_TUNNEL_GSO_CSUM`.
    #[doc(alias = "VIRTIO_NET_OFFLOAD_MAP_MAX")]
    pub const UDP_TUNNEL_GSO_CSUM: u32 = 47;
}

/// How long queues wait before they interrupt. Limits are a number of frames, and one of microseconds, 32
/// bits each; with either 0 a queue does not wait, which it does not after a reset.
pub mod coal {
    use super::Command;

    /// Sets those of all transmit queues (`NOTF_COAL`).
    #[doc(alias = "VIRTIO_NET_CTRL_NOTF_COAL_TX_SET")]
    pub const TX_SET: Command = Command::new(6, 0);
    /// Sets those of all receive queues (`NOTF_COAL`).
    #[doc(alias = "VIRTIO_NET_CTRL_NOTF_COAL_RX_SET")]
    pub const RX_SET: Command = Command::new(6, 1);
    /// Sets those of one queue (`VQ_NOTF_COAL`): its index, 16 bits, two bytes of zeroes, and the limits.
    #[doc(alias = "VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET")]
    pub const VQ_SET: Command = Command::new(6, 2);
}
