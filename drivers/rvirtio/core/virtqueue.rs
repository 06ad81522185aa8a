// SPDX-License-Identifier: GPL-2.0

//! Virtqueues, which own the buffers that the device has.
//!
//! [`Virtqueue::add`] takes a buffer, and [`Virtqueue::pop_used`] returns it once the device has
//! used it. In between it cannot be freed, read or used for anything else, so safe code cannot
//! cause the device to corrupt memory.
//!
//! The ring layer below ([`crate::ring`]) only handles descriptors. This layer keeps the buffer
//! that belongs to each head descriptor.
//!
//! The functions on the path of a request are inlined regardless of their size: a stack frame, and
//! a result that is passed through memory, are a fifth of the cost of adding a buffer.

pub mod buffers;
mod create;
mod drain;
mod enable;
pub mod exchange;
mod handle;
mod memory;
pub mod message;
mod queue;
pub mod slab;
mod spare;
mod used;

pub use self::{
    buffers::{
        Buffers,
        FilledTable,
        In,
        InOut,
        Out,
        Rejected,
        Used, //
    },
    drain::{
        drain,
        drain_with,
        Callbacks,
        Deferred, //
    },
    handle::QueueHandle,
    queue::Virtqueue,
    spare::SpareRing,
    used::Peeked, //
};
pub use crate::ring::{
    AddError,
    Arm,
    More, //
};
