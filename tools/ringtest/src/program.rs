// SPDX-License-Identifier: GPL-2.0

//! Random programs of driver and device on one ring, with a model of what has to come of them.

use crate::{
    model::{
        barriers::Hooked,
        device::{Chain, Device, Element, Tables, Wish},
        packed::{self as packed_model, PackedDevice},
        split::{self as split_model, SplitDevice},
    },
    ring::{packed, split, AddError, Config, More, Ring, Segment, Shadow, Token},
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// The ring under test.
pub type TestRing =
    Ring<Arc<split_model::Area<Hooked>>, Arc<packed_model::Area<Hooked>>, Vec<Shadow>>;

/// The layout of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Split virtqueue.
    Split,
    /// Packed virtqueue.
    Packed,
}

/// What a program does in one step.
#[derive(Clone, Debug)]
pub enum Step {
    /// The driver adds a buffer by a chain of descriptors: lengths it lets be read and written.
    AddDirect(Vec<u32>, Vec<u32>),
    /// The driver adds a buffer by an indirect table.
    AddIndirect(Vec<u32>, Vec<u32>),
    /// The driver publishes.
    Publish,
    /// The driver publishes and decides whether to notify.
    Kick,
    /// The driver takes at most so many used buffers.
    Pop(u8),
    /// The driver disables callbacks.
    Disable,
    /// The driver enables callbacks.
    Enable,
    /// The driver enables callbacks for later.
    EnableDelayed,
    /// The device takes at most so many buffers.
    Take(u8),
    /// The device uses at most so many buffers in one go, from a random place, and reports a
    /// length for each.
    Use(u8, u8, u32),
    /// The device says when to be notified.
    Wish(Wish),
}

/// Lengths of elements: mostly small, sometimes so large that the sum overflows.
fn lengths() -> impl Strategy<Value = Vec<u32>> {
    let length = prop_oneof![20 => 1u32..5000, 1 => Just(0u32), 1 => (1u32 << 30)..=u32::MAX];
    prop_oneof![
        8 => proptest::collection::vec(length.clone(), 0..4),
        1 => proptest::collection::vec(length, 0..20),
    ]
}

/// Returns steps in proportions that keep a ring moving.
pub fn step() -> impl Strategy<Value = Step> {
    let wish = prop_oneof![
        Just(Wish::Never),
        Just(Wish::Always),
        (0u16..6).prop_map(Wish::After)
    ];
    prop_oneof![
        4 => (lengths(), lengths()).prop_map(|(r, w)| Step::AddDirect(r, w)),
        4 => (lengths(), lengths()).prop_map(|(r, w)| Step::AddIndirect(r, w)),
        1 => Just(Step::Publish),
        4 => Just(Step::Kick),
        5 => (1u8..9).prop_map(Step::Pop),
        1 => Just(Step::Disable),
        2 => Just(Step::Enable),
        1 => Just(Step::EnableDelayed),
        4 => (1u8..9).prop_map(Step::Take),
        4 => (1u8..5, any::<u8>(), used_length()).prop_map(|(n, at, len)| Step::Use(n, at, len)),
        2 => wish.prop_map(Step::Wish),
    ]
}

fn used_length() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 0u32..20000, Just(u32::MAX)]
}

/// What the driver knows about a buffer in the ring.
#[derive(Clone, Debug)]
struct Buffer {
    token: Token,
    elements: Vec<Element>,
    table: Option<u64>,
}

impl Buffer {
    fn writable(&self) -> u32 {
        let writable = self.elements.iter().filter(|e| e.writable);
        writable.map(|e| e.len).sum()
    }
}

/// What the driver may rely on about callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callback {
    /// The device must call for the next used buffer.
    Next,
    /// The device must call before it has used so many more buffers, or descriptors of a packed
    /// ring: whatever it counts by.
    Within(u16),
    /// The device should not call.
    None,
    /// It may or may not call.
    Any,
}

/// A driver and a device at work.
pub struct Machine {
    layout: Layout,
    config: Config,
    size: u16,
    /// The ring under test.
    pub ring: TestRing,
    device: Box<dyn Device>,
    tables: Tables,
    next_addr: u64,

    /// In the ring, not seen by the device.
    added: VecDeque<Buffer>,
    /// How many of `added` are published.
    published: usize,
    /// Taken by the device, with what it has found.
    taken: Vec<(Buffer, Chain)>,
    /// Used by the device, with the length that the driver may see.
    used: VecDeque<(Buffer, u32)>,
    descriptors_used: BTreeMap<u16, u16>,

    /// Descriptors added since the driver last decided whether to notify.
    undecided: u32,
    callbacks: bool,
    callback: Callback,
}

fn set_up_split(size: u16, config: Config) -> (TestRing, Box<dyn Device>) {
    let area = split_model::Area::new(size);
    // What an earlier user of the memory may have left.
    area.used_flags.write(0xffff);
    area.used_idx.write(7);
    area.avail_idx.write(9);
    area.avail_flags.write(1);

    let shadow = vec![Shadow::default(); size.into()];
    let ring = split::Ring::new(Arc::clone(&area), shadow, config).unwrap();
    let device = SplitDevice::new(&area, config).unwrap();
    (Ring::Split(ring), Box::new(device))
}

fn set_up_packed(size: u16, config: Config) -> (TestRing, Box<dyn Device>) {
    let area = packed_model::Area::new(size);
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
    let ring = packed::Ring::new(Arc::clone(&area), shadow, config).unwrap();
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
            descriptors_used: BTreeMap::new(),
            callbacks: true,
            callback: Callback::Next,
        }
    }

    /// Moves all indices on by `count`, with buffers that are used at once.
    pub fn advance(&mut self, count: u32) {
        let mut left = count;
        while left > 0 {
            let batch = left.min(self.size.into()).min(u8::MAX.into());
            for _ in 0..batch {
                self.run(&Step::AddDirect(vec![1], vec![]));
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
            Step::AddDirect(readable, writable) => self.add_direct(readable, writable),
            Step::AddIndirect(readable, writable) => self.add_indirect(readable, writable),
            Step::Publish => {
                self.ring.publish();
                self.published = self.added.len();
            }
            Step::Kick => self.kick(),
            Step::Pop(max) => self.pop(*max),
            Step::Disable => {
                self.ring.disable_cb();
                self.callbacks = false;
                // With an event index the device may still call once.
                self.callback = match self.config.event_idx {
                    true => Callback::Any,
                    false => Callback::None,
                };
            }
            Step::Enable => self.enable(),
            Step::EnableDelayed => self.enable_delayed(),
            Step::Take(max) => self.take(*max),
            Step::Use(count, at, written) => self.use_buffers(*count, *at, *written),
            Step::Wish(wish) => self.device.wish(*wish),
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
        assert_eq!(self.ring.num_free(), self.size);
        assert_eq!(self.ring.in_flight(), 0);
        assert!(!self.ring.more_used());
        assert_eq!(self.ring.detach_unused(), None);
    }

    fn segments(&mut self, lengths: &[u32]) -> Vec<Segment> {
        let mut segment = |len: &u32| {
            self.next_addr += 0x1_0000_0000;
            Segment {
                addr: self.next_addr,
                len: *len,
            }
        };
        lengths.iter().map(&mut segment).collect()
    }

    /// Returns why a list of elements can never be added.
    fn objection(&self, lengths: &[u32]) -> Option<AddError> {
        // The list is judged element by element, in this order.
        let mut total: u64 = 0;
        for (i, len) in lengths.iter().enumerate() {
            total += u64::from(*len);
            if *len == 0 {
                return Some(AddError::Empty);
            }
            if total > u64::from(u32::MAX) {
                return Some(AddError::TooLong);
            }
            if i >= usize::from(self.size) {
                return Some(AddError::TooManyElements);
            }
        }
        lengths.is_empty().then_some(AddError::Empty)
    }

    fn add_direct(&mut self, readable: &[u32], writable: &[u32]) {
        let (r, w) = (self.segments(readable), self.segments(writable));
        let lengths = [readable, writable].concat();
        let objection = self.objection(&lengths);
        let free = self.ring.num_free();

        match self.ring.add_direct(r.clone(), w.clone()) {
            Ok(token) => {
                assert_eq!(objection, None);
                self.accept(token, &r, &w, None, lengths.len() as u16);
            }
            Err(AddError::Full) => {
                assert!(lengths.len() > usize::from(free), "{free} were free");
                assert!(free < self.size, "it will never fit");
            }
            Err(error) => assert_eq!(Some(error), objection),
        }
    }

    fn add_indirect(&mut self, readable: &[u32], writable: &[u32]) {
        let (r, w) = (self.segments(readable), self.segments(writable));
        let lengths = [readable, writable].concat();
        let (addr, cells) = self.tables.allocate(self.size);
        let result = self.ring.fill_table(&cells, r.clone(), w.clone());
        let table = match (result, self.objection(&lengths)) {
            (Ok(table), None) => table,
            (result, objection) => {
                assert_eq!(result.err(), objection);
                self.tables.free(addr);
                return;
            }
        };
        assert_eq!(usize::from(table.count), lengths.len());

        let segment = Segment {
            addr,
            len: u32::from(table.count) * 16,
        };
        let free = self.ring.num_free();
        match self.ring.add_indirect(segment, table.writable_len) {
            Ok(token) => {
                assert!(self.config.indirect);
                self.accept(token, &r, &w, Some(addr), 1);
            }
            Err(AddError::Full) => assert_eq!(free, 0),
            Err(error) => {
                assert_eq!(error, AddError::BadTable);
                assert!(!self.config.indirect);
            }
        }
    }

    fn accept(
        &mut self,
        token: Token,
        readable: &[Segment],
        writable: &[Segment],
        table: Option<u64>,
        descriptors: u16,
    ) {
        let element = |writable| {
            move |s: &Segment| Element {
                addr: s.addr,
                len: s.len,
                writable,
            }
        };
        let readable = readable.iter().map(element(false));
        let elements = readable.chain(writable.iter().map(element(true))).collect();

        assert!(token.index() < self.size);
        self.undecided += u32::from(descriptors);
        let before = self.descriptors_used.insert(token.index(), descriptors);
        assert_eq!(before, None, "{token:?} was given twice");
        self.added.push_back(Buffer {
            token,
            elements,
            table,
        });
    }

    fn kick(&mut self) {
        let notify = self.ring.kick_prepare();
        self.published = self.added.len();
        let expected = self.device.expects_notification(self.undecided);
        assert_eq!(notify, expected);
        self.undecided = 0;
        // Repeated without new buffers it says nothing new.
        assert!(!self.ring.kick_prepare());
        assert_eq!(
            self.ring.notification_data(),
            self.device.notification_data()
        );
    }

    fn take(&mut self, max: u8) {
        for _ in 0..max {
            match self.device.take(&self.tables).unwrap() {
                Some(chain) => {
                    assert!(self.published > 0, "the device sees what was not published");
                    self.published -= 1;
                    let buffer = self.added.pop_front().unwrap();
                    assert_eq!(chain.elements, buffer.elements);
                    assert_eq!(chain.id, buffer.token.index());
                    self.taken.push((buffer, chain));
                }
                None => {
                    assert_eq!(
                        self.published, 0,
                        "the device does not see what was published"
                    );
                    return;
                }
            }
        }
    }

    fn use_buffers(&mut self, count: u8, at: u8, written: u32) {
        let mut batch = Vec::new();
        let mut passed = 0;
        let count = usize::from(count).min(self.taken.len());
        for left in (0..count).rev() {
            let in_order = self.config.in_order;
            let at = if in_order {
                0
            } else {
                usize::from(at) % self.taken.len()
            };
            let (buffer, chain) = self.taken.remove(at);
            passed += self.steps(&buffer);
            batch.push((chain, written));
            // Of all but the last buffer of a batch nothing is said but that they were used.
            let expected = match in_order && left > 0 {
                true => buffer.writable(),
                false => written.min(buffer.writable()),
            };
            self.used.push_back((buffer, expected));
        }
        let called = self.device.complete(&batch).unwrap();
        if batch.is_empty() {
            return;
        }
        self.callback = match self.callback {
            Callback::Next => {
                assert!(called, "no callback for the next buffer");
                Callback::Any
            }
            Callback::Within(n) if called || n > passed => match called {
                true => Callback::Any,
                false => Callback::Within(n - passed),
            },
            Callback::Within(n) => panic!("no callback within {n} of {:?}", self.layout),
            Callback::None => {
                assert!(!called, "callback although disabled");
                Callback::None
            }
            Callback::Any => Callback::Any,
        };
    }

    fn pop(&mut self, max: u8) {
        for _ in 0..max {
            match self.ring.pop_used().unwrap() {
                Some(popped) => {
                    self.published = self.added.len();
                    let (buffer, written) = self.used.pop_front().expect("nothing was used");
                    assert_eq!(popped.token, buffer.token);
                    assert_eq!(popped.written, written);
                    self.descriptors_used.remove(&popped.token.index());
                    if self.callbacks {
                        self.callback = match self.used.is_empty() {
                            true => Callback::Next,
                            false => Callback::Any,
                        };
                    }
                    if let Some(addr) = buffer.table {
                        self.tables.free(addr);
                    }
                }
                None => {
                    assert!(self.used.is_empty(), "used buffers are not seen");
                    self.callback = match (self.callbacks, self.config.event_idx) {
                        (true, _) if matches!(self.callback, Callback::Within(_)) => self.callback,
                        (true, _) => Callback::Next,
                        (false, _) => Callback::None,
                    };
                    return;
                }
            }
        }
    }

    fn enable(&mut self) {
        self.callbacks = true;
        self.callback = match self.ring.enable_cb() {
            More::Pending => {
                assert!(!self.used.is_empty());
                Callback::Any
            }
            More::Nothing => {
                assert!(self.used.is_empty());
                Callback::Next
            }
        };
    }

    fn enable_delayed(&mut self) {
        self.callbacks = true;
        let available = self.available();
        self.callback = match self.ring.enable_cb_delayed() {
            More::Pending => {
                assert!(!self.used.is_empty());
                Callback::Any
            }
            // With nothing available, the next one.
            More::Nothing => Callback::Within(available.max(1)),
        };
    }

    /// Returns how far the device gets by using all buffers that it has now.
    fn available(&self) -> u16 {
        let published = self.added.iter().take(self.published);
        let taken = self.taken.iter().map(|(buffer, _)| buffer);
        published.chain(taken).map(|b| self.steps(b)).sum()
    }

    /// Returns how far the device gets by using a buffer: one element of a used ring, or as many
    /// descriptors of a packed ring as the buffer took.
    fn steps(&self, buffer: &Buffer) -> u16 {
        match self.layout {
            Layout::Split => 1,
            Layout::Packed => self.descriptors_used[&buffer.token.index()],
        }
    }

    /// Checks the contract of callbacks: while they are enabled, one is armed or a buffer pending.
    fn check_callback(&self) {
        if !self.callbacks || !self.used.is_empty() {
            return;
        }
        let steps = match self.callback {
            Callback::Next => 1,
            Callback::Within(n) => n.into(),
            callback => panic!("{callback:?} with callbacks enabled and nothing pending"),
        };
        let would_call = self.device.would_call(steps).unwrap();
        assert!(would_call, "no callback is armed and nothing is pending");
    }

    fn check_counts(&self) {
        let in_use: u16 = self.descriptors_used.values().sum();
        assert_eq!(self.ring.num_free(), self.size - in_use);
        assert_eq!(
            usize::from(self.ring.in_flight()),
            self.descriptors_used.len()
        );
        assert_eq!(self.ring.broken(), None);
        assert_eq!(self.ring.more_used(), !self.used.is_empty());
    }
}
