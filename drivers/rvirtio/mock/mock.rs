// SPDX-License-Identifier: GPL-2.0

//! A virtio device in software, with a transport of its own, for tests of core.
//!
//! The device follows the specification, records the calls of the driver, and fails where a test
//! requests it. Like other devices, it accesses buffers by their physical addresses. So a driver
//! that frees memory that the device has is detected, by KASAN or by [`Device::has_its_memory`].
//!
//! There is one at a time: tests run one after another.

mod device;
mod front;
mod interface;
mod irqs;
mod listen;
mod memory;
mod model;
mod plug;
mod queue;
mod script;
mod servant;
mod state;
mod transport;

pub use self::{
    device::Device,
    front::Front,
    interface::{
        Interface,
        InterfaceCoalesce,
        InterfaceState, //
    },
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
    servant::{
        Answer,
        Servant, //
    },
};
