// SPDX-License-Identifier: GPL-2.0

//! Virtio for guests: bus, devices, drivers and virtqueues.
//!
//! The library crate of all rvirtio modules, and the module that registers the bus. A front end
//! is written with [`Driver`], [`Negotiated`] and [`Virtqueue`]; `samples/rvirtio_rng` is one to
//! read first, `Documentation/architecture.md` has the map.

pub mod bus;
pub mod config;
pub mod device;
pub mod device_id;
pub mod display;
pub mod dma;
pub mod driver;
pub mod features;
pub mod init;
pub mod irq;
pub mod lock;
mod managed;
pub mod notify;
pub mod ring;
pub mod spec;
pub mod transport;
pub mod virtqueue;

pub use self::{
    config::Config,
    device::{
        Device,
        Registration,
        Stopped, //
    },
    device_id::{
        DeviceId,
        IdTable, //
    },
    dma::{
        Buffer,
        Dma, //
    },
    driver::{
        Adapter,
        Driver, //
    },
    features::{
        Dependency,
        Feature,
        Features, //
    },
    init::{
        Callback,
        Configured,
        Negotiated,
        Ready,
        VqInfo, //
    },
    irq::{
        ConfigHandler,
        VqHandler, //
    },
    notify::Kick,
    ring::Segment,
    transport::Transport,
    virtqueue::{
        AddError,
        Buffers,
        In,
        More,
        Out,
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

struct Core {
    _bus: bus::Bus,
}

impl kernel::Module for Core {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _bus: bus::Bus::register()?,
        })
    }
}
