// SPDX-License-Identifier: GPL-2.0

//! Structures and functions of network devices, from the configured kernel's headers.
//!
//! What the kernel crate has is not made again: its `sk_buff`, `page` and `device` are the ones
//! here. Four names exist twice, as the kernel crate has them without contents: `net_device`,
//! `napi_struct`, `page_pool` and `xdp_frame`. A pointer to one of these out of a structure of the
//! kernel crate is cast.

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

use kernel::{
    bindings::*,
    ffi, //
};
use pin_init::{
    MaybeZeroable,
    Zeroable, //
};

type __kernel_size_t = usize;

include!(concat!(
    env!("RVIRTIO_OBJ"),
    "/netdev/bindings_generated.rs"
));
