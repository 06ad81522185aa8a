// SPDX-License-Identifier: GPL-2.0

//! The split ring at work with a device that follows the specification and checks the driver.

use proptest::prelude::*;
use ringtest::{
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

/// Queue sizes; small ones are full and wrap sooner.
fn size() -> impl Strategy<Value = u16> {
    prop_oneof![8 => (0u32..6).prop_map(|n| 1 << n), 1 => Just(256)]
}

proptest! {
    /// Any program ends with every buffer back, in the order of use, and nothing lost on the way.
    ///
    /// covers: INIT-26 RING-S-02 RING-S-04 RING-S-06 RING-S-07 RING-S-08 RING-S-09 RING-S-11
    /// covers: RING-S-12 RING-S-14 RING-S-17 RING-S-19 RING-S-20 RING-S-21 RING-S-22 RING-S-23
    /// covers: RING-S-24 RING-S-25 RING-S-05 RING-S-10 RING-O-D1 RING-O-D2 RING-N-D1 RING-N-D3
    #[test]
    fn any_program(
        size in size(),
        config in config(),
        start in prop_oneof![9 => Just(0u32), 1 => 65500u32..65536],
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let mut machine = Machine::new(Layout::Split, size, config);
        machine.advance(start);
        for step in &steps {
            machine.run(step);
        }
        machine.finish();
    }
}

/// The free-running indices wrap several times, also with a full ring.
#[test]
fn indices_wrap() {
    for (event_idx, in_order) in [(false, false), (true, false), (true, true)] {
        let config = Config {
            event_idx,
            in_order,
            ..Config::default()
        };
        let mut machine = Machine::new(Layout::Split, 8, config);
        for round in 0..16_000u32 {
            let count = (round % 8 + 1) as u8;
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
