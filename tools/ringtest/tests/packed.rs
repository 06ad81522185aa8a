// SPDX-License-Identifier: GPL-2.0

//! The packed ring at work with a device that follows the specification and checks the driver.

use proptest::prelude::*;
use ringtest::{
    model::device::Wish,
    program::{step, Layout, Machine, Step},
    ring::Config,
};

fn config() -> impl Strategy<Value = Config> {
    any::<[bool; 3]>().prop_map(|[indirect, event_idx, in_order]| Config {
        indirect,
        event_idx,
        in_order,
    })
}

/// Queue sizes, which need not be powers of two; small ones are full and wrap sooner.
fn size() -> impl Strategy<Value = u16> {
    prop_oneof![8 => 1u16..20, 1 => Just(256)]
}

proptest! {
    /// Any program ends with every buffer back, in the order of use, and nothing lost on the way.
    ///
    /// covers: INIT-26 RING-P-02 RING-P-03 RING-P-04 RING-P-07 RING-P-08 RING-P-09 RING-P-10
    /// covers: RING-P-12 RING-P-13 RING-P-14 RING-P-15 RING-O-D4 RING-N-D2 RING-N-D3 RING-N-D4
    /// covers: RING-N-D6 RING-N-D8 RING-N-D9
    #[test]
    fn any_program(
        size in size(),
        config in config(),
        start in prop_oneof![9 => Just(0u32), 1 => 65500u32..65536],
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let mut machine = Machine::new(Layout::Packed, size, config);
        machine.advance(start);
        for step in &steps {
            machine.run(step);
        }
        machine.finish();
    }
}

/// The ring and its counters wrap many times, also when full.
#[test]
fn counters_wrap() {
    for (event_idx, in_order) in [(false, false), (true, false), (true, true)] {
        let config = Config {
            event_idx,
            in_order,
            ..Config::default()
        };
        let mut machine = Machine::new(Layout::Packed, 7, config);
        for round in 0..16_000u32 {
            let count = (round % 7 + 1) as u8;
            for _ in 0..count {
                machine.run(&Step::AddDirect(vec![16], vec![]));
            }
            machine.run(&Step::Kick);
            machine.run(&Step::Take(count));
            machine.run(&Step::Use(count, round as u8, 0));
            machine.run(&Step::Pop(u8::MAX));
        }
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
    machine.run(&Step::AddDirect(vec![1, 1], vec![1, 1]));
    machine.run(&Step::Publish);
    machine.run(&Step::AddDirect(vec![1], vec![]));
    machine.run(&Step::EnableDelayed);
    machine.run(&Step::Publish);
    machine.run(&Step::Take(2));
    // The second, then the first.
    machine.run(&Step::Use(1, 1, 0));
    machine.run(&Step::Use(1, 0, 0));
    machine.finish();
}

/// A wish that was passed more than a lap ago still asks for a notification.
#[test]
fn wish_passed_long_ago_notifies() {
    let config = Config {
        event_idx: true,
        ..Config::default()
    };
    let mut machine = Machine::new(Layout::Packed, 4, config);
    machine.run(&Step::Wish(Wish::After(3)));
    for _ in 0..9 {
        machine.run(&Step::AddDirect(vec![1], vec![]));
        machine.run(&Step::Publish);
        machine.run(&Step::Take(1));
        machine.run(&Step::Use(1, 0, 0));
        machine.run(&Step::Pop(1));
    }
    // The machine knows the answer.
    machine.run(&Step::Kick);
    machine.finish();
}
