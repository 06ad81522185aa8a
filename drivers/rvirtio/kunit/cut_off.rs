// SPDX-License-Identifier: GPL-2.0

//! Devices whose transport fails, so that they cannot be accessed for a while.

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
        Command,
        BUFFERS,
        FRONT, //
    },
    restart::{
        ensure_dead,
        ensure_restarted,
        ensure_works,
        restartable_device, //
    }, //
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
    Hold,
    Why, //
};

/// Fails unless nothing can be done with the device, nobody has accessed it, and it has its buffers.
fn ensure_cut_off(device: &Plugged) -> Result {
    device.config_interrupt();
    device.settle();
    ensure_unusable(device)?;
    ensure!(device.take_calls()?.is_empty());
    ensure_eq!(FRONT.order.load(Relaxed), 16);
    ensure_eq!(device.call(&Command::InFlight(0))?, BUFFERS);
    ensure_eq!(device.recover(b"1"), Err(EBUSY));
    ensure!(device.has_its_memory());
    Ok(())
}

#[kunit_tests(rvirtio_cut_off)]
mod tests {
    use super::*;

    /// A device that is cut off is not accessed. When its transport works again, it is reset and
    /// restarted.
    #[test]
    fn device_is_restarted() -> Result {
        let device = restartable_device(Model::default())?;
        device.cut_off();
        ensure_cut_off(&device)?;
        // The transport has reset it meanwhile.
        device.forget();
        device.release(Hold::Error);
        device.settle();
        ensure_restarted(&device, Why::Reset)?;
        // An error that has stopped nothing.
        device.take_calls()?;
        device.release(Hold::Error);
        ensure!(device.take_calls()?.is_empty());
        ensure_works(&device)
    }

    /// Holds are nested, whichever begins or ends first.
    #[test]
    fn other_holds() -> Result {
        for first in [Hold::Error, Hold::Suspend] {
            let device = restartable_device(Model::default())?;
            device.cut_off();
            device.hold(Hold::Suspend);
            ensure_cut_off(&device)?;
            device.release(first);
            ensure_unusable(&device)?;
            let last = match first {
                Hold::Error => Hold::Suspend,
                _ => Hold::Error,
            };
            device.release(last);
            device.settle();
            ensure_restarted(&device, Why::Reset)?;
        }
        Ok(())
    }

    /// A device whose transport does not work again is dead, and can be revived.
    #[test]
    fn device_is_lost() -> Result {
        for confirms in [true, false] {
            let device = restartable_device(Model::default())?;
            device.cut_off();
            ensure_cut_off(&device)?;
            if !confirms {
                device.fail(Step::Reset)?;
            }
            device.lose();
            ensure_eq!(*device.take_calls()?, [Call::Reset]);
            if confirms {
                ensure_dead(&device)?;
            } else {
                // What it may still write to does not come back.
                ensure_eq!(FRONT.detached.load(Relaxed), 0);
                ensure_eq!(FRONT.dead.load(Relaxed), 1);
                ensure!(device.has_its_memory());
                continue;
            }
            ensure_eq!(device.recover(b"1"), Ok(()));
            ensure_works(&device)?;
            ensure_rebinds(&device)?;
        }
        Ok(())
    }

    /// A driver is unbound while the device is cut off: whatever waits for it is released.
    #[test]
    fn unbinding() -> Result {
        let device = restartable_device(Model::default())?;
        device.cut_off();
        device.unbind();
        ensure_eq!(FRONT.order.load(Relaxed), 1637254);
        ensure_eq!(FRONT.dead.load(Relaxed), 1);
        ensure_eq!(FRONT.detached.load(Relaxed), BUFFERS + 3);
        ensure!(!device.bind());
        device.release(Hold::Error);
        FRONT.begin();
        ensure!(device.bind());
        ensure_rebinds(&device)
    }

    /// A driver that cannot restart its device gets its buffers back when that is possible.
    #[test]
    fn driver_that_cannot_restart() -> Result {
        let device = busy_device_of(Model::default())?;
        device.cut_off();
        ensure_unusable(&device)?;
        ensure!(device.take_calls()?.is_empty());
        device.release(Hold::Error);
        ensure_eq!(*device.take_calls()?, [Call::Reset]);
        ensure_eq!(FRONT.detached.load(Relaxed), BUFFERS + 3);
        ensure_eq!(FRONT.why.load(Relaxed), Why::End as usize);
        ensure_unusable(&device)?;
        ensure_rebinds(&device)
    }
}
