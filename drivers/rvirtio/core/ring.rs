// SPDX-License-Identifier: GPL-2.0

//! Virtqueue rings: the memory that driver and device share, and the rules for using it.
//!
//! A ring knows nothing about buffers but their segments: device addresses and lengths. It hands
//! out a [`Token`] for each buffer that it makes available, and gives the token back when the
//! device has used the buffer. Who owns the memory behind the segments, how it is mapped and how
//! the device is notified is decided by the layers above.
//!
//! Nothing that the device can write is trusted. What the driver must remember is kept in
//! driver-private memory ([`Shadow`]); what comes from the device is read once, checked and
//! clamped. A device that breaks the rules makes the ring report a [`Violation`]; from then on the
//! ring takes no buffers and returns none until it is set up anew.
//!
//! # Callbacks
//!
//! A callback is the device's used buffer notification, an interrupt. Callbacks of a ring are
//! enabled when it is set up and after `arm`, until `disable_cb`. The rules are the same for both
//! layouts, with and without `EVENT_IDX` and `IN_ORDER`:
//!
//! - While callbacks are enabled, a callback is armed or a used buffer is pending, after every call
//!   but `take_used`, `take` and `again`. *Armed*: the device calls for the next buffer that it uses, or,
//!   after an `arm` for a later one, at the latest for the last one that it had then. *Pending*:
//!   `pop_used` returns it.
//! - So a callback comes for what follows after `pop_used` has returned `None`, and after `arm` has
//!   returned [`More::Nothing`]. Whoever stops popping before has to come back without one.
//! - A callback for a later buffer stays armed until a buffer is popped. `pop_used` then arms for
//!   the next one.
//! - These three are the exception: they pop buffers and leave callbacks as they are. With `EVENT_IDX` a
//!   callback comes once, so whoever uses it has to `arm` again when `is_armed` is false.
//! - While callbacks are disabled none is armed, but with `EVENT_IDX` one that was armed before may
//!   come until `pop_used` has returned `None`.
//!
//! A callback that was not asked for may come at any time.
//!
//! Everything here uses only `core` and has no unsafe code; the same files compile in the kernel
//! and on the host, where they are tested.

#![deny(unsafe_code)]

mod barriers;
mod buffer;
pub mod cell;
mod config;
mod dispatch;
mod event;
pub mod packed;
mod segment;
mod snapshot;
pub mod split;
mod state;
mod violation;

pub use self::{
    barriers::Barriers,
    buffer::{
        Shadow,
        Token,
        UsedBuffer, //
    },
    cell::{
        Desc,
        UsedElem, //
    },
    config::{
        Config,
        SetupError,
        FEATURES, //
    },
    dispatch::Ring,
    event::{
        Arm,
        More, //
    },
    segment::{
        Access,
        Elements,
        Segment,
        Table, //
    },
    snapshot::Snapshot,
    state::AddError,
    violation::Violation, //
};
