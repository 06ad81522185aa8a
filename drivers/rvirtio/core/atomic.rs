// SPDX-License-Identifier: GPL-2.0

//! Atomics for files that are also compiled for tests on the host, where the atomics of a model
//! checker replace them.

pub(crate) use core::sync::atomic::{
    AtomicU16,
    AtomicU32,
    AtomicU64,
    Ordering, //
};
