// SPDX-License-Identifier: GPL-2.0

//! Attributes of devices that fail: a directory of counters, and a file to restart a device.

use super::{
    attribute,
    device,
    Static, //
};
use crate::device::{
    Counter,
    Counters,
    Device, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Normal, //
    },
    ffi::c_char,
    prelude::*,
    str::as_char_ptr_in_const_context, //
};

/// Declares the function that shows a counter, and its attribute.
macro_rules! counter {
    ($name:ident, $text:literal, $field:ident) => {{
        extern "C" fn $name(
            dev: *mut bindings::device,
            _attr: *mut bindings::device_attribute,
            page: *mut c_char,
        ) -> isize {
            // SAFETY: sysfs passes a device of this bus, and a page.
            unsafe { show(dev, page, |counters| &counters.$field) }
        }
        attribute($text, $name)
    }};
}

/// Shows a counter.
///
/// # Safety
///
/// `dev` must be a device of the bus, and `page` that of an attribute.
unsafe fn show(
    dev: *mut bindings::device,
    page: *mut c_char,
    counter: fn(&Counters) -> &Counter,
) -> isize {
    // SAFETY: `dev` is a device of this bus (safety requirement).
    let dev: &Device<Normal> = unsafe { device(dev) };
    let value = counter(dev.counters()).get();
    // SAFETY: `page` is that of an attribute (safety requirement); the argument matches the format.
    unsafe { bindings::sysfs_emit(page, c"%llu\n".as_char_ptr(), value) as isize }
}

const COUNTERS: usize = 6;

static COUNTER_ATTRIBUTES: Static<[bindings::device_attribute; COUNTERS]> = Static([
    counter!(resets, c"resets", resets),
    counter!(timeouts, c"timeouts", timeouts),
    counter!(lost_interrupts, c"lost_interrupts", lost_interrupts),
    counter!(
        lost_notifications,
        c"lost_notifications",
        lost_notifications
    ),
    counter!(requeues, c"requeues", requeues),
    counter!(leaked_bytes, c"leaked_bytes", leaked_bytes),
]);

static COUNTER_LIST: Static<[*const bindings::attribute; COUNTERS + 1]> = Static([
    &COUNTER_ATTRIBUTES.0[0].attr,
    &COUNTER_ATTRIBUTES.0[1].attr,
    &COUNTER_ATTRIBUTES.0[2].attr,
    &COUNTER_ATTRIBUTES.0[3].attr,
    &COUNTER_ATTRIBUTES.0[4].attr,
    &COUNTER_ATTRIBUTES.0[5].attr,
    core::ptr::null(),
]);

/// The directory of the counters.
pub(super) static COUNTER_GROUP: Static<bindings::attribute_group> =
    Static(bindings::attribute_group {
        name: as_char_ptr_in_const_context(c"recovery"),
        __bindgen_anon_2: bindings::attribute_group__bindgen_ty_2 {
            attrs_const: COUNTER_LIST.0.as_ptr(),
        },
        ..pin_init::zeroed()
    });

/// The file that restarts a device that is dead.
#[allow(clippy::needless_update, reason = "with lockdep there are more fields")]
static RECOVER: Static<bindings::device_attribute> = Static(bindings::device_attribute {
    attr: bindings::attribute {
        name: as_char_ptr_in_const_context(c"recover"),
        mode: 0o200,
        ..pin_init::zeroed()
    },
    __bindgen_anon_2: bindings::device_attribute__bindgen_ty_2 {
        store: Some(store_recover),
    },
    ..pin_init::zeroed()
});

static RECOVER_LIST: Static<[*const bindings::attribute; 2]> =
    Static([&RECOVER.0.attr, core::ptr::null()]);

pub(super) static RECOVER_GROUP: Static<bindings::attribute_group> =
    Static(bindings::attribute_group {
        __bindgen_anon_2: bindings::attribute_group__bindgen_ty_2 {
            attrs_const: RECOVER_LIST.0.as_ptr(),
        },
        ..pin_init::zeroed()
    });

extern "C" fn store_recover(
    dev: *mut bindings::device,
    _attr: *mut bindings::device_attribute,
    buf: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: sysfs passes a buffer of `count` bytes, which do not change during the call.
    let input = unsafe { core::slice::from_raw_parts(buf.cast::<u8>(), count) };
    // SAFETY: sysfs passes a device that stays on the bus during the call, so that its transport is
    // valid too.
    let dev: &Device<Bound> = unsafe { device(dev) };
    let result = match input {
        b"1" | b"1\n" => dev.revive(),
        _ => Err(EINVAL),
    };
    match result {
        // CAST: This is at most the size of a page.
        Ok(()) => count as isize,
        Err(error) => error.to_errno() as isize,
    }
}
