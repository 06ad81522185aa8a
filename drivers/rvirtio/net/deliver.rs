// SPDX-License-Identifier: GPL-2.0

//! Passing received frames to the stack.

use crate::{
    data::NetOps,
    dropped::{
        BadLength,
        Dropped, //
    },
    parse::IpVersion,
    rx_header::check,
    rx_meta::{
        self,
        GsoKind,
        RxCsum,
        RxMeta, //
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
#[inline(always)]
pub(crate) fn deliver(
    napi: &mut Napi<'_, NetOps<'_>>,
    mut skb: RxSkb,
    header: Header,
) -> Result<(), Dropped> {
    let pair = napi.pair();
    let len = skb.len();
    let caps = &pair.device().caps.rx;
    let meta = check(&header, len, skb.linear(), caps).map_err(Dropped::Header)?;
    // What was checked is in bounds.
    apply(&mut skb, &meta).map_err(|OutOfBounds| Dropped::Length(BadLength::Short(len)))?;
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
