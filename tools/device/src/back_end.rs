// SPDX-License-Identifier: GPL-2.0

//! What a device is beyond registers and rings: a disk, a SCSI host, or a network device.

use crate::{
    blk::Disk,
    breach::{Breach, Findings},
    faults::Treatment,
    memory::Memory,
    net::Net,
    ring::chain::Chain,
    script::{Action, Mischief, Stream},
    scsi::Host,
    spec::{Kind, Spec},
};

/// What is in the buffers of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Requests, to which faults happen.
    Requests,
    /// Requests that are about others, and whether these are answered.
    Control { answers: bool },
    /// Room for what the device reports.
    Events,
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

    /// The driver has agreed to these features.
    fn negotiated(&mut self, _features: u128, _findings: &mut Findings) {}

    /// A queue has been enabled, with this size, or is not enabled any more.
    fn enabled(&mut self, _queue: usize, _size: Option<u16>) {}

    /// The driver has notified the device about a queue, or the device the driver.
    fn notified(&mut self, _queue: usize, _driver: bool) {}

    fn role(&self, _queue: usize) -> Role {
        Role::Requests
    }

    /// The device takes a buffer.
    fn taken(&mut self, _queue: usize, _memory: &Memory, _chain: &Chain, _findings: &mut Findings) {}

    /// For how many of the buffers of a queue there is something to report. `rooms` is how much each of them
    /// holds, the first ones first.
    fn ready(&mut self, _queue: usize, _rooms: &[u64]) -> usize {
        0
    }

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

    /// With one of how many buffers of a stream something is wrong at random; 0 is with none.
    fn odds(&self, of: Stream) -> u64 {
        if of == Stream::Requests { 12 } else { 0 }
    }

    /// What that is, besides what can be with every device.
    fn random(&self, _of: Stream, _value: u64) -> Option<Action> {
        None
    }

    /// Ends all that is wrong. Returns whether its configuration has changed.
    fn be_honest(&mut self) -> bool;

    fn reset(&mut self);
}

/// Makes what `spec` describes.
pub fn new(spec: &Spec) -> Box<dyn BackEnd> {
    match spec.kind {
        Kind::Disk => Box::new(Disk::new(spec)),
        Kind::Scsi => Box::new(Host::new(spec)),
        Kind::Net => Box::new(Net::new(spec)),
    }
}
