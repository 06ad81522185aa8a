// SPDX-License-Identifier: GPL-2.0

//! Taking all used buffers from a queue in its interrupt handler.

use super::{
    buffers::{
        Buffers,
        Used, //
    },
    queue::Virtqueue, //
};
use crate::{
    irq::IrqReturn,
    lock::IrqSaveLock,
    ring::More, //
};

/// Work that a handler defers until it has released the lock of its queue.
pub trait Deferred {
    /// Returns whether there is nothing to do.
    fn is_empty(&self) -> bool;

    /// Does the work. Called without the lock.
    fn run(&mut self);
}

/// No work is deferred.
impl Deferred for () {
    fn is_empty(&self) -> bool {
        true
    }

    fn run(&mut self) {}
}

/// What to do about callbacks when there are no more used buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callbacks {
    /// Enable them.
    Enable,
    /// Leave them disabled, because somebody polls the queue.
    Disable,
}

/// Takes all used buffers from a queue and enables callbacks again.
///
/// `queue` returns the queue in `state`. `used` is called for each buffer, with the lock held, and
/// can add work to `deferred`. That work is done before callbacks are enabled, so that buffers
/// which the device uses in the meantime need no interrupt. This is repeated as long as buffers
/// that were in flight at the beginning are missing, so it ends even if other CPUs keep adding
/// buffers. The caller has to do the work that is left in `deferred` in the end.
///
/// When this returns, the device interrupts for the next buffer that it uses, regardless of the
/// layout of the ring. A handler that only calls this cannot miss a buffer.
#[inline]
pub fn drain<'bound, S: Unpin, T: Buffers + 'bound, D: Deferred>(
    state: &IrqSaveLock<S>,
    queue: impl Fn(&mut S) -> &mut Virtqueue<'bound, T>,
    deferred: &mut D,
    used: impl FnMut(&mut S, &mut D, Used<T>),
) -> IrqReturn {
    drain_with(state, queue, deferred, used, Callbacks::Enable)
}

/// Takes all used buffers from a queue like [`drain`], and enables callbacks only if `callbacks`
/// says so.
#[inline]
pub fn drain_with<'bound, S: Unpin, T: Buffers + 'bound, D: Deferred>(
    state: &IrqSaveLock<S>,
    queue: impl Fn(&mut S) -> &mut Virtqueue<'bound, T>,
    deferred: &mut D,
    mut used: impl FnMut(&mut S, &mut D, Used<T>),
    callbacks: Callbacks,
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
            // No other buffer can be used after the last one.
            if queue(&mut guard).in_flight() > 0 {
                continue;
            }
        } else if awaited > 0 && !deferred.is_empty() {
            drop(guard);
            deferred.run();
            guard = state.lock();
            continue;
        }
        if callbacks == Callbacks::Disable || queue(&mut guard).enable_cb() == More::Nothing {
            return handled;
        }
        queue(&mut guard).disable_cb();
    }
}
