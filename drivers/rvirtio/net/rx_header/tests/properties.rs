// SPDX-License-Identifier: GPL-2.0

//! For any header and any frame.

use super::{
    caps::RxCaps,
    cases::ALL,
    check,
    compare::{
        check_and_compare,
        head, //
    },
    frames::{
        shape,
        Frame, //
    },
    spec::header::{
        flag,
        gso,
        Header, //
    },
    RxCsum, //
};
use proptest::prelude::*;

fn caps() -> impl Strategy<Value = RxCaps> {
    // Mostly all of it, so that not everything is refused.
    let bit = || prop::bool::weighted(0.9);
    let types = (bit(), bit(), bit(), bit(), bit(), bit());
    (bit(), types, bit(), bit()).prop_map(|(csum, types, tunnel, tunnel_csum)| {
        let (tso4, tso6, ecn, ufo, uso4, uso6) = types;
        RxCaps {
            csum,
            tso4: tso4 && csum,
            tso6: tso6 && csum,
            ecn,
            ufo: ufo && csum,
            uso4: uso4 && csum,
            uso6: uso6 && csum,
            tunnel: tunnel && csum,
            tunnel_csum: tunnel_csum && tunnel && csum,
        }
    })
}

fn gso_type() -> impl Strategy<Value = u8> {
    prop_oneof![
        Just(gso::NONE),
        Just(gso::TCPV4),
        Just(gso::TCPV6),
        Just(gso::UDP),
        Just(gso::UDP_L4),
        Just(gso::TCPV4 | gso::ECN),
        any::<u8>(),
    ]
}

fn any_header() -> impl Strategy<Value = Header> {
    let small = || prop_oneof![0..256u16, any::<u16>()];
    let csum_offset = prop_oneof![Just(16), Just(6), small()];
    let offsets = (small(), csum_offset, small(), small());
    (
        0..16u8,
        gso_type(),
        small(),
        offsets,
        any::<u32>(),
        0..12u16,
    )
        .prop_map(
            |(flags, gso_type, gso_size, offsets, hash_value, hash_report)| {
                let (csum_start, csum_offset, outer_th_offset, inner_nh_offset) = offsets;
                Header {
                    flags,
                    gso_type,
                    gso_size,
                    csum_start,
                    csum_offset,
                    hash_value,
                    hash_report,
                    outer_th_offset,
                    inner_nh_offset,
                    ..Header::default()
                }
            },
        )
}

/// A frame with its header, in which one or two things may be wrong.
fn nearly_right() -> impl Strategy<Value = (Frame, Header)> {
    let noise = (0..12usize, any::<u16>(), -3..4i16);
    (shape(), 1..2000u16, prop::collection::vec(noise, 0..3)).prop_map(|(shape, size, noise)| {
        let mut frame = shape.frame();
        let mut header = shape.gso_header(&frame, size);
        for (what, value, delta) in noise {
            let moved = |offset: u16| offset.wrapping_add_signed(delta);
            match what {
                0 => header.flags = value as u8,
                1 => header.gso_type = value as u8,
                2 => header.gso_size = value,
                3 => header.csum_start = moved(header.csum_start),
                4 => header.csum_offset = moved(header.csum_offset),
                5 => header.outer_th_offset = moved(header.outer_th_offset),
                6 => header.inner_nh_offset = moved(header.inner_nh_offset),
                7 => header.flags ^= flag::UDP_TUNNEL_CSUM,
                8 => header.flags ^= flag::NEEDS_CSUM,
                9 => header.gso_type ^= gso::ECN,
                10 => frame.bytes.truncate(usize::from(value) % 256),
                _ => {
                    let at = usize::from(value) % 128;
                    if let Some(byte) = frame.bytes.get_mut(at) {
                        *byte ^= 1 << (at % 8);
                    }
                }
            }
        }
        (frame, header)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_header_and_frame(header in any_header(), frame: Vec<u8>, caps in caps()) {
        check_and_compare(&header, &frame, &caps);
    }

    #[test]
    fn nearly_right_header_and_frame((frame, header) in nearly_right(), caps in caps()) {
        check_and_compare(&header, &frame.bytes, &caps);
    }

    /// What a device sends that keeps to the rules is taken, and all headers are linear.
    #[test]
    fn right_header_and_frame(shape in shape(), size in 64..2000u16, outer_csum: bool) {
        let frame = shape.frame();
        let mut header = shape.gso_header(&frame, size);
        if outer_csum && shape.outer.is_some() {
            header.flags |= flag::UDP_TUNNEL_CSUM;
        }
        let len = frame.bytes.len() as u32;
        let head = head(&header, &frame.bytes, &ALL);
        prop_assert_eq!(head.len(), frame.payload);
        let meta = check(&header, len, head, &ALL);
        let segmented = frame.bytes.len() - frame.transport - shape.protocol.min_header() as usize;
        if segmented > size.into() {
            let gso = meta.map(|meta| meta.gso.map(|gso| gso.size));
            prop_assert_eq!(gso, Ok(Some(size)));
        } else if !outer_csum || shape.outer.is_none() {
            prop_assert_eq!(meta.map(|meta| meta.gso), Ok(None));
        }
    }

    /// The same without segmentation.
    #[test]
    fn right_header_without_segmentation(shape in shape()) {
        let frame = shape.frame();
        let header = Header {
            gso_type: gso::NONE,
            gso_size: 0,
            ..shape.gso_header(&frame, 0)
        };
        let head = head(&header, &frame.bytes, &ALL);
        prop_assert_eq!(head.len(), frame.payload);
        let meta = check(&header, frame.bytes.len() as u32, head, &ALL);
        let csum = RxCsum::Partial {
            start: header.csum_start,
            offset: header.csum_offset,
        };
        prop_assert_eq!(meta.map(|meta| meta.csum), Ok(csum));
    }
}
