// SPDX-License-Identifier: GPL-2.0

//! What an interrupt handler does with its queue.

use super::{
    buffers::Buffers,
    More,
    Used,
    Virtqueue, //
};
use crate::{
    irq::IrqReturn,
    lock::IrqSaveLock, //
};

/// What a handler puts aside while it holds the lock of its queue.
pub trait Deferred {
    /// Returns whether there is nothing to do.
    fn is_empty(&self) -> bool;

    /// Does what was put aside. Called without the lock.
    fn run(&mut self);
}

/// Nothing is put aside.
impl Deferred for () {
    fn is_empty(&self) -> bool {
        true
    }

    fn run(&mut self) {}
}

/// Takes all buffers from a queue that the device has used, and asks it to interrupt for the next.
///
/// The queue is the part of `state` that `queue` returns. Each buffer is given to `used`, with the
/// lock held. What that puts aside in `deferred` is done before the device is asked for the next
/// interrupt: what it uses in the meantime is taken along, and an interrupt less is needed. That goes
/// on for as long as there are buffers that were in flight at the beginning, so that it has an end
/// even if other CPUs always add new ones. What is left in `deferred` in the end is up to the
/// caller.
///
/// When this returns the device interrupts for the next buffer that it uses, whatever the layout of
/// the ring. A handler that does nothing but call this cannot miss any.
#[inline]
pub fn drain<'bound, S: Unpin, T: Buffers + 'bound, D: Deferred>(
    state: &IrqSaveLock<S>,
    queue: impl Fn(&mut S) -> &mut Virtqueue<'bound, T>,
    deferred: &mut D,
    mut used: impl FnMut(&mut S, &mut D, Used<T>),
) -> IrqReturn {
    let mut handled = IrqReturn::None;
    let mut guard = state.lock();
    let mut awaited = queue(&mut guard).in_flight();
    queue(&mut guard).disable_cb();
    loop {
        if let Some(buffer) = queue(&mut guard).pop_used() {
            used(&mut guard, deferred, buffer);
            handled = IrqReturn::Handled;
            awaited = awaited.saturating_sub(1);
            // After the last one there is no need to look.
            if queue(&mut guard).in_flight() > 0 {
                continue;
            }
        } else if awaited > 0 && !deferred.is_empty() {
            drop(guard);
            deferred.run();
            guard = state.lock();
            continue;
        }
        if queue(&mut guard).enable_cb() == More::Nothing {
            return handled;
        }
        queue(&mut guard).disable_cb();
    }
}
