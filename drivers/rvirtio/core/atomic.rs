// SPDX-License-Identifier: GPL-2.0

//! The atomics of the files that are also compiled for host tests, which have others in their
//! place: those of a checker that plays through all interleavings.

pub(crate) use core::sync::atomic::{
    AtomicU16,
    AtomicU32,
    AtomicU64,
    Ordering, //
};
