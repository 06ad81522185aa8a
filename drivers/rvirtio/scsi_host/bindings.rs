// SPDX-License-Identifier: GPL-2.0

//! Structures and functions of SCSI hosts, from the configured kernel's headers.
//!
//! What the kernel crate has is not made again: its `request`, `page` and `device` are the ones here.

#![allow(
    clippy::all,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unused_imports,
    unsafe_op_in_unsafe_fn
)]
// bindgen makes them for bit fields; before 1.88 rustc did not know them.
#![cfg_attr(not(CONFIG_RUSTC_HAS_UNNECESSARY_TRANSMUTES), allow(unknown_lints))]
#![allow(unnecessary_transmutes)]

use kernel::{
    bindings::*,
    ffi, //
};
use pin_init::{
    MaybeZeroable,
    Zeroable, //
};

// SAFETY: Bit fields are valid if all of their bits are zero.
unsafe impl<Storage: Zeroable> Zeroable for __BindgenBitfieldUnit<Storage> {}

type __kernel_size_t = usize;

include!(concat!(
    env!("RVIRTIO_OBJ"),
    "/scsi_host/bindings_generated.rs"
));
