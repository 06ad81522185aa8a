// SPDX-License-Identifier: GPL-2.0

//! A split ring's device that breaks the rules, one at a time.
//!
//! It can spoil the data it is trusted with, but it must not make the driver panic, reach outside
//! memory, loop, or take a buffer for returned that is not in the ring.

use ringtest::{
    model::{
        barriers::Hooked,
        split::{area, SharedArea},
    },
    ring::{split::Ring, AddError, Config, Segment, Shadow, Token, UsedBuffer, Violation},
};

type TestArea = SharedArea<Hooked>;
type TestRing = Ring<TestArea, Vec<Shadow>>;

fn ring(size: u16, config: Config) -> (TestArea, TestRing) {
    let area = area(size);
    let shadow = vec![Shadow::default(); size.into()];
    let ring = Ring::new(area.clone(), shadow, config).unwrap();
    (area, ring)
}

fn readable(len: u32) -> [Segment; 1] {
    [Segment { addr: 0x1000, len }]
}

/// Adds `count` buffers with 100 writable bytes and publishes them.
fn publish(ring: &mut TestRing, count: u16) -> Vec<Token> {
    let tokens = (0..count)
        .map(|_| ring.add_chain([], readable(100)).unwrap())
        .collect();
    ring.publish();
    tokens
}

/// Writes element `index` of the used ring and the index after it.
fn use_id(area: &TestArea, index: u16, id: u32, len: u32) {
    let elem = &area.used_ring[usize::from(index) % area.used_ring.len()];
    elem.id.write(id);
    elem.len.write(len);
    area.used_idx.write(index.wrapping_add(1));
}

/// Checks that the ring is of no more use, says why, and gives every buffer back once.
fn assert_broken(mut ring: TestRing, violation: Violation, left: &[Token]) {
    assert_eq!(ring.broken(), Some(violation));
    assert_eq!(ring.pop_used(), Err(violation));
    assert_eq!(ring.add_chain(readable(1), []), Err(AddError::Broken));
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
    for id in [4, 5, 0xffff, 0x1_0000, 0x1_0001, u32::MAX] {
        let (area, mut ring) = ring(4, Config::default());
        let tokens = publish(&mut ring, 4);
        use_id(&area, 0, id, 0);
        let violation = Violation::UsedIdRange { id, size: 4 };
        assert_eq!(ring.pop_used(), Err(violation));
        assert_broken(ring, violation, &tokens);
    }
}

#[test]
fn id_that_was_never_added() {
    let (area, mut ring) = ring(4, Config::default());
    let tokens = publish(&mut ring, 2);
    use_id(&area, 0, 3, 0);
    let violation = Violation::UsedIdNotInFlight { id: 3 };
    assert_eq!(ring.pop_used(), Err(violation));
    assert_broken(ring, violation, &tokens);
}

#[test]
fn id_inside_a_chain() {
    let (area, mut ring) = ring(4, Config::default());
    let token = ring.add_chain(readable(1), readable(2)).unwrap();
    ring.publish();
    use_id(&area, 0, 1, 0);
    let violation = Violation::UsedIdNotInFlight { id: 1 };
    assert_eq!(ring.pop_used(), Err(violation));
    assert_broken(ring, violation, &[token]);
}

#[test]
fn id_used_twice() {
    let (area, mut ring) = ring(4, Config::default());
    let tokens = publish(&mut ring, 3);
    use_id(&area, 0, 1, 0);
    use_id(&area, 1, 1, 0);
    assert!(ring.pop_used().unwrap().is_some());
    let violation = Violation::UsedIdNotInFlight { id: 1 };
    assert_eq!(ring.pop_used(), Err(violation));
    assert_broken(ring, violation, &[tokens[0], tokens[2]]);
}

#[test]
fn index_jumps() {
    for used_idx in [3, 4, 0x8000, 0xffff] {
        let (area, mut ring) = ring(8, Config::default());
        let tokens = publish(&mut ring, 2);
        // Added, but not published: the device cannot have used it.
        let unpublished = ring.add_chain(readable(1), []).unwrap();
        area.used_idx.write(used_idx);
        let violation = Violation::UsedIndex {
            used_idx,
            last_used: 0,
            available: 2,
        };
        assert_eq!(ring.pop_used(), Err(violation));
        assert_broken(ring, violation, &[tokens[0], tokens[1], unpublished]);
    }
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

#[test]
fn index_goes_back() {
    let (area, mut ring) = ring(8, Config::default());
    let tokens = publish(&mut ring, 3);
    use_id(&area, 0, 0, 0);
    use_id(&area, 1, 1, 0);
    assert!(ring.pop_used().unwrap().is_some());
    assert!(ring.pop_used().unwrap().is_some());
    area.used_idx.write(1);
    let violation = Violation::UsedIndex {
        used_idx: 1,
        last_used: 2,
        available: 1,
    };
    assert_eq!(ring.pop_used(), Err(violation));
    assert_broken(ring, violation, &tokens[2..]);
}

/// covers: RING-S-17
#[test]
fn length_is_at_most_what_the_device_may_write() {
    for (reported, written) in [(0, 0), (99, 99), (100, 100), (101, 100), (u32::MAX, 100)] {
        let (area, mut ring) = ring(4, Config::default());
        let token = publish(&mut ring, 1)[0];
        use_id(&area, 0, 0, reported);
        let popped = if reported > 100 { overlong } else { popped };
        assert_eq!(ring.pop_used(), popped(token, written));
    }
    // Nothing is writable.
    let (area, mut ring) = ring(4, Config::default());
    let token = ring.add_chain(readable(100), []).unwrap();
    ring.publish();
    use_id(&area, 0, 0, 100);
    assert_eq!(ring.pop_used(), overlong(token, 0));
}

/// The index is read once for all the buffers that it covers: what the device does with it
/// afterwards, against the rules, does not matter before the next look.
#[test]
fn index_that_was_checked_is_not_read_again() {
    let (area, mut ring) = ring(4, Config::default());
    publish(&mut ring, 2);
    use_id(&area, 0, 0, 0);
    use_id(&area, 1, 1, 0);
    assert!(ring.pop_used().unwrap().is_some());
    area.used_idx.write(0x7777);
    assert!(ring.pop_used().unwrap().is_some());
    assert!(ring.pop_used().is_err());
}

fn in_order() -> Config {
    Config {
        in_order: true,
        ..Config::default()
    }
}

/// covers: RING-O-D1 RING-O-D2
#[test]
fn batch_is_reported_by_its_last_buffer() {
    let (area, mut ring) = ring(4, in_order());
    let tokens = publish(&mut ring, 4);
    use_id(&area, 0, 2, 17);
    area.used_idx.write(3);
    for (token, written) in [(tokens[0], 100), (tokens[1], 100), (tokens[2], 17)] {
        assert_eq!(ring.pop_used(), popped(token, written));
    }
    assert_eq!(ring.pop_used(), Ok(None));
    // The next batch is reported after the whole one before.
    use_id(&area, 3, 3, 1);
    let (token, written) = (tokens[3], 1);
    assert_eq!(ring.pop_used(), popped(token, written));
}

/// covers: RING-O-D3
#[test]
fn in_order_device_names_a_buffer_that_is_not_in_the_ring() {
    for id in [2, 3] {
        let (area, mut ring) = ring(4, in_order());
        let tokens = publish(&mut ring, 2);
        use_id(&area, 0, id, 0);
        let violation = Violation::UsedIdNotInFlight { id: id as u16 };
        assert_eq!(ring.pop_used(), Err(violation));
        assert_broken(ring, violation, &tokens);
    }
}

/// covers: RING-O-D3
#[test]
fn in_order_device_names_an_older_buffer() {
    let (area, mut ring) = ring(4, in_order());
    let tokens = publish(&mut ring, 4);
    use_id(&area, 0, 1, 0);
    area.used_idx.write(2);
    assert!(ring.pop_used().unwrap().is_some());
    assert!(ring.pop_used().unwrap().is_some());
    use_id(&area, 2, 0, 0);
    let violation = Violation::UsedIdNotInFlight { id: 0 };
    assert_eq!(ring.pop_used(), Err(violation));
    assert_broken(ring, violation, &tokens[2..]);
}

/// A batch that reaches past the index is not popped beyond it.
#[test]
fn in_order_batch_ends_at_the_index() {
    let (area, mut ring) = ring(4, in_order());
    publish(&mut ring, 4);
    use_id(&area, 0, 3, 0);
    assert!(ring.pop_used().unwrap().is_some());
    assert_eq!(ring.pop_used(), Ok(None));
    area.used_idx.write(4);
    for _ in 0..3 {
        assert!(ring.pop_used().unwrap().is_some());
    }
    assert_eq!(ring.pop_used(), Ok(None));
}

/// Descriptors are the driver's to remember: what the device writes over them changes nothing.
#[test]
fn descriptors_overwritten_by_the_device() {
    let (area, mut ring) = ring(4, Config::default());
    let a = ring.add_chain(readable(1), readable(100)).unwrap();
    let b = ring.add_chain([], readable(7)).unwrap();
    ring.publish();
    for desc in &area.desc {
        desc.addr.write(u64::MAX);
        desc.len.write(u32::MAX);
        desc.meta.write(u32::MAX);
    }
    for elem in &area.avail_ring {
        elem.write(u16::MAX);
    }
    use_id(&area, 0, a.index().into(), u32::MAX);
    use_id(&area, 1, b.index().into(), u32::MAX);
    assert_eq!(ring.pop_used(), overlong(a, 100));
    assert_eq!(ring.pop_used(), overlong(b, 7));
    assert_eq!(ring.num_free(), 4);
}

#[test]
fn stopped_ring_returns_every_buffer_once() {
    let (area, mut ring) = ring(8, Config::default());
    let tokens = publish(&mut ring, 3);
    let unpublished = ring.add_chain(readable(1), readable(2)).unwrap();
    use_id(&area, 0, 1, 0);
    use_id(&area, 1, 2, 0);
    assert!(ring.pop_used().unwrap().is_some());
    ring.stop();
    assert_eq!(ring.pop_used(), Ok(None));
    assert_eq!(ring.add_chain(readable(1), []), Err(AddError::Broken));
    let detached: Vec<Token> = std::iter::from_fn(|| ring.detach_unused()).collect();
    assert_eq!(detached, [tokens[0], tokens[2], unpublished]);
    assert_eq!(ring.num_free(), 8);

    // The memory serves a new ring.
    drop(ring);
    let shadow = vec![Shadow::default(); area.desc.len()];
    let mut ring: TestRing = Ring::new(area, shadow, Config::default()).unwrap();
    assert_eq!(ring.pop_used(), Ok(None));
    assert_eq!(publish(&mut ring, 8).len(), 8);
}
