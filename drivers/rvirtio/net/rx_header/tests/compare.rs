// SPDX-License-Identifier: GPL-2.0

//! Comparison of what we decide with what C does.

use super::{
    caps::RxCaps,
    check,
    linear_len,
    negotiated_flags,
    oracle,
    spec::header::Header,
    RxCsum,
    RxMeta, //
};

/// Checks a frame, and what comes out of that.
pub(super) fn check_and_compare(header: &Header, frame: &[u8], caps: &RxCaps) {
    let head = head(header, frame, caps);
    if let Ok(meta) = check(header, frame.len() as u32, head, caps) {
        agrees_with_c(header, frame, &meta, caps);
        is_inside(&meta, head);
    }
}

/// Returns the bytes that the driver makes linear.
pub(super) fn head<'a>(header: &Header, frame: &'a [u8], caps: &RxCaps) -> &'a [u8] {
    let peek = |at: u32| frame.get(at as usize).copied();
    let len = linear_len(header, frame.len() as u32, caps, peek);
    &frame[..len as usize]
}

/// What we allow, C allows too, and understands in the same way.
fn agrees_with_c(header: &Header, frame: &[u8], meta: &RxMeta, caps: &RxCaps) {
    // The exception: what was not negotiated is ignored.
    let header = Header {
        flags: negotiated_flags(header, caps),
        ..*header
    };
    let skb = oracle::decide(&header, frame, caps.tunnel, caps.tunnel_csum);
    let skb = skb.unwrap_or_else(|| panic!("C drops this: {header:?}, we have {meta:?}"));
    match meta.csum {
        RxCsum::None => assert_eq!((skb.checked, skb.partial), (None, None)),
        RxCsum::Unnecessary { level } => {
            assert_eq!((skb.checked, skb.partial), (Some(level), None));
        }
        RxCsum::Partial { start, offset } => assert_eq!(skb.partial, Some((start, offset))),
    }
    assert_eq!(meta.gso.map(|gso| gso.size), skb.gso_size);
    if let Some(gso) = meta.gso {
        assert_eq!(Some(gso.transport.into()), skb.transport);
        let inner = gso
            .tunnel
            .map(|t| (t.inner_network.into(), t.inner_transport.into()));
        assert_eq!(inner, skb.inner);
    }
}

/// The stack reads no header that is not linear.
fn is_inside(meta: &RxMeta, head: &[u8]) {
    if let RxCsum::Partial { start, offset } = meta.csum {
        assert!(usize::from(start) + usize::from(offset) + 2 <= head.len());
    }
    if let Some(gso) = meta.gso {
        let end = gso.tunnel.map_or(gso.transport, |t| t.inner_transport);
        assert!(usize::from(end) + 8 <= head.len());
        assert!(gso.size != 0 && gso.size != 0xffff);
    }
}
