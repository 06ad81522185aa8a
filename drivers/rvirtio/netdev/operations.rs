// SPDX-License-Identifier: GPL-2.0

//! What a driver implements.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::{
    addresses::RxWish,
    ethtool_coalesce::{
        Coalesce,
        Moderation, //
    },
    ethtool_rings::RingSizes,
    ethtool_rss::{
        RxFields,
        RxFlow, //
    },
    ext_ack::ExtAck,
    features::NetFeatures,
    lock::Held,
    napi::{
        Done,
        Polled, //
    },
    pair::Pair,
    rtnl::Rtnl,
    skb_tx::TxSkb,
    stats::{
        LinkStats,
        RxQueueStats,
        TxQueueStats, //
    },
    tx_queue::TxGuard,
    xdp_frames::XdpFrames,
    xdp_prog::{
        XdpProg,
        XdpRefused, //
    },
    xsk_pool::XskPool, //
};
use kernel::prelude::*;

/// A driver of network devices.
///
/// Implementations are marker types; what a callback needs it finds in the device or a pair.
pub trait Operations: Sized {
    /// What the driver has for all of a device.
    type Device: Send + Sync;

    /// What the driver shares of each pair of queues.
    type Pair: Send + Sync;

    /// What a poll of a pair has to itself.
    type Rx: Send;

    /// What the lock of the transmit queue of a pair guards.
    type Tx: Send;

    /// The name of the driver.
    const NAME: &'static CStr;

    /// The names of the counters of the receive side of a pair, for `ethtool`.
    const RX_COUNTERS: &'static [&'static str];

    /// The names of the counters of the transmit side of a pair.
    const TX_COUNTERS: &'static [&'static str];

    /// The names of the counters of commands.
    const CONTROL_COUNTERS: &'static [&'static str];

    /// Returns whether a device has a counter of [`Operations::RX_COUNTERS`]. That does not change once it is
    /// registered.
    fn has_rx_counter(device: &Self::Device, name: &str) -> bool;

    /// Returns whether it has one of [`Operations::TX_COUNTERS`].
    fn has_tx_counter(device: &Self::Device, name: &str) -> bool;

    /// Returns whether it has one of [`Operations::CONTROL_COUNTERS`].
    fn has_control_counter(device: &Self::Device, name: &str) -> bool;

    /// Brings the counters of some pairs, and those of commands, up to date. May sleep.
    fn refresh(device: &Self::Device, pairs: &[Pair<Self>], commands: bool);

    /// Returns the value of a counter of [`Operations::CONTROL_COUNTERS`].
    fn control_counter(device: &Self::Device, name: &str) -> u64;

    /// Returns the value of a counter of [`Operations::RX_COUNTERS`].
    fn rx_counter(pair: &Pair<Self>, name: &str) -> u64;

    /// Returns the value of a counter of [`Operations::TX_COUNTERS`].
    fn tx_counter(pair: &Pair<Self>, name: &str) -> u64;

    /// Gets the device to work: fills receive queues, and has all pairs polled, by
    /// [`Held::resume`]. May sleep.
    ///
    /// # Errors
    ///
    /// Any; the device stays closed. Pairs that were resumed are paused.
    #[doc(alias = "ndo_open")]
    fn open(held: &mut Held<'_, Self>) -> Result;

    /// Has the device do nothing any more. Pairs that are not paused, are paused after this. May
    /// sleep.
    #[doc(alias = "ndo_stop")]
    fn stop(held: &mut Held<'_, Self>);

    /// Sends a frame, or drops it. Bottom halves are off; interrupts may be, too.
    #[doc(alias = "ndo_start_xmit")]
    fn start_xmit(tx: &mut TxGuard<'_, Self>, skb: TxSkb);

    /// Receives frames and frees what was sent.
    #[doc(alias = "napi_poll")]
    fn poll(polled: Polled<'_, Self>) -> Done;

    /// The stack has not been able to send for long. Must not sleep.
    #[doc(alias = "ndo_tx_timeout")]
    fn tx_timeout(pair: &Pair<Self>);

    /// Returns what was counted for the device. Must not sleep.
    #[doc(alias = "ndo_get_stats64")]
    fn stats(device: &Self::Device, pairs: &[Pair<Self>]) -> LinkStats;

    /// Returns what was counted for a receive queue.
    fn rx_stats(pair: &Pair<Self>) -> RxQueueStats;

    /// Returns what was counted for a transmit queue.
    fn tx_stats(pair: &Pair<Self>) -> TxQueueStats;

    /// Sets the address, which is one that an interface can have. May sleep.
    ///
    /// # Errors
    ///
    /// Any; the interface keeps the one that it has.
    #[doc(alias = "ndo_set_mac_address")]
    fn set_mac(held: &mut Held<'_, Self>, address: [u8; 6]) -> Result;

    /// Sets which frames are received. May sleep.
    ///
    /// # Errors
    ///
    /// Any; this is called again later.
    #[doc(alias = "ndo_set_rx_mode_async")]
    fn set_rx_mode(held: &mut Held<'_, Self>, wish: RxWish<'_>) -> Result;

    /// Has frames of a VLAN received. The lock of the control path may be held or not. May sleep.
    ///
    /// # Errors
    ///
    /// Any; the VLAN is not added.
    #[doc(alias = "ndo_vlan_rx_add_vid")]
    fn vlan_add(device: &Self::Device, vlan: u16) -> Result;

    /// Has frames of a VLAN received no more. Otherwise as [`Operations::vlan_add`].
    ///
    /// # Errors
    ///
    /// Any; they are logged.
    #[doc(alias = "ndo_vlan_rx_kill_vid")]
    fn vlan_remove(device: &Self::Device, vlan: u16) -> Result;

    /// Switches from the features `from` to `to`. May sleep.
    ///
    /// # Errors
    ///
    /// Any; the features stay as they are.
    #[doc(alias = "ndo_set_features")]
    fn set_features(held: &mut Held<'_, Self>, from: NetFeatures, to: NetFeatures) -> Result;

    /// Has `count` pairs of queues used, the first ones: at least one, and at most as many as there are.
    /// May sleep.
    ///
    /// # Errors
    ///
    /// Any; as many as before are used then.
    #[doc(alias = "set_channels")]
    fn set_pairs(held: &mut Held<'_, Self>, rtnl: &Rtnl<'_>, count: u16) -> Result;

    /// Returns the sizes of the table and of the key by which received frames are spread over queues; 0 if
    /// they are not.
    #[doc(alias = "get_rxfh_indir_size")]
    #[doc(alias = "get_rxfh_key_size")]
    fn rss_sizes(device: &Self::Device) -> (u32, u32);

    /// Copies table and key, as far as there is room.
    #[doc(alias = "get_rxfh")]
    fn rss(device: &Self::Device, table: &mut [u32], key: &mut [u8]);

    /// Sets table and key, which have these sizes. May sleep.
    ///
    /// # Errors
    ///
    /// Any; nothing has changed then.
    #[doc(alias = "set_rxfh")]
    fn set_rss(held: &mut Held<'_, Self>, table: Option<&[u32]>, key: Option<&[u8]>) -> Result;

    /// Returns what of headers decides on the queue.
    #[doc(alias = "get_rxfh_fields")]
    fn rss_fields(device: &Self::Device, flow: RxFlow) -> RxFields;

    /// Sets what of headers decides on the queue. May sleep.
    ///
    /// # Errors
    ///
    /// Any; nothing has changed then.
    #[doc(alias = "set_rxfh_fields")]
    fn set_rss_fields(held: &mut Held<'_, Self>, flow: RxFlow, fields: RxFields) -> Result;

    /// Returns how long the queues of a pair wait before they interrupt, or those for which nothing else was
    /// set.
    #[doc(alias = "get_coalesce")]
    #[doc(alias = "get_per_queue_coalesce")]
    fn coalesce(device: &Self::Device, pair: Option<u16>) -> Coalesce;

    /// Sets that for a pair or for all. May sleep.
    ///
    /// # Errors
    ///
    /// Any; nothing has changed then. Those for which the user is not to blame need no sentence.
    #[doc(alias = "set_per_queue_coalesce")]
    fn set_coalesce(
        held: &mut Held<'_, Self>,
        pair: Option<u16>,
        to: Coalesce,
        ack: &mut ExtAck<'_>,
    ) -> Result;

    /// Sets how long the receive queue of a pair that adapts waits. May sleep.
    #[doc(alias = "rx_dim_work")]
    fn adapt(pair: &Pair<Self>, to: Moderation);

    /// Returns the largest sizes of rings that can be set, and the sizes that they have.
    #[doc(alias = "get_ringparam")]
    fn ring_sizes(held: &Held<'_, Self>) -> (RingSizes, RingSizes);

    /// Sets the sizes of the rings of all pairs. May sleep.
    ///
    /// # Errors
    ///
    /// Any, and `ack` says why; rings that were not replaced have the size that they had.
    #[doc(alias = "set_ringparam")]
    fn set_ring_sizes(held: &mut Held<'_, Self>, sizes: RingSizes, ack: &mut ExtAck<'_>) -> Result;

    /// Returns the speed of the link in Mbit/s and whether it is full duplex, as far as known.
    fn link(device: &Self::Device) -> (Option<u32>, Option<bool>);

    /// Sets what [`Operations::link`] returns, until the device says something else.
    #[doc(alias = "set_link_ksettings")]
    fn set_link(device: &Self::Device, speed: Option<u32>, full_duplex: Option<bool>);

    /// Gets ready for an MTU in the limits that there are. May sleep.
    ///
    /// # Errors
    ///
    /// Any; the MTU stays as it is.
    #[doc(alias = "ndo_change_mtu")]
    fn set_mtu(held: &mut Held<'_, Self>, mtu: u32) -> Result;

    /// Has a program look at each frame that is received, by [`Held::set_xdp`], or none. May sleep.
    ///
    /// # Errors
    ///
    /// Any; everything is as before then.
    #[doc(alias = "ndo_bpf")]
    fn set_xdp(held: &mut Held<'_, Self>, prog: Option<XdpProg>) -> Result<(), XdpRefused>;

    /// Has a pair receive into and send from the memory of a socket, by [`Held::xsk_bind`], or not any more,
    /// by [`Held::xsk_unbind`]. May sleep.
    ///
    /// # Errors
    ///
    /// Any; everything is as before then. Those of giving it up have no effect: after this it is taken away.
    #[doc(alias = "XDP_SETUP_XSK_POOL")]
    fn set_xsk(held: &mut Held<'_, Self>, index: u16, pool: Option<XskPool<'_>>) -> Result;

    /// Sends as many frames as there is room for, in a poll of any device. With `flush` no others follow
    /// right after them.
    #[doc(alias = "ndo_xdp_xmit")]
    fn xdp_send(pairs: &[Pair<Self>], frames: &mut XdpFrames<'_>, flush: bool);
}
