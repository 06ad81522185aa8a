// SPDX-License-Identifier: GPL-2.0

//! Interrupts: how many there are, what they are for, and that none is missed.

use crate::{
    ensure::{
        ensure,
        ensure_eq, //
    },
    front::{
        unbound_device,
        Command,
        BUFFERS,
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
    Step,
    QUEUES, //
};
use rvirtio::{
    spec::feature,
    vectors::VectorRequest,
    Features, //
};

const fn msix(pre_vectors: u16, queues: u16) -> Call {
    Call::AllocVectors(VectorRequest::Msix {
        pre_vectors,
        queues,
        spread: false,
    })
}

const LINE: Call = Call::AllocVectors(VectorRequest::Line);

/// Fails unless the device's interrupts come about by `calls`, are so many, and reach their queues.
fn ensure_interrupts(model: Model, calls: &[Call], interrupts: usize) -> Result {
    FRONT.begin();
    let device = Plugged::new(DEVICE_ID, model)?;
    ensure!(device.is_bound());
    let allocations: &[Call] = &device.take_calls()?;
    let first = allocations
        .iter()
        .position(|call| matches!(call, Call::AllocVectors(_)))
        .ok_or(ENODATA)?;
    ensure!(allocations[first..].starts_with(calls));
    ensure_eq!(
        allocations.get(first + calls.len()),
        Some(&Call::SetupQueue(0))
    );
    ensure_eq!(device.interrupts(), interrupts);
    for queue in 0..QUEUES as u16 {
        ensure_eq!(device.call(&Command::Add(queue, 2))?, 2);
        ensure_eq!(device.use_buffers(queue, 2), (2, true));
        device.interrupt(queue);
        ensure_eq!(device.call(&Command::Received(queue))?, 2);
    }
    device.settle();
    FRONT.forget();
    device.config_interrupt();
    device.settle();
    ensure_eq!(FRONT.changed.load(Relaxed), 1);
    device.unbind();
    ensure_eq!(device.interrupts(), 0);
    ensure_eq!(device.broken_rule(), None);
    Ok(())
}

#[kunit_tests(rvirtio_interrupts)]
mod tests {
    use super::*;

    /// Fewer vectors are shared by more queues.
    #[test]
    fn vectors_that_cannot_be_allocated() -> Result {
        let with = |vectors| Model {
            vectors,
            ..Model::default()
        };
        ensure_interrupts(with(5), &[msix(3, 2)], 5)?;
        ensure_interrupts(with(4), &[msix(3, 2), msix(2, 2)], 4)?;
        for vectors in [2, 3] {
            ensure_interrupts(with(vectors), &[msix(3, 2), msix(2, 2), msix(2, 0)], 2)?;
        }
        for vectors in [0, 1] {
            let calls = &[msix(3, 2), msix(2, 2), msix(2, 0), LINE];
            ensure_interrupts(with(vectors), calls, 1)?;
        }
        Ok(())
    }

    /// The same for vectors that are there, but cannot be requested.
    #[test]
    fn vectors_that_cannot_be_requested() -> Result {
        let with = |requestable| Model {
            requestable,
            ..Model::default()
        };
        let free = Call::FreeVectors;
        let (own, rare, shared) = (msix(3, 2), msix(2, 2), msix(2, 0));
        ensure_interrupts(with(5), &[own], 5)?;
        ensure_interrupts(with(4), &[own, free, rare], 4)?;
        for requestable in [2, 3] {
            ensure_interrupts(with(requestable), &[own, free, rare, free, shared], 2)?;
        }
        for requestable in [0, 1] {
            let calls = &[own, free, rare, free, shared, free, LINE];
            ensure_interrupts(with(requestable), calls, 1)?;
        }
        Ok(())
    }

    /// Whichever vector it is that has no interrupt, there is a way to do without.
    #[test]
    fn any_vector_can_fail() -> Result {
        for vector in 0..5 {
            let device = unbound_device(Model::default())?;
            device.fail(Step::Irq(vector))?;
            ensure!(device.bind());
            ensure_eq!(device.forgive(), 0);
            ensure_eq!(device.interrupts(), 4);
            ensure_eq!(device.broken_rule(), None);
        }
        Ok(())
    }

    /// A device that has but a line gets it.
    #[test]
    fn line_that_cannot_be_had() -> Result {
        let model = Model {
            vectors: 0,
            line: Line::Refused,
            ..Model::default()
        };
        FRONT.begin();
        let device = Plugged::new(DEVICE_ID, model)?;
        ensure!(!device.is_bound());
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// A change of the configuration is told once `connect` has returned, and then at least once, as
    /// it may have come before.
    #[test]
    fn configuration_changes() -> Result {
        FRONT.begin();
        let device = Plugged::new(DEVICE_ID, Model::default())?;
        device.settle();
        ensure_eq!(FRONT.changed.load(Relaxed), 1);
        ensure_eq!(FRONT.changed_early.load(Relaxed), 0);
        device.config_interrupt();
        device.settle();
        ensure_eq!(FRONT.changed.load(Relaxed), 2);
        Ok(())
    }

    /// A queue takes buffers once it is enabled, and the device is notified of them once it runs.
    ///
    /// covers: INIT-25
    #[test]
    fn no_notification_before_the_device_runs() -> Result {
        for bits in [&[][..], &[feature::NOTIFICATION_DATA]] {
            FRONT.begin();
            FRONT.fills.store(true, Relaxed);
            let mut model = Model::default();
            model.features = model.features.union(Features::of(bits));
            let device = Plugged::new(DEVICE_ID, model)?;
            ensure!(device.is_bound());
            ensure_eq!(FRONT.early_adds.load(Relaxed), 0);
            ensure_eq!(FRONT.early_kicks.load(Relaxed), 0);
            ensure!(!device.rang(0));
            ensure_eq!(device.call(&Command::InFlight(0))?, BUFFERS);
            ensure_eq!(device.use_buffers(0, BUFFERS), (BUFFERS, true));
            device.interrupt(0);
            ensure_eq!(device.call(&Command::Add(0, 1))?, 1);
            ensure!(device.rang(0));
            ensure_eq!(device.broken_rule(), None);
        }
        Ok(())
    }

    /// After a handler the device interrupts for the next buffer, whatever the layout, the number of
    /// buffers, and how many of them it uses when while the handler is at work.
    #[test]
    fn no_buffer_is_missed() -> Result {
        let packed = feature::RING_PACKED;
        let event_idx = feature::EVENT_IDX;
        for bits in [&[][..], &[event_idx], &[packed], &[packed, event_idx]] {
            FRONT.begin();
            let mut model = Model::default();
            model.features = model.features.union(Features::of(bits));
            let device = Plugged::new(DEVICE_ID, model)?;
            let mut expected = 0;
            for round in 0..2000usize {
                let added = round % BUFFERS + 1;
                ensure_eq!(device.call(&Command::Add(0, added))?, added);
                let mut left = added;
                while left > 0 {
                    let now = (round / 3 + left) % left + 1;
                    let meanwhile = (round / 7) % (left - now + 1);
                    FRONT.delay.store(round % 23, Relaxed);
                    FRONT.meanwhile.store(meanwhile, Relaxed);
                    ensure_eq!(device.use_buffers(0, now), (now, true));
                    device.interrupt(0);
                    // The handler may have been done before.
                    let used = now + meanwhile - FRONT.meanwhile.swap(0, Relaxed);
                    expected += used;
                    left -= used;
                    ensure_eq!(device.call(&Command::Received(0))?, expected);
                }
            }
            ensure_eq!(device.broken_rule(), None);
        }
        Ok(())
    }
}
