// SPDX-License-Identifier: GPL-2.0

//! Cases by hand.

use super::{
    caps::RxCaps,
    check,
    frames::{
        Frame,
        Shape,
        PLAIN, //
    },
    linear_len,
    parse::{
        IpVersion,
        Protocol, //
    },
    spec::header::{
        flag,
        gso,
        Header, //
    },
    GsoKind,
    Refused,
    RxCsum,
    RxMeta, //
};

pub(super) const ALL: RxCaps = RxCaps {
    csum: true,
    tso4: true,
    tso6: true,
    ecn: true,
    ufo: true,
    uso4: true,
    uso6: true,
    tunnel: true,
    tunnel_csum: true,
};

const UDP6_IN_TUNNEL: Shape = Shape {
    version: IpVersion::V6,
    protocol: Protocol::Udp,
    outer: Some(IpVersion::V4),
    ..PLAIN
};

fn check_whole(header: &Header, frame: &Frame, caps: &RxCaps) -> Result<RxMeta, Refused> {
    check(header, frame.bytes.len() as u32, &frame.bytes, caps)
}

/// Checks the frame of `shape` with its header changed.
fn changed(shape: Shape, change: impl FnOnce(&mut Header)) -> Result<RxMeta, Refused> {
    let frame = shape.frame();
    let mut header = shape.gso_header(&frame, 1448);
    change(&mut header);
    check_whole(&header, &frame, &ALL)
}

#[test]
fn empty_header_says_nothing() {
    let meta = check_whole(&Header::default(), &PLAIN.frame(), &ALL);
    assert_eq!(meta, Ok(RxMeta::default()));
}

/// covers: NET-D3
#[test]
fn frame_below_an_ethernet_header_is_refused() {
    for len in 0..14u8 {
        let frame = vec![0; len.into()];
        assert_eq!(
            check(&Header::default(), len.into(), &frame, &ALL),
            Err(Refused::Short(len.into()))
        );
    }
}

/// covers: NET-60
#[test]
fn unknown_flags_are_ignored() {
    let header = Header {
        flags: 0xf0,
        ..Header::default()
    };
    let nothing = Ok(RxMeta::default());
    assert_eq!(check_whole(&header, &PLAIN.frame(), &ALL), nothing);
    // Known ones are unknown if they were not negotiated.
    let header = Header {
        flags: 0xff,
        csum_start: 0xffff,
        ..header
    };
    let none = RxCaps::default();
    assert_eq!(check_whole(&header, &PLAIN.frame(), &none), nothing);
}

/// covers: NET-63
#[test]
fn checksum_fields_count_only_with_the_flag() {
    let header = Header {
        csum_start: 0xffff,
        csum_offset: 0xffff,
        ..Header::default()
    };
    let meta = check_whole(&header, &PLAIN.frame(), &ALL);
    assert_eq!(meta.map(|meta| meta.csum), Ok(RxCsum::None));
    let refused = changed(PLAIN, |header| header.flags |= flag::RSC_INFO);
    assert!(matches!(refused, Err(Refused::Csum { .. })));
}

/// covers: NET-64 NET-65
#[test]
fn hdr_len_does_not_matter() {
    let expected = changed(PLAIN, |_| ());
    assert!(expected.is_ok());
    for hdr_len in [0, 1, 0x7fff, 0xffff] {
        assert_eq!(changed(PLAIN, |header| header.hdr_len = hdr_len), expected);
    }
}

/// covers: NET-66
#[test]
fn checksum_is_trusted_only_if_the_device_says_so() {
    let flags = |flags| {
        let header = Header {
            flags,
            ..Header::default()
        };
        check_whole(&header, &PLAIN.frame(), &ALL).map(|meta| meta.csum)
    };
    assert_eq!(flags(0), Ok(RxCsum::None));
    let level = |level| Ok(RxCsum::Unnecessary { level });
    assert_eq!(flags(flag::DATA_VALID), level(0));
    assert_eq!(flags(flag::DATA_VALID | flag::UDP_TUNNEL_CSUM), level(1));
    assert_eq!(flags(flag::UDP_TUNNEL_CSUM), Ok(RxCsum::None));
}

#[test]
fn checksum_outside_the_frame_is_refused() {
    let frame = PLAIN.frame();
    let len = frame.bytes.len() as u16;
    for (start, offset, fits) in [
        (34, 16, true),
        (33, 16, false),
        (0, 16, false),
        (34, 0xffff, false),
        (0xffff, 0xffff, false),
        (len - 18, 16, true),
        (len - 17, 16, false),
    ] {
        let header = Header {
            flags: flag::NEEDS_CSUM,
            csum_start: start,
            csum_offset: offset,
            ..Header::default()
        };
        let taken = check_whole(&header, &frame, &ALL).is_ok();
        assert_eq!(taken, fits, "{start} + {offset}");
    }
}

#[test]
fn segmentation_types_are_refused_unless_negotiated() {
    let version = IpVersion::V6;
    let tcp6 = Shape { version, ..PLAIN };
    let udp4 = Shape {
        protocol: Protocol::Udp,
        ..PLAIN
    };
    let udp6 = Shape { version, ..udp4 };
    type Forbid = fn(&mut RxCaps);
    let cases: [(Shape, u8, Forbid); 6] = [
        (PLAIN, gso::TCPV4, |caps| caps.tso4 = false),
        (tcp6, gso::TCPV6, |caps| caps.tso6 = false),
        (udp4, gso::UDP, |caps| caps.ufo = false),
        (udp4, gso::UDP_L4, |caps| caps.uso4 = false),
        (udp6, gso::UDP_L4, |caps| caps.uso6 = false),
        (PLAIN, gso::TCPV4 | gso::ECN, |caps| caps.ecn = false),
    ];
    for (shape, gso_type, forbid) in cases {
        let frame = shape.frame();
        let mut header = shape.gso_header(&frame, 1448);
        header.gso_type = gso_type;
        assert!(check_whole(&header, &frame, &ALL).is_ok(), "{gso_type}");
        let mut caps = ALL;
        forbid(&mut caps);
        assert!(check_whole(&header, &frame, &caps).is_err(), "{gso_type}");
    }
}

#[test]
fn unknown_segmentation_types_are_refused() {
    for gso_type in (0..=0x1f).chain([gso::ECN, gso::ECN | gso::UDP_L4]) {
        let known = [gso::NONE, gso::TCPV4].contains(&gso_type);
        let meta = changed(PLAIN, |header| header.gso_type = gso_type);
        assert_eq!(meta.is_ok(), known, "{gso_type}");
    }
}

#[test]
fn segment_sizes() {
    let size = |size| {
        changed(PLAIN, |header| header.gso_size = size).map(|meta| meta.gso.map(|gso| gso.size))
    };
    assert_eq!(size(0), Err(Refused::GsoSize(0)));
    assert_eq!(size(u16::MAX), Err(Refused::GsoSize(u16::MAX)));
    assert_eq!(size(1), Ok(Some(8)));
    assert_eq!(size(2999), Ok(Some(2999)));
    // All of the payload fits.
    assert_eq!(size(3000), Ok(None));
}

#[test]
fn udp_has_at_most_128_segments() {
    let udp = Shape {
        protocol: Protocol::Udp,
        payload: 1280,
        ..PLAIN
    };
    let size = |size| changed(udp, |header| header.gso_size = size);
    assert_eq!(size(9), Err(Refused::GsoSize(9)));
    let meta = size(10).map(|meta| meta.gso.map(|gso| (gso.kind, gso.size)));
    assert_eq!(meta, Ok(Some((GsoKind::UdpL4, 10))));
}

/// The first fragment has the UDP header.
#[test]
fn fragments_of_udp() {
    let size = |payload| {
        let udp = Shape {
            protocol: Protocol::Udp,
            payload,
            ..PLAIN
        };
        let meta = changed(udp, |header| {
            header.gso_type = gso::UDP;
            header.gso_size = 1480;
        });
        meta.map(|meta| meta.gso.map(|gso| (gso.kind, gso.size)))
    };
    assert_eq!(size(1472), Ok(None));
    assert_eq!(size(1473), Ok(Some((GsoKind::Udp, 1480))));
}

#[test]
fn headers_are_searched_if_there_is_no_checksum() {
    let meta = changed(PLAIN, |header| header.flags = 0);
    let transport = meta.map(|meta| meta.gso.map(|gso| gso.transport));
    assert_eq!(transport, Ok(Some(34)));
    for (shape, gso_type) in [
        (PLAIN, gso::TCPV6),
        (PLAIN, gso::UDP),
        (UDP6_IN_TUNNEL, gso::TCPV4),
    ] {
        let refused = changed(shape, |header| {
            header.flags = 0;
            header.gso_type = gso_type;
        });
        assert_eq!(refused, Err(Refused::Headers { gso_type }));
    }
}

/// covers: NET-67 NET-69 NET-70
#[test]
fn tunnels() {
    let tunnel = |change: fn(&mut Header)| changed(UDP6_IN_TUNNEL, change);
    let meta = tunnel(|_| ());
    let inner = meta.map(|meta| meta.gso.and_then(|gso| gso.tunnel));
    let inner = inner.ok().flatten().expect("a tunnel");
    assert_eq!((inner.csum, inner.inner_version), (false, IpVersion::V6));
    assert_eq!((inner.inner_network, inner.inner_transport), (64, 104));

    assert!(tunnel(|header| header.flags |= flag::UDP_TUNNEL_CSUM).is_ok());
    assert!(tunnel(|header| header.gso_type |= gso::UDP_TUNNEL).is_err());
    assert!(tunnel(|header| header.gso_type ^= gso::UDP_TUNNEL).is_err());
    assert!(tunnel(|header| header.gso_type &= gso::UDP_TUNNEL).is_err());
    assert!(tunnel(|header| header.gso_type = gso::UDP | gso::UDP_TUNNEL_IPV4).is_err());
    assert!(tunnel(|header| header.flags = 0).is_err());
    assert!(tunnel(|header| header.flags |= flag::DATA_VALID).is_err());
    assert!(tunnel(|header| header.flags = flag::DATA_VALID).is_err());
    for delta in [1, 0xffff] {
        let moved = |field: fn(&mut Header) -> &mut u16| {
            changed(UDP6_IN_TUNNEL, |header| {
                let field = field(header);
                *field = field.wrapping_add(delta);
            })
        };
        assert!(moved(|header| &mut header.outer_th_offset).is_err());
        assert!(moved(|header| &mut header.inner_nh_offset).is_err());
        assert!(moved(|header| &mut header.csum_start).is_err());
    }
    // No tunnel, but a partial checksum of its header.
    let refused = changed(PLAIN, |header| header.flags |= flag::UDP_TUNNEL_CSUM);
    assert!(matches!(refused, Err(Refused::Csum { .. })));
}

#[test]
fn tunnel_is_refused_unless_negotiated() {
    let frame = UDP6_IN_TUNNEL.frame();
    let header = UDP6_IN_TUNNEL.gso_header(&frame, 1448);
    let caps = RxCaps {
        tunnel: false,
        tunnel_csum: false,
        ..ALL
    };
    assert!(check_whole(&header, &frame, &ALL).is_ok());
    assert!(check_whole(&header, &frame, &caps).is_err());
}

#[test]
fn only_headers_are_made_linear() {
    let plain = PLAIN.frame();
    let header = PLAIN.gso_header(&plain, 1448);
    let len = plain.bytes.len() as u32;
    let peek = |at: u32| plain.bytes.get(at as usize).copied();
    assert_eq!(linear_len(&header, len, &ALL, peek), 54);
    assert_eq!(linear_len(&Header::default(), len, &ALL, peek), 14);
    // However far the checksum is.
    for (csum_start, csum_offset) in [(0xffff, 16), (34, 0xffff), (0xffff, 0xffff)] {
        let header = Header {
            csum_start,
            csum_offset,
            ..header
        };
        assert_eq!(linear_len(&header, 65_000, &ALL, |_| None), 2048);
        assert_eq!(linear_len(&header, 100, &ALL, |_| None), 100);
    }
}
