// SPDX-License-Identifier: GPL-2.0

//! Devices that are stopped and started again, with each step failing in turn.

use crate::{
    busy::{
        busy_device_of,
        ensure_rebinds,
        ensure_unusable, //
    },
    ensure::{
        ensure,
        ensure_eq, //
    },
    front::{
        unbound_device,
        Command,
        Point,
        BUFFERS,
        DEVICE_ID,
        FRONT, //
    },
};
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use mock::{
    Call,
    Model,
    Plugged,
    Step, //
};
use rvirtio::{
    spec::{
        feature,
        status::DeviceStatus, //
    },
    Hold,
    Why, //
};

/// What a restart takes, after the reset by which the device was stopped.
const RESTART: [Call; 11] = [
    Call::Reset,
    Call::Status(1),
    Call::Status(3),
    Call::DriverFeatures,
    Call::Status(11),
    Call::RouteConfigVector,
    Call::SetupQueue(0),
    Call::SetupQueue(1),
    Call::SetupQueue(2),
    Call::SetupQueue(3),
    Call::Status(15),
];

/// Returns a busy device that can be restarted.
pub(crate) fn restartable_device(model: Model) -> Result<Plugged> {
    FRONT.begin();
    FRONT.restarts.store(true, Relaxed);
    let device = Plugged::new(DEVICE_ID, model)?;
    ensure!(device.is_bound());
    ensure_eq!(device.call(&Command::Add(0, BUFFERS))?, BUFFERS);
    ensure_eq!(device.call(&Command::Add(2, 3))?, 3);
    ensure!(device.rang(0));
    ensure!(device.rang(2));
    device.settle();
    device.take_calls()?;
    Ok(device)
}

fn fail(device: &Plugged) {
    device.ask_for_reset();
    device.config_interrupt();
    device.settle();
}

/// Fails unless the queues of the device work: all buffers go there and back.
pub(crate) fn ensure_works(device: &Plugged) -> Result {
    let before = device.call(&Command::Received(0))?;
    device.rang(0);
    ensure_eq!(device.call(&Command::InFlight(0))?, 0);
    ensure_eq!(device.call(&Command::Add(0, BUFFERS))?, BUFFERS);
    ensure!(device.rang(0));
    ensure_eq!(device.use_buffers(0, BUFFERS), (BUFFERS, true));
    device.interrupt(0);
    ensure_eq!(device.call(&Command::Received(0))?, before + BUFFERS);
    ensure!(device.has_its_memory());
    ensure_eq!(device.call(&Command::ReadConfig)?, 0);
    ensure_eq!(device.broken_rule(), None);
    Ok(())
}

/// Fails unless the device was stopped for `why`, once, with all buffers taken back, and restarted.
pub(crate) fn ensure_restarted(device: &Plugged, why: Why) -> Result {
    let calls = device.take_calls()?;
    ensure_eq!(calls.first(), Some(&Call::Reset));
    ensure_eq!(calls[1..], RESTART);
    ensure_eq!(FRONT.order.load(Relaxed), 16317);
    ensure_eq!(FRONT.why.load(Relaxed), why as usize);
    ensure_eq!(FRONT.detached.load(Relaxed), BUFFERS + 3);
    ensure_eq!(FRONT.dead.load(Relaxed), 0);
    ensure_works(device)
}

/// Fails unless the device is dead, with all that was in it taken back, and can be revived.
pub(crate) fn ensure_dead(device: &Plugged) -> Result {
    ensure_eq!(FRONT.quiesced.load(Relaxed), 1);
    ensure_eq!(FRONT.resumed.load(Relaxed), 1);
    ensure_eq!(FRONT.dead.load(Relaxed), 1);
    ensure_eq!(device.call(&Command::InFlight(0))?, 0);
    ensure_eq!(device.call(&Command::InFlight(2))?, 0);
    ensure_unusable(device)?;
    ensure!(device.has_its_memory());
    ensure_eq!(device.interrupts(), 5);
    Ok(())
}

#[kunit_tests(rvirtio_restart)]
mod tests {
    use super::*;

    /// A device that asks for a reset is reset and goes on, in the same memory.
    ///
    /// covers: INIT-20 INIT-27
    #[test]
    fn device_that_fails_is_restarted() -> Result {
        for ring in [feature::EVENT_IDX, feature::RING_PACKED, feature::IN_ORDER] {
            let mut model = Model::default();
            model.features = model.features.with(ring);
            let device = restartable_device(model)?;
            // Some were used, which nobody was told of.
            device.use_buffers(0, 3);
            fail(&device);
            ensure_restarted(&device, Why::Recovery)?;
            // A second time, with buffers that are made available before DRIVER_OK.
            FRONT.fills.store(true, Relaxed);
            fail(&device);
            ensure_eq!(device.call(&Command::InFlight(0))?, BUFFERS);
            ensure!(device.rang(0));
            ensure_eq!(device.use_buffers(0, BUFFERS), (BUFFERS, true));
            ensure_eq!(device.broken_rule(), None);
            FRONT.fills.store(false, Relaxed);
            ensure_rebinds(&device)?;
        }
        Ok(())
    }

    /// So is one that breaks a ring, and one that somebody else has reset.
    #[test]
    fn device_that_breaks_a_ring_is_restarted() -> Result {
        let device = restartable_device(Model::default())?;
        device.break_ring(2);
        device.interrupt(2);
        device.settle();
        ensure_restarted(&device, Why::Recovery)?;
        drop(device);

        let device = restartable_device(Model::default())?;
        device.forget();
        device.config_interrupt();
        device.settle();
        ensure_restarted(&device, Why::Recovery)
    }

    /// A device is stopped before its transport resets it or it loses its power, and started after
    /// that. Meanwhile nothing is done with it.
    #[test]
    fn device_that_is_held_is_restarted() -> Result {
        for (hold, why) in [(Hold::Suspend, Why::Suspend), (Hold::Reset, Why::Reset)] {
            let device = restartable_device(Model::default())?;
            device.hold(hold);
            ensure_eq!(FRONT.order.load(Relaxed), 163);
            ensure_unusable(&device)?;
            device.forget();
            device.interrupt(0);
            device.config_interrupt();
            device.settle();
            ensure_eq!(FRONT.order.load(Relaxed), 163);
            device.release(hold);
            device.settle();
            ensure_restarted(&device, why)?;
        }
        Ok(())
    }

    /// The device is started when the last hold is released.
    #[test]
    fn holds_are_nested() -> Result {
        use Hold::{Reset, Suspend};
        for (first, second) in [(Suspend, Reset), (Reset, Suspend)] {
            for (released, last) in [(first, second), (second, first)] {
                let device = restartable_device(Model::default())?;
                device.hold(first);
                device.hold(second);
                device.release(released);
                ensure_eq!(FRONT.order.load(Relaxed), 163);
                ensure_unusable(&device)?;
                ensure_eq!(device.recover(b"1"), Err(EBUSY));
                device.release(last);
                device.settle();
                ensure_restarted(&device, first_why(first))?;
            }
        }
        Ok(())
    }

    fn first_why(hold: Hold) -> Why {
        match hold {
            Hold::Suspend => Why::Suspend,
            Hold::Reset | Hold::Error => Why::Reset,
        }
    }

    /// A driver that cannot restart its device is not disturbed.
    #[test]
    fn driver_that_cannot_restart() -> Result {
        let device = busy_device_of(Model::default())?;
        device.hold(Hold::Suspend);
        ensure_eq!(device.call(&Command::InFlight(0))?, BUFFERS);
        device.release(Hold::Suspend);
        ensure!(device.take_calls()?.is_empty());
        ensure_eq!(FRONT.order.load(Relaxed), 1);
        ensure_eq!(device.recover(b"1"), Ok(()));
        fail(&device);
        ensure_eq!(device.recover(b"1"), Err(EOPNOTSUPP));
        ensure_rebinds(&device)
    }

    /// Whatever fails when a device is started again, it is dead, nothing waits for it, and it can be
    /// revived, by an administrator or by a reset of the transport.
    #[test]
    fn each_step_fails() -> Result {
        const NEEDS_RESET: u8 = DeviceStatus::NEEDS_RESET.bits();
        let steps = [
            Step::FeaturesOk,
            Step::StatusBit(1, NEEDS_RESET),
            Step::StatusBit(2, NEEDS_RESET),
            Step::StatusBit(8, NEEDS_RESET),
            Step::RouteConfigVector,
            Step::SetupQueue(0),
            Step::SetupQueue(1),
            Step::SetupQueue(2),
            Step::SetupQueue(3),
        ];
        for (index, step) in steps.into_iter().enumerate() {
            for fills in [false, true] {
                let device = restartable_device(Model::default())?;
                FRONT.fills.store(fills, Relaxed);
                device.fail(step)?;
                fail(&device);
                ensure_eq!(device.forgive(), 0);
                ensure_dead(&device).inspect_err(|_| pr_err!("in step {step:?}\n"))?;
                ensure!(device.take_calls()?.ends_with(&[Call::Reset]));
                FRONT.fills.store(false, Relaxed);
                if index % 2 == 0 {
                    ensure_eq!(device.recover(b"1\n"), Ok(()));
                } else {
                    device.hold(Hold::Reset);
                    device.release(Hold::Reset);
                }
                device.settle();
                ensure_works(&device)?;
                ensure_rebinds(&device)?;
            }
        }
        Ok(())
    }

    /// A front end that fails to start makes the device dead as well.
    #[test]
    fn front_end_fails_to_start() -> Result {
        let device = restartable_device(Model::default())?;
        FRONT.fail_at(Point::Start);
        fail(&device);
        ensure_dead(&device)?;
        ensure_eq!(device.recover(b"1"), Err(ENXIO));
        FRONT.fail_at(Point::Nowhere);
        ensure_eq!(device.recover(b"1"), Ok(()));
        device.settle();
        ensure_works(&device)
    }

    /// A device that is another one after it was stopped is not used.
    #[test]
    fn device_that_has_changed() -> Result {
        let changes: [fn(&mut Model); 3] = [
            |model| model.features = model.features.without(feature::RING_RESET),
            |model| model.sizes[3] = 4,
            |model| model.sizes[0] = 0,
        ];
        for change in changes {
            let device = restartable_device(Model::default())?;
            device.hold(Hold::Suspend);
            device.change(change);
            device.release(Hold::Suspend);
            ensure_dead(&device)?;
            device.change(|model| *model = Model::default());
            ensure_eq!(device.recover(b"1"), Ok(()));
            ensure_works(&device)?;
        }
        // One that can do more is used as before.
        let device = restartable_device(Model::default())?;
        device.hold(Hold::Suspend);
        device.change(|model| {
            model.features = model.features.with(feature::EVENT_IDX);
            model.sizes = [16; 4];
        });
        device.release(Hold::Suspend);
        device.settle();
        ensure_restarted(&device, Why::Suspend)
    }

    /// Memory of a device that does not confirm its reset does not come back, not even when a later
    /// reset is confirmed and the device goes on.
    #[test]
    fn reset_that_is_not_confirmed() -> Result {
        let device = restartable_device(Model::default())?;
        device.fail(Step::Reset)?;
        fail(&device);
        ensure_eq!(FRONT.detached.load(Relaxed), 0);
        ensure_eq!(FRONT.dead.load(Relaxed), 0);
        ensure_eq!(device.take_calls()?[1..], RESTART);
        // Its own buffers are lost.
        ensure_eq!(device.call(&Command::Add(0, 1)), Err(EIO));
        ensure_eq!(device.call(&Command::Add(1, BUFFERS))?, BUFFERS);
        ensure_eq!(device.use_buffers(1, BUFFERS).0, BUFFERS);
        ensure!(device.has_its_memory());
        ensure_eq!(device.broken_rule(), None);
        drop(device);

        // If that is not confirmed either, the device is dead, and may write until it is.
        let device = restartable_device(Model::default())?;
        device.fail(Step::Reset)?;
        device.fail(Step::Reset)?;
        fail(&device);
        ensure_eq!(FRONT.detached.load(Relaxed), 0);
        ensure_eq!(FRONT.dead.load(Relaxed), 1);
        ensure_eq!(*device.take_calls()?, [Call::Reset, Call::Reset]);
        device.write_everywhere();
        ensure_unusable(&device)?;
        device.fail(Step::Reset)?;
        ensure_eq!(device.recover(b"1"), Err(ETIMEDOUT));
        device.write_everywhere();
        ensure!(device.has_its_memory());
        ensure_eq!(device.recover(b"1"), Ok(()));
        ensure_eq!(device.call(&Command::Add(1, BUFFERS))?, BUFFERS);
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// A device that fails too often is given up, until somebody wants it back. Its driver is quiesced
    /// before the reset, so that no notification follows that.
    ///
    /// covers: INIT-25
    #[test]
    fn device_that_keeps_failing() -> Result {
        let device = restartable_device(Model::default())?;
        for _ in 0..3 {
            fail(&device);
            ensure_works(&device)?;
        }
        device.take_calls()?;
        fail(&device);
        ensure_eq!(*device.take_calls()?, [Call::Reset]);
        ensure_eq!(FRONT.why.load(Relaxed), Why::End as usize);
        ensure_eq!(FRONT.quiesced.load(Relaxed), 4);
        ensure_eq!(FRONT.resumed.load(Relaxed), 4);
        ensure_eq!(FRONT.dead.load(Relaxed), 1);
        ensure_eq!(FRONT.order.load(Relaxed) % 1000, 637);
        ensure_unusable(&device)?;
        for input in [&b""[..], b"0", b"2", b"11", b"yes"] {
            ensure_eq!(device.recover(input), Err(EINVAL));
        }
        ensure_eq!(device.recover(b"1\n"), Ok(()));
        ensure_works(&device)?;
        // The budget is new.
        fail(&device);
        ensure_works(&device)?;
        // A device that works is left alone.
        device.take_calls()?;
        ensure_eq!(device.recover(b"1\n"), Ok(()));
        ensure!(device.take_calls()?.is_empty());
        Ok(())
    }

    /// A device that is gone is dead, and is not waited for.
    #[test]
    fn device_that_is_unplugged() -> Result {
        let mut device = restartable_device(Model::default())?;
        device.change(|model| model.gone = true);
        device.config_interrupt();
        device.settle();
        ensure_eq!(FRONT.dead.load(Relaxed), 1);
        ensure_eq!(FRONT.detached.load(Relaxed), BUFFERS + 3);
        ensure_eq!(device.call(&Command::Add(0, 1)), Err(EIO));
        ensure_eq!(device.recover(b"1"), Err(ENODEV));
        device.remove();
        ensure_eq!(FRONT.dropped.load(Relaxed), 1);
        Ok(())
    }

    /// A driver is unbound while the device is held, and another one is not bound before that ends.
    #[test]
    fn unbinding_while_held() -> Result {
        let device = restartable_device(Model::default())?;
        device.hold(Hold::Reset);
        device.unbind();
        // Whatever waits for the device is released before the driver is told.
        ensure_eq!(FRONT.order.load(Relaxed), 1637254);
        ensure_eq!(FRONT.dead.load(Relaxed), 1);
        ensure!(!device.bind());
        device.release(Hold::Reset);
        FRONT.begin();
        ensure!(device.bind());
        ensure_rebinds(&device)
    }

    /// A machine that goes down does not start its devices again.
    #[test]
    fn shutdown_is_final() -> Result {
        let device = restartable_device(Model::default())?;
        device.shutdown();
        device.take_calls()?;
        device.hold(Hold::Suspend);
        device.release(Hold::Suspend);
        device.config_interrupt();
        device.settle();
        ensure!(device.take_calls()?.is_empty());
        ensure_unusable(&device)?;
        ensure_eq!(device.recover(b"1"), Err(EOPNOTSUPP));
        ensure_rebinds(&device)
    }

    /// A device that is held before it was ever started is not started by its release.
    #[test]
    fn hold_of_an_unbound_device() -> Result {
        let device = unbound_device(Model::default())?;
        device.hold(Hold::Suspend);
        ensure!(!device.bind());
        device.take_calls()?;
        device.release(Hold::Suspend);
        ensure!(device.take_calls()?.is_empty());
        FRONT.begin();
        ensure!(device.bind());
        ensure_rebinds(&device)
    }
}
