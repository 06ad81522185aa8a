// SPDX-License-Identifier: GPL-2.0

//! The shared memory of rings in the kernel, and the barriers between accesses to it.

mod order;
mod packed;
mod split;

pub(crate) use self::{
    packed::PackedMemory,
    split::SplitMemory, //
};
