// SPDX-License-Identifier: GPL-2.0

//! What the packed ring has written and read when it calls a barrier.
//!
//! As for the split ring: the hook of a barrier looks at memory, or acts as the device, at that
//! very moment.

use ringtest::{
    model::{
        barriers::{Barrier, Hooked},
        packed::{area, SharedArea},
    },
    ring::{packed::Ring, AddError, Arm, Config, More, Segment, Shadow, Token},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

type TestArea = SharedArea<Hooked>;
type TestRing = Ring<TestArea, Vec<Shadow>>;

const AVAIL: u32 = 1 << 7;
const USED: u32 = 1 << 15;
/// An event at a descriptor of the first lap.
const EVENT: u32 = 2 << 16 | 1 << 15;

fn ring(event_idx: bool) -> (TestArea, TestRing) {
    ring_of(
        5,
        Config {
            event_idx,
            ..Config::default()
        },
    )
}

fn ring_of(size: u16, config: Config) -> (TestArea, TestRing) {
    let area = area(size);
    let shadow = vec![Shadow::default(); size.into()];
    let ring = Ring::new(area.clone(), shadow, config).unwrap();
    (area, ring)
}

fn reserve_one() -> Config {
    Config {
        reserve_one: true,
        ..Config::default()
    }
}

fn segment(addr: u64) -> Segment {
    Segment { addr, len: 512 }
}

fn flags(area: &TestArea, slot: usize) -> u32 {
    area.desc[slot].meta.read() >> 16
}

/// Uses a buffer of one descriptor in the first lap.
fn use_buffer(area: &TestArea, slot: usize, token: Token, len: u32) {
    area.desc[slot].len.write(len);
    area.desc[slot]
        .meta
        .write(u32::from(token.index()) | (AVAIL | USED) << 16);
}

/// covers: RING-P-11 RING-P-16
#[test]
fn first_descriptor_becomes_available_last() {
    let (area, mut ring) = ring(false);
    ring.add_chain([segment(0x1000), segment(0x2000)], [])
        .unwrap();
    ring.add_chain([], [segment(0x3000)]).unwrap();
    assert_eq!(flags(&area, 0), 0, "adding publishes nothing");

    let log = Rc::new(RefCell::new(Vec::new()));
    let (entries, memory) = (Rc::clone(&log), area.clone());
    area.barriers.set(move |barrier| {
        let flags = [0, 1, 2].map(|slot| flags(&memory, slot));
        let addrs = [0, 1, 2].map(|slot| memory.desc[slot].addr.read());
        entries.borrow_mut().push((barrier, flags, addrs));
    });
    ring.publish();
    area.barriers.clear();
    assert_eq!(
        log.take(),
        [(
            Barrier::Write,
            [0, AVAIL, AVAIL | 2],
            [0x1000, 0x2000, 0x3000]
        )]
    );
    assert_eq!(flags(&area, 0), AVAIL | 1);
}

/// A list that does not fit leaves no descriptor available.
///
/// covers: RING-P-09 RING-P-10 RING-P-11
#[test]
fn list_that_does_not_fit_leaves_no_trace() {
    let (area, mut ring) = ring(false);
    ring.add_chain([segment(0x1000)], []).unwrap();
    let long = [segment(0x1000); 5];
    assert_eq!(ring.add_chain(long, []), Err(AddError::Full));
    assert_eq!(
        ring.add_chain([segment(1); 2], [segment(2), Segment { addr: 0, len: 0 }]),
        Err(AddError::Empty)
    );
    ring.publish();
    let flags: Vec<u32> = (0..5).map(|slot| flags(&area, slot)).collect();
    assert_eq!(flags, [AVAIL, 0, 0, 0, 0]);
}

/// covers: RING-P-17
#[test]
fn full_barrier_is_between_the_descriptor_and_the_devices_event() {
    for event_idx in [false, true] {
        let (area, mut ring) = ring(event_idx);
        ring.add_chain([segment(0x1000)], []).unwrap();
        // The device wants no notification, until the moment of the full barrier.
        area.device_event.write(1 << 16);
        let memory = area.clone();
        let seen = Rc::new(Cell::new(None));
        let available = Rc::clone(&seen);
        area.barriers.set(move |barrier| {
            if barrier == Barrier::Full {
                available.set(Some(flags(&memory, 0)));
                memory.device_event.write(if event_idx { EVENT } else { 0 });
            }
        });
        assert!(ring.kick_prepare(), "the event was read before the barrier");
        assert_eq!(seen.get(), Some(AVAIL));
        area.barriers.clear();
    }
}

#[test]
fn length_is_read_after_the_barrier() {
    let (area, mut ring) = ring(false);
    let a = ring.add_chain([], [segment(0x1000)]).unwrap();
    ring.publish();
    use_buffer(&area, 0, a, 0);
    let memory = area.clone();
    area.barriers.set(move |barrier| {
        // What the device has written before the flags becomes visible only now.
        assert_eq!(barrier, Barrier::Read);
        memory.desc[0].len.write(77);
    });
    let used = ring.pop_used().unwrap().unwrap();
    assert_eq!((used.token, used.written), (a, 77));
    area.barriers.clear();
}

/// covers: RING-N-D10
#[test]
fn buffer_used_while_callbacks_are_enabled_is_not_missed() {
    for event_idx in [false, true] {
        let (area, mut ring) = ring(event_idx);
        ring.disable_cb();
        let a = ring.add_chain([segment(0x1000)], []).unwrap();
        ring.publish();
        assert_eq!(ring.pop_used(), Ok(None));
        assert_eq!(area.driver_event.read(), 1 << 16, "disabled");
        // The device uses the buffer just before it can see that it is to call.
        let memory = area.clone();
        area.barriers.set(move |barrier| {
            assert_eq!(barrier, Barrier::Full);
            let expected = if event_idx { EVENT } else { 0 };
            assert_eq!(memory.driver_event.read(), expected);
            use_buffer(&memory, 0, a, 0);
        });
        assert_eq!(ring.arm(Arm::Next), More::Pending);
        area.barriers.clear();
    }
}

/// With callbacks enabled a caller that pops until nothing is left needs no further check.
#[test]
fn buffer_used_while_the_last_one_is_popped_is_not_missed() {
    let (area, mut ring) = ring(true);
    let a = ring.add_chain([segment(0x1000)], []).unwrap();
    let b = ring.add_chain([segment(0x2000)], []).unwrap();
    ring.publish();
    use_buffer(&area, 0, a, 0);
    let memory = area.clone();
    area.barriers.set(move |barrier| {
        if barrier == Barrier::Full && flags(&memory, 1) & USED == 0 {
            assert_eq!(memory.driver_event.read(), EVENT | 1);
            use_buffer(&memory, 1, b, 0);
        }
    });
    assert_eq!(ring.pop_used().unwrap().map(|used| used.token), Some(a));
    assert_eq!(ring.pop_used().unwrap().map(|used| used.token), Some(b));
    area.barriers.clear();
}

/// A batch costs one barrier each way, however many buffers are in it.
#[test]
fn barriers_are_per_batch() {
    let (area, mut ring) = ring(true);
    let log = Rc::new(RefCell::new(Vec::new()));
    let entries = Rc::clone(&log);
    area.barriers
        .set(move |barrier| entries.borrow_mut().push(barrier));
    let tokens: Vec<Token> = (0..5)
        .map(|_| ring.add_chain([segment(1)], []).unwrap())
        .collect();
    ring.kick_prepare();
    assert_eq!(log.take(), [Barrier::Write, Barrier::Full]);

    for (slot, token) in tokens.iter().enumerate() {
        use_buffer(&area, slot, *token, 0);
    }
    while ring.pop_used().unwrap().is_some() {}
    let mut expected = vec![Barrier::Read; 5];
    expected.push(Barrier::Full);
    assert_eq!(log.take(), expected);
    area.barriers.clear();
}

/// A later callback stays armed until something is popped.
#[test]
fn later_callback_stays_armed_while_nothing_is_popped() {
    let (area, mut ring) = ring(true);
    let tokens: Vec<Token> = (0..4)
        .map(|_| ring.add_chain([segment(1)], []).unwrap())
        .collect();
    ring.publish();
    assert_eq!(ring.arm(Arm::MostInFlight), More::Nothing);
    assert_eq!(area.driver_event.read(), EVENT | 3);
    assert_eq!(ring.pop_used(), Ok(None));
    assert_eq!(area.driver_event.read(), EVENT | 3);
    use_buffer(&area, 0, tokens[0], 0);
    assert!(ring.pop_used().unwrap().is_some());
    assert_eq!(ring.pop_used(), Ok(None));
    assert_eq!(area.driver_event.read(), EVENT | 1);
}

/// So many descriptors without a decision to notify that they lap the ring many times.
#[test]
fn decision_after_many_laps() {
    let (area, mut ring) = ring(true);
    let (mut slot, mut wrap) = (0, true);
    for _ in 0..70_000 {
        let token = ring.add_chain([segment(1)], []).unwrap();
        ring.publish();
        let flags = if wrap { AVAIL | USED } else { 0 };
        area.desc[slot]
            .meta
            .write(u32::from(token.index()) | flags << 16);
        assert!(ring.pop_used().unwrap().is_some());
        slot = (slot + 1) % 5;
        wrap ^= slot == 0;
    }
    // A descriptor of the lap that has just ended is among them.
    let event = 4;
    let lap = if event < slot { wrap } else { !wrap };
    let position = event as u32 | u32::from(lap) << 15;
    area.device_event.write(position | 2 << 16);
    assert!(ring.kick_prepare());
    assert!(!ring.kick_prepare(), "decided before");
}

#[test]
fn reserved_descriptor_is_never_in_flight() {
    let (area, mut ring) = ring_of(5, reserve_one());
    assert_eq!((ring.size(), ring.capacity(), ring.num_free()), (5, 4, 4));
    assert_eq!(
        ring.add_chain((0..5).map(segment), []),
        Err(AddError::TooManyElements)
    );
    // Around the ring more than once, so that each descriptor is the free one for a while.
    let (mut next, mut wrap) = (0, true);
    for _ in 0..6 {
        let mut tokens = Vec::new();
        for i in 0..4 {
            tokens.push(ring.add_chain([segment(i)], []).unwrap());
        }
        assert_eq!(ring.add_chain([segment(4)], []), Err(AddError::Full));
        ring.publish();
        for token in tokens {
            let flags = if wrap { AVAIL | USED } else { 0 };
            area.desc[next]
                .meta
                .write(u32::from(token.index()) | flags << 16);
            next = (next + 1) % 5;
            wrap ^= next == 0;
            let used = ring.pop_used().unwrap().unwrap();
            assert_eq!(used.token, token);
        }
        assert_eq!(ring.num_free(), 4);
    }
}

#[test]
fn only_descriptor_is_not_reserved() {
    let (_, mut ring) = ring_of(1, reserve_one());
    assert_eq!((ring.capacity(), ring.num_free()), (1, 1));
    ring.add_chain([segment(0)], []).unwrap();
}

/// A device asks for the next descriptor when it has seen all others.
#[test]
fn device_has_seen_what_comes_before_its_event() {
    for event_idx in [false, true] {
        let (area, mut ring) = ring(event_idx);
        ring.add_chain([segment(0x1000)], []).unwrap();
        ring.kick_prepare();
        for (event, seen) in [
            (EVENT, false),
            (EVENT + 1, event_idx),
            (EVENT + 2, false),
            (1, false),
        ] {
            area.device_event.write(event);
            assert_eq!(ring.has_all_been_seen(), seen);
        }
    }
}
