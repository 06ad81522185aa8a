// SPDX-License-Identifier: GPL-2.0

//! The module parameter that switches features off.

use super::entry::RawParam;
use crate::{
    device::Device,
    init::{
        switched_off,
        Named,
        RING_NAMES, //
    },
    spec::feature::Features, //
};
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    device::Bound,
    ffi::{
        c_char,
        c_int,
        c_void, //
    },
    fmt,
    prelude::*, //
};

/// The largest length of the text.
const LONGEST: usize = 1024;

/// Features that a driver does not accept, as a text that [`switched_off`] explains.
///
/// Declare it with [`features_off_param!`](crate::features_off_param). The module does not load if a
/// name is unknown; those that are known are logged then.
///
/// # Invariants
///
/// The text is only written when parameters are parsed, before the code of the module runs: the
/// parameter's file in sysfs is read-only.
pub struct FeaturesOff {
    names: &'static [Named],
    text: UnsafeCell<Text>,
}

/// The first `len` bytes are a text that was checked.
struct Text {
    len: usize,
    bytes: [u8; LONGEST],
}

// SAFETY: The text is not written once the code of the module runs (type invariant), so all accesses
// through shared references are reads.
unsafe impl Sync for FeaturesOff {}

impl FeaturesOff {
    /// Creates a parameter that knows the features of ring and transport, and those in `names`.
    pub const fn new(names: &'static [Named]) -> Self {
        Self {
            names,
            text: UnsafeCell::new(Text {
                len: 0,
                bytes: [0; LONGEST],
            }),
        }
    }

    /// Returns the features that are switched off for a device.
    pub(crate) fn of(&self, dev: &Device<Bound>) -> Features {
        let address = dev.parent().name().to_str().unwrap_or_default();
        switched_off(self.text(), self.names, address).unwrap_or_default()
    }

    fn text(&self) -> &str {
        // SAFETY: The text is not written once the code of the module runs (type invariant).
        let text = unsafe { &*self.text.get() };
        let bytes = text.bytes.get(..text.len).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    fn check<'t>(&self, value: &'t CStr) -> Result<&'t str> {
        let text = value.to_str().map_err(|_| EINVAL)?;
        if text.len() > LONGEST {
            return Err(ENOSPC);
        }
        if let Err(word) = switched_off(text, self.names, "") {
            let known = Known(self.names);
            pr_err!("features_off: {word:?} is not a feature; known are {known}\n");
            return Err(EINVAL);
        }
        Ok(text)
    }

    extern "C" fn set_raw(value: *const c_char, param: *const bindings::kernel_param) -> c_int {
        // SAFETY: Parameter parsing passes a valid string, and the entry of a parameter with these
        // operations, which `RawParam::features_off` created.
        let (value, this) = unsafe { (CStr::from_char_ptr(value), Self::from_param(param)) };
        match this.check(value) {
            Ok(checked) => {
                // SAFETY: Parameters are parsed by one thread before the code of the module runs, so
                // nobody else uses the text.
                let text = unsafe { &mut *this.text.get() };
                text.len = checked.len();
                text.bytes[..checked.len()].copy_from_slice(checked.as_bytes());
                0
            }
            Err(error) => error.to_errno(),
        }
    }

    extern "C" fn get_raw(buffer: *mut c_char, param: *const bindings::kernel_param) -> c_int {
        // SAFETY: sysfs passes the entry of a parameter with these operations, which
        // `RawParam::features_off` created.
        let text = unsafe { Self::from_param(param) }.text();
        // SAFETY: sysfs passes a buffer of a page, which is longer than any text.
        unsafe {
            buffer
                .cast::<u8>()
                .copy_from_nonoverlapping(text.as_ptr(), text.len())
        };
        // CAST: The length is at most `LONGEST`.
        text.len() as c_int
    }

    /// # Safety
    ///
    /// `param` must be an entry that [`RawParam::features_off`] has created.
    unsafe fn from_param<'a>(param: *const bindings::kernel_param) -> &'a Self {
        // SAFETY: The entry was created by `RawParam::features_off` (safety requirement), so its
        // argument is a static `FeaturesOff`.
        unsafe { &*(*param).__bindgen_anon_1.arg.cast::<Self>() }
    }

    const OPS: bindings::kernel_param_ops = bindings::kernel_param_ops {
        flags: 0,
        set: Some(Self::set_raw),
        get: Some(Self::get_raw),
        free: None,
    };
}

/// The names of all features that can be switched off.
struct Known(&'static [Named]);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Iterator::chain(self.0.iter(), RING_NAMES);
        for (index, (_, name)) in names.enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl RawParam {
    /// Creates the entry for features, which can be read in sysfs, and set at load time only.
    #[doc(hidden)]
    pub const fn features_off(
        name: &'static CStr,
        module: &ThisModule,
        value: &'static FeaturesOff,
    ) -> Self {
        let arg: *const FeaturesOff = value;
        Self::new_raw(
            name,
            module,
            &FeaturesOff::OPS,
            bindings::kernel_param__bindgen_ty_1 {
                arg: arg.cast_mut().cast::<c_void>(),
            },
        )
    }
}

/// Declares the parameter `features_off` of the current module, which knows the features of ring and
/// transport, and those that are named. [`Driver::features_off`](crate::Driver::features_off) returns
/// it.
///
/// # Examples
///
/// ```ignore
/// features_off_param! {
///     /// Features that are not accepted.
///     static FEATURES_OFF = NAMES;
///     module: "rvirtio_blk",
/// }
/// ```
#[macro_export]
macro_rules! features_off_param {
    (
        $(#[$meta:meta])*
        $vis:vis static $ident:ident = $names:expr;
        module: $module:literal $(,)?
    ) => {
        $(#[$meta])*
        $vis static $ident: $crate::param::FeaturesOff = $crate::param::FeaturesOff::new($names);

        $crate::param_entry!(
            $module, "features_off", "string",
            "Features that are not accepted: names, of one device as in 0000:00:04.0/NAME",
            |name, module| $crate::param::RawParam::features_off(name, module, &$ident)
        );
    };
}
