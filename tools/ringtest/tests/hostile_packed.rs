// SPDX-License-Identifier: GPL-2.0

//! A packed ring's device that breaks the rules, one at a time.

use ringtest::{
    model::{
        barriers::Hooked,
        packed::{area, SharedArea},
    },
    ring::{packed::Ring, AddError, Config, Segment, Shadow, Token, UsedBuffer, Violation},
};

type TestArea = SharedArea<Hooked>;
type TestRing = Ring<TestArea, Vec<Shadow>>;

/// Flags of a used descriptor in the first lap.
const USED: u32 = 1 << 7 | 1 << 15;

fn ring(size: u16, config: Config) -> (TestArea, TestRing) {
    let area = area(size);
    let shadow = vec![Shadow::default(); size.into()];
    let ring = Ring::new(area.clone(), shadow, config).unwrap();
    (area, ring)
}

fn in_order() -> Config {
    Config {
        in_order: true,
        ..Config::default()
    }
}

fn segment(len: u32) -> [Segment; 1] {
    [Segment { addr: 0x1000, len }]
}

/// Adds `count` buffers with 100 writable bytes and publishes them.
fn publish(ring: &mut TestRing, count: u16) -> Vec<Token> {
    let tokens = (0..count)
        .map(|_| ring.add_chain([], segment(100)).unwrap())
        .collect();
    ring.publish();
    tokens
}

/// Writes a descriptor with `flags`.
fn write(area: &TestArea, slot: usize, id: u16, len: u32, flags: u32) {
    area.desc[slot].len.write(len);
    area.desc[slot].meta.write(u32::from(id) | flags << 16);
}

fn popped(token: Token, written: u32) -> Result<Option<UsedBuffer>, Violation> {
    Ok(Some(UsedBuffer {
        token,
        written,
        overlong: false,
    }))
}

fn overlong(token: Token, written: u32) -> Result<Option<UsedBuffer>, Violation> {
    Ok(Some(UsedBuffer {
        token,
        written,
        overlong: true,
    }))
}

/// Checks that the ring is of no more use, says why, and gives every buffer back once.
fn assert_broken(mut ring: TestRing, violation: Violation, left: &[Token]) {
    assert_eq!(ring.pop_used(), Err(violation));
    assert_eq!(ring.pop_used(), Err(violation));
    assert_eq!(ring.broken(), Some(violation));
    assert_eq!(ring.add_chain(segment(1), []), Err(AddError::Broken));
    let mut detached: Vec<u16> = std::iter::from_fn(|| ring.detach_unused())
        .map(Token::index)
        .collect();
    detached.sort_unstable();
    let mut left: Vec<u16> = left.iter().map(|token| token.index()).collect();
    left.sort_unstable();
    assert_eq!(detached, left);
    assert_eq!(ring.in_flight(), 0);
    assert_eq!(ring.num_free(), ring.size());
    assert_eq!(ring.broken(), Some(violation), "the reason is kept");
}

#[test]
fn id_out_of_range() {
    for id in [5, 6, 0x7fff, 0xffff] {
        let (area, mut ring) = ring(5, Config::default());
        let tokens = publish(&mut ring, 5);
        write(&area, 0, id, 0, USED);
        let violation = Violation::UsedIdRange {
            id: id.into(),
            size: 5,
        };
        assert_broken(ring, violation, &tokens);
    }
}

#[test]
fn id_that_is_not_in_the_ring() {
    for config in [Config::default(), in_order()] {
        let (area, mut ring) = ring(5, config);
        let tokens = publish(&mut ring, 2);
        write(&area, 0, 2, 0, USED);
        assert_broken(ring, Violation::UsedIdNotInFlight { id: 2 }, &tokens);
    }
}

#[test]
fn id_used_twice() {
    for config in [Config::default(), in_order()] {
        let (area, mut ring) = ring(5, config);
        let tokens = publish(&mut ring, 3);
        write(&area, 0, 0, 0, USED);
        write(&area, 1, 0, 0, USED);
        assert!(ring.pop_used().unwrap().is_some());
        assert_broken(ring, Violation::UsedIdNotInFlight { id: 0 }, &tokens[1..]);
    }
}

/// A descriptor that was not made available cannot be used.
#[test]
fn used_without_being_available() {
    let (area, ring) = ring(5, Config::default());
    write(&area, 0, 0, 0, USED);
    assert_broken(ring, Violation::UsedIdNotInFlight { id: 0 }, &[]);
}

#[test]
fn used_before_it_is_published() {
    for config in [Config::default(), in_order()] {
        let (area, mut ring) = ring(5, config);
        let token = ring.add_chain(segment(1), []).unwrap();
        write(&area, 0, token.index(), 0, USED);
        assert_broken(ring, Violation::UsedIdNotInFlight { id: 0 }, &[token]);
    }
}

/// covers: RING-N-D5
#[test]
fn flags_of_the_other_lap_are_not_used() {
    let (area, mut ring) = ring(5, Config::default());
    let token = publish(&mut ring, 1)[0];
    for flags in [0, 1 << 7, 1 << 15, !USED & 0xffff] {
        write(&area, 0, 0, 0, flags);
        assert_eq!(ring.pop_used(), Ok(None), "flags {flags:#x}");
    }
    write(&area, 0, 0, 0, USED);
    assert_eq!(ring.pop_used(), popped(token, 0));

    // In the second lap it is the other way round.
    for slot in 1..5 {
        publish(&mut ring, 1);
        write(&area, slot, 0, 0, USED);
        assert!(ring.pop_used().unwrap().is_some());
    }
    publish(&mut ring, 1);
    write(&area, 0, 0, 0, USED);
    assert_eq!(ring.pop_used(), Ok(None));
    write(&area, 0, 0, 0, 0);
    assert_eq!(ring.pop_used(), popped(token, 0));
}

/// covers: RING-N-D7
#[test]
fn next_flag_and_reserved_flags_of_a_used_descriptor_are_ignored() {
    let (area, mut ring) = ring(5, Config::default());
    let tokens = publish(&mut ring, 2);
    write(&area, 0, 0, 7, USED | 1);
    write(&area, 1, 1, 7, 0xffff);
    assert_eq!(ring.pop_used(), popped(tokens[0], 7));
    assert_eq!(ring.pop_used(), popped(tokens[1], 7));
}

#[test]
fn length_is_at_most_what_the_device_may_write() {
    for (reported, written) in [(0, 0), (99, 99), (100, 100), (101, 100), (u32::MAX, 100)] {
        let popped = if reported > 100 { overlong } else { popped };
        let (area, mut ring) = ring(3, Config::default());
        let token = publish(&mut ring, 1)[0];
        write(&area, 0, 0, reported, USED);
        assert_eq!(ring.pop_used(), popped(token, written));
    }
    let (area, mut ring) = ring(3, Config::default());
    let token = ring.add_chain(segment(100), []).unwrap();
    ring.publish();
    write(&area, 0, 0, 100, USED);
    assert_eq!(ring.pop_used(), overlong(token, 0));
}

/// covers: RING-O-D4
#[test]
fn batch_is_reported_by_its_last_buffer() {
    let (area, mut ring) = ring(5, in_order());
    let a = ring.add_chain(segment(1), segment(100)).unwrap();
    let b = ring.add_chain([], segment(50)).unwrap();
    let c = ring.add_chain(segment(1), segment(20)).unwrap();
    ring.publish();
    write(&area, 0, b.index(), 9, USED);
    assert_eq!(ring.pop_used(), popped(a, 100));
    assert_eq!(ring.pop_used(), popped(b, 9));
    assert_eq!(ring.pop_used(), Ok(None));
    // After the three descriptors of the batch.
    write(&area, 3, c.index(), 3, USED);
    assert_eq!(ring.pop_used(), popped(c, 3));
}

#[test]
fn descriptors_overwritten_by_the_device() {
    let (area, mut ring) = ring(5, Config::default());
    let a = ring.add_chain(segment(1), segment(100)).unwrap();
    let b = ring.add_chain([], segment(7)).unwrap();
    ring.publish();
    for slot in 0..5 {
        area.desc[slot].addr.write(u64::MAX);
        write(&area, slot, 0xffff, u32::MAX, 0x7f7f);
    }
    write(&area, 0, b.index(), u32::MAX, USED);
    assert_eq!(ring.pop_used(), overlong(b, 7));
    write(&area, 1, a.index(), u32::MAX, USED);
    assert_eq!(ring.pop_used(), overlong(a, 100));
    assert_eq!(ring.num_free(), 5);
}

/// covers: RING-N-D9
#[test]
fn event_flags_that_mean_nothing_count_as_enabled() {
    for flags in [0, 2, 3, 4, 0xfffc] {
        let (area, mut ring) = ring(5, Config::default());
        // Without an event index the position does not count.
        area.device_event.write(4 | flags << 16);
        publish(&mut ring, 1);
        assert!(ring.kick_prepare(), "flags {flags:#x}");
    }
    let (area, mut ring) = ring(5, Config::default());
    area.device_event.write(0xfffd << 16);
    publish(&mut ring, 1);
    assert!(!ring.kick_prepare(), "disabled, and reserved bits");
}

#[test]
fn stopped_ring_returns_every_buffer_once() {
    let (area, mut ring) = ring(7, Config::default());
    let tokens = publish(&mut ring, 3);
    let unpublished = ring.add_chain(segment(1), segment(2)).unwrap();
    write(&area, 0, 1, 0, USED);
    write(&area, 1, 2, 0, USED);
    assert!(ring.pop_used().unwrap().is_some());
    ring.stop();
    assert_eq!(ring.pop_used(), Ok(None));
    assert_eq!(ring.add_chain(segment(1), []), Err(AddError::Broken));
    let detached: Vec<Token> = std::iter::from_fn(|| ring.detach_unused()).collect();
    assert_eq!(detached, [tokens[0], tokens[2], unpublished]);
    assert_eq!(ring.num_free(), 7);

    // The memory serves a new ring.
    drop(ring);
    let shadow = vec![Shadow::default(); area.desc.len()];
    let mut ring: TestRing = Ring::new(area, shadow, Config::default()).unwrap();
    assert_eq!(ring.pop_used(), Ok(None));
    assert_eq!(publish(&mut ring, 7).len(), 7);
}
