// SPDX-License-Identifier: GPL-2.0

//! What a device is beyond registers and rings: a disk, or a SCSI host.

use crate::{
    blk::Disk,
    breach::{Breach, Findings},
    faults::Treatment,
    memory::Memory,
    ring::chain::Chain,
    script::{Action, Mischief},
    scsi::Host,
    spec::Spec,
};

/// What is in the buffers of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Requests, to which faults happen.
    Requests,
    /// Requests that are about others, and whether these are answered.
    Control { answers: bool },
    /// Room for what the device reports, which it has for so many of them.
    Events(usize),
}

/// A buffer that is to be used.
pub struct Request<'a> {
    pub queue: usize,
    pub features: u128,
    pub memory: &'a Memory,
    pub chain: &'a Chain,
    pub treatment: &'a Treatment,
    /// Another request has ended it, with this response.
    pub ended: Option<u8>,
}

/// Which requests another one ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Command { lun: [u8; 8], tag: u64 },
    Unit([u8; 8]),
    Target(u8),
}

/// What has become of a buffer.
#[derive(Debug, Default)]
pub struct Served {
    /// The number of bytes written.
    pub written: u32,
    /// Which others end before it, with which response.
    pub ends: Option<(Scope, u8)>,
}

pub trait BackEnd: Send {
    /// Puts its fields into the configuration space.
    fn configure(&self, spec: &Spec, space: &mut [u8]);

    /// The driver has written a field.
    fn written(&mut self, _at: u64, _value: u64, _findings: &mut Findings) {}

    fn role(&self, _queue: usize) -> Role {
        Role::Requests
    }

    /// The device takes a buffer.
    fn taken(&mut self, _queue: usize, _memory: &Memory, _chain: &Chain, _findings: &mut Findings) {}

    /// Does what a buffer says, but for what its treatment says.
    fn serve(&mut self, request: &Request<'_>, findings: &mut Findings) -> Result<Served, Breach>;

    /// Whether another request that ends those of `scope` ends this one.
    fn is_in(&self, _scope: &Scope, _memory: &Memory, _chain: &Chain) -> bool {
        false
    }

    /// Counts that tests can ask for.
    fn count(&self, word: &str) -> Option<u64>;

    /// Does something wrong. Returns whether its configuration has changed.
    fn mischief(&mut self, what: Mischief) -> bool;

    /// What is wrong at random, besides what can be with every device.
    fn random(&self, _value: u64) -> Option<Action> {
        None
    }

    /// Ends all that is wrong. Returns whether its configuration has changed.
    fn be_honest(&mut self) -> bool;

    fn reset(&mut self);
}

/// Makes what `spec` describes.
pub fn new(spec: &Spec) -> Box<dyn BackEnd> {
    if spec.units > 0 { Box::new(Host::new(spec)) } else { Box::new(Disk::new(spec)) }
}
