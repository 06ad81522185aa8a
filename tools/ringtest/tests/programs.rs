// SPDX-License-Identifier: GPL-2.0

//! The rings at work with a device that follows the specification and checks the driver.

use proptest::prelude::*;
use ringtest::{
    model::device::Notify,
    program::{step, Layout, Machine, Step},
    ring::{Arm, Config, More},
};

fn config() -> impl Strategy<Value = Config> {
    any::<[bool; 4]>().prop_map(|[indirect, event_idx, in_order, reserve_one]| Config {
        indirect,
        event_idx,
        in_order,
        reserve_one,
    })
}

/// How far the indices are when a program begins: mostly at 0, sometimes about to wrap.
fn start() -> impl Strategy<Value = u32> {
    prop_oneof![9 => Just(0u32), 1 => 65500u32..65536]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 0..200)
}

/// Queue sizes of split rings; small ones are full and wrap sooner.
fn powers_of_two() -> impl Strategy<Value = u16> {
    prop_oneof![8 => (0u32..6).prop_map(|n| 1 << n), 1 => Just(256)]
}

/// Queue sizes of packed rings, which need not be powers of two.
fn any_size() -> impl Strategy<Value = u16> {
    prop_oneof![8 => 1u16..20, 1 => Just(256)]
}

/// Runs a program: it ends with every buffer back, in the order of use, and nothing lost on the way.
fn run(layout: Layout, size: u16, config: Config, start: u32, steps: &[Step]) {
    let mut machine = Machine::new(layout, size, config);
    machine.advance(start);
    for step in steps {
        machine.run(step);
    }
    machine.finish();
}

proptest! {
    /// Any program on a split ring ends well.
    ///
    /// covers: INIT-26 RING-S-02 RING-S-04 RING-S-06 RING-S-07 RING-S-08 RING-S-09 RING-S-11
    /// covers: RING-S-12 RING-S-14 RING-S-17 RING-S-19 RING-S-20 RING-S-21 RING-S-22 RING-S-23
    /// covers: RING-S-24 RING-S-25 RING-S-05 RING-S-10 RING-O-D1 RING-O-D2 RING-N-D1 RING-N-D3
    #[test]
    fn any_split_program(
        size in powers_of_two(),
        config in config(),
        start in start(),
        steps in steps(),
    ) {
        run(Layout::Split, size, config, start, &steps);
    }

    /// Any program on a packed ring ends well.
    ///
    /// covers: INIT-26 RING-P-02 RING-P-03 RING-P-04 RING-P-07 RING-P-08 RING-P-09 RING-P-10
    /// covers: RING-P-12 RING-P-13 RING-P-14 RING-P-15 RING-O-D4 RING-N-D2 RING-N-D3 RING-N-D4
    /// covers: RING-N-D6 RING-N-D8 RING-N-D9
    #[test]
    fn any_packed_program(
        size in any_size(),
        config in config(),
        start in start(),
        steps in steps(),
    ) {
        run(Layout::Packed, size, config, start, &steps);
    }
}

/// Indices, counters and the ring itself wrap many times, also when it is full.
#[test]
fn counters_wrap() {
    for (layout, size) in [(Layout::Split, 8), (Layout::Packed, 7)] {
        for (event_idx, in_order) in [(false, false), (true, false), (true, true)] {
            let config = Config {
                event_idx,
                in_order,
                ..Config::default()
            };
            let mut machine = Machine::new(layout, size, config);
            for round in 0..16_000u32 {
                let count = (round % u32::from(size) + 1) as u8;
                for _ in 0..count {
                    machine.run(&Step::AddChain(vec![16], vec![]));
                }
                machine.run(&Step::Kick);
                machine.run(&Step::Take(count));
                machine.run(&Step::Use(count, round as u8, 0));
                machine.run(&Step::Pop(u8::MAX));
            }
            machine.finish();
        }
    }
}

/// A handler that takes one buffer per callback, and looks for no more, is called for each buffer
/// that is used after it has returned: in every layout, with and without event index.
#[test]
fn handler_that_pops_once_is_called_again() {
    for layout in [Layout::Split, Layout::Packed] {
        for bits in 0..8 {
            let config = Config {
                indirect: bits & 1 != 0,
                event_idx: bits & 2 != 0,
                in_order: bits & 4 != 0,
                ..Config::default()
            };
            let mut machine = Machine::new(layout, 4, config);
            for _ in 0..20 {
                machine.run(&Step::AddChain(vec![], vec![64]));
                machine.run(&Step::Kick);
                machine.run(&Step::Take(1));
                // The machine checks that this calls the driver.
                machine.run(&Step::Use(1, 0, 64));
                machine.run(&Step::Pop(1));
            }
        }
    }
}

/// What a network driver does to transmit: unless it did so a few buffers ago, or the queue is being
/// polled, it wants no callback while it adds buffers, and asks for a later one when it has notified the
/// device. It takes what was used if the device has come so far already.
#[derive(Clone, Copy, Debug)]
enum Transmit {
    /// Adds so many buffers, and kicks.
    Send(u8),
    /// Adds so many buffers, and leaves the kick to the next one.
    More(u8),
    /// The device takes and uses so many, and calls if it was asked to.
    Complete(u8),
    /// The poll that was scheduled starts.
    Poll,
    /// The poll looks at the queue, and ends.
    Finish,
}

fn transmit() -> impl Strategy<Value = Transmit> {
    prop_oneof![
        4 => (1u8..6).prop_map(Transmit::Send),
        2 => (1u8..3).prop_map(Transmit::More),
        4 => (1u8..6).prop_map(Transmit::Complete),
        2 => Just(Transmit::Poll),
        3 => Just(Transmit::Finish),
    ]
}

/// The transmit side of a network driver.
struct Transmitter {
    machine: Machine,
    unarmed: usize,
    scheduled: bool,
    polling: bool,
}

impl Transmitter {
    fn step(&mut self, step: Transmit) {
        match step {
            Transmit::Send(count) | Transmit::More(count) => {
                let arms = self.unarmed == 0 && !self.polling;
                if arms {
                    self.machine.run(&Step::Silence);
                }
                for _ in 0..count {
                    self.machine.run(&Step::AddOne(64, false));
                }
                if matches!(step, Transmit::Send(_)) {
                    self.kick(arms);
                }
            }
            Transmit::Complete(count) => {
                self.machine.run(&Step::Take(count));
                self.scheduled |= self.machine.use_buffers(count, 0, 0);
            }
            Transmit::Poll => self.polling |= std::mem::take(&mut self.scheduled),
            Transmit::Finish if self.polling => {
                self.machine.run(&Step::PopSeen);
                self.polling = false;
                if self.machine.in_flight() == 0 {
                    self.unarmed = 0;
                } else if !self.machine.ring.is_armed() {
                    self.scheduled |= self.arm() == More::Pending;
                }
            }
            Transmit::Finish => {}
        }
    }

    fn kick(&mut self, arms: bool) {
        self.machine.run(&Step::Kick);
        if !arms {
            self.unarmed = self.unarmed.saturating_sub(1);
        } else if self.arm() == More::Pending {
            self.machine.run(&Step::PopSeen);
            if self.machine.in_flight() == 0 {
                self.unarmed = 0;
            } else {
                self.scheduled |= self.arm() == More::Pending;
            }
        }
    }

    fn arm(&mut self) -> More {
        self.unarmed = self.machine.in_flight() / 4;
        self.machine.arm(Arm::MostInFlight)
    }
}

proptest! {
    /// As long as the device has anything, a callback comes at the latest for the last buffer, or
    /// somebody looks at the queue.
    #[test]
    fn transmit_queue_is_never_forgotten(
        layout in prop_oneof![Just(Layout::Split), Just(Layout::Packed)],
        config in config(),
        steps in proptest::collection::vec(transmit(), 0..100),
    ) {
        let mut queue = Transmitter {
            machine: Machine::new(layout, 8, config),
            unarmed: 0,
            scheduled: false,
            polling: false,
        };
        let mut kicked = true;
        for step in steps {
            queue.step(step);
            kicked = match step {
                Transmit::Send(_) => true,
                Transmit::More(_) => false,
                _ => kicked,
            };
            let machine = &queue.machine;
            let looked_at = queue.scheduled || queue.polling || machine.would_call();
            prop_assert!(machine.in_flight() == 0 || !kicked || looked_at);
        }
    }
}

/// A callback for most of what is in flight is for the buffer after three quarters, however few there
/// are.
#[test]
fn delayed_callback_waits_for_three_quarters() {
    for (in_flight, before) in [(1, 0), (2, 1), (3, 2), (4, 3), (5, 3), (8, 6)] {
        let config = Config {
            event_idx: true,
            ..Config::default()
        };
        let mut machine = Machine::new(Layout::Split, 8, config);
        for _ in 0..in_flight {
            machine.run(&Step::AddOne(1, false));
        }
        machine.run(&Step::Kick);
        assert_eq!(machine.arm(Arm::MostInFlight), More::Nothing);
        machine.run(&Step::Take(u8::MAX));
        for _ in 0..before {
            assert!(!machine.use_buffers(1, 0, 0));
        }
        assert!(machine.use_buffers(1, 0, 0));
        machine.finish();
    }
}

/// A delayed callback waits for descriptors, not for buffers: a short buffer that is used before
/// its turn does not get there, the rest does.
#[test]
fn delayed_callback_counts_descriptors() {
    let config = Config {
        event_idx: true,
        ..Config::default()
    };
    let mut machine = Machine::new(Layout::Packed, 7, config);
    machine.run(&Step::AddChain(vec![1, 1], vec![1, 1]));
    machine.run(&Step::Publish);
    machine.run(&Step::AddChain(vec![1], vec![]));
    machine.run(&Step::Arm(Arm::MostInFlight));
    machine.run(&Step::Publish);
    machine.run(&Step::Take(2));
    // The second, then the first.
    machine.run(&Step::Use(1, 1, 0));
    machine.run(&Step::Use(1, 0, 0));
    machine.finish();
}

/// An event that was passed more than a lap ago still asks for a notification.
#[test]
fn event_passed_long_ago_notifies() {
    let config = Config {
        event_idx: true,
        ..Config::default()
    };
    let mut machine = Machine::new(Layout::Packed, 4, config);
    machine.run(&Step::Notify(Notify::After(3)));
    for _ in 0..9 {
        machine.run(&Step::AddChain(vec![1], vec![]));
        machine.run(&Step::Publish);
        machine.run(&Step::Take(1));
        machine.run(&Step::Use(1, 0, 0));
        machine.run(&Step::Pop(1));
    }
    // The machine knows the answer.
    machine.run(&Step::Kick);
    machine.finish();
}
