// SPDX-License-Identifier: GPL-2.0

//! Reading the configuration space of a device that has any size and changes it at any time.

use proptest::prelude::*;
use ringtest::config::{consistent, has_field};
use std::cell::Cell;

/// A device whose fields all have the same value, which it changes before certain accesses.
struct Changing {
    /// Accesses so far, of the fields and of the generation.
    accesses: Cell<usize>,
    /// Before which of them the device changes its configuration.
    changes: Vec<bool>,
    value: Cell<u32>,
}

impl Changing {
    fn new(changes: Vec<bool>) -> Self {
        Self {
            accesses: Cell::new(0),
            changes,
            value: Cell::new(0),
        }
    }

    fn access(&self) -> u32 {
        let access = self.accesses.get();
        self.accesses.set(access + 1);
        if self.changes.get(access).copied().unwrap_or(false) {
            self.value.set(self.value.get() + 1);
        }
        self.value.get()
    }

    /// Reads three fields.
    fn read(&self) -> Option<[u32; 3]> {
        let read = || Ok::<_, ()>([self.access(), self.access(), self.access()]);
        // CAST: The generation has eight bits, whatever a device may count.
        consistent(|| Ok(self.access() as u8), read).unwrap()
    }
}

proptest! {
    /// What was read together was there together, whenever the device changes it.
    ///
    /// covers: INIT-13
    #[test]
    fn groups_are_of_one_moment(changes in proptest::collection::vec(any::<bool>(), 0..60)) {
        let device = Changing::new(changes);
        let group = device.read().expect("it stops changing in time");
        prop_assert!(group.iter().all(|field| *field == group[0]), "{group:?}");
        prop_assert!(device.accesses.get() >= 5);
    }

    /// A space may have any size, and only what is wanted of it has to be there.
    ///
    /// covers: INIT-16 INIT-17
    #[test]
    fn only_the_field_itself_has_to_be_there(len in any::<u32>(), offset in any::<u32>(), power in 0u32..4) {
        let size = 1 << power;
        let aligned = offset % size.min(4) == 0;
        let inside = u64::from(offset) + u64::from(size) <= u64::from(len);
        prop_assert_eq!(has_field(len, offset, size), aligned && inside);
    }
}

/// covers: INIT-13
#[test]
fn a_single_change_is_noticed_wherever_it_falls() {
    for place in 0..5 {
        let mut changes = vec![false; 5];
        changes[place] = true;
        let device = Changing::new(changes);
        let group = device.read().unwrap();
        assert!(
            group.iter().all(|field| *field == group[0]),
            "change before access {place}: {group:?}"
        );
    }
}

#[test]
fn a_device_that_never_rests_is_given_up() {
    let device = Changing::new(vec![true; 1000]);
    assert_eq!(device.read(), None);
    assert!(device.accesses.get() <= 100);
}

#[test]
fn errors_end_the_attempt() {
    let mut reads = 0;
    let result = consistent(
        || Ok(0),
        || {
            reads += 1;
            Err::<(), _>("no such field")
        },
    );
    assert_eq!((result, reads), (Err("no such field"), 1));

    let result = consistent(|| Err("in reset"), || Ok(()));
    assert_eq!(result, Err("in reset"));
}

/// covers: INIT-16 INIT-17
#[test]
fn sizes_at_the_edges() {
    assert!(has_field(8, 0, 8) && has_field(8, 7, 1) && has_field(u32::MAX, u32::MAX - 1, 1));
    assert!(!has_field(7, 0, 8) && !has_field(0, 0, 1) && !has_field(u32::MAX, u32::MAX - 3, 4));
    assert!(has_field(12, 4, 8), "halves are read one by one");
    assert!(!has_field(12, 2, 4) && !has_field(12, 2, 8));
}
