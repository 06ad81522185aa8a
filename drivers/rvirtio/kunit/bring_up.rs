// SPDX-License-Identifier: GPL-2.0

//! Bringing up a device, with each step failing in turn.

mod case;

use self::case::{
    Case,
    ACKNOWLEDGE,
    DRIVER,
    DRIVER_OK,
    FAILED,
    FEATURES_OK,
    NEEDS_RESET, //
};
use crate::{
    ensure::{
        ensure,
        ensure_eq, //
    },
    front::{
        unbound_device,
        Point,
        DEVICE_ID,
        FRONT, //
    },
};
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use mock::{
    Call,
    Line,
    Model,
    Plugged,
    Step, //
};
use rvirtio::vectors::VectorRequest;

const VECTORS: Call = Call::AllocVectors(VectorRequest::Msix {
    pre_vectors: 3,
    queues: 2,
    spread: false,
});

/// What an agreement on features takes.
const NEGOTIATION: [Call; 5] = [
    Call::Reset,
    Call::Status(ACKNOWLEDGE),
    Call::Status(DRIVER),
    Call::DriverFeatures,
    Call::Status(FEATURES_OK),
];

const GIVEN_UP: &[Call] = &[Call::Status(FEATURES_OK | FAILED), Call::Reset];
const GIVEN_UP_WITH_VECTORS: &[Call] = &[
    Call::Status(FEATURES_OK | FAILED),
    Call::Reset,
    Call::FreeVectors,
];

#[kunit_tests(rvirtio_bring_up)]
mod tests {
    use super::*;

    /// Everything in its order, and back.
    ///
    /// covers: INIT-01 INIT-12 INIT-18 INIT-25
    #[test]
    fn device_that_works() -> Result {
        FRONT.begin();
        let device = Plugged::new(DEVICE_ID, Model::default())?;
        ensure!(device.is_bound());
        let calls = device.take_calls()?;
        ensure!(calls.starts_with(&NEGOTIATION));
        let rest = [
            VECTORS,
            Call::SetupQueue(0),
            Call::SetupQueue(1),
            Call::SetupQueue(2),
            Call::SetupQueue(3),
            Call::Status(DRIVER_OK),
        ];
        ensure_eq!(calls[NEGOTIATION.len()..], rest);
        ensure_eq!(device.interrupts(), 5);
        device.unbind();
        ensure_eq!(*device.take_calls()?, [Call::Reset, Call::FreeVectors]);
        ensure_eq!(device.interrupts(), 0);
        ensure_eq!(FRONT.order.load(Relaxed), 12534);
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// A device that does not confirm its reset is left alone, until it does.
    #[test]
    fn reset_that_is_not_confirmed() -> Result {
        Case::play_all(&[Case::step("reset", Step::Reset, &[Call::Reset])])
    }

    /// A device that does not keep FEATURES_OK becomes FAILED, as it is.
    ///
    /// covers: INIT-03 INIT-10 INIT-22 INIT-23 INIT-24
    #[test]
    fn features_that_are_refused() -> Result {
        let end = &[
            Call::Status(FEATURES_OK),
            Call::Status(DRIVER | FAILED),
            Call::Reset,
        ];
        let legacy = &[
            Call::Status(DRIVER),
            Call::Status(DRIVER | FAILED),
            Call::Reset,
        ];
        let no_version = |model: &mut Model| model.features = rvirtio::Features::EMPTY;
        Case::play_all(&[
            Case::step("FEATURES_OK", Step::FeaturesOk, end),
            Case::model("legacy", no_version, legacy),
        ])
    }

    /// A device without interrupts or with queues that are impossible becomes FAILED.
    ///
    /// covers: INIT-10 INIT-23 INIT-24
    #[test]
    fn queues_that_cannot_be_made() -> Result {
        let no_irq = |model: &mut Model| {
            model.vectors = 1;
            model.line = Line::None;
        };
        Case::play_all(&[
            Case::model("no interrupt", no_irq, GIVEN_UP),
            Case::model("queue size 0", |m| m.sizes[0] = 0, GIVEN_UP_WITH_VECTORS),
            Case::model("queue size 3", |m| m.sizes[2] = 3, GIVEN_UP_WITH_VECTORS),
            Case::model("huge queue", |m| m.sizes[3] = 65535, GIVEN_UP_WITH_VECTORS),
            Case::step("doorbell 0", Step::Doorbell(0), GIVEN_UP_WITH_VECTORS),
            Case::step("doorbell 3", Step::Doorbell(3), GIVEN_UP_WITH_VECTORS),
        ])
    }

    /// A queue that the device does not take ends what was begun.
    ///
    /// covers: INIT-23 INIT-24
    #[test]
    fn queues_that_cannot_be_enabled() -> Result {
        Case::play_all(&[
            Case::step("queue 0", Step::SetupQueue(0), GIVEN_UP_WITH_VECTORS),
            Case::step("queue 1", Step::SetupQueue(1), GIVEN_UP_WITH_VECTORS),
            Case::step("queue 2", Step::SetupQueue(2), GIVEN_UP_WITH_VECTORS),
            Case::step("queue 3", Step::SetupQueue(3), GIVEN_UP_WITH_VECTORS),
        ])
    }

    /// An interrupt that can be had in no way ends what was begun.
    #[test]
    fn interrupts_that_cannot_be_requested() -> Result {
        let line = &[
            Call::AllocVectors(VectorRequest::Line),
            Call::FreeVectors,
            Call::Status(FEATURES_OK | FAILED),
            Call::Reset,
        ];
        let none = &[
            Call::FreeVectors,
            Call::AllocVectors(VectorRequest::Line),
            Call::Status(FEATURES_OK | FAILED),
            Call::Reset,
        ];
        let refused = |model: &mut Model| {
            model.requestable = 0;
            model.line = Line::Refused;
        };
        let no_line = |model: &mut Model| {
            model.requestable = 0;
            model.line = Line::None;
        };
        Case::play_all(&[
            Case::model("line refused", refused, line),
            Case::model("no line", no_line, none),
        ])
    }

    /// A bit that the device has set is not written away, and a device that asks for a reset is not
    /// started.
    ///
    /// covers: INIT-02 INIT-23
    #[test]
    fn status_bits_are_kept() -> Result {
        let end = &[
            Call::SetupQueue(3),
            Call::Status(FEATURES_OK | NEEDS_RESET | FAILED),
            Call::Reset,
            Call::FreeVectors,
        ];
        Case::play_all(&[
            Case::step("ACKNOWLEDGE", Step::StatusBit(1, NEEDS_RESET), end),
            Case::step("DRIVER", Step::StatusBit(2, NEEDS_RESET), end),
            Case::step("FEATURES_OK", Step::StatusBit(8, NEEDS_RESET), end),
        ])
    }

    /// A bit that means nothing is kept as well, and is no trouble.
    ///
    /// covers: INIT-02
    #[test]
    fn status_bits_of_no_meaning_are_kept() -> Result {
        const UNKNOWN: u8 = 0x10;
        let device = unbound_device(Model::default())?;
        device.fail(Step::StatusBit(ACKNOWLEDGE, UNKNOWN))?;
        ensure!(device.bind());
        let calls = device.take_calls()?;
        ensure!(calls.contains(&Call::Status(FEATURES_OK | UNKNOWN)));
        ensure!(calls.ends_with(&[Call::Status(DRIVER_OK | UNKNOWN)]));
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// A front end that fails leaves nothing behind.
    ///
    /// covers: INIT-23
    #[test]
    fn front_end_that_fails() -> Result {
        Case::play_all(&[
            Case::point("probe", Point::Probe, GIVEN_UP_WITH_VECTORS),
            Case::point("connect", Point::Connect, GIVEN_UP_WITH_VECTORS),
            Case::point("start", Point::Start, GIVEN_UP_WITH_VECTORS),
            Case::point(
                "ready",
                Point::Ready,
                &[Call::Status(DRIVER_OK), Call::Reset, Call::FreeVectors],
            ),
        ])
    }

    /// A configuration that keeps changing ends `probe`, and is not read for ever.
    ///
    /// covers: INIT-14
    #[test]
    fn configuration_that_never_rests() -> Result {
        FRONT.begin();
        FRONT.reads.store(true, Relaxed);
        let model = Model {
            restless: true,
            ..Model::default()
        };
        let device = Plugged::new(DEVICE_ID, model)?;
        ensure!(!device.is_bound());
        ensure!(device.take_calls()?.ends_with(GIVEN_UP));
        device.change(|model| model.restless = false);
        ensure!(device.bind());
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// A device that is not there any more is not used, and is no trouble.
    #[test]
    fn device_that_is_gone() -> Result {
        let end = &[Call::Reset, Call::FreeVectors];
        Case::play_all(&[Case::model("gone", |model| model.gone = true, end)])
    }
}
