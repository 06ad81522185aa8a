// SPDX-License-Identifier: GPL-2.0

//! Passing received frames to the stack.

use crate::{
    caps::RxCaps,
    data::NetOps,
    dropped::{
        BadLength,
        Dropped, //
    },
    parse::IpVersion,
    rx_header::{
        check,
        check_csum,
        is_plain, //
    },
    rx_meta::{
        self,
        GsoKind,
        RxCsum, //
    },
    spec::header::Header, //
};
use netdev::{
    Napi,
    OutOfBounds,
    RxGso,
    RxGsoKind,
    RxSkb,
    RxTunnel, //
};

/// Passes a frame to the stack, with what its header says.
///
/// # Errors
///
/// The frame is dropped if the header says what cannot be.
#[doc(alias = "virtnet_receive_done")]
#[inline]
pub(crate) fn deliver(
    napi: &mut Napi<'_, NetOps<'_>>,
    mut skb: RxSkb,
    header: Header,
) -> Result<(), Dropped> {
    let pair = napi.pair();
    let len = skb.len();
    let caps = &pair.device().caps.rx;
    if is_plain(&header) {
        // CAST: A frame is shorter than 4 GiB.
        let linear = skb.linear().len() as u32;
        let csum = check_csum(&header, len, linear, caps).map_err(Dropped::Header)?;
        apply_csum(&mut skb, csum).map_err(|out| out_of_bounds(out, len))?;
    } else {
        apply(&mut skb, header, caps)?;
    }
    apply_hash(napi, &mut skb, &header);
    pass(napi, skb);
    Ok(())
}

/// Counts a frame, and passes it to the stack.
#[inline(always)]
pub(crate) fn pass(napi: &mut Napi<'_, NetOps<'_>>, skb: RxSkb) {
    let counters = &napi.pair().rx;
    counters.packets.add(1);
    counters.bytes.add(skb.len().into());
    napi.receive(skb);
}

/// Sets the hash of a frame, if its header reports one that was asked for.
#[inline(always)]
pub(crate) fn apply_hash(napi: &Napi<'_, NetOps<'_>>, skb: &mut RxSkb, header: &Header) {
    if let Some(hash) = napi.pair().device().asked.find(header) {
        skb.set_hash(hash.value, hash.has_ports);
    }
}

/// Checks the header of a frame that can be segmented.
#[inline(never)]
fn apply(skb: &mut RxSkb, header: Header, caps: &RxCaps) -> Result<(), Dropped> {
    let len = skb.len();
    let meta = check(&header, len, skb.linear(), caps).map_err(Dropped::Header)?;
    apply_csum(skb, meta.csum).map_err(|out| out_of_bounds(out, len))?;
    match &meta.gso {
        Some(gso) => apply_gso(skb, gso).map_err(|out| out_of_bounds(out, len)),
        None => Ok(()),
    }
}

/// What was checked is in bounds, so this is never called.
#[cold]
fn out_of_bounds(_: OutOfBounds, len: u32) -> Dropped {
    Dropped::Length(BadLength::Short(len))
}

#[inline(always)]
pub(crate) fn apply_csum(skb: &mut RxSkb, csum: RxCsum) -> Result<(), OutOfBounds> {
    match csum {
        RxCsum::None => Ok(()),
        RxCsum::Unnecessary { level } => {
            skb.set_csum_checked(level);
            Ok(())
        }
        RxCsum::Partial { start, offset } => skb.set_csum_partial(start, offset),
    }
}

fn apply_gso(skb: &mut RxSkb, gso: &rx_meta::RxGso) -> Result<(), OutOfBounds> {
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
