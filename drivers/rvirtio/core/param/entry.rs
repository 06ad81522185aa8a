// SPDX-License-Identifier: GPL-2.0

//! Entries of a module's table of parameters.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

use kernel::{
    bindings,
    module::ThisModule,
    prelude::*, //
};

/// An entry of a module's table of parameters.
#[doc(hidden)]
#[repr(transparent)]
pub struct RawParam(bindings::kernel_param);

// SAFETY: The structure is never changed, so it can be shared.
unsafe impl Sync for RawParam {}

impl RawParam {
    /// Creates an entry, for a value that can be read in sysfs, and set at load time only.
    pub(super) const fn new_raw(
        name: &'static CStr,
        module: &ThisModule,
        ops: *const bindings::kernel_param_ops,
        value: bindings::kernel_param__bindgen_ty_1,
    ) -> Self {
        Self(bindings::kernel_param {
            name: kernel::str::as_char_ptr_in_const_context(name),
            mod_: module.as_ptr(),
            ops,
            perm: 0o444,
            level: -1,
            flags: 0,
            __bindgen_anon_1: value,
        })
    }
}

/// Declares the entry of a parameter in the module's table, and its description for `modinfo`.
#[doc(hidden)]
// `crate` is the crate that declares the parameter, because the parameter belongs to its module.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! param_entry {
    (
        $module:literal, $name:literal, $type:literal, $description:literal,
        |$param:ident, $this:ident| $entry:expr
    ) => {
        const _: () = {
            #[link_section = "__param"]
            #[used(compiler)]
            static PARAM: $crate::param::RawParam = {
                let $this = ::kernel::module::this_module::<crate::LocalModule>();
                let $param = if ::core::cfg!(MODULE) {
                    ::kernel::c_str!($name)
                } else {
                    ::kernel::c_str!(::core::concat!($module, ".", $name))
                };
                $entry
            };

            $crate::param_entry!(@modinfo $module, "parmtype=", $name, ":", $type, "\0");
            $crate::param_entry!(@modinfo $module, "parm=", $name, ":", $description, "\0");
        };
    };

    (@modinfo $module:literal, $($part:literal),+) => {
        const _: () = {
            const TEXT: &str = if ::core::cfg!(MODULE) {
                ::core::concat!($($part),+)
            } else {
                ::core::concat!($module, ".", $($part),+)
            };

            #[link_section = ".modinfo"]
            #[used(compiler)]
            static BYTES: [u8; TEXT.len()] = $crate::param::to_array(TEXT);
        };
    };
}

/// Returns the bytes of `text`, which must have the length `N`.
#[doc(hidden)]
pub const fn to_array<const N: usize>(text: &str) -> [u8; N] {
    match text.as_bytes().first_chunk() {
        Some(bytes) => *bytes,
        None => panic!("the text is shorter than the array"),
    }
}
