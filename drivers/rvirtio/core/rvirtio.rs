// SPDX-License-Identifier: GPL-2.0

//! Virtio for guests: bus, devices, drivers and virtqueues.
//!
//! This is the library crate of all rvirtio modules, and the module that registers the bus. A front
//! end is written with [`Driver`], [`Negotiated`] and [`Virtqueue`]; `samples/rvirtio_rng` is the
//! one to read first. `Documentation/architecture.md` gives an overview.

mod adapter;
mod atomic;
mod bus;
pub mod config;
mod connect;
mod connections;
mod debug;
pub mod device;
mod device_id;
pub mod display;
pub mod dma;
mod driver;
pub mod init;
mod irq;
pub mod kdump;
mod lifecycle;
pub mod lock;
pub mod notify;
pub mod param;
mod recovery;
mod registration;
pub mod request_queues;
mod restart;
pub mod ring;
pub mod spec;
pub mod transport;
pub mod vectors;
pub mod virtqueue;
pub mod work;

#[doc(hidden)]
pub use self::{
    adapter::{
        Adapter,
        Instance, //
    },
    bus::RawDriver,
    device_id::{
        alias,
        RawId,
        ALIAS_LEN,
        BUS_NAME, //
    }, //
};
pub use self::{
    config::Config,
    connect::{
        Binding,
        Connect,
        Ready, //
    },
    device::{
        Device,
        Hold,
        Outcome,
        Start,
        Stopped,
        Why, //
    },
    device_id::{
        DeviceId,
        IdTable, //
    },
    dma::{
        Buffer,
        Dma, //
    },
    driver::Driver,
    init::{
        Configured,
        Dependency,
        Named,
        Negotiated,
        Setup,
        VqInfo, //
    },
    irq::{
        IrqReturn,
        VqHandler, //
    },
    notify::Kick,
    registration::Registration,
    ring::{
        Access,
        Segment, //
    },
    spec::feature::{
        Feature,
        Features, //
    },
    transport::Transport,
    vectors::{
        Affinity,
        Callback,
        IrqPolicy, //
    },
    virtqueue::{
        AddError,
        Arm,
        Buffers,
        In,
        More,
        Out,
        Peeked,
        Rejected,
        Used,
        Virtqueue, //
    },
};

use kernel::prelude::*;

module! {
    type: Core,
    name: "rvirtio",
    authors: ["rvirtio developers"],
    description: "Virtio bus and virtqueues",
    license: "GPL",
}

/// Fields are dropped in order: directory and workqueue are for devices on the bus.
struct Core {
    _bus: bus::Bus,
    _debug: debug::Root,
    _recovery: recovery::RecoveryQueue,
}

impl kernel::Module for Core {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // Before the bus, to which devices can be added at once.
        let recovery = recovery::RecoveryQueue::create()?;
        let debug = debug::Root::create();
        Ok(Self {
            _bus: bus::Bus::register()?,
            _debug: debug,
            _recovery: recovery,
        })
    }
}
