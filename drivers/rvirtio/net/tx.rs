// SPDX-License-Identifier: GPL-2.0

//! Sending.

use crate::{
    caps::TxCaps,
    data::NetOps,
    parse::IpVersion,
    rings::Ring,
    spec::header::Layout,
    tx_header::{
        plain,
        plain_words,
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
    TxBuf,
    TxGuard,
    TxHeader,
    TxHeaderLen,
    TxKind,
    TxPosted,
    TxSkb,
    XskDone,
    XskFrame,
    XskSlots,
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
    pub(crate) vq: Virtqueue<'bound, TxPosted<'bound>>,
    maps: MapPool<'bound>,
    /// What frames out of a socket's memory need, once one was bound to the pair. It is kept: it cannot be
    /// freed where the last of them might come back.
    pub(crate) xsk: Option<XskSlots<'bound>>,
    /// The largest number of descriptors that a frame takes.
    per_frame: u16,
    header_len: TxHeaderLen,
    /// How many more frames are sent before the next interrupt is put off again.
    unarmed: u16,
}

impl<'bound> Tx<'bound> {
    pub(crate) fn new(
        vq: Virtqueue<'bound, TxPosted<'bound>>,
        dma: Dma<'bound>,
        layout: Layout,
    ) -> Result<Self> {
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
            xsk: None,
            per_frame,
            unarmed: 0,
            header_len: match layout {
                Layout::Basic => TxHeaderLen::L12,
                Layout::Hash => TxHeaderLen::L20,
                Layout::Tunnel => TxHeaderLen::L24,
            },
        })
    }

    /// Returns the ring, in which there has to be room for a frame.
    pub(crate) fn ring(&self) -> Ring<'bound> {
        Ring::new(&self.vq, self.per_frame)
    }

    /// Exchanges the memory for mappings, of which there have to be as many as frames. None are sent.
    pub(crate) fn exchange_maps(&mut self, maps: &mut MapPool<'bound>) {
        core::mem::swap(&mut self.maps, maps);
    }

    /// Asks for an interrupt once most of what is in flight was sent. Returns whether that much was sent
    /// already.
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    #[inline]
    fn arm(&mut self) -> MoreUsed {
        self.unarmed = self.vq.in_flight() / 4;
        self.vq.arm(Arm::MostInFlight)
    }

    /// Returns whether there is room for a frame, whatever it is like.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
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
pub(crate) fn takes_fragments(vq: &Virtqueue<'_, TxPosted<'_>>) -> bool {
    usize::from(vq.capacity()) >= MAX_SEGMENTS
}

/// The lock of a transmit queue.
pub(crate) type Guard<'a, 'bound> = TxGuard<'a, NetOps<'bound>>;

/// Sends a frame, or drops it.
///
/// What a device has sent by the time that it was notified is freed here. If something is left, the next
/// interrupt is put off to when most of what is in flight was sent. As long as frames are sent, and the
/// device is not much quicker, that is put off again before it comes. With many in flight not each of them
/// has to do so, and none while the pair is polled, which ends with a look at this queue.
#[doc(alias = "start_xmit")]
#[inline]
pub(crate) fn send(tx: &mut Guard<'_, '_>, skb: TxSkb) {
    skb.timestamp();
    let len = skb.len();
    let arms = before(tx);
    if add(tx, skb).is_none() {
        return dropped(tx);
    }
    let counters = &tx.pair().tx;
    counters.packets.add(1);
    counters.bytes.add(len.into());
    if !tx.has_room() {
        full(tx);
    }
    if tx.sent(len) {
        kick(tx, arms);
    }
}

/// Takes back what was asked for, if it is time to do that anew. Returns whether it is.
#[inline(always)]
fn before(tx: &mut Guard<'_, '_>) -> bool {
    if let Some(left) = tx.unarmed.checked_sub(1) {
        tx.unarmed = left;
        return false;
    }
    if tx.pair().polling.is_set() {
        return false;
    }
    if tx.vq.is_armed() {
        // What is used in the meantime is found later.
        tx.vq.silence();
    }
    true
}

/// Counts a frame that was dropped.
#[cold]
fn dropped(tx: &mut Guard<'_, '_>) {
    tx.pair().tx.dropped.add(1);
    // Earlier frames may be waiting.
    if !tx.more_follow() {
        kick(tx, true);
    }
}

/// Notifies the device. With `arms`, also sees what is sent, and asks for an interrupt for the rest.
#[inline(always)]
pub(crate) fn kick(tx: &mut Guard<'_, '_>, arms: bool) {
    if let Some(kick) = tx.vq.kick_prepare() {
        kick.notify();
        tx.pair().tx.kicks.add(1);
    }
    if arms && (tx.vq.has_used() || tx.arm() == MoreUsed::Pending) {
        catch_up(tx);
    }
}

/// Frees what was sent, and asks for the next interrupt, if there is anything left.
#[inline(never)]
fn catch_up(tx: &mut Guard<'_, '_>) {
    if !reap_and_arm(tx) {
        catch_up_again(tx);
    }
}

/// Does the same, for a device that was quicker. Leaves it to a poll if it is again.
#[cold]
#[inline(never)]
fn catch_up_again(tx: &mut Guard<'_, '_>) {
    if !reap_and_arm(tx) {
        tx.pair().schedule();
    }
}

/// Returns whether nothing is left that there may be no interrupt for.
#[inline(always)]
fn reap_and_arm(tx: &mut Guard<'_, '_>) -> bool {
    // Interrupts may be off here.
    reap(tx, Free::Anywhere);
    if tx.vq.in_flight() == 0 {
        tx.unarmed = 0;
        return true;
    }
    tx.arm() == MoreUsed::Nothing
}

/// Puts a frame into the queue. Drops it if that does not work.
// Inlined by force: since XDP sends frames too, it has two callers, and the stack's frames would pay for
// a call and for what that saves.
#[doc(alias = "xmit_skb")]
#[inline(always)]
pub(crate) fn add(tx: &mut Guard<'_, '_>, skb: TxSkb) -> Option<()> {
    let caps = &tx.pair().device().caps.tx;
    let words = if skb.is_gso() {
        segments(&skb, caps)?
    } else {
        plain_words(skb.len(), skb.partial_csum(), caps)?
    };
    let tx = &mut **tx;
    let header = TxHeader {
        words,
        len: tx.header_len,
    };
    let buf = TxBuf::new(skb, header, &mut tx.maps).ok()?;
    match tx.vq.add(buf.into()) {
        Ok(()) => Some(()),
        Err(rejected) => {
            refused(tx, rejected.value);
            None
        }
    }
}

/// Drops a frame that the queue does not take. Its mappings go back.
#[cold]
fn refused<'bound>(tx: &mut Tx<'bound>, posted: TxPosted<'bound>) {
    if let TxKind::Skb(buf) = posted.into_kind() {
        buf.finish(&mut tx.maps);
    }
}

/// Puts a frame out of a socket's memory into the queue, or gives it back.
#[doc(alias = "virtnet_xsk_xmit_one")]
pub(crate) fn add_of_socket(tx: &mut Guard<'_, '_>, frame: XskFrame) -> Result<(), XskFrame> {
    let Tx { vq, xsk, .. } = &mut **tx;
    let Some(slots) = xsk else {
        return Err(frame);
    };
    let Err(rejected) = vq.add(slots.prepare(frame)?) else {
        return Ok(());
    };
    match rejected.value.into_kind() {
        TxKind::Xsk(unsent) => Err(slots.finish(unsent)),
        // It was not one.
        TxKind::Skb(_) => Ok(()),
    }
}

/// Stops the stack, as there is no room for another frame, whatever it is like.
#[doc(alias = "check_sq_full_and_disable")]
#[cold]
pub(crate) fn full(tx: &mut Guard<'_, '_>) {
    tx.stop();
    tx.pair().tx.stop.add(1);
    if tx.arm() == MoreUsed::Pending {
        tx.pair().schedule();
    }
}

/// Frees what was sent, and wakes the stack. With `last`, nobody else looks at the queue before there is
/// an interrupt, so it asks for one. Returns whether there is more to free.
#[inline]
pub(crate) fn poll(tx: &mut Guard<'_, '_>, from: Free, last: bool) -> MoreUsed {
    if tx.vq.in_flight() != 0 {
        reap(tx, from);
    }
    if !last {
        return MoreUsed::Pending;
    }
    tx.pair().polling.clear();
    if tx.vq.in_flight() == 0 {
        tx.unarmed = 0;
        return MoreUsed::Nothing;
    }
    if tx.vq.is_armed() {
        return MoreUsed::Nothing;
    }
    tx.arm()
}

/// Frees frames that were sent, as far as one look finds them.
#[doc(alias = "free_old_xmit")]
#[inline(always)]
pub(crate) fn reap(tx: &mut Guard<'_, '_>, from: Free) {
    let (mut packets, mut bytes) = (0_u32, 0_u32);
    let mut done = XskDone::default();
    let Tx { vq, maps, xsk, .. } = &mut **tx;
    vq.take_used(|used| match used.data.into_kind() {
        TxKind::Skb(buf) => {
            let skb = buf.finish(maps);
            bytes = bytes.wrapping_add(skb.len());
            packets = packets.wrapping_add(1);
            skb.consume(from);
        }
        TxKind::Xsk(sent) => {
            if let Some(slots) = xsk {
                done.add(slots.finish(sent));
            }
        }
    });
    if !done.is_empty() {
        completed_of_socket(tx, done);
    } else if packets == 0 {
        return;
    }
    tx.completed(packets, bytes);
    if tx.is_stopped() && tx.has_much_room() && !tx.vq.is_broken() {
        tx.pair().tx.wake.add(1);
        tx.wake();
    }
}

/// Tells a socket what was sent, and has more of what it wants to have sent looked for.
#[cold]
#[inline(never)]
fn completed_of_socket(tx: &mut Guard<'_, '_>, done: XskDone) {
    tx.xsk_completed(done);
    if !tx.pair().polling.is_set() {
        tx.pair().schedule();
    }
}

/// Takes back what was not sent, as the device is stopped.
pub(crate) fn reclaim(tx: &mut Guard<'_, '_>, stopped: &Stopped<'_>) {
    tx.stop();
    let mut lost = 0;
    let mut done = XskDone::default();
    loop {
        let tx = &mut **tx;
        let Some(posted) = tx.vq.detach_unused(stopped) else {
            break;
        };
        match (posted.into_kind(), &mut tx.xsk) {
            (TxKind::Skb(buf), _) => drop(buf.finish(&mut tx.maps)),
            (TxKind::Xsk(unsent), Some(slots)) => done.add(slots.finish(unsent)),
            (TxKind::Xsk(_), None) => (),
        }
        lost += 1;
    }
    tx.xsk_completed(done);
    tx.unarmed = 0;
    tx.pair().tx.dropped.add(lost);
    tx.reset_sent();
}

/// Returns the header of a frame that is to be segmented; `None` if that is to be in a way that was
/// never agreed on.
#[inline(never)]
fn segments(skb: &TxSkb, caps: &TxCaps) -> Option<[u64; 3]> {
    if skb.is_in_tunnel() {
        return segments_in_tunnel(skb, caps);
    }
    segment_words(skb, false, caps)
}

/// There the rest of the header is in use as well.
#[inline(never)]
fn segments_in_tunnel(skb: &TxSkb, caps: &TxCaps) -> Option<[u64; 3]> {
    segment_words(skb, true, caps)
}

#[inline(always)]
fn segment_words(skb: &TxSkb, in_tunnel: bool, caps: &TxCaps) -> Option<[u64; 3]> {
    let plain = plain(skb.len(), skb.partial_csum(), caps)?;
    let gso = skb.gso(in_tunnel).ok()?;
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
