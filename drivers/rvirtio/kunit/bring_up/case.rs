// SPDX-License-Identifier: GPL-2.0

//! A step that fails, and what is expected of core then.

use crate::{
    ensure::{
        ensure,
        ensure_eq, //
    },
    front::{
        unbound_device,
        Point,
        FRONT, //
    },
};
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use mock::{
    Call,
    Model,
    Step, //
};
use rvirtio::spec::status::DeviceStatus;

pub(super) const ACKNOWLEDGE: u8 = DeviceStatus::ACKNOWLEDGE.bits();
pub(super) const DRIVER: u8 = ACKNOWLEDGE | DeviceStatus::DRIVER.bits();
pub(super) const FEATURES_OK: u8 = DRIVER | DeviceStatus::FEATURES_OK.bits();
pub(super) const DRIVER_OK: u8 = FEATURES_OK | DeviceStatus::DRIVER_OK.bits();
pub(super) const NEEDS_RESET: u8 = DeviceStatus::NEEDS_RESET.bits();
pub(super) const FAILED: u8 = DeviceStatus::FAILED.bits();

/// Something that goes wrong, and whether the device knows vectors and status bits then.
pub(super) struct Case {
    name: &'static str,
    change: fn(&mut Model),
    step: Option<Step>,
    point: Point,
    /// What comes last.
    end: &'static [Call],
}

impl Case {
    const NONE: Self = Self {
        name: "",
        change: |_| (),
        step: None,
        point: Point::Nowhere,
        end: &[],
    };

    pub(super) const fn step(name: &'static str, step: Step, end: &'static [Call]) -> Self {
        Self {
            name,
            step: Some(step),
            end,
            ..Self::NONE
        }
    }

    pub(super) const fn point(name: &'static str, point: Point, end: &'static [Call]) -> Self {
        Self {
            name,
            point,
            end,
            ..Self::NONE
        }
    }

    pub(super) const fn model(
        name: &'static str,
        change: fn(&mut Model),
        end: &'static [Call],
    ) -> Self {
        Self {
            name,
            change,
            end,
            ..Self::NONE
        }
    }

    /// Fails, then succeeds.
    fn play(&self) -> Result {
        let mut model = Model::default();
        (self.change)(&mut model);
        let device = unbound_device(model)?;
        FRONT.fills.store(true, Relaxed);
        FRONT.fail_at(self.point);
        if let Some(step) = self.step {
            device.fail(step)?;
        }
        ensure!(!device.bind());
        let calls = device.take_calls()?;
        ensure!(calls.ends_with(self.end));
        ensure!(self.point == Point::Ready || !calls.contains(&Call::Status(DRIVER_OK)));
        ensure_eq!(device.forgive(), 0);
        ensure_eq!(device.interrupts(), 0);
        ensure!(!device.is_bound());
        ensure!(device.has_its_memory());
        ensure_eq!(FRONT.changed.load(Relaxed), 0);
        // Whatever was started was taken back, and no data is left.
        ensure_eq!(FRONT.started.load(Relaxed), FRONT.reclaimed.load(Relaxed));
        ensure_eq!(device.broken_rule(), None);

        FRONT.begin();
        device.change(|model| *model = Model::default());
        ensure!(device.bind());
        ensure!(device.take_calls()?.ends_with(&[Call::Status(DRIVER_OK)]));
        device.unbind();
        ensure!(device
            .take_calls()?
            .ends_with(&[Call::Reset, Call::FreeVectors]));
        ensure_eq!(device.interrupts(), 0);
        ensure_eq!(FRONT.dropped.load(Relaxed), 1);
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    pub(super) fn play_all(cases: &[Self]) -> Result {
        for case in cases {
            case.play()
                .inspect_err(|_| pr_err!("in the case \"{}\"\n", case.name))?;
        }
        Ok(())
    }
}
