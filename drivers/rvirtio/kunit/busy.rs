// SPDX-License-Identifier: GPL-2.0

//! A device at work, and what becomes of it.

use crate::{
    ensure::{
        ensure,
        ensure_eq, //
    },
    front::{
        Command,
        BUFFERS,
        DEVICE_ID,
        FRONT, //
    }, //
};
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use mock::{
    Call,
    Model,
    Plugged, //
};

/// Returns a device that runs, with all buffers of queue 0 and some of queue 2.
pub(crate) fn busy_device() -> Result<Plugged> {
    busy_device_of(Model::default())
}

pub(crate) fn busy_device_of(model: Model) -> Result<Plugged> {
    FRONT.begin();
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

/// Fails unless the device was reset, all buffers have come back, and nothing can be done with it.
pub(crate) fn ensure_stopped(device: &Plugged) -> Result {
    ensure_eq!(*device.take_calls()?, [Call::Reset]);
    ensure_eq!(FRONT.reclaimed.load(Relaxed), 1);
    ensure_eq!(FRONT.detached.load(Relaxed), BUFFERS + 3);
    ensure_unusable(device)
}

/// Fails unless queues and configuration of the device are out of use.
pub(crate) fn ensure_unusable(device: &Plugged) -> Result {
    ensure_eq!(device.call(&Command::Add(0, 1)), Err(EIO));
    ensure_eq!(device.call(&Command::Add(1, 1)), Err(EIO));
    ensure!(!device.rang(0));
    ensure!(!device.rang(1));
    ensure_eq!(device.call(&Command::ReadConfig), Err(EIO));
    ensure_eq!(device.call(&Command::WriteConfig(1)), Err(EIO));
    ensure_eq!(device.broken_rule(), None);
    Ok(())
}

/// Unbinds, and binds again.
pub(crate) fn ensure_rebinds(device: &Plugged) -> Result {
    device.unbind();
    let calls = device.take_calls()?;
    ensure!(calls.ends_with(&[Call::FreeVectors]));
    ensure_eq!(FRONT.dropped.load(Relaxed), 1);
    ensure_eq!(device.interrupts(), 0);
    FRONT.begin();
    ensure!(device.bind());
    ensure_eq!(device.call(&Command::Add(0, BUFFERS))?, BUFFERS);
    ensure!(device.rang(0));
    ensure_eq!(device.use_buffers(0, BUFFERS).0, BUFFERS);
    device.interrupt(0);
    ensure_eq!(device.call(&Command::Received(0))?, BUFFERS);
    ensure_eq!(device.broken_rule(), None);
    Ok(())
}
