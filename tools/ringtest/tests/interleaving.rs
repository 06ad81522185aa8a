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
    model::{packed as packed_model, split as split_model},
    ring::{packed, split, Access, Arm, Barriers, Config, More, Ring, Segment, Shadow},
};

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

type SplitArea = split_model::SharedArea<Fences>;
type PackedArea = packed_model::SharedArea<Fences>;
type TestRing = Ring<SplitArea, PackedArea, Vec<Shadow>>;

const ADDR: u64 = 0x1234_5678_9abc_def0;

/// The device's side, for queues of two descriptors.
#[derive(Clone)]
enum Device {
    Split(SplitArea, Config),
    Packed(PackedArea, Config),
}

impl Device {
    /// Wants no notification.
    fn stay_awake(&self) {
        match self {
            Self::Split(area, _) => {
                area.avail_event.write(u16::MAX);
                area.used_flags.write(1);
            }
            Self::Packed(area, _) => area.device_event.write(1 << 16),
        }
    }

    /// Wants to be notified of the first buffer, and returns whether it is there already.
    fn go_to_sleep(&self) -> bool {
        match self {
            Self::Split(area, _) => {
                area.avail_event.write(0);
                area.used_flags.write(0);
            }
            Self::Packed(area, config) => match config.event_idx {
                true => area.device_event.write(1 << 15 | 2 << 16),
                false => area.device_event.write(0),
            },
        }
        fence(Ordering::SeqCst);
        let (addr, len, flags) = match self {
            Self::Split(area, _) => {
                if area.avail_idx.read() != 1 {
                    return false;
                }
                fence(Ordering::Acquire);
                let desc = &area.desc[usize::from(area.avail_ring[0].read())];
                (desc.addr.read(), desc.len.read(), desc.meta.read())
            }
            Self::Packed(area, _) => {
                let flags = area.desc[0].meta.read() >> 16;
                if flags & (1 << 7) == 0 {
                    return false;
                }
                fence(Ordering::Acquire);
                let desc = &area.desc[0];
                (desc.addr.read(), desc.len.read(), flags & !(1 << 7))
            }
        };
        assert_eq!(
            (addr, len, flags),
            (ADDR, 8, 2),
            "the buffer is not complete"
        );
        true
    }

    /// Uses the buffer `id` as number `index`, and returns whether the driver wants to be called.
    fn use_buffer(&self, index: u16, id: u16) -> bool {
        match self {
            Self::Split(area, config) => {
                let elem = &area.used_ring[usize::from(index)];
                elem.id.write(id.into());
                elem.len.write(5);
                fence(Ordering::Release);
                area.used_idx.write(index + 1);
                fence(Ordering::SeqCst);
                match config.event_idx {
                    true => area.used_event.read() == index,
                    false => area.avail_flags.read() == 0,
                }
            }
            Self::Packed(area, _) => {
                let desc = &area.desc[usize::from(index)];
                desc.len.write(5);
                fence(Ordering::Release);
                desc.meta.write(u32::from(id) | (1 << 7 | 1 << 15) << 16);
                fence(Ordering::SeqCst);
                let event = area.driver_event.read();
                match event >> 16 {
                    2 => event as u16 == 1 << 15 | index,
                    flags => flags == 0,
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Layout {
    Split,
    Packed,
}

fn set_up(layout: Layout, event_idx: bool) -> (Device, TestRing) {
    let config = Config {
        event_idx,
        ..Config::default()
    };
    let shadow = vec![Shadow::default(); 2];
    match layout {
        Layout::Split => {
            let area = split_model::area(2);
            let ring = split::Ring::new(area.clone(), shadow, config).unwrap();
            (Device::Split(area, config), Ring::Split(ring))
        }
        Layout::Packed => {
            let area = packed_model::area(2);
            let ring = packed::Ring::new(area.clone(), shadow, config).unwrap();
            (Device::Packed(area, config), Ring::Packed(ring))
        }
    }
}

fn buffer() -> [Segment; 1] {
    [Segment { addr: ADDR, len: 8 }]
}

/// A device that goes to sleep is woken, unless it has seen the buffer; and what it sees of the
/// buffer is complete.
fn device_goes_to_sleep(layout: Layout, event_idx: bool) {
    loom::model(move || {
        let (device, mut ring) = set_up(layout, event_idx);
        device.stay_awake();
        let device = thread::spawn(move || device.go_to_sleep());
        ring.add_one(buffer()[0], Access::Writable).unwrap();
        let notified = ring.kick_prepare();
        let seen = device.join().unwrap();
        assert!(notified || seen, "the device sleeps and is not woken");
    });
}

/// covers: RING-S-24 RING-S-26 RING-S-27
#[test]
fn split_device_goes_to_sleep_with_event_idx() {
    device_goes_to_sleep(Layout::Split, true);
}

/// covers: RING-S-22 RING-S-26 RING-S-27
#[test]
fn split_device_goes_to_sleep_with_flags() {
    device_goes_to_sleep(Layout::Split, false);
}

/// covers: RING-P-16 RING-P-17
#[test]
fn packed_device_goes_to_sleep_with_event_idx() {
    device_goes_to_sleep(Layout::Packed, true);
}

/// covers: RING-P-16 RING-P-17
#[test]
fn packed_device_goes_to_sleep_with_flags() {
    device_goes_to_sleep(Layout::Packed, false);
}

/// A driver that enables callbacks is called, unless it has seen the used buffer; and what it sees
/// of that is complete.
fn driver_enables_callbacks(layout: Layout, event_idx: bool) {
    loom::model(move || {
        let (device, mut ring) = set_up(layout, event_idx);
        ring.disable_cb();
        let token = ring.add_chain([], buffer()).unwrap();
        ring.publish();
        // Clears the event that the ring started with.
        assert_eq!(ring.pop_used(), Ok(None));

        let device = thread::spawn(move || device.use_buffer(0, token.index()));
        let more = ring.arm(Arm::Next);
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

/// covers: RING-N-D10
#[test]
fn split_driver_enables_callbacks_with_event_idx() {
    driver_enables_callbacks(Layout::Split, true);
}

/// covers: RING-N-D10
#[test]
fn split_driver_enables_callbacks_with_flags() {
    driver_enables_callbacks(Layout::Split, false);
}

/// covers: RING-N-D10
#[test]
fn packed_driver_enables_callbacks_with_event_idx() {
    driver_enables_callbacks(Layout::Packed, true);
}

/// covers: RING-N-D10
#[test]
fn packed_driver_enables_callbacks_with_flags() {
    driver_enables_callbacks(Layout::Packed, false);
}

/// With an event index a driver that pops until nothing is left needs not enable callbacks again:
/// for whatever it has not seen there is a callback.
fn driver_pops_until_nothing_is_left(layout: Layout) {
    loom::model(move || {
        let (device, mut ring) = set_up(layout, true);
        let tokens = [0, 1].map(|_| ring.add_chain([], buffer()).unwrap());
        ring.publish();

        let device = thread::spawn(move || {
            [0, 1].map(|i| device.use_buffer(i, tokens[usize::from(i)].index()))
        });
        let mut popped = 0;
        while let Some(used) = ring.pop_used().unwrap() {
            assert_eq!((used.token, used.written), (tokens[popped], 5));
            popped += 1;
        }
        let called = device.join().unwrap();
        if let Some(called) = called.get(popped) {
            assert!(called, "the first buffer that was not seen is lost");
        }
    });
}

#[test]
fn split_driver_pops_until_nothing_is_left() {
    driver_pops_until_nothing_is_left(Layout::Split);
}

#[test]
fn packed_driver_pops_until_nothing_is_left() {
    driver_pops_until_nothing_is_left(Layout::Packed);
}

/// A driver that takes what one look finds and then asks for a callback is called for the next
/// buffer, unless it is told that there is one.
fn driver_reaps_and_arms(layout: Layout, event_idx: bool) {
    loom::model(move || {
        let (device, mut ring) = set_up(layout, event_idx);
        let tokens = [0, 1].map(|_| ring.add_one(buffer()[0], Access::Writable).unwrap());
        ring.disable_cb();
        ring.publish();

        let device = thread::spawn(move || {
            [0, 1].map(|i| device.use_buffer(i, tokens[usize::from(i)].index()))
        });
        let mut popped = 0;
        ring.take_used(|used| {
            assert_eq!((used.token, used.written), (tokens[popped], 5));
            popped += 1;
        })
        .unwrap();
        let more = ring.arm(Arm::Next);
        assert!(ring.is_armed());
        let called = device.join().unwrap();
        if let Some(called) = called.get(popped) {
            assert!(*called || more == More::Pending, "a used buffer is lost");
        }
    });
}

#[test]
fn split_driver_reaps_and_arms_with_event_idx() {
    driver_reaps_and_arms(Layout::Split, true);
}

#[test]
fn split_driver_reaps_and_arms_with_flags() {
    driver_reaps_and_arms(Layout::Split, false);
}

#[test]
fn packed_driver_reaps_and_arms_with_event_idx() {
    driver_reaps_and_arms(Layout::Packed, true);
}

#[test]
fn packed_driver_reaps_and_arms_with_flags() {
    driver_reaps_and_arms(Layout::Packed, false);
}

/// A driver that asks for a later callback is called at the latest for the last buffer that the
/// device has, unless it is told that there is one already.
fn driver_arms_for_later(layout: Layout) {
    loom::model(move || {
        let (device, mut ring) = set_up(layout, true);
        let tokens = [0, 1].map(|_| ring.add_one(buffer()[0], Access::Writable).unwrap());
        ring.publish();

        let device = thread::spawn(move || {
            [0, 1].map(|i| device.use_buffer(i, tokens[usize::from(i)].index()))
        });
        let more = ring.arm(Arm::After(7));
        let called = device.join().unwrap();
        assert!(
            called[1] || more == More::Pending,
            "the last buffer is lost"
        );
    });
}

#[test]
fn split_driver_arms_for_later() {
    driver_arms_for_later(Layout::Split);
}

#[test]
fn packed_driver_arms_for_later() {
    driver_arms_for_later(Layout::Packed);
}

/// A driver that wants no callback while it adds a buffer finds what was used then when it asks for one
/// later.
fn driver_is_silent_and_arms(layout: Layout, event_idx: bool) {
    loom::model(move || {
        let (device, mut ring) = set_up(layout, event_idx);
        let token = ring.add_one(buffer()[0], Access::Writable).unwrap();
        ring.publish();

        let device = thread::spawn(move || device.use_buffer(0, token.index()));
        ring.silence();
        ring.add_one(buffer()[0], Access::Writable).unwrap();
        let _ = ring.kick_prepare();
        let more = ring.arm(Arm::Next);
        assert!(ring.is_armed());
        let called = device.join().unwrap();
        assert!(called || more == More::Pending, "a used buffer is lost");
    });
}

#[test]
fn split_driver_is_silent_and_arms_with_event_idx() {
    driver_is_silent_and_arms(Layout::Split, true);
}

#[test]
fn split_driver_is_silent_and_arms_with_flags() {
    driver_is_silent_and_arms(Layout::Split, false);
}

#[test]
fn packed_driver_is_silent_and_arms_with_event_idx() {
    driver_is_silent_and_arms(Layout::Packed, true);
}

#[test]
fn packed_driver_is_silent_and_arms_with_flags() {
    driver_is_silent_and_arms(Layout::Packed, false);
}

/// A handler that pops once is called again, or has left a used buffer in the ring.
fn driver_pops_once(layout: Layout) {
    loom::model(move || {
        let (device, mut ring) = set_up(layout, true);
        let tokens = [0, 1].map(|_| ring.add_one(buffer()[0], Access::Writable).unwrap());
        ring.publish();
        device.use_buffer(0, tokens[0].index());

        let device = thread::spawn(move || device.use_buffer(1, tokens[1].index()));
        assert_eq!(ring.pop_used().unwrap().unwrap().token, tokens[0]);
        let pending = ring.pop_used().unwrap().is_some();
        let called = device.join().unwrap();
        assert!(called || pending, "neither armed nor pending");
    });
}

#[test]
fn split_driver_pops_once() {
    driver_pops_once(Layout::Split);
}

#[test]
fn packed_driver_pops_once() {
    driver_pops_once(Layout::Packed);
}
