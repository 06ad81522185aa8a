// SPDX-License-Identifier: GPL-2.0

//! Interrupts of queues and of configuration changes.
//!
//! The kernel crate's registration does not support names that are chosen at run time, and its
//! threaded handlers need a trait of their own. Here the kernel's interrupt code calls the handler
//! of the front end directly, without a dispatcher in between.

mod config;
mod handler;
mod line;
mod raw;
mod request;
mod vectors;

pub use self::handler::VqHandler;
pub(crate) use self::{
    handler::Handler,
    request::Interrupts, //
};
pub use kernel::irq::IrqReturn;
