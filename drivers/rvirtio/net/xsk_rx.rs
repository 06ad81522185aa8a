// SPDX-License-Identifier: GPL-2.0

//! Receiving into the memory of a socket.
//!
//! What a program passes on to the socket stays where it is. All else is copied. A frame that is in several
//! buffers is always copied, for the program, too.

use crate::{
    caps::Caps,
    data::NetOps,
    deliver::deliver,
    dropped::{
        BadLength,
        Dropped, //
    },
    rx::Rx,
    rx_mode::MAX_PARTS,
    spec::{
        header::Header,
        ETHERNET_HEADER,
        MAX_GSO_FRAME, //
    },
    xdp_rx, //
};
use kernel::prelude::*;
use netdev::{
    Napi,
    RxPosted,
    RxSkb,
    Verdict,
    XskBuf, //
};

type Result<T = (), E = Dropped> = core::result::Result<T, E>;

/// A buffer with received bytes.
pub(crate) struct Filled {
    pub(crate) buf: XskBuf,
    /// How many, with the header.
    pub(crate) written: u32,
    /// Whether the device has reported more than there is room for.
    pub(crate) overlong: bool,
}

/// Receives the frame that starts in a buffer, while no program looks at it.
#[doc(alias = "virtnet_receive_xsk_buf")]
#[inline(never)]
pub(crate) fn receive<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    first: Filled,
) -> Result {
    let caps = &napi.pair().device().caps;
    let header = header(napi, &first, caps);
    let skb = match &header {
        Ok(_) => copied(napi, &first, caps),
        Err(_) => Err(Dropped::Memory),
    };
    napi.xsk_put(first.buf);
    let header = header?;
    let mut skb = skb;
    for _ in 1..count(&header, caps) {
        let next = next(rx, &header)?;
        skb = skb.and_then(|skb| append(napi, skb, &next));
        napi.xsk_put(next.buf);
    }
    deliver(napi, skb?, header)
}

/// Has the program look at the frame that starts in a buffer. Returns its length, too.
#[doc(alias = "virtnet_receive_xsk_merge")]
#[doc(alias = "virtnet_receive_xsk_small")]
#[inline(never)]
pub(crate) fn look<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    first: Filled,
) -> Result<(u32, Verdict)> {
    let pair = napi.pair();
    let caps = &pair.device().caps;
    let header = header(napi, &first, caps);
    let header = match header {
        Ok(header) => header,
        Err(why) => {
            napi.xsk_put(first.buf);
            return Err(why);
        }
    };
    let count = count(&header, caps);
    if count > 1 {
        return look_at_many(rx, napi, first, header, count);
    }
    let checked = xdp_rx::check(&header, &caps.rx).and_then(|()| frame_len(&first, caps));
    match checked {
        Ok(len) => {
            pair.rx.xdp.packets.add(1);
            Ok((len, napi.xsk_run(first.buf, len)))
        }
        Err(why) => {
            napi.xsk_put(first.buf);
            Err(why)
        }
    }
}

/// Has the program look at a copy of a frame that is in `count` buffers.
#[inline(never)]
fn look_at_many<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    first: Filled,
    header: Header,
    count: u16,
) -> Result<(u32, Verdict)> {
    let pair = napi.pair();
    let caps = &pair.device().caps;
    let mut all =
        KVec::with_capacity(count.min(MAX_PARTS).into(), GFP_ATOMIC).map_err(|_| Dropped::Memory);
    let mut missing = false;
    let mut part = Some(first);
    for index in 0..count {
        if index != 0 {
            part = next(rx, &header).ok();
        }
        let Some(filled) = part.take() else {
            missing = true;
            break;
        };
        // What does not fit is not kept.
        match &mut all {
            Ok(all) if all.len() < all.capacity() => {
                let _ = all.push_within_capacity(filled);
            }
            _ => napi.xsk_put(filled.buf),
        }
    }
    let mut all = all?;
    let outcome = (|| {
        if missing {
            return Err(Dropped::Length(BadLength::Missing(count)));
        }
        if all.len() < count.into() {
            return Err(Dropped::Length(BadLength::Buffers(count)));
        }
        xdp_rx::check(&header, &caps.rx)?;
        for (index, filled) in all.iter().enumerate() {
            sync(napi, filled, index != 0)?;
        }
        let mut frame = napi.xdp_frame().ok_or(Dropped::Memory)?;
        let mut skip = caps.layout.len();
        for Filled { buf, written, .. } in &all {
            let (len, part) = (frame.len(), written.saturating_sub(skip));
            if part == 0 || len.saturating_add(part) > MAX_GSO_FRAME {
                return Err(Dropped::Length(BadLength::Part { len, part }));
            }
            if !frame.append_xsk(buf, skip, part) {
                return Err(Dropped::Unseen);
            }
            skip = 0;
        }
        let len = frame.len();
        if len < ETHERNET_HEADER {
            return Err(Dropped::Length(BadLength::Short(len)));
        }
        pair.rx.xdp.packets.add(1);
        Ok((len, frame.run()))
    })();
    for filled in all.drain_all() {
        napi.xsk_put(filled.buf);
    }
    outcome
}

/// Copies the header out of a buffer, once.
fn header(napi: &mut Napi<'_, NetOps<'_>>, first: &Filled, caps: &Caps) -> Result<Header> {
    sync(napi, first, false)?;
    let mut bytes = [0; 24];
    let (len, written) = (caps.layout.len(), first.written);
    let to = bytes.get_mut(..len as usize).unwrap_or_default();
    let read = |xsk: &mut netdev::XskRx| xsk.read(&first.buf, 0, to);
    if written < len || !napi.xsk().is_some_and(read) {
        return Err(Dropped::Length(BadLength::Short(written)));
    }
    let word = |at: usize| {
        let word = bytes.get(at..).and_then(|rest| rest.first_chunk());
        u64::from_le_bytes(word.copied().unwrap_or_default())
    };
    let words = [word(0), word(8), word(16)];
    Ok(Header::from_words(words, caps.layout))
}

/// Makes what was written visible. With `only`, the length has to be true of this buffer alone.
fn sync(napi: &mut Napi<'_, NetOps<'_>>, filled: &Filled, only: bool) -> Result {
    if only && filled.overlong {
        return Err(Dropped::Length(BadLength::Overlong));
    }
    if let Some(xsk) = napi.xsk() {
        xsk.sync_for_cpu(&filled.buf, filled.written);
    }
    Ok(())
}

/// Returns how many buffers a frame is in.
fn count(header: &Header, caps: &Caps) -> u16 {
    match caps.mergeable {
        true => header.num_buffers.max(1),
        false => 1,
    }
}

/// Returns how much of a frame is in its first buffer, which is enough for an Ethernet header.
fn frame_len(first: &Filled, caps: &Caps) -> Result<u32> {
    if first.overlong {
        return Err(Dropped::Length(BadLength::Overlong));
    }
    let len = first.written.saturating_sub(caps.layout.len());
    if len < ETHERNET_HEADER {
        return Err(Dropped::Length(BadLength::Short(first.written)));
    }
    Ok(len)
}

/// Copies what is in the first buffer of a frame.
fn copied(napi: &mut Napi<'_, NetOps<'_>>, first: &Filled, caps: &Caps) -> Result<RxSkb> {
    let len = frame_len(first, caps)?;
    napi.xsk_copied(&first.buf, caps.layout.len(), len)
        .ok_or(Dropped::Memory)
}

/// Adds what is in another one.
fn append(napi: &mut Napi<'_, NetOps<'_>>, mut skb: RxSkb, next: &Filled) -> Result<RxSkb> {
    let (len, part) = (skb.len(), next.written);
    if part == 0 || len.saturating_add(part) > MAX_GSO_FRAME {
        return Err(Dropped::Length(BadLength::Part { len, part }));
    }
    sync(napi, next, true)?;
    match napi.xsk_add(&mut skb, &next.buf, part) {
        true => Ok(skb),
        false => Err(Dropped::Memory),
    }
}

/// Takes the next buffer of a frame.
fn next(rx: &mut Rx<'_>, header: &Header) -> Result<Filled> {
    let missing = Dropped::Length(BadLength::Missing(header.num_buffers));
    let Some(used) = rx.vq.peek() else {
        return Err(missing);
    };
    let (written, overlong) = (used.written, used.overlong);
    match used.take() {
        Some(RxPosted::Xsk(buf)) => Ok(Filled {
            buf,
            written,
            overlong,
        }),
        // There are no others while a socket is bound.
        _ => Err(missing),
    }
}
