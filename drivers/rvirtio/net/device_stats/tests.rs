// SPDX-License-Identifier: GPL-2.0

use super::*;

fn known(bits: u64) -> Known {
    let known = Known::default();
    known.set(bits.to_le_bytes());
    known
}

fn reply(number: u8, queue: u16, size: u16, numbers: &[u64]) -> Vec<u8> {
    let mut bytes = vec![number, 0xff];
    bytes.extend(queue.to_le_bytes());
    bytes.extend([0xff; 2]);
    bytes.extend(size.to_le_bytes());
    numbers.iter().for_each(|n| bytes.extend(n.to_le_bytes()));
    bytes
}

/// Takes a reply of a device with one pair.
fn taken(reply: &[u8]) -> (bool, [Counted; 3]) {
    let counted: [Counted; 3] = Default::default();
    let good = take(reply, |index| {
        let counted = counted.get(usize::from(index))?;
        Some((side_of(index, 2).0, counted))
    });
    (good, counted)
}

/// What is shown does not change, and only what a device has said since its last reset is asked for.
#[test]
fn types_may_be_others_after_a_reset() {
    let mut bytes = [0; 16];
    for (first, then, asked) in [(0, 1, 0), (1, 0, 0), (3, 6, 2), (3, 3, 3)] {
        let types = known(first);
        types.set(u64::to_le_bytes(then));
        assert_eq!(types.has(Side::Rx, "bytes"), first & 1 != 0);
        let (len, _) = types.request(Side::Rx, 0, &mut bytes);
        assert_eq!(len != 0, asked != 0);
        if asked != 0 {
            assert_eq!(bytes[8..], u64::to_le_bytes(asked));
        }
    }
}

/// covers: NETX-07 NETX-08 NETX-09
#[test]
fn requests_are_for_what_the_device_has_of_the_queue() {
    let mut bytes = [0xff; 20];
    let all = known(u64::MAX);
    for (side, queue, bits, len) in [
        (Side::Rx, 4, 0xf_u64, 56 + 40 + 40 + 24),
        (Side::Tx, 5, 0xf_0000, 56 + 24 + 56 + 24),
        (Side::Control, 6, 1 << 32, 24),
    ] {
        assert_eq!(all.request(side, queue, &mut bytes), (16, len));
        assert_eq!(bytes[..8], [queue as u8, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[8..16], bits.to_le_bytes());
        assert_eq!(bytes[16..], [0xff; 4]);
        assert_eq!(all.request(side, queue, &mut bytes[..15]), (0, 0));
    }
    let some = known(1 | 1 << 17);
    assert_eq!(some.request(Side::Rx, 0, &mut bytes), (16, 56));
    assert_eq!(bytes[8..16], [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(some.request(Side::Tx, 1, &mut bytes), (16, 24));
    assert_eq!(bytes[8..16], [0, 0, 2, 0, 0, 0, 0, 0]);
    assert_eq!(some.request(Side::Control, 2, &mut bytes), (0, 0));
    assert!(some.has(Side::Rx, "bytes") && !some.has(Side::Rx, "csum_bad"));
    assert!(some.has(Side::Tx, "csum_none") && !some.has(Side::Tx, "bytes"));
    assert!(!some.has(Side::Rx, "no such name"));
}

#[test]
fn numbers_are_those_of_the_reply() {
    let mut all = reply(0, 0, 56, &[1, 2, 3, 4, 5, 6]);
    all.extend(reply(3, 0, 24, &[7, 8]));
    // With a number that is not known.
    all.extend(reply(17, 1, 32, &[9, 10, 11]));
    all.extend(reply(32, 2, 24, &[12, 13]));
    let (good, [rx, tx, control]) = taken(&all);
    assert!(good);
    for (name, value) in [
        ("notifications", 1),
        ("packets", 2),
        ("bytes", 3),
        ("interrupts", 4),
        ("drops", 5),
        ("drop_overruns", 6),
        ("ratelimit_packets", 7),
        ("ratelimit_bytes", 8),
        ("csum_valid", 0),
    ] {
        assert_eq!(rx.get(Side::Rx, name), value);
    }
    assert_eq!(tx.get(Side::Tx, "csum_none"), 9);
    assert_eq!(tx.get(Side::Tx, "needs_csum"), 10);
    assert_eq!(tx.get(Side::Tx, "gso_packets"), 0);
    assert_eq!(control.get(Side::Control, "ok_num"), 13);
    assert!(taken(&[]).0);
}

/// Whatever a device writes: nothing is taken of a reply that is not one.
#[test]
fn odd_replies_are_none() {
    let good = reply(1, 0, 40, &[1, 2, 3, 4]);
    assert!(taken(&good).0);
    for bad in [
        // Cut off, or with too much.
        good[..39].to_vec(),
        good[..7].to_vec(),
        [&good[..], &[0]].concat(),
        // Sizes that are too small, odd, or too large.
        reply(1, 0, 0, &[1, 2, 3, 4]),
        reply(1, 0, 7, &[1, 2, 3, 4]),
        reply(1, 0, 8, &[]),
        reply(1, 0, 32, &[1, 2, 3]),
        [reply(1, 0, 41, &[1, 2, 3, 4]), vec![0]].concat(),
        reply(1, 0, u16::MAX, &[1, 2, 3, 4]),
        // Types that there are not, or not of this queue.
        reply(4, 0, 40, &[1, 2, 3, 4]),
        reply(16, 0, 56, &[1, 2, 3, 4, 5, 6]),
        reply(255, 0, 40, &[1, 2, 3, 4]),
        // No such queue.
        reply(1, 3, 40, &[1, 2, 3, 4]),
        reply(1, u16::MAX, 40, &[1, 2, 3, 4]),
    ] {
        // After one that would be right.
        let (is_good, [rx, ..]) = taken(&[&good[..], &bad].concat());
        assert!(!is_good, "{bad:?}");
        assert_eq!(rx.get(Side::Rx, "csum_bad"), 0);
    }
}

#[test]
fn sides_are_those_of_the_indices() {
    assert_eq!(side_of(0, 8), (Side::Rx, 0));
    assert_eq!(side_of(7, 8), (Side::Tx, 3));
    assert_eq!(side_of(8, 8), (Side::Control, 4));
}
