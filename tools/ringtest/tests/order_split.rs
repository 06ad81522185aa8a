// SPDX-License-Identifier: GPL-2.0

//! What the split ring has written and read when it calls a barrier.
//!
//! The hook of a barrier looks at memory, or acts as the device, at that very moment. Whether the
//! barriers are enough is for the interleaving tests to show; here it is whether they are there, and
//! in the right place.

use ringtest::{
    model::{
        barriers::{Barrier, Hooked},
        split::{area, SharedArea},
    },
    ring::{split::Ring, Arm, Config, More, Segment, Shadow},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

type TestArea = SharedArea<Hooked>;
type TestRing = Ring<TestArea, Vec<Shadow>>;

fn ring(event_idx: bool) -> (TestArea, TestRing) {
    let area = area(4);
    let config = Config {
        event_idx,
        ..Config::default()
    };
    let ring = Ring::new(area.clone(), vec![Shadow::default(); 4], config).unwrap();
    (area, ring)
}

fn segment(addr: u64) -> Segment {
    Segment { addr, len: 512 }
}

/// Runs `act` and returns which barriers it called, each with the available index at that moment.
fn record(area: &TestArea, act: impl FnOnce()) -> Vec<(Barrier, u16)> {
    let log = Rc::new(RefCell::new(Vec::new()));
    let (entries, memory) = (Rc::clone(&log), area.clone());
    area.barriers.set(move |barrier| {
        entries
            .borrow_mut()
            .push((barrier, memory.avail_idx.read()));
    });
    act();
    area.barriers.clear();
    log.take()
}

/// Uses the buffer with head `id` as element `index` of the used ring.
fn use_buffer(area: &TestArea, index: u16, id: u16, len: u32) {
    let elem = &area.used_ring[usize::from(index % 4)];
    elem.id.write(id.into());
    elem.len.write(len);
    area.used_idx.write(index.wrapping_add(1));
}

/// covers: RING-S-26
#[test]
fn descriptors_and_ring_are_written_before_the_barrier_and_the_index_after() {
    let (area, mut ring) = ring(false);
    ring.add_chain([segment(0x1000)], [segment(0x2000)])
        .unwrap();
    assert_eq!(area.avail_idx.read(), 0, "nothing is published by adding");

    let log = Rc::new(RefCell::new(Vec::new()));
    let (entries, memory) = (Rc::clone(&log), area.clone());
    area.barriers.set(move |barrier| {
        let head = usize::from(memory.avail_ring[0].read());
        let next = (memory.desc[head].meta.read() >> 16) as usize;
        entries.borrow_mut().push((
            barrier,
            memory.avail_idx.read(),
            memory.desc[head].addr.read(),
            memory.desc[next].addr.read(),
        ));
    });
    ring.publish();
    area.barriers.clear();
    assert_eq!(log.take(), [(Barrier::Write, 0, 0x1000, 0x2000)]);
    assert_eq!(area.avail_idx.read(), 1);
}

/// covers: RING-S-27
#[test]
fn full_barrier_is_between_the_index_and_the_devices_event() {
    for event_idx in [false, true] {
        let (area, mut ring) = ring(event_idx);
        ring.add_chain([segment(0x1000)], []).unwrap();
        // The device wants no notification, until the moment of the full barrier.
        area.used_flags.write(1);
        area.avail_event.write(100);
        let memory = area.clone();
        let seen = Rc::new(Cell::new(None));
        let index = Rc::clone(&seen);
        area.barriers.set(move |barrier| {
            if barrier == Barrier::Full {
                index.set(Some(memory.avail_idx.read()));
                memory.used_flags.write(0);
                memory.avail_event.write(0);
            }
        });
        assert!(ring.kick_prepare(), "the event was read before the barrier");
        assert_eq!(
            seen.get(),
            Some(1),
            "the index was written after the barrier"
        );
        area.barriers.clear();
    }
}

#[test]
fn used_elements_are_read_after_the_barrier() {
    let (area, mut ring) = ring(false);
    ring.disable_cb();
    let a = ring.add_chain([], [segment(0x1000)]).unwrap();
    ring.publish();
    use_buffer(&area, 0, 3, 0);
    let memory = area.clone();
    area.barriers.set(move |barrier| {
        // What the device has written before the index becomes visible only now.
        assert_eq!(barrier, Barrier::Read);
        use_buffer(&memory, 0, a.index(), 77);
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
        // The device uses the buffer just before it can see that it is to call.
        let memory = area.clone();
        area.barriers.set(move |barrier| {
            assert_eq!(barrier, Barrier::Full);
            let enabled = match event_idx {
                true => memory.used_event.read() == 0,
                false => memory.avail_flags.read() == 0,
            };
            assert!(enabled, "the event was written after the barrier");
            use_buffer(&memory, 0, a.index(), 0);
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
    use_buffer(&area, 0, a.index(), 0);
    let memory = area.clone();
    area.barriers.set(move |barrier| {
        if barrier == Barrier::Full && memory.used_idx.read() == 1 {
            assert_eq!(memory.used_event.read(), 1);
            use_buffer(&memory, 1, b.index(), 0);
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
    let log = record(&area, || {
        for i in 0..4 {
            ring.add_chain([segment(0x1000 * i)], []).unwrap();
        }
        ring.kick_prepare();
    });
    assert_eq!(log, [(Barrier::Write, 0), (Barrier::Full, 4)]);

    for i in 0..4 {
        use_buffer(&area, i, i, 0);
    }
    let log = record(&area, || while ring.pop_used().unwrap().is_some() {});
    assert_eq!(log, [(Barrier::Read, 4), (Barrier::Full, 4)]);
}

/// With an event index the device stops calling by itself, so disabling writes nothing when it
/// follows a callback.
#[test]
fn disabling_after_a_callback_writes_nothing() {
    let (area, mut ring) = ring(true);
    let a = ring.add_chain([segment(0x1000)], []).unwrap();
    ring.publish();
    use_buffer(&area, 0, a.index(), 0);
    ring.disable_cb();
    while ring.pop_used().unwrap().is_some() {}
    assert_eq!(area.used_event.read(), 0, "as it was");
    assert_eq!(area.avail_flags.read(), 0);

    // Nothing has happened after this one, so the event has to be cleared.
    let _ = ring.arm(Arm::Next);
    assert_eq!(area.used_event.read(), 1);
    ring.disable_cb();
    assert_eq!(ring.pop_used(), Ok(None));
    assert_eq!(area.used_event.read(), 0, "already passed");
}

/// So many buffers without a decision to notify that their number does not fit the index.
///
/// covers: RING-S-24
#[test]
fn decision_after_more_buffers_than_an_index_counts() {
    for count in [65_535u32, 65_536, 65_537, 131_072] {
        let (area, mut ring) = ring(true);
        ring.disable_cb();
        // Far from where the index will be.
        area.avail_event.write((count as u16).wrapping_add(1000));
        for i in 0..count {
            let token = ring.add_chain([segment(0x1000)], []).unwrap();
            ring.publish();
            use_buffer(&area, i as u16, token.index(), 0);
            assert!(ring.pop_used().unwrap().is_some());
        }
        assert!(ring.kick_prepare(), "after {count} buffers");
        assert!(!ring.kick_prepare());
    }
}

/// A device asks for the next buffer when it has seen all others.
#[test]
fn device_has_seen_what_comes_before_its_event() {
    for event_idx in [false, true] {
        let (area, mut ring) = ring(event_idx);
        ring.add_chain([segment(0x1000)], []).unwrap();
        ring.kick_prepare();
        for (event, seen) in [(0, false), (1, event_idx), (2, false)] {
            area.avail_event.write(event);
            assert_eq!(ring.has_all_been_seen(), seen);
        }
    }
}
