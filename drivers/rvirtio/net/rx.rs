// SPDX-License-Identifier: GPL-2.0

//! Receiving.

use crate::{
    caps::Caps,
    ops::NetOps,
    parse::IpVersion,
    refill,
    rx_header::{
        self,
        check,
        linear_len,
        GsoKind,
        Refused,
        RxCsum,
        RxMeta, //
    },
    rx_mode::{
        RxMode,
        MAX_PARTS, //
    },
    spec::{
        header::Header,
        ETHERNET_HEADER,
        MAX_GSO_FRAME, //
    }, //
};
use core::ops::Range;
use kernel::prelude::{
    dev_warn,
    KVec, //
};
use netdev::{
    Napi,
    OutOfBounds,
    RxBuf,
    RxGso,
    RxGsoKind,
    RxPosted,
    RxSkb,
    RxTunnel, //
};
use rvirtio::{
    display::DisplayAdapter,
    More,
    Stopped,
    Virtqueue, //
};

/// The largest frame that is copied, so that its buffer can be posted again at once, in bytes.
const COPYBREAK: u32 = 256;

/// The largest frame that the stack gets in its buffer, in bytes.
const MAX_IN_PLACE: u32 = 2048;

/// The least that is left of a page to be posted again, in bytes: with it no frame needs more parts
/// than fit into a socket buffer.
const LEAST_POSTED: u32 = 4096;

/// Buffers that a queue starts with.
const FIRST_LEVEL: u16 = 64;

/// The receive side of a pair.
pub(crate) struct Rx<'bound> {
    pub(crate) vq: Virtqueue<'bound, RxPosted>,
    pub(crate) mode: RxMode,
    /// The other half of a page.
    pub(crate) half: Option<RxBuf>,
    /// The number of buffers that the queue should have.
    level: u16,
    /// The number of frames that were refused.
    refused: u64,
}

/// Why a frame is dropped.
enum Dropped {
    /// Because of its length, or because parts of it are missing.
    Length,
    /// Because of what its header says.
    Header(Refused),
    /// For want of memory.
    Memory,
}

type Result<T = (), E = Dropped> = core::result::Result<T, E>;

impl<'bound> Rx<'bound> {
    pub(crate) fn new(vq: Virtqueue<'bound, RxPosted>, mode: RxMode) -> Self {
        let level = match mode {
            RxMode::Bulk => FIRST_LEVEL.min(vq.capacity()),
            _ => vq.capacity(),
        };
        Self {
            vq,
            mode,
            half: None,
            level,
            refused: 0,
        }
    }

    /// Returns whether another buffer is to be posted.
    #[inline]
    pub(crate) fn wants_more(&self) -> bool {
        self.vq.in_flight() < self.level && self.vq.num_free() >= self.mode.parts()
    }

    /// Asks for interrupts. Returns whether there is nothing to do until one comes.
    pub(crate) fn can_wait(&mut self) -> bool {
        if self.vq.is_broken() {
            return true;
        }
        // Without buffers there are no interrupts. A poll that has received nothing has left those on
        // that were on.
        self.vq.in_flight() != 0 && (self.vq.is_armed() || self.vq.enable_cb() == More::Nothing)
    }

    /// Posts more buffers from now on, if the device has used most of them in one poll.
    fn adjust_level(&mut self) {
        if self.vq.in_flight() < self.level / 4 {
            self.level = self.level.saturating_mul(2).min(self.vq.capacity());
        }
    }
}

/// Receives up to `budget` frames, and returns how many these are.
#[doc(alias = "virtnet_receive")]
pub(crate) fn receive<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    budget: u32,
) -> u32 {
    let mut received = 0;
    while received < budget {
        let Some(used) = rx.vq.used().next() else {
            break;
        };
        if received == 0 {
            rx.vq.disable_cb();
        }
        received += 1;
        let outcome = match used.data {
            RxPosted::One(buf) => one(rx, napi, buf, used.written),
            RxPosted::Many(bufs) => many(rx, napi, bufs, used.written),
        };
        if let Err(why) = outcome {
            count(rx, napi, why);
        }
    }
    if received != 0 || rx.vq.in_flight() == 0 {
        rx.adjust_level();
        refill::fill(rx, &mut napi.pools());
    }
    received
}

/// Receives the frame that starts in a buffer of one part.
#[doc(alias = "receive_buf")]
#[inline]
fn one<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    buf: RxBuf,
    written: u32,
) -> Result {
    let caps = &napi.pair().device().caps;
    buf.sync_for_cpu(written);
    let header = header(&buf, written, caps).ok_or(Dropped::Length)?;
    if caps.mergeable && header.num_buffers > 1 {
        return merged(rx, napi, buf, written, header);
    }
    let offset = caps.layout.len();
    // Not below 0, see `header`.
    let len = written.wrapping_sub(offset);
    if len < ETHERNET_HEADER {
        return Err(Dropped::Length);
    }
    let skb = if len <= COPYBREAK {
        let skb = napi.copied(&buf, offset, len).ok_or(Dropped::Memory);
        recycle(rx, buf);
        skb?
    } else {
        match in_place(rx, napi, buf, offset, len) {
            Ok(skb) => skb,
            Err(buf) => start(rx, napi, buf, written, header)?,
        }
    };
    deliver(napi, skb, header)
}

/// Receives the frame that starts in a buffer and goes on in others.
#[doc(alias = "receive_mergeable")]
#[inline(never)]
fn merged<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    buf: RxBuf,
    written: u32,
    header: Header,
) -> Result {
    let mut frame = match header.num_buffers {
        0..=MAX_PARTS => start(rx, napi, buf, written, header),
        _ => Err(Dropped::Length),
    };
    // What belongs to the frame is taken whatever happens: it would be taken for other frames.
    for _ in 1..header.num_buffers {
        let Some(used) = rx.vq.used().next() else {
            return Err(Dropped::Length);
        };
        frame = match (frame, used.data) {
            (Ok(skb), RxPosted::One(buf)) => append(rx, napi, skb, buf, used.written),
            (Ok(_), RxPosted::Many(_)) => Err(Dropped::Length),
            (frame, _) => frame,
        };
    }
    deliver(napi, frame?, header)
}

/// Receives the frame that is in a buffer of many parts.
#[doc(alias = "receive_big")]
#[inline(never)]
fn many<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    bufs: KVec<RxBuf>,
    written: u32,
) -> Result {
    let caps = &napi.pair().device().caps;
    let mut bufs = bufs.into_iter();
    let first = bufs.next().ok_or(Dropped::Length)?;
    let in_first = written.min(first.len());
    let mut left = written.wrapping_sub(in_first);
    first.sync_for_cpu(in_first);
    let header = header(&first, in_first, caps).ok_or(Dropped::Length)?;
    let mut skb = start(rx, napi, first, in_first, header)?;
    for buf in bufs {
        let len = left.min(buf.len());
        left = left.wrapping_sub(len);
        if len != 0 {
            skb = append(rx, napi, skb, buf, len)?;
        }
    }
    deliver(napi, skb, header)
}

/// Copies the header out of a buffer, once. `None` if no whole header was written.
#[inline]
fn header(buf: &RxBuf, written: u32, caps: &Caps) -> Option<Header> {
    let words = buf.words()?.map(u64::from_le);
    (written >= caps.layout.len()).then(|| Header::from_words(words, caps.layout))
}

/// Makes a frame of the `len` bytes from `offset` on of a buffer where they are, and posts the rest of
/// that again. Gives the buffer back if that is not possible.
#[inline]
fn in_place<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    buf: RxBuf,
    offset: u32,
    len: u32,
) -> Result<RxSkb, RxBuf> {
    if len > MAX_IN_PLACE {
        return Err(buf);
    }
    let (skb, rest) = napi.around(buf, offset, len, LEAST_POSTED)?;
    post_rest(rx, rest);
    Ok(skb)
}

/// Makes the start of a frame of a buffer with `written` bytes: copies the headers, and adds the rest.
#[doc(alias = "page_to_skb")]
fn start<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    buf: RxBuf,
    written: u32,
    header: Header,
) -> Result<RxSkb> {
    let caps = &napi.pair().device().caps;
    let offset = caps.layout.len();
    let len = written.saturating_sub(offset);
    if len < ETHERNET_HEADER {
        return Err(Dropped::Length);
    }
    let linear = linear_len(&header, len, &caps.rx, |at| {
        buf.byte(offset.saturating_add(at))
    });
    let skb = napi.copied(&buf, offset, linear).ok_or(Dropped::Memory)?;
    if linear == len {
        recycle(rx, buf);
        return Ok(skb);
    }
    // Less than `written`, as `linear` is less than `len`.
    add(rx, napi, skb, buf, offset.wrapping_add(linear)..written)
}

/// Adds all that was written to a buffer to the end of a frame.
#[doc(alias = "virtnet_skb_append_frag")]
#[inline(always)]
fn append<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    skb: RxSkb,
    buf: RxBuf,
    written: u32,
) -> Result<RxSkb> {
    let len = skb.len().saturating_add(written);
    if written == 0 || len > MAX_GSO_FRAME {
        return Err(Dropped::Length);
    }
    buf.sync_for_cpu(written);
    add(rx, napi, skb, buf, 0..written)
}

#[inline(always)]
fn add<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    mut skb: RxSkb,
    buf: RxBuf,
    bytes: Range<u32>,
) -> Result<RxSkb> {
    let (part, rest) = buf.carve(bytes.end, LEAST_POSTED);
    post_rest(rx, rest);
    // Not below 0: the callers' ranges are in order.
    let len = bytes.end.wrapping_sub(bytes.start);
    match napi.add(&mut skb, part, bytes.start, len) {
        true => Ok(skb),
        false => Err(Dropped::Memory),
    }
}

/// Posts a buffer again whose contents were copied.
#[inline]
fn recycle(rx: &mut Rx<'_>, buf: RxBuf) {
    // Multi-part buffers are not put together again.
    if rx.mode != RxMode::Big && buf.is_reusable() {
        refill::post(rx, RxPosted::One(buf));
    }
}

#[inline]
fn post_rest(rx: &mut Rx<'_>, rest: Option<RxBuf>) {
    if let Some(rest) = rest.filter(|_| rx.mode == RxMode::Bulk) {
        refill::post(rx, RxPosted::One(rest));
    }
}

/// Passes a frame to the stack.
#[doc(alias = "virtnet_receive_done")]
#[inline(always)]
fn deliver(napi: &mut Napi<'_, NetOps<'_>>, mut skb: RxSkb, header: Header) -> Result {
    let pair = napi.pair();
    let len = skb.len();
    let caps = &pair.device().caps.rx;
    let meta = check(&header, len, skb.linear(), caps).map_err(Dropped::Header)?;
    // What was checked is in bounds.
    apply(&mut skb, &meta).map_err(|OutOfBounds| Dropped::Length)?;
    pair.rx.packets.add(1);
    pair.rx.bytes.add(len.into());
    napi.receive(skb);
    Ok(())
}

#[inline]
fn apply(skb: &mut RxSkb, meta: &RxMeta) -> Result<(), OutOfBounds> {
    match meta.csum {
        RxCsum::None => (),
        RxCsum::Unnecessary { level } => skb.set_csum_checked(level),
        RxCsum::Partial { start, offset } => skb.set_csum_partial(start, offset)?,
    }
    if let Some(hash) = meta.hash {
        skb.set_hash(hash.value, hash.has_ports);
    }
    match &meta.gso {
        Some(gso) => apply_gso(skb, gso),
        None => Ok(()),
    }
}

fn apply_gso(skb: &mut RxSkb, gso: &rx_header::RxGso) -> Result<(), OutOfBounds> {
    skb.set_gso(&RxGso {
        kind: match gso.kind {
            GsoKind::TcpV4 => RxGsoKind::TcpV4,
            GsoKind::TcpV6 => RxGsoKind::TcpV6,
            GsoKind::UdpL4 => RxGsoKind::UdpL4,
            GsoKind::Udp => RxGsoKind::Udp,
        },
        ecn: gso.ecn,
        size: gso.size,
        transport: gso.transport,
        tunnel: gso.tunnel.map(|tunnel| RxTunnel {
            csum: tunnel.csum,
            inner_v6: tunnel.inner_version == IpVersion::V6,
            inner_network: tunnel.inner_network,
            inner_transport: tunnel.inner_transport,
        }),
    })
}

#[cold]
fn count(rx: &mut Rx<'_>, napi: &Napi<'_, NetOps<'_>>, why: Dropped) {
    let pair = napi.pair();
    let counters = &pair.rx;
    match why {
        Dropped::Length => counters.length_errors.add(1),
        Dropped::Memory => counters.dropped.add(1),
        Dropped::Header(refused) => {
            counters.frame_errors.add(1);
            rx.refused += 1;
            // Not each of them: at most 64 lines.
            if rx.refused.is_power_of_two() {
                let (dev, index, count) = (pair.device().dev, pair.index(), rx.refused);
                dev_warn!(
                    dev,
                    "input.{index}: {count} frames dropped, this one: {}\n",
                    DisplayAdapter(refused)
                );
            }
        }
    }
}

/// Takes back what the device has not used, as it is stopped.
pub(crate) fn reclaim(rx: &mut Rx<'_>, stopped: &Stopped<'_>) {
    while rx.vq.detach_unused(stopped).is_some() {}
}
