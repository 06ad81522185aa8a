// SPDX-License-Identifier: GPL-2.0

//! A virtio device in software, with a transport of its own, for tests of core.
//!
//! The device follows the specification, writes down what the driver does to it, and fails where a
//! test wants it to. It uses buffers as a device does: it finds them by their physical addresses.
//! So a driver that frees what the device was told of is found out, by KASAN or by
//! [`Device::has_its_memory`].
//!
//! There is one at a time: tests run one after another.

mod device;
mod front;
mod irqs;
mod listen;
mod memory;
mod model;
mod plug;
mod queue;
mod script;
mod state;
mod transport;

pub use self::{
    device::Device,
    front::Front,
    listen::listen,
    model::{
        Line,
        Model,
        QUEUES, //
    },
    plug::Plugged,
    script::{
        Call,
        Step, //
    },
};
