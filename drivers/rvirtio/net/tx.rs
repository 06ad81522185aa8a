// SPDX-License-Identifier: GPL-2.0

//! Sending.

use crate::{
    caps::TxCaps,
    data::NetOps,
    parse::IpVersion,
    spec::header::Layout,
    tx_header::{
        plain,
        segmented,
        TxGso,
        TxGsoKind,
        TxTunnel, //
    }, //
};
use kernel::prelude::*;
use netdev::{
    Free,
    MapPool,
    More,
    TxBuf,
    TxGuard,
    TxHeader,
    TxHeaderLen,
    TxSkb,
    MAX_SEGMENTS, //
};
use rvirtio::{
    Arm,
    Dma,
    More as MoreUsed,
    Stopped,
    Virtqueue, //
};

/// The transmit side of a pair.
pub(crate) struct Tx<'bound> {
    pub(crate) vq: Virtqueue<'bound, TxBuf<'bound>>,
    maps: MapPool<'bound>,
    /// The largest number of descriptors that a frame takes.
    per_frame: u16,
    /// How many more frames are sent before the next interrupt is put off.
    unarmed: u16,
}

impl<'bound> Tx<'bound> {
    pub(crate) fn new(vq: Virtqueue<'bound, TxBuf<'bound>>, dma: Dma<'bound>) -> Result<Self> {
        let maps = MapPool::new(dma, vq.size())?;
        let per_frame = if takes_fragments(&vq) {
            MAX_SEGMENTS as u16
        } else {
            WITHOUT_FRAGMENTS
        };
        if vq.capacity() < per_frame {
            return Err(EINVAL);
        }
        Ok(Self {
            vq,
            maps,
            per_frame,
            unarmed: 0,
        })
    }

    /// Asks for an interrupt once most of what is in flight was sent. Returns whether that much was sent
    /// already.
    ///
    /// As long as frames are sent, and the device is not much quicker, that is put off before it comes.
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    #[inline]
    fn arm(&mut self) -> MoreUsed {
        self.unarmed = self.vq.in_flight() / 4;
        self.vq.arm(Arm::MostInFlight)
    }

    /// Returns whether there is room for a frame, whatever it is like.
    #[inline]
    fn has_room(&self) -> bool {
        self.vq.num_free() >= self.per_frame
    }

    /// Returns whether there is so much room that the stack should go on.
    fn has_much_room(&self) -> bool {
        let much = self.per_frame.saturating_mul(2);
        self.vq.num_free() >= much.min(self.vq.capacity())
    }
}

/// Descriptors of a frame without fragments: it and its header.
const WITHOUT_FRAGMENTS: u16 = 2;

/// Returns whether frames with any number of fragments fit into a queue.
pub(crate) fn takes_fragments(vq: &Virtqueue<'_, TxBuf<'_>>) -> bool {
    usize::from(vq.capacity()) >= MAX_SEGMENTS
}

/// How many frames are sent, from the first one in an empty queue on, until the next interrupt is put
/// off.
const UNARMED_FROM_EMPTY: u16 = 2;

/// How often a device may be quicker than the driver before that leaves it to a poll.
const CATCH_UP: u8 = 2;

/// The lock of a transmit queue.
type Guard<'a, 'bound> = TxGuard<'a, NetOps<'bound>>;

/// Sends a frame, or drops it.
#[doc(alias = "start_xmit")]
#[inline]
pub(crate) fn send(tx: &mut Guard<'_, '_>, skb: TxSkb, more: More) {
    skb.timestamp();
    let len = skb.len();
    let notify = match add(tx, skb) {
        Some(()) => {
            let counters = &tx.pair().tx;
            counters.packets.add(1);
            counters.bytes.add(len.into());
            tx.unarmed = tx.unarmed.saturating_sub(1);
            stop_if_full(tx);
            tx.sent(len, more)
        }
        None => {
            tx.pair().tx.dropped.add(1);
            // Earlier frames may be waiting.
            more == More::No
        }
    };
    if notify {
        if let Some(kick) = tx.vq.kick_prepare() {
            kick.notify();
        }
        if tx.unarmed == 0 {
            catch_up(tx);
        }
    }
}

/// Frees what was sent, and puts the next interrupt off accordingly.
#[inline]
fn catch_up(tx: &mut Guard<'_, '_>) {
    for _ in 0..CATCH_UP {
        // Interrupts may be off here.
        reap(tx, Free::Anywhere);
        if tx.arm() == MoreUsed::Nothing {
            return;
        }
    }
    // It is quick.
    tx.pair().schedule();
}

/// Puts a frame into the queue. Drops it if that does not work.
#[doc(alias = "xmit_skb")]
#[inline]
fn add(tx: &mut Guard<'_, '_>, skb: TxSkb) -> Option<()> {
    let caps = &tx.pair().device().caps;
    let header = TxHeader {
        words: if skb.is_gso() {
            segments(&skb, &caps.tx)?
        } else {
            plain(skb.len(), skb.partial_csum(), &caps.tx)?.to_words()
        },
        len: match caps.layout {
            Layout::Basic => TxHeaderLen::L12,
            Layout::Hash => TxHeaderLen::L20,
            Layout::Tunnel => TxHeaderLen::L24,
        },
    };
    let tx = &mut **tx;
    let buf = TxBuf::new(skb, header, &mut tx.maps).ok()?;
    if tx.vq.in_flight() == 0 {
        // Nothing can have been used that the device would not interrupt for.
        let _ = tx.vq.arm(Arm::Next);
        tx.unarmed = UNARMED_FROM_EMPTY;
    }
    match tx.vq.add(buf) {
        Ok(()) => Some(()),
        Err(rejected) => {
            // The frame is dropped, its mappings go back.
            rejected.value.finish(&mut tx.maps);
            None
        }
    }
}

/// Stops the stack if there is no room for another frame, whatever it is like.
#[doc(alias = "check_sq_full_and_disable")]
#[inline]
fn stop_if_full(tx: &mut Guard<'_, '_>) {
    if tx.has_room() {
        return;
    }
    full(tx);
}

#[cold]
fn full(tx: &mut Guard<'_, '_>) {
    tx.stop();
    tx.pair().tx.stop.add(1);
    if tx.arm() == MoreUsed::Pending {
        tx.pair().schedule();
    }
}

/// Frees what was sent, wakes the stack, and asks for the next interrupt. Returns whether there is
/// more to free.
pub(crate) fn poll(tx: &mut Guard<'_, '_>, from: Free) -> MoreUsed {
    if tx.vq.in_flight() == 0 {
        return MoreUsed::Nothing;
    }
    reap(tx, from);
    if tx.vq.in_flight() == 0 || tx.vq.is_armed() {
        return MoreUsed::Nothing;
    }
    tx.arm()
}

/// Frees frames that were sent, as far as one look finds them.
#[doc(alias = "free_old_xmit")]
fn reap(tx: &mut Guard<'_, '_>, from: Free) {
    let (mut packets, mut bytes) = (0_u32, 0_u32);
    let Tx { vq, maps, .. } = &mut **tx;
    for used in vq.used() {
        let skb = used.data.finish(maps);
        bytes = bytes.wrapping_add(skb.len());
        skb.consume(from);
        packets = packets.wrapping_add(1);
    }
    if packets == 0 {
        return;
    }
    tx.completed(packets, bytes);
    if tx.is_stopped() && tx.has_much_room() && !tx.vq.is_broken() {
        tx.pair().tx.wake.add(1);
        tx.wake();
    }
}

/// Takes back what was not sent, as the device is stopped.
pub(crate) fn reclaim(tx: &mut Guard<'_, '_>, stopped: &Stopped<'_>) {
    tx.stop();
    loop {
        let tx = &mut **tx;
        let Some(buf) = tx.vq.detach_unused(stopped) else {
            break;
        };
        buf.finish(&mut tx.maps);
    }
    tx.reset_sent();
}

/// Returns the header of a frame that is to be segmented; `None` if that is to be in a way that was
/// never agreed on.
#[inline(never)]
fn segments(skb: &TxSkb, caps: &TxCaps) -> Option<[u64; 3]> {
    let plain = plain(skb.len(), skb.partial_csum(), caps)?;
    let gso = skb.gso().ok()?;
    let gso = TxGso {
        kind: match gso.kind {
            netdev::TxGsoKind::TcpV4 => TxGsoKind::TcpV4,
            netdev::TxGsoKind::TcpV6 => TxGsoKind::TcpV6,
            netdev::TxGsoKind::UdpL4 => TxGsoKind::UdpL4,
        },
        ecn: gso.ecn,
        size: gso.size.into(),
        headers: gso.headers,
        tunnel: gso.tunnel.map(|tunnel| TxTunnel {
            outer_version: if tunnel.outer_v6 {
                IpVersion::V6
            } else {
                IpVersion::V4
            },
            csum: tunnel.csum,
            outer_transport: tunnel.outer_transport,
            inner_network: tunnel.inner_network,
        }),
    };
    Some(segmented(plain, skb.linear_len(), &gso, caps)?.to_words())
}
