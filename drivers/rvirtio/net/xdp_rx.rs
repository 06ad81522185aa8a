// SPDX-License-Identifier: GPL-2.0

//! Receiving while a program looks at each frame.
//!
//! The frame is copied for the program, and its buffers are posted again at once: what the device has
//! written is looked at, checked and copied once, and most programs drop most frames.

use crate::{
    caps::{
        Caps,
        RxCaps, //
    },
    data::NetOps,
    deliver::pass,
    dropped::{
        count,
        BadLength,
        Dropped, //
    },
    refill,
    rx::Rx,
    rx_header::negotiated_flags,
    rx_meta::Refused,
    rx_mode::MAX_PARTS,
    spec::{
        header::{
            flag,
            gso,
            Header, //
        },
        ETHERNET_HEADER,
        MAX_GSO_FRAME, //
    },
    xdp_tx,
    xsk_rx::{
        self,
        Filled, //
    }, //
};
use netdev::{
    Napi,
    RxBuf,
    RxPosted,
    Verdict,
    XdpFrame, //
};
use rvirtio::Peeked;

type Result<T = (), E = Dropped> = core::result::Result<T, E>;

/// What is to be done at the end of a poll.
enum Rest {
    None,
    Transmit,
    Redirect,
}

/// Receives up to `budget` frames, and returns how many these are.
#[doc(alias = "receive_mergeable_xdp")]
#[doc(alias = "receive_small_xdp")]
#[inline(never)]
pub(crate) fn receive<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    budget: u32,
) -> u32 {
    let (mut received, mut sent, mut redirected) = (0, false, false);
    while received < budget {
        let Some(outcome) = next(rx, napi) else {
            break;
        };
        received += 1;
        match outcome {
            Ok((len, verdict)) => match obey(napi, len, verdict) {
                Rest::None => (),
                Rest::Transmit => sent = true,
                Rest::Redirect => redirected = true,
            },
            Err(why) => count(rx, napi, why),
        }
        if received == 1 {
            rx.vq.disable_cb();
        }
    }
    if redirected {
        napi.xdp_flush();
    }
    if sent {
        xdp_tx::flush(&mut napi.tx());
    }
    if received != 0 {
        rx.adjust_level();
    }
    if received != 0 || rx.is_starved() {
        refill::fill(rx, &mut napi.pools());
    }
    received
}

/// Has the program look at the next frame that was received, if there is one. Returns its length, too.
#[inline]
fn next<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
) -> Option<Result<(u32, Verdict)>> {
    let pair = napi.pair();
    let caps = &pair.device().caps;
    let used = rx.vq.peek()?;
    let (written, overlong) = (used.written, used.overlong);
    if let Some(RxPosted::Xsk(_)) = used.data() {
        let Some(RxPosted::Xsk(buf)) = used.take() else {
            return None;
        };
        let first = Filled {
            buf,
            written,
            overlong,
        };
        return Some(xsk_rx::look(rx, napi, first));
    }
    let mut frame = napi.xdp_frame().ok_or(Dropped::Memory);
    let mut count = 1;
    if let Some(parts) = used.data().map(RxPosted::parts) {
        sync(parts, written);
        let header = header(parts, written, caps);
        if let (true, Ok(header)) = (caps.mergeable, &header) {
            count = header.num_buffers.max(1);
        }
        frame = frame.and_then(|frame| match overlong {
            true => Err(Dropped::Length(BadLength::Overlong)),
            false => first(frame, parts, written, header?, caps),
        });
    }
    release(used);
    if count > 1 {
        frame = others(rx, frame, count);
    }
    let frame = match frame {
        Ok(frame) => frame,
        Err(why) => return Some(Err(why)),
    };
    pair.rx.xdp.packets.add(1);
    Some(Ok((frame.len(), frame.run())))
}

/// Makes what was written visible.
#[inline]
fn sync(parts: &[RxBuf], written: u32) {
    let mut left = written;
    for part in parts {
        part.sync_for_cpu(left);
        left = left.saturating_sub(part.len());
    }
}

/// Copies the header out of a buffer, once.
#[inline]
fn header(parts: &[RxBuf], written: u32, caps: &Caps) -> Result<Header> {
    match parts.first().and_then(RxBuf::words) {
        Some(words) if written >= caps.layout.len() => {
            Ok(Header::from_words(words.map(u64::from_le), caps.layout))
        }
        _ => Err(Dropped::Length(BadLength::Short(written))),
    }
}

/// Copies what is in the first buffer of a frame.
#[inline]
fn first<'a>(
    mut frame: XdpFrame<'a>,
    parts: &[RxBuf],
    written: u32,
    header: Header,
    caps: &Caps,
) -> Result<XdpFrame<'a>> {
    check(&header, &caps.rx)?;
    append(&mut frame, parts, caps.layout.len(), written)?;
    if frame.len() < ETHERNET_HEADER {
        return Err(Dropped::Length(BadLength::Short(written)));
    }
    Ok(frame)
}

/// Checks that a frame is as the network has it.
#[inline]
pub(crate) fn check(header: &Header, caps: &RxCaps) -> Result {
    let (flags, gso_type) = (negotiated_flags(header, caps), header.gso_type);
    if gso_type != gso::NONE && !caps.has_gso() {
        let refused = Refused::GsoType { flags, gso_type };
        return Err(Dropped::Header(refused));
    }
    // From before the device was told.
    if gso_type != gso::NONE || flags & flag::NEEDS_CSUM != 0 {
        return Err(Dropped::Unseen);
    }
    Ok(())
}

/// Copies the bytes of a buffer up to number `end`, but the first `skip` ones.
#[inline]
fn append(frame: &mut XdpFrame<'_>, parts: &[RxBuf], skip: u32, end: u32) -> Result {
    let (mut skip, mut left) = (skip, end);
    for part in parts {
        let here = left.min(part.len());
        // A header is shorter than any part.
        let len = here.saturating_sub(skip);
        if !frame.append(part, skip, len) {
            return Err(Dropped::Unseen);
        }
        left = left.saturating_sub(here);
        if left == 0 {
            break;
        }
        skip = 0;
    }
    Ok(())
}

/// Copies what is in the others of `count` buffers of a frame. All of them are taken whatever happens: they
/// would be taken for other frames.
#[inline(never)]
fn others<'a>(rx: &mut Rx<'_>, frame: Result<XdpFrame<'a>>, count: u16) -> Result<XdpFrame<'a>> {
    let mut frame = match frame {
        Ok(_) if count > MAX_PARTS => Err(Dropped::Length(BadLength::Buffers(count))),
        frame => frame,
    };
    for _ in 1..count {
        let Some(used) = rx.vq.peek() else {
            return Err(Dropped::Length(BadLength::Missing(count)));
        };
        let (part, overlong) = (used.written, used.overlong);
        if let Some(parts) = used.data().map(RxPosted::parts) {
            frame = frame.and_then(|mut frame| {
                if overlong {
                    return Err(Dropped::Length(BadLength::Overlong));
                }
                let len = frame.len();
                if part == 0 || len.saturating_add(part) > MAX_GSO_FRAME {
                    return Err(Dropped::Length(BadLength::Part { len, part }));
                }
                sync(parts, part);
                append(&mut frame, parts, 0, part)?;
                Ok(frame)
            });
        }
        release(used);
    }
    frame
}

/// Posts a buffer again whose contents were copied.
#[inline]
fn release(used: Peeked<'_, '_, RxPosted>) {
    let reusable = |buf: &RxPosted| buf.parts().iter().all(RxBuf::is_reusable);
    if used.data().is_some_and(reusable) {
        used.again();
    } else {
        drop(used.take());
    }
}

/// Does what the program has said about a frame of `len` bytes, as far as that is to be done at once.
#[inline]
fn obey<'bound>(napi: &mut Napi<'_, NetOps<'bound>>, len: u32, verdict: Verdict) -> Rest {
    let counters = &napi.pair().rx;
    if let Verdict::Pass(skb) = verdict {
        pass(napi, skb);
        return Rest::None;
    }
    counters.packets.add(1);
    counters.bytes.add(len.into());
    match verdict {
        Verdict::Transmit(skb) => {
            if xdp_tx::add(&mut napi.tx(), skb) {
                counters.xdp.tx.add(1);
                return Rest::Transmit;
            }
            napi.xdp_not_sent();
        }
        Verdict::Redirected => {
            counters.xdp.redirects.add(1);
            return Rest::Redirect;
        }
        Verdict::Pass(_) | Verdict::Dropped => (),
    }
    counters.xdp.drops.add(1);
    Rest::None
}
