// SPDX-License-Identifier: GPL-2.0

//! A packed virtqueue, from the device's side (virtio 1.4, 2.8).

use super::{
    Done, Setup,
    chain::{Chain, Desc, ElementIds, INDIRECT, NEXT, Raw, WRITE},
};
use crate::{
    breach::{Breach, require},
    memory::{Memory, barrier},
};
use std::collections::{BTreeMap, BTreeSet};

const IDS: ElementIds = ElementIds { count: "RING-P-07", total: "RING-P-14", order: "RING-P-08" };

const AVAIL: u16 = 1 << 7;
const USED: u16 = 1 << 15;

/// Event flags: always, never, at a certain descriptor.
const ENABLE: u16 = 0;
const DISABLE: u16 = 1;
const DESC: u16 = 2;

/// A place in a ring of so many: below that number in the laps with a wrap counter of 1, above it in others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(u32);

impl Place {
    fn after(self, count: u32, size: u16) -> Self {
        Self((self.0 + count) % (2 * u32::from(size)))
    }

    fn slot(self, size: u16) -> u16 {
        (self.0 % u32::from(size)) as u16
    }

    fn wrap(self, size: u16) -> bool {
        self.0 < u32::from(size)
    }

    /// As events and notifications have it.
    fn bits(self, size: u16) -> u16 {
        self.slot(size) | u16::from(self.wrap(size)) << 15
    }

    fn of_bits(bits: u16, size: u16) -> Self {
        let slot = u32::from(bits & 0x7fff);
        Self(if bits & 0x8000 != 0 { slot } else { slot + u32::from(size) })
    }

    /// So far it is from `other` to here.
    fn since(self, other: Self, size: u16) -> u32 {
        let lap = 2 * u32::from(size);
        (self.0 + lap - other.0 % lap) % lap
    }
}

pub struct Packed {
    setup: Setup,
    next_avail: Place,
    next_used: Place,
    /// Descriptors that the device has taken and not yet written, and what was in them.
    held: BTreeMap<u16, Raw>,
    /// Ids of the buffers that the device has.
    ids: BTreeSet<u16>,
}

impl Packed {
    /// A queue that the driver has just enabled.
    pub fn new(setup: Setup) -> Result<Self, Breach> {
        let aligned = setup.desc % 16 == 0 && setup.driver % 4 == 0 && setup.device % 4 == 0;
        require(aligned, "RING-P-01", || format!("{setup:x?}"))?;
        let (held, ids) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { setup, next_avail: Place(0), next_used: Place(0), held, ids })
    }

    fn at(&self, slot: u16) -> u64 {
        self.setup.desc + Desc::SIZE * u64::from(slot)
    }

    fn is_available(&self, memory: &Memory, place: Place) -> Result<bool, Breach> {
        let flags = memory.load16(self.at(place.slot(self.setup.size)) + 14)?;
        let wrap = place.wrap(self.setup.size);
        Ok((flags & AVAIL != 0) == wrap && (flags & USED != 0) != wrap)
    }

    /// Checks that no descriptor was changed that the device has.
    fn check_held(&self, memory: &Memory) -> Result<(), Breach> {
        for (slot, before) in &self.held {
            let now = Desc::read(memory, self.at(*slot))?.raw;
            require(now == *before, "RING-P-03", || {
                format!("descriptor {slot} was changed while the device had it")
            })?;
        }
        Ok(())
    }

    pub fn take(&mut self, memory: &Memory) -> Result<Option<Chain>, Breach> {
        let size = self.setup.size;
        if !self.is_available(memory, self.next_avail)? {
            return Ok(None);
        }
        self.check_held(memory)?;
        let mut place = self.next_avail;
        let mut chain = Chain::default();
        loop {
            let slot = place.slot(size);
            require(self.is_available(memory, place)?, "RING-P-11", || {
                format!("descriptor {slot} of a list is not available")
            })?;
            require(!self.held.contains_key(&slot), "RING-P-02", || {
                format!("descriptor {slot} is in two lists")
            })?;
            let desc = Desc::read(memory, self.at(slot))?;
            let (id, flags) = (desc.third, desc.fourth);
            let first = chain.descriptors.is_empty();
            chain.descriptors.push((slot, desc.raw));
            chain.id = id;
            place = place.after(1, size);
            if flags & INDIRECT != 0 {
                require(self.setup.indirect, "RING-P-12", || "an indirect descriptor".into())?;
                require(first && flags & NEXT == 0, "RING-P-15", || "a table in a list".into())?;
                self.walk_table(memory, &desc, &mut chain)?;
                break;
            }
            chain.elements.push(desc.element(flags));
            if flags & NEXT == 0 {
                break;
            }
            let short = chain.descriptors.len() < usize::from(size);
            require(short, "RING-P-07", || "a list is longer than the queue".into())?;
        }
        chain.check(size, &IDS)?;
        require(self.ids.insert(chain.id), "RING-N-D8", || {
            format!("the id {} is that of two buffers", chain.id)
        })?;
        self.held.extend(chain.descriptors.iter().copied());
        self.next_avail = place;
        Ok(Some(chain))
    }

    fn walk_table(&self, memory: &Memory, table: &Desc, chain: &mut Chain) -> Result<(), Breach> {
        let count = table.len / 16;
        let fits = table.len % 16 == 0 && (1..=u32::from(self.setup.size)).contains(&count);
        require(fits, "RING-P-14", || format!("a table of {} bytes", table.len))?;
        for index in 0..count {
            let desc = Desc::read(memory, table.addr + Desc::SIZE * u64::from(index))?;
            let flags = desc.fourth;
            require(flags & !WRITE == 0, "RING-P-13", || format!("flags {flags:#x} in a table"))?;
            chain.elements.push(desc.element(flags));
        }
        Ok(())
    }

    /// Uses buffers. Returns whether the driver wants an interrupt.
    pub fn complete(&mut self, memory: &Memory, used: &[Done], batch: bool) -> Result<bool, Breach> {
        self.check_held(memory)?;
        let old = self.next_used;
        let mut writes = Vec::new();
        // One descriptor tells of a batch: the last buffer's id, in the first one's place.
        if let (true, Some(last)) = (batch, used.last()) {
            writes.push((old, last));
        }
        for done in used {
            self.ids.remove(&done.chain.id);
            if !batch {
                writes.push((self.next_used, done));
            }
            self.advance(done.chain.descriptors.len() as u32);
            if done.twice {
                writes.push((self.next_used, done));
                self.advance(1);
            }
            self.advance(done.skip.into());
        }
        // The driver sees all of them together, because it looks at the first one first.
        for (place, done) in writes.into_iter().rev() {
            self.write_used(memory, place, done)?;
        }
        barrier();
        self.wants_interrupt(memory, old)
    }

    /// Descriptors that were used are the driver's, unless they were read already.
    fn advance(&mut self, count: u32) {
        for _ in 0..count {
            self.held.remove(&self.next_used.slot(self.setup.size));
            self.next_used = self.next_used.after(1, self.setup.size);
        }
    }

    fn write_used(&mut self, memory: &Memory, place: Place, done: &Done) -> Result<(), Breach> {
        let (slot, wrap) = (place.slot(self.setup.size), place.wrap(self.setup.size));
        self.held.remove(&slot);
        let mut flags = if wrap { AVAIL | USED } else { 0 };
        if done.len > 0 {
            flags |= WRITE;
        }
        memory.write(self.at(slot) + 8, &done.len.to_le_bytes())?;
        memory.write(self.at(slot) + 12, &(done.id as u16).to_le_bytes())?;
        memory.store16(self.at(slot) + 14, flags)
    }

    fn wants_interrupt(&self, memory: &Memory, old: Place) -> Result<bool, Breach> {
        let size = self.setup.size;
        let (position, flags) = (memory.load16(self.setup.driver)?, memory.load16(self.setup.driver + 2)?);
        match flags {
            ENABLE => Ok(true),
            DISABLE => Ok(false),
            DESC => {
                let fine = self.setup.event_idx && position & 0x7fff < size;
                require(fine, "RING-N-D9", || format!("an event at {position:#x}"))?;
                Ok(Place::of_bits(position, size).since(old, size) < self.next_used.since(old, size))
            }
            _ => Err(Breach { id: "RING-N-D9", what: format!("event flags {flags:#x}") }),
        }
    }

    /// Wants no notifications, as the device looks by itself.
    pub fn suppress(&self, memory: &Memory) -> Result<(), Breach> {
        memory.store16(self.setup.device + 2, DISABLE)
    }

    /// Wants to be notified of the next buffer.
    pub fn listen(&self, memory: &Memory) -> Result<(), Breach> {
        memory.store16(self.setup.device, self.next_avail.bits(self.setup.size))?;
        memory.store16(self.setup.device + 2, if self.setup.event_idx { DESC } else { ENABLE })?;
        barrier();
        Ok(())
    }

    /// Checks what a notification says of where the driver is.
    pub fn check_notification(&self, memory: &Memory, data: u16) -> Result<(), Breach> {
        let size = self.setup.size;
        let mut end = self.next_avail;
        while end.since(self.next_avail, size) < size.into() && self.is_available(memory, end)? {
            end = end.after(1, size);
        }
        let fine = data & 0x7fff < size && end.since(Place::of_bits(data, size), size) < size.into();
        require(fine, "RING-N-D2", || {
            format!("a notification says {data:#x} when the driver is at {:#x}", end.bits(size))
        })
    }
}
