// SPDX-License-Identifier: GPL-2.0

//! What network devices are to be like.

use crate::features::NetFeatures;

/// What a network device is to be like.
pub struct NetDevConfig<'a> {
    /// Its address; a random one without.
    pub mac: Option<[u8; 6]>,
    /// The MTU to start with.
    pub mtu: u16,
    /// The smallest MTU that can be set.
    pub min_mtu: u16,
    /// The largest MTU that can be set.
    pub max_mtu: u16,
    /// What it can do.
    pub features: NetFeatures,
    /// What of that is switched off at first.
    pub off: NetFeatures,
    /// The number of frames that a poll receives at most.
    pub napi_weight: u8,
    /// What of that can be switched.
    pub switchable: NetFeatures,
    /// What of that it can do for frames in tunnels. Without segmentation it completes no checksums
    /// there.
    pub in_tunnels: NetFeatures,
    /// Whether it can receive frames of more addresses than its own, without all others.
    pub filters_unicast: bool,
    /// Whether it can be told again and again how long a receive queue is to wait before it interrupts.
    pub adapts: bool,
    /// Whether it can send frames with any number of fragments.
    pub sends_fragments: bool,
    /// Whether sockets can lend it memory to receive into and send from.
    pub zero_copy: bool,
    /// Bytes that it likes to have before frames that it sends.
    pub needed_headroom: u16,
    /// The orders of the pages that each pair has pools of.
    pub page_orders: &'a [u8],
    /// The number of buffers of a receive queue.
    pub rx_size: u16,
}
