// SPDX-License-Identifier: GPL-2.0

//! Initialising a driver's data: the first half of the sequence of virtio 1.4, 3.1.1, as types.
//!
//! ```text
//! Negotiated --find_vqs()--> Configured
//! ```
//!
//! Both exist during [`Driver::probe`](crate::Driver::probe) only. What is created with them
//! belongs to the driver's data. None of it is shared with the device before the data is complete,
//! see [`Connect`](crate::Connect).

mod configured;
mod handshake;
mod negotiate;
mod negotiated;
mod off;
mod setup;

pub(crate) use self::handshake::handshake;
pub use self::{
    configured::Configured,
    negotiate::{
        close,
        negotiate,
        Demand,
        Dependency,
        NegotiateError, //
    },
    negotiated::{
        Negotiated,
        VqInfo, //
    },
    off::{
        switched_off,
        Named,
        RING_NAMES, //
    },
    setup::Setup, //
};
