// SPDX-License-Identifier: GPL-2.0

//! The life of a device: who may do what in which state, and, under loom, that memory is never freed
//! while the device may access it, however threads that stop the device and free memory interleave.

/// The atomics of `life`.
mod atomic {
    #[cfg(loom)]
    pub(crate) use loom::sync::atomic::{AtomicU32, Ordering};
    #[cfg(not(loom))]
    pub(crate) use std::sync::atomic::{AtomicU32, Ordering};
}

#[cfg_attr(loom, allow(dead_code))]
#[path = "../../../drivers/rvirtio/core/device"]
mod device {
    pub(crate) mod life;
}

use device::life::{Epoch, Life};

fn started() -> (Life, Epoch) {
    let life = Life::new();
    let epoch = life.begin().expect("a new device is stopped");
    assert!(life.run());
    (life, epoch)
}

#[cfg(not(loom))]
mod states {
    use super::*;

    /// What a queue that was enabled in `epoch` may do, and whether memory may be freed.
    fn permits(life: &Life, epoch: Epoch) -> (bool, bool, bool) {
        (
            life.takes_buffers(epoch),
            life.is_running(epoch),
            life.is_stopped(),
        )
    }

    /// Memory that the device was told of in one epoch can be freed in the next, but not before.
    #[test]
    fn an_epoch_ends_with_a_confirmed_reset() {
        let (life, first) = started();
        assert!(life.has_ended(Epoch::NONE));
        assert!(!life.has_ended(first));
        assert!(life.begin_stop());
        assert!(!life.has_ended(first), "the reset is not confirmed");
        life.end_stop();
        assert!(life.has_ended(first));
        let second = life.begin().unwrap();
        assert!(life.has_ended(first));
        assert!(!life.has_ended(second));
        assert!(life.run());
        assert!(!life.has_ended(second));
    }

    /// covers: INIT-12
    #[test]
    fn a_life_from_start_to_end() {
        let life = Life::new();
        assert_eq!(permits(&life, Epoch::NONE), (false, false, true));
        assert_eq!(life.epoch(), None);

        let epoch = life.begin().unwrap();
        assert_eq!(
            permits(&life, epoch),
            (true, false, false),
            "no notification before DRIVER_OK"
        );
        assert_eq!(life.epoch(), Some(epoch));
        assert!(!life.has_started());

        assert!(life.run());
        assert_eq!(permits(&life, epoch), (true, true, false));
        assert_eq!(life.epoch(), Some(epoch));
        assert!(life.has_started());

        assert!(life.begin_stop());
        assert_eq!(permits(&life, epoch), (false, false, false));
        assert_eq!(life.epoch(), None);

        life.end_stop();
        assert_eq!(permits(&life, epoch), (false, false, true));
    }

    #[test]
    fn a_queue_of_an_earlier_life_takes_nothing() {
        let (life, old) = started();
        assert!(life.begin_stop());
        life.end_stop();
        let new = life.begin().unwrap();
        assert!(life.run());
        assert_ne!(old, new);
        assert_eq!(permits(&life, old), (false, false, false));
        assert_eq!(permits(&life, new), (true, true, false));
    }

    #[test]
    fn a_queue_that_was_not_enabled_takes_nothing() {
        let (life, _) = started();
        assert_eq!(permits(&life, Epoch::NONE), (false, false, false));
        assert!(life.begin_stop());
        assert_eq!(permits(&life, Epoch::NONE), (false, false, false));
    }

    #[test]
    fn only_a_stopped_device_is_started() {
        let (life, _) = started();
        assert_eq!(life.begin(), None);
        assert!(!life.run());
        assert!(life.begin_stop());
        assert_eq!(life.begin(), None, "its reset is not confirmed");
        assert!(!life.run());
        assert!(!life.is_stopped());
        assert!(!life.begin_stop(), "somebody else is at it");
        // A later reset was confirmed.
        life.end_stop();
        assert!(life.begin().is_some());
    }

    #[test]
    fn a_device_that_is_not_in_use_is_not_stopped() {
        let life = Life::new();
        assert!(!life.begin_stop());
        life.end_stop();
        assert!(life.is_stopped());
        let first = life.begin().unwrap();
        assert!(life.begin_stop(), "one that was not started completely is");
        life.end_stop();
        assert_ne!(life.begin().unwrap(), first);
    }
}

#[cfg(loom)]
mod interleavings {
    use super::*;
    use loom::{cell::UnsafeCell, thread};
    use std::sync::Arc;

    /// A device, and memory that it was told of. Loom fails on accesses that are not ordered.
    struct Bound {
        life: Life,
        epoch: Epoch,
        memory: UnsafeCell<u32>,
    }

    impl Bound {
        fn new() -> Arc<Self> {
            let (life, epoch) = started();
            let memory = UnsafeCell::new(0);
            Arc::new(Self {
                life,
                epoch,
                memory,
            })
        }

        /// The device, or whoever frees the memory, writes to it.
        fn write(&self, value: u32) {
            self.memory.with_mut(|memory| {
                // The pointer is valid: loom checks that nobody else uses it.
                let _ = (memory, value);
            });
        }

        /// Resets the device, which writes until it confirms that.
        fn stop(&self) -> bool {
            let mine = self.life.begin_stop();
            if mine {
                self.write(1);
                self.life.end_stop();
            }
            mine
        }

        fn free(&self) -> bool {
            let stopped = self.life.is_stopped();
            if stopped {
                self.write(2);
            }
            stopped
        }
    }

    #[test]
    fn one_of_two_stops_and_memory_is_freed_after_that() {
        loom::model(|| {
            let device = Bound::new();
            let stoppers = [(); 2].map(|()| {
                let device = device.clone();
                thread::spawn(move || device.stop())
            });
            let dropper = {
                let device = device.clone();
                thread::spawn(move || device.free())
            };
            let stopped = stoppers.map(|stopper| stopper.join().unwrap());
            assert!(stopped[0] != stopped[1], "one of them, and only one");
            assert!(dropper.join().unwrap() || device.free());
            assert!(!device.life.takes_buffers(device.epoch));
        });
    }

    #[test]
    fn a_device_that_is_stopped_while_it_starts_does_not_run() {
        loom::model(|| {
            let device = Arc::new(Life::new());
            let epoch = device.begin().unwrap();
            let stopper = {
                let device = device.clone();
                thread::spawn(move || device.begin_stop())
            };
            let ran = device.run();
            assert!(stopper.join().unwrap(), "a device in use is stopped");
            assert!(!device.is_running(epoch), "although it ran before: {ran}");
            assert!(!device.is_stopped());
        });
    }
}
