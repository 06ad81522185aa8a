// SPDX-License-Identifier: GPL-2.0

//! Module parameters that are strings.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

use super::entry::RawParam;
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    module::ThisModule,
    prelude::*, //
};

/// The value of a string parameter: at most `N - 1` bytes.
///
/// Declare it with [`string_param!`](crate::string_param).
///
/// # Invariants
///
/// The value ends with a 0. It is only written when parameters are parsed, before the code of the
/// module runs: the parameter's file in sysfs is read-only.
pub struct StringParam<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: The value is not written once the code of the module runs (type invariant), so all
// accesses through shared references are reads.
unsafe impl<const N: usize> Sync for StringParam<N> {}

impl<const N: usize> StringParam<N> {
    /// Creates a parameter with a default value, which must be shorter than `N`.
    pub const fn new(default: &[u8]) -> Self {
        assert!(default.len() < N, "the default value is too long");
        let mut value = [0; N];
        let mut i = 0;
        while i < default.len() {
            value[i] = default[i];
            i += 1;
        }
        // INVARIANT: At least the last byte is 0.
        Self(UnsafeCell::new(value))
    }

    /// Returns the value without the terminating 0.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: The value is not written once the code of the module runs (type invariant).
        let value = unsafe { &*self.0.get() };
        let len = value.iter().position(|&c| c == 0).unwrap_or(N);
        &value[..len]
    }

    /// Returns the description of the value for C.
    #[doc(hidden)]
    pub const fn raw(&'static self) -> RawString {
        RawString(bindings::kparam_string {
            maxlen: N as u32,
            string: self.0.get().cast(),
        })
    }
}

/// The description of a string parameter's value for C.
#[doc(hidden)]
#[repr(transparent)]
pub struct RawString(bindings::kparam_string);

// SAFETY: The structure is never changed, so it can be shared.
unsafe impl Sync for RawString {}

impl RawParam {
    /// Creates the entry for a string that can be read in sysfs, and set at load time only.
    pub const fn new(name: &'static CStr, module: &ThisModule, value: &'static RawString) -> Self {
        Self::new_raw(
            name,
            module,
            &raw const bindings::param_ops_string,
            bindings::kernel_param__bindgen_ty_1 { str_: &value.0 },
        )
    }
}

/// Declares a string parameter of the current module.
///
/// # Examples
///
/// ```ignore
/// string_param! {
///     /// The prefix of disk names.
///     static NAME_PREFIX: StringParam<16> = "name_prefix", b"vd";
///     module: "rvirtio_blk",
///     description: "Prefix of disk names",
/// }
/// ```
// `crate` is the crate that declares the parameter, because the parameter belongs to its module.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! string_param {
    (
        $(#[$meta:meta])*
        $vis:vis static $ident:ident: StringParam<$len:literal> = $name:literal, $default:literal;
        module: $module:literal,
        description: $description:literal $(,)?
    ) => {
        $(#[$meta])*
        $vis static $ident: $crate::param::StringParam<$len> = $crate::param::StringParam::new($default);

        const _: () = {
            static VALUE: $crate::param::RawString = $ident.raw();

            $crate::param_entry!(
                $module, $name, "string", $description,
                |name, module| $crate::param::RawParam::new(name, module, &VALUE)
            );
        };
    };
}
