// SPDX-License-Identifier: GPL-2.0

//! Every interleaving, and every reordering that the barriers permit, of driver and device at the
//! points where they could miss each other.
//!
//! Needs `--cfg loom`; `cargo loom` in this directory runs it. Shared memory then consists of
//! loom's atomics, all accesses relaxed, and the barriers are loom's fences: a barrier that is
//! missing lets a test find an execution in which a notification or data is lost.

#![cfg(loom)]

use loom::{
    sync::atomic::{fence, Ordering},
    thread,
};
use ringtest::{
    model::split::Area,
    ring::{split::Ring, Barriers, Config, More, Segment, Shadow},
};
use std::sync::Arc;

/// The barriers of a driver whose device is another CPU.
#[derive(Default)]
struct Fences;

impl Barriers for Fences {
    fn mb(&self) {
        fence(Ordering::SeqCst);
    }

    fn rmb(&self) {
        fence(Ordering::Acquire);
    }

    fn wmb(&self) {
        fence(Ordering::Release);
    }
}

type TestArea = Arc<Area<Fences>>;
type TestRing = Ring<TestArea, Vec<Shadow>>;

const ADDR: u64 = 0x1234_5678_9abc_def0;

fn setup(event_idx: bool) -> (TestArea, TestRing) {
    let area = Area::new(2);
    let config = Config {
        event_idx,
        ..Config::default()
    };
    let ring = Ring::new(Arc::clone(&area), vec![Shadow::default(); 2], config).unwrap();
    (area, ring)
}

fn buffer() -> [Segment; 1] {
    [Segment { addr: ADDR, len: 8 }]
}

/// Writes the used element for the buffer `id` and its index, as a device does, and returns
/// whether the driver wants to be called.
fn use_buffer(area: &TestArea, event_idx: bool, index: u16, id: u32) -> bool {
    area.used_ring[usize::from(index)].id.write(id);
    area.used_ring[usize::from(index)].len.write(5);
    fence(Ordering::Release);
    area.used_idx.write(index + 1);
    fence(Ordering::SeqCst);
    match event_idx {
        true => area.used_event.read() == index,
        false => area.avail_flags.read() == 0,
    }
}

/// A device that goes to sleep is woken, unless it has seen the buffer; and what it sees of the
/// buffer is complete.
///
/// covers: RING-S-22 RING-S-24 RING-S-26 RING-S-27
fn device_goes_to_sleep(event_idx: bool) {
    loom::model(move || {
        let (area, mut ring) = setup(event_idx);
        // The device is awake and wants no notification.
        area.avail_event.write(u16::MAX);
        area.used_flags.write(1);

        let device = thread::spawn(move || {
            area.avail_event.write(0);
            area.used_flags.write(0);
            fence(Ordering::SeqCst);
            let seen = area.avail_idx.read() == 1;
            if seen {
                fence(Ordering::Acquire);
                let head = usize::from(area.avail_ring[0].read());
                assert_eq!(area.desc[head].addr.read(), ADDR);
                assert_eq!(area.desc[head].len.read(), 8);
                assert_eq!(area.desc[head].meta.read(), 2);
            }
            seen
        });
        ring.add_direct([], buffer()).unwrap();
        let notified = ring.kick_prepare();
        let seen = device.join().unwrap();
        assert!(notified || seen, "the device sleeps and is not woken");
    });
}

#[test]
fn device_goes_to_sleep_with_event_idx() {
    device_goes_to_sleep(true);
}

#[test]
fn device_goes_to_sleep_with_flags() {
    device_goes_to_sleep(false);
}

/// A driver that enables callbacks is called, unless it has seen the used buffer.
///
/// covers: RING-N-D10
fn driver_enables_callbacks(event_idx: bool) {
    loom::model(move || {
        let (area, mut ring) = setup(event_idx);
        ring.disable_cb();
        let token = ring.add_direct([], buffer()).unwrap();
        ring.publish();
        if event_idx {
            // The device's last call is long ago.
            area.used_event.write(u16::MAX);
        }

        let id = token.index().into();
        let device = thread::spawn(move || use_buffer(&area, event_idx, 0, id));
        let more = ring.enable_cb();
        if more == More::Pending {
            let used = ring.pop_used().unwrap().unwrap();
            assert_eq!((used.token, used.written), (token, 5));
        }
        let called = device.join().unwrap();
        assert!(
            called || more == More::Pending,
            "a used buffer is never seen"
        );
    });
}

#[test]
fn driver_enables_callbacks_with_event_idx() {
    driver_enables_callbacks(true);
}

#[test]
fn driver_enables_callbacks_with_flags() {
    driver_enables_callbacks(false);
}

/// With an event index a driver that pops until nothing is left needs not enable callbacks again:
/// for whatever it has not seen there is a callback.
#[test]
fn driver_pops_until_nothing_is_left() {
    loom::model(|| {
        let (area, mut ring) = setup(true);
        let a = ring.add_direct([], buffer()).unwrap();
        let b = ring.add_direct([], buffer()).unwrap();
        ring.publish();

        let ids = [a, b].map(|token| u32::from(token.index()));
        let device =
            thread::spawn(move || [0, 1].map(|i| use_buffer(&area, true, i, ids[usize::from(i)])));
        let mut popped = 0;
        while let Some(used) = ring.pop_used().unwrap() {
            assert_eq!(used.token, [a, b][popped]);
            assert_eq!(used.written, 5);
            popped += 1;
        }
        let called = device.join().unwrap();
        if let Some(called) = called.get(popped) {
            assert!(called, "the first buffer that was not seen is lost");
        }
    });
}
