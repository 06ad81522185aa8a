// SPDX-License-Identifier: GPL-2.0

//! Network devices: what the kernel crate's `net` does not have yet.
//!
//! A driver implements [`Operations`] for a type and creates a [`NetDev`] with pairs of a receive
//! and a transmit queue, which one NAPI polls. What it may touch where is a matter of types:
//!
//! - [`Polled`] is the right to the receive side of a pair: the bit SCHED of the NAPI is held.
//! - [`TxGuard`] is the right to the transmit side: the stack's lock of that queue is held.
//! - [`Held`] is the right to the control path: the instance lock of the device is held. While a
//!   pair is paused it is the right to the receive side as well.
//!
//! A [`TxSkb`] is a frame to send, and a [`TxBuf`] one that a virtqueue can have. An [`RxPosted`]
//! is memory that a virtqueue can have for frames to be received; a [`RxBuf`] is a piece of it, and
//! an [`RxPart`] what was taken out of that to become part of an [`RxSkb`]. An [`XdpFrame`] is a copy of
//! what was received, for an [`XdpProg`] to decide what becomes of it. An [`XskBuf`] is memory for frames that
//! a socket has lent, and an [`XskFrame`] one out of such memory to be sent. All of them are owned
//! by whoever has the value.
//!
//! C headers: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h),
//! [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

mod addresses;
mod bindings;
mod callbacks;
mod config;
mod control_callbacks;
mod device;
mod dim;
mod ethtool;
mod ethtool_coalesce;
mod ethtool_rings;
mod ethtool_rss;
mod ethtool_stats;
mod ext_ack;
mod features;
mod helpers;
mod inner;
mod lock;
mod napi;
mod operations;
mod page_pool;
mod page_pool_raw;
mod pair;
mod phys;
mod rtnl;
mod rx_buf;
mod rx_page;
mod rx_part;
mod rx_posted;
mod segments;
mod skb;
mod skb_rx;
mod skb_rx_meta;
mod skb_tx;
mod stats;
mod tx_buf;
mod tx_header;
mod tx_map;
mod tx_posted;
mod tx_queue;
mod xdp_callbacks;
mod xdp_frame;
mod xdp_frames;
mod xdp_prog;
mod xdp_queue;
mod xsk_buf;
mod xsk_pool;
mod xsk_rx;
mod xsk_slots;
mod xsk_tx;
mod xsk_verdict;

pub use addresses::{
    Addresses,
    RxWish, //
};
pub use config::NetDevConfig;
pub use device::NetDev;
pub use ethtool_coalesce::{
    Coalesce,
    Moderation, //
};
pub use ethtool_rings::RingSizes;
pub use ethtool_rss::{
    rss_key,
    RxFields,
    RxFlow, //
};
pub use ext_ack::ExtAck;
pub use features::NetFeatures;
pub use lock::Held;
pub use napi::{
    Done,
    Napi,
    Polled,
    Pools, //
};
pub use operations::Operations;
pub use pair::{
    Pair,
    PairInit, //
};
pub use rtnl::Rtnl;
pub use rx_buf::RxBuf;
pub use rx_page::GRANULE;
pub use rx_part::RxPart;
pub use rx_posted::RxPosted;
pub use skb_rx::{
    RxSkb,
    SHARED_INFO_SIZE, //
};
pub use skb_rx_meta::{
    OutOfBounds,
    RxGso,
    RxGsoKind,
    RxTunnel, //
};
pub use skb_tx::{
    Free,
    TxGso,
    TxGsoKind,
    TxSkb,
    TxTunnel,
    UnknownGso, //
};
pub use stats::{
    Counter,
    LinkStats,
    RxDeviceStats,
    RxQueueStats,
    TxDeviceStats,
    TxQueueStats, //
};
pub use tx_buf::TxBuf;
pub use tx_header::{
    TxHeader,
    TxHeaderLen, //
};
pub use tx_map::{
    MapPool,
    MAX_SEGMENTS, //
};
pub use tx_posted::{
    TxKind,
    TxPosted, //
};
pub use tx_queue::TxGuard;
pub use xdp_frame::{
    Verdict,
    XdpFrame,
    XDP_MAX_FRAME, //
};
pub use xdp_frames::XdpFrames;
pub use xdp_prog::{
    XdpProg,
    XdpRefused, //
};
pub use xdp_queue::XdpQueues;
pub use xsk_buf::XskBuf;
pub use xsk_pool::{
    Unbound,
    XskPool, //
};
pub use xsk_rx::XskRx;
pub use xsk_slots::{
    XskSent,
    XskSlots, //
};
pub use xsk_tx::{
    XskDone,
    XskFrame, //
};

/// Prefix of `pr_*` messages: that of the module which this crate is linked into.
#[allow(non_upper_case_globals, dead_code)]
const __LOG_PREFIX: &[u8] = b"rvirtio_net\0";
