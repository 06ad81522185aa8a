// SPDX-License-Identifier: GPL-2.0

//! Sending.

use crate::{
    ops::NetOps,
    parse::IpVersion,
    spec::header::Layout,
    tx_header::{
        tx_header,
        TxFrame,
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
        })
    }

    /// Makes sure that there is an interrupt once most of what is in flight was sent, unless there
    /// will be an earlier one. Returns whether that much was sent already.
    #[inline]
    fn arm(&mut self) -> MoreUsed {
        if self.vq.is_armed() {
            return MoreUsed::Nothing;
        }
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

/// The lock of a transmit queue.
type Guard<'a, 'bound> = TxGuard<'a, NetOps<'bound>>;

/// Sends a frame, or drops it.
#[doc(alias = "start_xmit")]
#[inline]
pub(crate) fn send(tx: &mut Guard<'_, '_>, skb: TxSkb, more: More) {
    skb.timestamp();
    if tx.vq.in_flight() > tx.vq.size() / 2 {
        // Interrupts may be off here.
        reap(tx, 32, Free::Anywhere);
    }
    let len = skb.len();
    let notify = match add(tx, skb) {
        Some(()) => {
            let counters = &tx.pair().tx;
            counters.packets.add(1);
            counters.bytes.add(len.into());
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
        if tx.arm() == MoreUsed::Pending {
            // It was quick.
            tx.pair().schedule();
        }
    }
}

/// Puts a frame into the queue. Drops it if that does not work.
#[doc(alias = "xmit_skb")]
#[inline]
fn add(tx: &mut Guard<'_, '_>, skb: TxSkb) -> Option<()> {
    let caps = &tx.pair().device().caps;
    let header = TxHeader {
        words: tx_header(&frame(&skb)?, &caps.tx)?.to_words(),
        len: match caps.layout {
            Layout::Basic => TxHeaderLen::L12,
            Layout::Hash => TxHeaderLen::L20,
            Layout::Tunnel => TxHeaderLen::L24,
        },
    };
    let tx = &mut **tx;
    let mut buf = TxBuf::new(skb, header);
    if !buf.map(&mut tx.maps) {
        return None;
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
    tx.stop();
    tx.pair().tx.stop.add(1);
    if tx.arm() == MoreUsed::Pending {
        tx.pair().schedule();
    }
}

/// Frees what was sent, wakes the stack, and asks for the next interrupt. Returns whether there is
/// more to free.
pub(crate) fn poll(tx: &mut Guard<'_, '_>, from: Free) -> MoreUsed {
    let max = tx.vq.size();
    reap(tx, max, from);
    if tx.vq.in_flight() == 0 {
        return MoreUsed::Nothing;
    }
    tx.arm()
}

/// Frees up to `max` frames that were sent, as far as one look finds them.
#[doc(alias = "free_old_xmit")]
#[inline]
fn reap(tx: &mut Guard<'_, '_>, max: u16, from: Free) {
    let (mut packets, mut bytes) = (0, 0_u32);
    let Tx { vq, maps, .. } = &mut **tx;
    for used in vq.used().take(max.into()) {
        let skb = used.data.finish(maps);
        bytes = bytes.wrapping_add(skb.len());
        skb.consume(from);
        packets += 1;
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

/// Returns what the stack says about a frame; `None` if it is to be segmented in a way that was
/// never agreed on.
#[inline]
fn frame(skb: &TxSkb) -> Option<TxFrame> {
    let gso = skb.gso().ok()?.map(|gso| TxGso {
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
    });
    Some(TxFrame {
        len: skb.len(),
        linear: skb.linear_len(),
        csum: skb.partial_csum(),
        gso,
    })
}
