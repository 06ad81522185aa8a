// SPDX-License-Identifier: GPL-2.0

//! A driver and a device at work on one ring, and what is known of it.

use super::{callback::Callback, Step};
use crate::{
    model::{
        barriers::Hooked,
        device::{Chain, Device, Element, Tables},
        packed::{self as packed_model, PackedDevice},
        split::{self as split_model, SplitDevice},
    },
    ring::{packed, split, Config, Ring, Shadow, Token},
};
use std::collections::{BTreeMap, VecDeque};

/// The ring under test.
pub type TestRing =
    Ring<split_model::SharedArea<Hooked>, packed_model::SharedArea<Hooked>, Vec<Shadow>>;

/// The layout of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Split virtqueue.
    Split,
    /// Packed virtqueue.
    Packed,
}

/// What the driver knows about a buffer in the ring.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    pub(super) token: Token,
    pub(super) elements: Vec<Element>,
    pub(super) table: Option<u64>,
}

impl Buffer {
    pub(super) fn writable(&self) -> u32 {
        let writable = self.elements.iter().filter(|e| e.writable);
        writable.map(|e| e.len).sum()
    }
}

/// A driver and a device at work.
pub struct Machine {
    pub(super) layout: Layout,
    pub(super) config: Config,
    pub(super) size: u16,
    /// The ring under test.
    pub ring: TestRing,
    pub(super) device: Box<dyn Device>,
    pub(super) tables: Tables,
    pub(super) next_addr: u64,

    /// In the ring, not seen by the device.
    pub(super) added: VecDeque<Buffer>,
    /// How many of `added` are published.
    pub(super) published: usize,
    /// Taken by the device, with what it has found.
    pub(super) taken: Vec<(Buffer, Chain)>,
    /// Used by the device, with the length that the driver may see.
    pub(super) used: VecDeque<(Buffer, u32)>,
    /// How many of `used` the driver has seen by its last look; with a split ring only.
    pub(super) seen: usize,
    pub(super) descriptors_used: BTreeMap<u16, u16>,

    /// Descriptors added since the driver last decided whether to notify.
    pub(super) undecided: u32,
    pub(super) callbacks: bool,
    pub(super) callback: Callback,
    /// Buffers were taken without a look at callbacks, and none was armed since.
    pub(super) unarmed: bool,
}

fn set_up_split(size: u16, config: Config) -> (TestRing, Box<dyn Device>) {
    let area = split_model::area(size);
    // What an earlier user of the memory may have left.
    area.used_flags.write(0xffff);
    area.used_idx.write(7);
    area.avail_idx.write(9);
    area.avail_flags.write(1);

    let shadow = vec![Shadow::default(); size.into()];
    let ring = split::Ring::new(area.clone(), shadow, config).unwrap();
    let device = SplitDevice::new(&area, config).unwrap();
    (Ring::Split(ring), Box::new(device))
}

fn set_up_packed(size: u16, config: Config) -> (TestRing, Box<dyn Device>) {
    let area = packed_model::area(size);
    // What an earlier user of the memory may have left: available and used descriptors.
    for (desc, flags) in area
        .desc
        .iter()
        .zip([1 << 7, 1 << 7 | 1 << 15].iter().cycle())
    {
        desc.meta.write(flags << 16);
    }
    area.driver_event.write(1 << 16);
    area.device_event.write(1 << 16);

    let shadow = vec![Shadow::default(); size.into()];
    let ring = packed::Ring::new(area.clone(), shadow, config).unwrap();
    let device = PackedDevice::new(&area, config);
    (Ring::Packed(ring), Box::new(device))
}

impl Machine {
    /// Sets up a ring of `size` descriptors.
    pub fn new(layout: Layout, size: u16, config: Config) -> Self {
        let (ring, device) = match layout {
            Layout::Split => set_up_split(size, config),
            Layout::Packed => set_up_packed(size, config),
        };
        Self {
            layout,
            config,
            size,
            ring,
            device,
            undecided: 0,
            tables: Tables::default(),
            next_addr: 0,
            added: VecDeque::new(),
            published: 0,
            taken: Vec::new(),
            used: VecDeque::new(),
            seen: 0,
            descriptors_used: BTreeMap::new(),
            callbacks: true,
            callback: Callback::Next,
            unarmed: false,
        }
    }

    /// Moves all indices on by `count`, with buffers that are used at once.
    pub fn advance(&mut self, count: u32) {
        let mut left = count;
        while left > 0 {
            let batch = left.min(self.capacity().into()).min(u8::MAX.into());
            for _ in 0..batch {
                self.run(&Step::AddOne(1, false));
            }
            self.run(&Step::Kick);
            self.run(&Step::Take(u8::MAX));
            self.run(&Step::Use(u8::MAX, 0, 0));
            self.run(&Step::Pop(u8::MAX));
            left -= batch;
        }
    }

    /// Runs a step and checks everything that can be seen of it.
    pub fn run(&mut self, step: &Step) {
        match step {
            Step::AddChain(readable, writable) => self.add_chain(readable, writable),
            Step::AddOne(len, writable) => self.add_one(*len, *writable),
            Step::AddIndirect(readable, writable) => self.add_indirect(readable, writable),
            Step::Publish => {
                self.ring.publish();
                self.published = self.added.len();
            }
            Step::Kick => self.kick(),
            Step::Pop(max) => self.pop(*max),
            Step::PopSeen => self.pop_seen(),
            Step::Peek(what) => self.peek(*what),
            Step::Disable => self.disable(),
            Step::Silence => self.silence(),
            Step::Arm(arm) => {
                let _ = self.arm(*arm);
            }
            Step::Take(max) => self.take(*max),
            Step::Use(count, at, written) => {
                self.use_buffers(*count, *at, *written);
            }
            Step::Notify(notify) => self.device.set_notify(*notify),
        }
        self.check_counts();
        self.check_callback();
    }

    /// Ends the program: the device uses all it has, the driver takes it, and nothing is left.
    pub fn finish(&mut self) {
        self.run(&Step::Kick);
        self.run(&Step::Take(u8::MAX));
        while !self.taken.is_empty() {
            self.run(&Step::Use(u8::MAX, 0, 0));
        }
        while !self.used.is_empty() {
            self.run(&Step::Pop(u8::MAX));
        }
        self.run(&Step::Pop(1));
        assert_eq!(self.ring.num_free(), self.capacity());
        assert_eq!(self.ring.in_flight(), 0);
        assert_eq!(self.ring.detach_unused(), None);
    }

    /// Returns how many buffers are in the ring.
    pub fn in_flight(&self) -> usize {
        self.descriptors_used.len()
    }

    /// Returns how many descriptors can be in use.
    pub(super) fn capacity(&self) -> u16 {
        match self.layout {
            Layout::Split => self.size,
            Layout::Packed => self.config.capacity(self.size),
        }
    }

    fn check_counts(&self) {
        let in_use: u16 = self.descriptors_used.values().sum();
        assert_eq!(self.ring.num_free(), self.capacity() - in_use);
        assert_eq!(
            usize::from(self.ring.in_flight()),
            self.descriptors_used.len()
        );
        assert_eq!(self.ring.has_used(), !self.used.is_empty());
        assert_eq!(self.ring.broken(), None);
    }
}
