// SPDX-License-Identifier: GPL-2.0

//! Frames that come back, drivers that make mistakes, and commands.

use super::{
    header::{Header, NEEDS_CSUM, TCPV4, UDP_L4},
    packet::{Fate, Layout, Protocol},
    receive::Frame,
    stats::Counters,
    *,
};
use crate::spec::net::{CSUM, GUEST_CSUM, GUEST_TSO4, HOST_TSO4};

const GUEST: [u8; 6] = [0x52, 0x54, 0, 1, 2, 3];

/// A frame with TCP or UDP over IPv4, all of whose checksums are right.
fn frame(protocol: Protocol, payload: usize) -> Vec<u8> {
    let (number, len) = if protocol == Protocol::Tcp { (6, 20) } else { (17, 8) };
    let mut frame = [&packet::FAR[..], &GUEST, &[8, 0, 0x45, 0]].concat();
    frame.extend(((20 + len + payload) as u16).to_be_bytes());
    frame.extend([0, 7, 0, 0, 64, number, 0, 0, 10, 77, 0, 2, 10, 77, 0, 3]);
    let sum = packet::checksum(&frame[14..34], 0);
    packet::put(&mut frame, 24, sum);
    frame.resize(34 + len + payload, 0x5a);
    if protocol == Protocol::Tcp {
        frame[46] = 5 << 4;
    } else {
        packet::put(&mut frame, 38, (8 + payload) as u16);
    }
    let (ip, transport) = Layout::of(&frame).transport().unwrap();
    let at = 34 + protocol.csum();
    let pseudo = packet::pseudo(&frame, ip, transport, len + payload);
    packet::put(&mut frame, at, pseudo);
    let end = frame.len();
    packet::complete(&mut frame, 34, end, at, Some(protocol));
    frame
}

/// The same with the sum of the pseudo-header only.
fn partial(protocol: Protocol, payload: usize) -> Vec<u8> {
    let mut frame = frame(protocol, payload);
    let (ip, transport) = Layout::of(&frame).transport().unwrap();
    let pseudo = packet::pseudo(&frame, ip, transport, ip.end - 34);
    packet::put(&mut frame, 34 + protocol.csum(), pseudo);
    frame
}

/// Which requirements a header violates with these features.
fn breaches(header: Header, frame: &[u8], features: u128) -> Vec<String> {
    let mut findings = Findings::default();
    header.check(frame, features, Some(1500), &mut findings);
    findings.lines().iter().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
}

fn segmented(payload: usize) -> (Header, Vec<u8>) {
    let header = Header {
        flags: NEEDS_CSUM,
        gso_type: TCPV4,
        hdr_len: 54,
        gso_size: 1000,
        csum_start: 34,
        csum_offset: 16,
        num_buffers: 0,
    };
    (header, partial(Protocol::Tcp, payload))
}

#[test]
fn headers_are_judged_by_what_was_negotiated() {
    let plain = Header::default();
    let whole = frame(Protocol::Udp, 100);
    assert!(breaches(plain, &whole, 0).is_empty());
    assert_eq!(breaches(plain, &partial(Protocol::Udp, 100), 0), ["NET-18"]);
    assert_eq!(breaches(Header { num_buffers: 1, ..plain }, &whole, 0), ["NET-16"]);
    assert_eq!(breaches(Header { flags: 2, ..plain }, &whole, 1), ["NET-52"]);
    assert_eq!(breaches(plain, &frame(Protocol::Udp, 1473), 1 << 3), ["NET-09"]);
    let mut bad = whole.clone();
    bad[18] ^= 1;
    assert_eq!(breaches(plain, &bad, 0), ["NET-40"]);

    let (header, tso) = segmented(3000);
    let all = 1 << CSUM | 1 << HOST_TSO4;
    assert!(breaches(header, &tso, all).is_empty());
    assert_eq!(breaches(header, &tso, 0), ["NET-17", "NET-21", "NET-43"]);
    assert_eq!(breaches(Header { gso_size: 0, ..header }, &tso, all), ["NET-45"]);
    assert_eq!(breaches(Header { hdr_len: 20, ..header }, &tso, all), ["NET-47"]);
    assert_eq!(breaches(Header { hdr_len: 55, ..header }, &tso, all | 1 << 59), ["NET-46"]);
    assert_eq!(breaches(Header { csum_start: 30, ..header }, &tso, all), ["NET-42"]);
    assert_eq!(breaches(Header { csum_start: 0xffff, ..header }, &tso, all), ["NET-42"]);
    assert_eq!(breaches(header, &frame(Protocol::Tcp, 3000), all), ["NET-41"]);
    assert_eq!(breaches(Header { flags: 0, ..header }, &frame(Protocol::Tcp, 3000), all), ["NET-44"]);
    assert_eq!(breaches(Header { gso_type: UDP_L4, ..header }, &tso, all), ["NET-27"]);
}

#[test]
fn frames_come_back_as_the_driver_takes_them() {
    let (header, mut tso) = segmented(2500);
    let layout = Layout::of(&tso);
    assert_eq!(packet::turn(&mut tso, &layout), Fate::Returns);
    assert_eq!((&tso[..6], &tso[26..34]), (&GUEST[..], &[10, 77, 0, 3, 10, 77, 0, 2][..]));
    let mut control = Control::new(GUEST);
    let mut sent_with = |features: u128| {
        control.negotiated(features);
        receive::as_agreed(header, tso.clone(), &layout, &control)
    };
    let whole = sent_with(1 << GUEST_CSUM | 1 << GUEST_TSO4);
    assert_eq!((whole.len(), whole[0].header), (1, Header { num_buffers: 1, ..header }));
    let segments = sent_with(0);
    assert_eq!(segments.iter().map(|one| one.bytes.len()).collect::<Vec<_>>(), [1054, 1054, 554]);
    for segment in &segments {
        assert!(breaches(Header::default(), &segment.bytes, 0).is_empty());
    }
    assert_eq!(segments[1].bytes[38..42], [0x5a5a_5a5a_u32 + 1000].map(u32::to_be_bytes).concat());
}

#[test]
fn frames_are_spread_over_buffers() {
    let mut counters = Counters::default();
    let mut waiting = Waiting::default();
    let one = || Frame { header: Header::default(), bytes: vec![7; 100], report: None };
    waiting.push(one(), &mut counters);
    assert!(waiting.pieces(&[50, 50], false, true, 12, &mut counters).is_empty());
    waiting.push(one(), &mut counters);
    let pieces = waiting.pieces(&[50, 50, 50, 112, 50], true, true, 12, &mut counters);
    assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 12, 112]);
    assert_eq!((pieces[0][10], pieces[1][0], pieces[3][10]), (3, 7, 1));
    assert_eq!(counters.basic(basic::DROPS), 0);
    // What cannot fit is dropped, when there is not going to be more room.
    waiting.push(one(), &mut counters);
    assert!(waiting.pieces(&[50, 112], true, false, 12, &mut counters).is_empty());
    assert_eq!((counters.basic(basic::PACKETS), counters.basic(basic::DROPS)), (2, 1));
}

#[test]
fn commands_set_what_they_name() {
    let mut queues = Queues::new(2);
    let mut control = Control::new(GUEST);
    let features = u128::from(u64::MAX);
    control.negotiated(features);
    queues.negotiated(features);
    (0..4).for_each(|queue| queues.enabled(queue, Some(256)));
    let mut run = |bytes: &[u8]| control.command(bytes, 1000, &mut queues).map_err(|breach| breach.id);
    assert_eq!(run(&[0, 0, 1]), Ok(vec![]));
    assert_eq!(run(&[0, 0, 2]), Err("NET-D4"));
    assert_eq!(run(&[1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Ok(vec![]));
    assert_eq!(run(&[1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0]), Err("NET-75"));
    assert_eq!(run(&[1, 0, 9, 0, 0, 0]), Err("NET-75"));
    assert_eq!(run(&[4, 0, 2, 0]), Ok(vec![]));
    assert_eq!(run(&[4, 0, 3, 0]), Err("NET-80"));
    assert_eq!(run(&[3, 0]), Err("NET-78"));
    assert_eq!(run(&[5, 0, 1, 0, 0, 0, 0, 0, 0, 0]), Err("NET-88"));
    // The last one counts, whether it was for all or for one queue.
    let coalescing = |head: &[u8], packets: u8| [head, &[packets, 0, 0, 0, 9, 0, 0, 0]].concat();
    assert_eq!(run(&coalescing(&[6, 1], 5)), Ok(vec![]));
    assert_eq!(run(&coalescing(&[6, 2, 2, 0, 0, 0], 6)), Ok(vec![]));
    assert_eq!(run(&[6, 3, 0, 0, 0, 0]), Ok(vec![5, 0, 0, 0, 9, 0, 0, 0]));
    assert_eq!(run(&[6, 3, 2, 0, 0, 0]), Ok(vec![6, 0, 0, 0, 9, 0, 0, 0]));
    assert_eq!(run(&[6, 3, 1, 0, 0, 0]), Ok(vec![0; 8]));
    assert_eq!(run(&[6, 3, 4, 0, 0, 0]), Err("NET-89"));
    assert_eq!(run(&[9, 0]), Err("NET-D4"));
    // A table of two for two pairs, with a key of one byte.
    assert_eq!(run(&[4, 1, 63, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 7]), Ok(vec![]));
    assert_eq!(run(&[4, 1, 63, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 2, 0, 1, 7]), Err("NET-84"));
    queues.enabled(2, Some(256));
    assert_eq!(queues.coalescing(2), queues.coalescing(0));
    control.negotiated(1 << 17 | 1 << 52);
    let mut run = |bytes: &[u8]| control.command(bytes, 1000, &mut queues).map_err(|breach| breach.id);
    assert_eq!(run(&[0, 0, 1]), Err("NET-71"));
    assert_eq!(run(&coalescing(&[6, 1], 5)), Err("NET-90"));
}

#[test]
fn statistics_are_those_of_the_queue() {
    let mut queues = Queues::new(1);
    let mut control = Control::new(GUEST);
    let features = 1 << 17 | 1 << 50;
    control.negotiated(features);
    queues.negotiated(features);
    queues.counters[1].add(BASIC, basic::PACKETS, 3);
    let mut get = |queue: u8, types: u64, room| {
        let data = [&[8, 1, queue, 0, 0, 0, 0, 0, 0, 0][..], &types.to_le_bytes()].concat();
        control.command(&data, room, &mut queues).map_err(|breach| breach.id)
    };
    assert_eq!(get(1, 1 << 16, 100), Err("NETX-07"));
    control.command(&[8, 0], 8, &mut Queues::new(1)).unwrap();
    let mut get = |queue: u8, types: u64, room| {
        let data = [&[8, 1, queue, 0, 0, 0, 0, 0, 0, 0][..], &types.to_le_bytes()].concat();
        control.command(&data, room, &mut queues).map_err(|breach| breach.id)
    };
    let answer = get(1, 1 << 16, 100).unwrap();
    assert_eq!((&answer[..8], answer.len()), (&[16, 0, 1, 0, 0, 0, 56, 0][..], 56));
    assert_eq!(answer[16], 3);
    assert_eq!(get(2, 1 << 32, 100).unwrap()[..8], [32, 0, 2, 0, 0, 0, 24, 0]);
    assert_eq!(get(0, 1 << 16, 100), Err("NETX-08"));
    assert_eq!(get(3, 1, 100), Err("NETX-08"));
    assert_eq!(get(0, 2, 100), Err("NETX-07"));
    assert_eq!(get(0, 1, 7), Err("NETX-09"));
}

#[test]
fn hashes_are_those_of_others() {
    // The example of the specification that this hash comes from.
    let key = [
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0,
        0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42,
        0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
    ];
    let mut steering = steer::Steering::default();
    steering.hash(&[&[63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40][..], &key].concat()).unwrap();
    let mut frame = frame(Protocol::Tcp, 0);
    frame[26..34].copy_from_slice(&[66, 9, 149, 187, 161, 142, 100, 80]);
    packet::put(&mut frame, 34, 2794);
    packet::put(&mut frame, 36, 1766);
    assert_eq!(steering.report(&frame, &Layout::of(&frame)), Some((0x51cc_c178, 2)));
}
