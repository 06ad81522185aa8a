// SPDX-License-Identifier: GPL-2.0

//! Guards, which are dropped before a driver's data: interrupts, registrations, the started device.
//!
//! A guard stands for something that calls into the driver, and ends it when it is dropped. Core
//! keeps guards in a list of the device that gives no access to them. So no value can refer to a
//! guard, and guards can refer to the driver's data, which is dropped after them.

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
/// `drop(guard)` may be called once, before any lifetime in the type of the guard ends.
struct Erased {
    guard: NonNull<()>,
    drop: unsafe fn(NonNull<()>),
}

// SAFETY: `Connections::keep`, which creates all values, requires that the guard is `Send`.
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
    /// Those of initialising `guard`, and [`ENOMEM`].
    ///
    /// # Safety
    ///
    /// [`Connections::end`] must be called before any lifetime in `G` ends.
    pub(crate) unsafe fn keep<G: Send, E>(&self, guard: impl PinInit<G, E>) -> Result
    where
        Error: From<E>,
    {
        /// # Safety
        ///
        /// `guard` must come from a pinned `KBox<G>` that was leaked, and must not be used
        /// afterwards.
        unsafe fn end<G>(guard: NonNull<()>) {
            // SAFETY: `guard` comes from a `KBox<G>`, which nobody else uses any more (safety
            // requirements). The guard is dropped in place, so it stays pinned.
            drop(unsafe { KBox::from_raw(guard.cast::<G>().as_ptr()) });
        }
        let guard = <KBox<G> as InPlaceInit<G>>::pin_init(guard, GFP_KERNEL)?;
        let mut guards = self.guards.lock();
        guards.reserve(1, GFP_KERNEL)?;
        // SAFETY: The guard is never moved out of its box, only dropped in it.
        let guard = KBox::leak(unsafe { Pin::into_inner_unchecked(guard) });
        // INVARIANT: `Connections::end` calls it once, before any lifetime in `G` ends (safety
        // requirement).
        let erased = Erased {
            guard: NonNull::from(guard).cast(),
            drop: end::<G>,
        };
        // This does not fail: `reserve` has made room.
        guards.push(erased, GFP_KERNEL)?;
        Ok(())
    }

    /// Drops all guards in reverse order.
    pub(crate) fn end(&self) {
        loop {
            // The lock is not held below, because dropping a guard may sleep.
            let Some(last) = self.guards.lock().pop() else {
                return;
            };
            // SAFETY: `last` was removed from the list, so `drop` is called once, and no lifetime
            // in the type of the guard has ended (type invariant of `Erased`).
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
