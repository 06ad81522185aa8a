// SPDX-License-Identifier: GPL-2.0

//! A device that writes whatever it likes, whenever it likes, driven by a string of bytes.
//!
//! [`run`] is what random tests and the fuzzer call. It panics when the driver does not keep its
//! promises: every buffer comes back at most once, with a length that it can have, all that are
//! left come back after the end, and the first violation is the last thing that happens.

use crate::{
    model::{barriers::Hooked, packed as packed_model, split as split_model},
    ring::{packed, split, Access, Arm, Config, Ring, Segment, Shadow, UsedBuffer, Violation},
};
use std::collections::BTreeMap;

type SplitArea = split_model::SharedArea<Hooked>;
type PackedArea = packed_model::SharedArea<Hooked>;

/// Length of each element.
const ELEMENT: u32 = 10;

/// What is left of the bytes; zeros follow the last one.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                let first = *first;
                self.0 = rest;
                first
            }
            [] => 0,
        }
    }

    fn index(&mut self, below: usize) -> usize {
        usize::from(self.byte()) % below
    }

    /// Returns a value that is small more often than not.
    fn value(&mut self) -> u32 {
        match self.byte() {
            small @ 0..=199 => small.into(),
            _ => u32::from_le_bytes([0; 4].map(|_| self.byte())),
        }
    }
}

/// The memory that driver and device share.
enum Area {
    Split(SplitArea),
    Packed(PackedArea),
}

/// A buffer in the ring.
struct Buffer {
    writable: u32,
    descriptors: u16,
}

struct Hostile {
    area: Area,
    ring: Ring<SplitArea, PackedArea, Vec<Shadow>>,
    size: u16,
    held: BTreeMap<u16, Buffer>,
    violation: Option<Violation>,
    /// Where a device that kept to the rules would write next: an index of the used ring, or a
    /// descriptor and the wrap counter.
    next: u16,
    wrap: bool,
}

/// Runs the program that `bytes` are.
pub fn run(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut machine = Hostile::new(&mut input);
    while !input.0.is_empty() {
        machine.step(&mut input);
        assert_eq!(usize::from(machine.ring.in_flight()), machine.held.len());
        assert_eq!(machine.ring.broken(), machine.violation);
    }
    machine.finish();
}

impl Hostile {
    fn new(input: &mut Input<'_>) -> Self {
        let options = input.byte();
        let config = Config {
            indirect: options & 1 != 0,
            event_idx: options & 2 != 0,
            in_order: options & 4 != 0,
            reserve_one: options & 16 != 0,
        };
        let size = input.byte();
        let shadow = vec![Shadow::default(); 32];
        let (area, ring, size) = if options & 8 == 0 {
            let size = 1 << (size % 6);
            let area = split_model::area(size);
            let ring = split::Ring::new(area.clone(), shadow, config).unwrap();
            (Area::Split(area), Ring::Split(ring), size)
        } else {
            let size = 1 + u16::from(size % 32);
            let area = packed_model::area(size);
            let ring = packed::Ring::new(area.clone(), shadow, config).unwrap();
            (Area::Packed(area), Ring::Packed(ring), size)
        };
        Self {
            area,
            ring,
            size,
            held: BTreeMap::new(),
            violation: None,
            next: 0,
            wrap: true,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 20 {
            0 | 1 => self.add_chain(input.byte()),
            2 => self.add_indirect(),
            3 => self.ring.publish(),
            4 => {
                let _ = self.ring.kick_prepare();
            }
            5 | 6 => self.pop(),
            7 => self.ring.disable_cb(),
            8 => {
                let _ = self.ring.arm(Arm::Next);
            }
            9 => {
                let _ = self.ring.arm(Arm::MostInFlight);
            }
            10 => self.write_cell(input),
            14 => self.pop_seen(),
            15 => self.add_one(input.byte()),
            16 => {
                let _ = self.ring.arm(Arm::After(input.byte().into()));
            }
            17 => {
                let _ = self.ring.is_armed();
            }
            18 => {
                self.ring.silence();
            }
            19 => self.peek(input.byte()),
            _ => self.use_buffer(input),
        }
    }

    fn add_chain(&mut self, counts: u8) {
        let segment = Segment {
            addr: 1,
            len: ELEMENT,
        };
        let (readable, writable) = (u16::from(counts & 3), u16::from(counts >> 2 & 3));
        let list = |count: u16| vec![segment; count.into()];
        if let Ok(token) = self.ring.add_chain(list(readable), list(writable)) {
            let buffer = Buffer {
                writable: ELEMENT * u32::from(writable),
                descriptors: readable + writable,
            };
            self.hold(token.index(), buffer);
        }
    }

    fn add_one(&mut self, choice: u8) {
        let segment = Segment {
            addr: 1,
            len: ELEMENT,
        };
        let (access, writable) = match choice & 1 {
            0 => (Access::Readable, 0),
            _ => (Access::Writable, ELEMENT),
        };
        if let Ok(token) = self.ring.add_one(segment, access) {
            let buffer = Buffer {
                writable,
                descriptors: 1,
            };
            self.hold(token.index(), buffer);
        }
    }

    fn add_indirect(&mut self) {
        let table = Segment { addr: 1, len: 16 };
        if let Ok(token) = self.ring.add_indirect(table, ELEMENT) {
            let buffer = Buffer {
                writable: ELEMENT,
                descriptors: 1,
            };
            self.hold(token.index(), buffer);
        }
    }

    fn hold(&mut self, id: u16, buffer: Buffer) {
        assert!(id < self.size);
        assert_eq!(self.violation, None, "a broken ring takes no buffers");
        let before = self.held.insert(id, buffer);
        assert!(before.is_none(), "id {id} was given twice");
    }

    fn pop(&mut self) {
        match self.ring.pop_used() {
            Ok(None) => assert_eq!(self.violation, None),
            Ok(Some(used)) => self.check_popped(Ok(used)),
            Err(violation) => self.check_popped(Err(violation)),
        }
    }

    /// Takes what one look finds. The device cannot make that more than it has.
    fn pop_seen(&mut self) {
        let most = self.held.len();
        let mut popped = Vec::new();
        let taken = self.ring.take_used(|used| popped.push(used));
        assert!(popped.len() <= most);
        for used in popped {
            self.check_popped(Ok(used));
        }
        if let Err(violation) = taken {
            self.check_popped(Err(violation));
        }
    }

    /// Looks at the next buffer, and takes it, adds it again, or does nothing. The device cannot make it
    /// another one in between.
    fn peek(&mut self, choice: u8) {
        let used = match self.ring.peek() {
            Ok(None) => return,
            Ok(Some(used)) => used,
            Err(violation) => return self.check_popped(Err(violation)),
        };
        let buffer = self.held.get(&used.token.index()).expect("not in the ring");
        let (descriptors, writable) = (buffer.descriptors, buffer.writable);
        match choice % 3 {
            0 => {}
            // It was one element, unless it was a table.
            1 if descriptors == 1 && writable == ELEMENT => {
                self.check_popped(Ok(used));
                let segment = Segment {
                    addr: 1,
                    len: ELEMENT,
                };
                if self.ring.again(used.token, segment, Access::Writable) {
                    let buffer = Buffer {
                        writable,
                        descriptors,
                    };
                    self.hold(used.token.index(), buffer);
                } else {
                    self.ring.take(used.token);
                }
            }
            _ => {
                self.check_popped(Ok(used));
                self.ring.take(used.token);
            }
        }
    }

    fn check_popped(&mut self, popped: Result<UsedBuffer, Violation>) {
        match popped {
            Ok(used) => {
                let id = used.token.index();
                let buffer = self.held.remove(&id).expect("not in the ring");
                assert!(used.written <= buffer.writable);
                assert!(used.written == buffer.writable || !used.overlong);
                assert_eq!(self.violation, None, "a broken ring gives no buffers");
            }
            Err(violation) => assert_eq!(*self.violation.get_or_insert(violation), violation),
        }
    }

    /// The device writes anything anywhere.
    fn write_cell(&mut self, input: &mut Input<'_>) {
        let size = usize::from(self.size);
        let (cell, index, value) = (input.byte(), input.index(size), input.value());
        match &self.area {
            Area::Split(area) => match cell % 12 {
                0 | 1 => area.used_idx.write(value as u16),
                2 => area.used_ring[index].id.write(value),
                3 => area.used_ring[index].len.write(value),
                4 => area.used_flags.write(value as u16),
                5 => area.avail_event.write(value as u16),
                6 => area.avail_idx.write(value as u16),
                7 => area.avail_flags.write(value as u16),
                8 => area.used_event.write(value as u16),
                9 => area.avail_ring[index].write(value as u16),
                10 => area.desc[index].meta.write(value),
                _ => area.desc[index].len.write(value),
            },
            Area::Packed(area) => match cell % 8 {
                0 => area.driver_event.write(value),
                1 => area.device_event.write(value),
                2 => area.desc[index].addr.write(value.into()),
                3 => area.desc[index].len.write(value),
                // Flags that mean something, with a small id.
                4 => area.desc[index].meta.write((value % 32) | 0x8080 << 16),
                5 => area.desc[index].meta.write(value % 32),
                _ => area.desc[index].meta.write(value),
            },
        }
    }

    /// The device uses a buffer by the rules, but for the order and the length, so that programs
    /// get on.
    fn use_buffer(&mut self, input: &mut Input<'_>) {
        let (choice, len) = (input.byte(), input.value());
        let ids: Vec<u16> = self.held.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = ids[usize::from(choice) % ids.len()];
        match &self.area {
            Area::Split(area) => {
                let elem = &area.used_ring[usize::from(self.next % self.size)];
                elem.id.write(id.into());
                elem.len.write(len);
                self.next = self.next.wrapping_add(1);
                area.used_idx.write(self.next);
            }
            Area::Packed(area) => {
                let desc = &area.desc[usize::from(self.next)];
                let flags = if self.wrap { 0x8080 } else { 0 };
                desc.len.write(len);
                desc.meta.write(u32::from(id) | flags << 16);
                self.next += self.held[&id].descriptors;
                if self.next >= self.size {
                    self.next -= self.size;
                    self.wrap = !self.wrap;
                }
            }
        }
    }

    fn finish(mut self) {
        while let Some(token) = self.ring.detach_unused() {
            let buffer = self.held.remove(&token.index());
            assert!(buffer.is_some(), "{token:?} is not in the ring");
        }
        assert!(self.held.is_empty());
        assert_eq!(self.ring.num_free(), self.ring.capacity());
        assert_eq!(self.ring.in_flight(), 0);
        assert_eq!(self.ring.broken(), self.violation);
    }
}
