// SPDX-License-Identifier: GPL-2.0

//! Storage that lasts as long as a device is bound.
//!
//! Interrupt handlers and the data of a driver both refer to queues, and all of them end when
//! the device is unbound. Values stored here live in the device's list of managed resources,
//! which the driver core releases last in, first out, after the driver's data is dropped. So all
//! of them can borrow what was stored before them, for the lifetime `'bound`, and nothing needs a
//! reference count.

use crate::device::Device;
use kernel::{
    bindings,
    device::Bound,
    error::to_result,
    ffi::c_void,
    prelude::*, //
};

/// Stores a value until `dev` is unbound.
///
/// On failure, what was already constructed is dropped at once.
///
/// # Safety
///
/// `'bound` must be the whole time that `dev` is bound, not a shorter one that the caller chose:
/// otherwise `T` could hold references that end before it is dropped.
pub(crate) unsafe fn manage<'bound, T, E>(
    dev: &'bound Device<Bound>,
    init: impl PinInit<T, E>,
) -> Result<Pin<&'bound T>>
where
    T: Send + Sync + 'bound,
    Error: From<E>,
{
    let value = <KBox<T> as InPlaceInit<T>>::pin_init(init, GFP_KERNEL)?;
    // SAFETY: The value is not moved out of its box: only `release` uses the pointer, to drop it.
    let value = KBox::into_raw(unsafe { Pin::into_inner_unchecked(value) });
    // SAFETY: `release::<T>` takes what `into_raw` returned.
    unsafe { add_action(dev, release::<T>, value.cast()) }?;
    // SAFETY: `value` is valid and pinned until `release`, which runs at the end of `'bound`.
    Ok(unsafe { Pin::new_unchecked(&*value) })
}

/// Has `action(data)` called when `dev` is unbound; at once if that cannot be arranged.
///
/// Not generic, so that front ends do not need the C function.
///
/// # Safety
///
/// `action(data)` must be sound then.
#[inline(never)]
unsafe fn add_action(
    dev: &Device<Bound>,
    action: unsafe extern "C" fn(*mut c_void),
    data: *mut c_void,
) -> Result {
    // SAFETY: `dev` is bound; by the safety requirements.
    to_result(unsafe { bindings::devm_add_action_or_reset(dev.as_raw(), Some(action), data) })
}

/// Drops a value of [`manage`].
///
/// # Safety
///
/// `value` must have come from `KBox::<T>::into_raw`, and not be used any more.
unsafe extern "C" fn release<T>(value: *mut c_void) {
    // SAFETY: By the safety requirements. It is dropped in place, without having been moved.
    drop(unsafe { KBox::from_raw(value.cast::<T>()) });
}
