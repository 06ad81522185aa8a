// SPDX-License-Identifier: GPL-2.0

//! Tests of headers of frames to send.

use super::*;
use proptest::prelude::*;

const ALL: TxCaps = TxCaps {
    csum: true,
    tso4: true,
    tso6: true,
    ecn: true,
    uso: true,
    tunnel: true,
    tunnel_csum: true,
    exact_hdr_len: true,
};

const TSO: TxFrame = TxFrame {
    len: 3054,
    linear: 66,
    csum: Some((34, 16)),
    gso: Some(TxGso {
        kind: TxGsoKind::TcpV4,
        ecn: false,
        size: 1448,
        headers: 54,
        tunnel: None,
    }),
};

#[test]
fn plain_frame_has_an_empty_header() {
    let frame = TxFrame {
        len: 60,
        linear: 60,
        ..TxFrame::default()
    };
    let header = tx_header(&frame, &TxCaps::default());
    assert_eq!(header, Some(Header::default()));
}

#[test]
fn segmentation_of_tcp() {
    let header = Header {
        flags: flag::NEEDS_CSUM,
        gso_type: gso::TCPV4,
        hdr_len: 54,
        gso_size: 1448,
        csum_start: 34,
        csum_offset: 16,
        ..Header::default()
    };
    assert_eq!(tx_header(&TSO, &ALL), Some(header));
    // covers: NET-47
    let caps = TxCaps {
        exact_hdr_len: false,
        ..ALL
    };
    let hdr_len = tx_header(&TSO, &caps).map(|header| header.hdr_len);
    assert_eq!(hdr_len, Some(66));
}

#[test]
fn tunnel_has_offsets_of_both_headers() {
    let tunnel = TxTunnel {
        outer_version: IpVersion::V6,
        csum: true,
        outer_transport: 54,
        inner_network: 84,
    };
    let frame = |tunnel, inner| TxFrame {
        len: 4000,
        linear: 200,
        csum: Some((inner, 6)),
        gso: Some(TxGso {
            kind: TxGsoKind::UdpL4,
            ecn: false,
            size: 1000,
            headers: inner + 8,
            tunnel: Some(tunnel),
        }),
    };
    let header = tx_header(&frame(tunnel, 124), &ALL).expect("a header");
    assert_eq!(header.gso_type, gso::UDP_L4 | gso::UDP_TUNNEL_IPV6);
    assert_eq!(header.flags, flag::NEEDS_CSUM | flag::UDP_TUNNEL_CSUM);
    assert_eq!((header.outer_th_offset, header.inner_nh_offset), (54, 84));
    assert_eq!(header.hdr_len, 132);
    // Headers that are not behind each other.
    assert_eq!(tx_header(&frame(tunnel, 84), &ALL), None);
    let early = TxTunnel {
        inner_network: 61,
        ..tunnel
    };
    assert_eq!(tx_header(&frame(early, 124), &ALL), None);
}

fn caps() -> impl Strategy<Value = TxCaps> {
    let bit = || prop::bool::weighted(0.8);
    let types = (bit(), bit(), bit(), bit());
    (bit(), types, bit(), bit(), bit()).prop_map(|(csum, types, tunnel, outer, exact)| {
        let (tso4, tso6, ecn, uso) = types;
        TxCaps {
            csum,
            tso4,
            tso6,
            ecn,
            uso,
            tunnel,
            tunnel_csum: outer && tunnel,
            exact_hdr_len: exact,
        }
    })
}

fn frame() -> impl Strategy<Value = TxFrame> {
    let small = || prop_oneof![9 => 0..200u32, 1 => any::<u32>()];
    let version = prop_oneof![Just(IpVersion::V4), Just(IpVersion::V6)];
    let tunnel = (version, any::<bool>(), small(), small()).prop_map(
        |(outer_version, csum, outer_transport, inner_network)| TxTunnel {
            outer_version,
            csum,
            outer_transport,
            inner_network,
        },
    );
    let kind = prop_oneof![
        Just(TxGsoKind::TcpV4),
        Just(TxGsoKind::TcpV6),
        Just(TxGsoKind::UdpL4)
    ];
    let gso = (
        kind,
        any::<bool>(),
        small(),
        small(),
        prop::option::of(tunnel),
    )
        .prop_map(|(kind, ecn, size, headers, tunnel)| TxGso {
            kind,
            ecn,
            size,
            headers,
            tunnel,
        });
    let offset = prop_oneof![Just(16), Just(6), small()];
    let csum = prop::option::weighted(0.9, (small(), offset));
    (0..70_000u32, small(), csum, prop::option::of(gso)).prop_map(|(len, linear, csum, gso)| {
        TxFrame {
            len,
            linear,
            csum,
            gso,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Most frames have such a header, which is made in another way.
    #[test]
    fn words_are_those_of_the_header(frame in frame(), caps in caps()) {
        let header = plain(frame.len, frame.csum, &caps);
        prop_assert_eq!(plain_words(frame.len, frame.csum, &caps), header.map(Header::to_words));
    }

    /// covers: NET-16 NET-17 NET-21 NET-23 NET-25 NET-27 NET-28 NET-29 NET-31 NET-33 NET-34 NET-35
    /// covers: NET-36 NET-37 NET-38 NET-43 NET-44 NET-45 NET-46 NET-52 NET-53
    #[test]
    fn headers_keep_to_the_rules(frame in frame(), caps in caps()) {
        let Some(header) = tx_header(&frame, &caps) else {
            return Ok(());
        };
        let has = |bit| header.flags & bit != 0;
        let base = header.gso_type & !(gso::UDP_TUNNEL | gso::ECN);
        let tunnel = header.gso_type & gso::UDP_TUNNEL;
        prop_assert_eq!(header.num_buffers, 0);
        prop_assert_eq!((header.hash_value, header.hash_report), (0, 0));
        prop_assert!(caps.csum || header.flags == 0);
        prop_assert!(!has(flag::DATA_VALID | flag::RSC_INFO));
        prop_assert_eq!(has(flag::NEEDS_CSUM), frame.csum.is_some());
        match base {
            gso::NONE => prop_assert_eq!(header.gso_type, 0),
            gso::TCPV4 => prop_assert!(caps.tso4),
            gso::TCPV6 => prop_assert!(caps.tso6),
            gso::UDP_L4 => prop_assert!(caps.uso),
            other => prop_assert!(false, "type {}", other),
        }
        prop_assert_eq!(base != gso::NONE, frame.gso.is_some());
        if let Some(gso) = frame.gso {
            prop_assert!(has(flag::NEEDS_CSUM));
            prop_assert_eq!(u32::from(header.gso_size), gso.size);
            prop_assert!(gso.size != 0);
            prop_assert!(u32::from(header.hdr_len) >= gso.headers);
            if caps.exact_hdr_len {
                prop_assert_eq!(u32::from(header.hdr_len), gso.headers);
            }
            prop_assert_eq!(header.gso_type & gso::ECN != 0, gso.ecn);
            prop_assert!(caps.ecn || !gso.ecn);
            prop_assert_eq!(tunnel != 0, gso.tunnel.is_some());
        }
        prop_assert!(tunnel != gso::UDP_TUNNEL);
        prop_assert!(caps.tunnel || tunnel == 0);
        if has(flag::UDP_TUNNEL_CSUM) {
            prop_assert!(caps.tunnel && caps.tunnel_csum && tunnel != 0);
        }
        if tunnel == 0 {
            prop_assert_eq!((header.outer_th_offset, header.inner_nh_offset), (0, 0));
        }
    }

    /// covers: NET-42
    #[test]
    fn checksum_is_in_the_frame(frame in frame()) {
        if let Some(header) = tx_header(&frame, &ALL) {
            let end = u32::from(header.csum_start) + u32::from(header.csum_offset) + 2;
            prop_assert!(frame.csum.is_none() || end <= frame.len);
        }
    }
}
