// SPDX-License-Identifier: GPL-2.0

//! Making frames of the buffers that they were received in.

use crate::{
    caps::Caps,
    data::NetOps,
    deliver::{
        apply_csum,
        apply_hash,
        deliver, //
    },
    dropped::{
        BadLength,
        Dropped, //
    },
    refill,
    rx::Rx,
    rx_header::{
        check_csum,
        is_plain,
        linear_len, //
    },
    rx_mode::{
        RxMode,
        LEAST_POSTED,
        MAX_PARTS, //
    },
    spec::{
        header::{
            Header,
            Layout, //
        },
        ETHERNET_HEADER,
        MAX_GSO_FRAME, //
    }, //
};
use core::ops::Range;
use kernel::alloc::KVec;
use netdev::{
    Napi,
    RxBuf,
    RxPosted,
    RxSkb, //
};
use rvirtio::Peeked;

/// The largest frame that is copied, so that its buffer can be posted again at once, in bytes.
const COPYBREAK: u32 = 256;

/// The largest frame that the stack gets in its buffer, in bytes.
const MAX_IN_PLACE: u32 = 2048;

type Result<T = (), E = Dropped> = core::result::Result<T, E>;

/// Returns a copy of a small frame with what its header says applied, or the reason to drop it. `None` if
/// it is not a small one that can be sent to the network as it is, or its buffer not one that can be
/// given to the device again as it is; nothing was done then.
///
/// Most small frames are like that. What is known of one is kept in registers here.
#[inline(always)]
pub(crate) fn small<'bound>(
    napi: &mut Napi<'_, NetOps<'bound>>,
    used: &Peeked<'_, 'bound, RxPosted>,
) -> Option<Result<RxSkb>> {
    let caps = &napi.pair().device().caps;
    let buf = match used.data() {
        Some(RxPosted::One(buf)) if buf.is_reusable() && !used.overlong => buf,
        _ => return None,
    };
    let offset = caps.layout.len();
    // What is shorter than a header wraps, and is not small.
    let len = used.written.wrapping_sub(offset);
    if len.wrapping_sub(ETHERNET_HEADER) > COPYBREAK - ETHERNET_HEADER {
        return None;
    }
    // What another layout has there is not looked at.
    let header = Header::from_words(buf.words()?.map(u64::from_le), Layout::Tunnel);
    if caps.mergeable && header.num_buffers > 1 || !is_plain(&header) {
        return None;
    }
    let Some(mut skb) = napi.copied(buf, offset, len) else {
        return Some(Err(Dropped::Memory));
    };
    let csum = check_csum(&header, len, len, &caps.rx).map_err(Dropped::Header);
    Some(match csum.map(|csum| apply_csum(&mut skb, csum)) {
        Ok(Ok(())) => {
            apply_hash(napi, &mut skb, &header);
            Ok(skb)
        }
        Ok(Err(_)) => Err(Dropped::Length(BadLength::Short(len))),
        Err(refused) => Err(refused),
    })
}

/// Receives the frame that starts in a buffer of one part. `overlong` says that it holds less than is
/// reported as written.
#[doc(alias = "receive_buf")]
#[inline]
pub(crate) fn one<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    buf: RxBuf,
    written: u32,
    overlong: bool,
) -> Result {
    let caps = &napi.pair().device().caps;
    buf.sync_for_cpu(written);
    let header = header(&buf, written, caps)?;
    if caps.mergeable && header.num_buffers > 1 {
        return merged(rx, napi, buf, written, overlong, header);
    }
    if overlong {
        return Err(Dropped::Length(BadLength::Overlong));
    }
    let (offset, len) = frame(written, caps)?;
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
    overlong: bool,
    header: Header,
) -> Result {
    let count = header.num_buffers;
    let mut frame = if count > MAX_PARTS {
        Err(Dropped::Length(BadLength::Buffers(count)))
    } else if overlong {
        Err(Dropped::Length(BadLength::Overlong))
    } else {
        start(rx, napi, buf, written, header)
    };
    // What belongs to the frame is taken whatever happens: it would be taken for other frames.
    for _ in 1..count {
        let Some(used) = rx.vq.peek() else {
            return Err(Dropped::Length(BadLength::Missing(count)));
        };
        let (written, overlong) = (used.written, used.overlong);
        frame = match (frame, used.take()) {
            (Ok(_), _) if overlong => Err(Dropped::Length(BadLength::Overlong)),
            (Ok(skb), Some(RxPosted::One(buf))) => append(rx, napi, skb, buf, written),
            // There are no such buffers with `MRG_RXBUF`.
            (Ok(_), _) => Err(Dropped::Length(BadLength::Buffers(count))),
            (frame, _) => frame,
        };
    }
    deliver(napi, frame?, header)
}

/// Receives the frame that is in a buffer of many parts.
#[doc(alias = "receive_big")]
#[inline(never)]
pub(crate) fn many<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    bufs: KVec<RxBuf>,
    written: u32,
) -> Result {
    let caps = &napi.pair().device().caps;
    let mut bufs = bufs.into_iter();
    let Some(first) = bufs.next() else {
        return Err(Dropped::Length(BadLength::Buffers(0)));
    };
    let in_first = written.min(first.len());
    let mut left = written.wrapping_sub(in_first);
    first.sync_for_cpu(in_first);
    let header = header(&first, in_first, caps)?;
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

/// Copies the header out of a buffer, once.
#[inline]
fn header(buf: &RxBuf, written: u32, caps: &Caps) -> Result<Header> {
    match buf.words() {
        Some(words) if written >= caps.layout.len() => {
            Ok(Header::from_words(words.map(u64::from_le), caps.layout))
        }
        _ => Err(Dropped::Length(BadLength::Short(written))),
    }
}

/// Returns where in a buffer with `written` bytes the frame starts, and how much of it there is, which is
/// enough for an Ethernet header.
#[inline]
fn frame(written: u32, caps: &Caps) -> Result<(u32, u32)> {
    let offset = caps.layout.len();
    let len = written.saturating_sub(offset);
    if len < ETHERNET_HEADER {
        return Err(Dropped::Length(BadLength::Short(written)));
    }
    Ok((offset, len))
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
    let (offset, len) = frame(written, caps)?;
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
    let (len, part) = (skb.len(), written);
    if part == 0 || len.saturating_add(part) > MAX_GSO_FRAME {
        return Err(Dropped::Length(BadLength::Part { len, part }));
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
