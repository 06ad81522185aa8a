// SPDX-License-Identifier: GPL-2.0

//! What ends before a driver's data: interrupts, registrations, the device's activity.
//!
//! A guard stands for something that calls into the driver, and ends that when it is dropped. Core
//! keeps guards in a list of the device that nobody can look into. So no value refers to a guard,
//! and guards can refer to the driver's data, which is dropped after them.

use core::ptr::NonNull;
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// A guard without its type.
///
/// # Invariants
///
/// `drop(guard)` may be called once, before the lifetimes in the guard's type end.
struct Erased {
    guard: NonNull<()>,
    drop: unsafe fn(NonNull<()>),
}

// SAFETY: `keep` takes guards that are `Send`.
unsafe impl Send for Erased {}

/// The guards of a device.
#[pin_data(PinnedDrop)]
pub(crate) struct Connections {
    #[pin]
    guards: Mutex<KVec<Erased>>,
}

impl Connections {
    /// Returns an empty list.
    ///
    /// Not an initialiser, and not inlined: each module would have a copy of the lock's name then,
    /// but lockdep wants one for one class.
    #[inline(never)]
    pub(crate) fn new() -> Result<Pin<KBox<Self>>> {
        let this = pin_init!(Self {
            guards <- new_mutex!(KVec::new(), "rvirtio::Connections"),
        });
        KBox::pin_init(this, GFP_KERNEL)
    }

    /// Keeps a guard until [`Connections::end`].
    ///
    /// # Errors
    ///
    /// Those of `guard`, and [`ENOMEM`].
    ///
    /// # Safety
    ///
    /// [`Connections::end`] must be called before the lifetimes in `G` end.
    pub(crate) unsafe fn keep<G: Send, E>(&self, guard: impl PinInit<G, E>) -> Result
    where
        Error: From<E>,
    {
        /// # Safety
        ///
        /// `guard` must have come from a `KBox<G>`, and not be used any more.
        unsafe fn end<G>(guard: NonNull<()>) {
            // SAFETY: By the safety requirements. It is dropped in place.
            drop(unsafe { KBox::from_raw(guard.cast::<G>().as_ptr()) });
        }
        let guard = <KBox<G> as InPlaceInit<G>>::pin_init(guard, GFP_KERNEL)?;
        let mut guards = self.guards.lock();
        guards.reserve(1, GFP_KERNEL)?;
        // SAFETY: It is not moved out of its box, only dropped there.
        let guard = KBox::leak(unsafe { Pin::into_inner_unchecked(guard) });
        // INVARIANT: `end` calls it once, in time (safety requirement).
        let erased = Erased {
            guard: NonNull::from(guard).cast(),
            drop: end::<G>,
        };
        // There is room for it.
        guards.push(erased, GFP_KERNEL)?;
        Ok(())
    }

    /// Drops all guards, the last one first.
    pub(crate) fn end(&self) {
        loop {
            // Not under the lock: a guard may keep another one, or sleep.
            let Some(last) = self.guards.lock().pop() else {
                return;
            };
            // SAFETY: It was on the list until now, and the lifetimes have not ended (type
            // invariant).
            unsafe { (last.drop)(last.guard) };
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Connections {
    fn drop(self: Pin<&mut Self>) {
        self.end();
    }
}
