// SPDX-License-Identifier: GPL-2.0

//! A split virtqueue, from the device's side (virtio 1.4, 2.7).

use super::{
    Done, Setup,
    chain::{Chain, Desc, ElementIds, INDIRECT, NEXT, Raw},
};
use crate::{
    breach::{Breach, require},
    memory::{Memory, barrier},
};
use std::collections::BTreeMap;

const IDS: ElementIds = ElementIds { count: "RING-S-08", total: "RING-S-04", order: "RING-S-02" };

pub struct Split {
    setup: Setup,
    /// Index of the next available buffer to take.
    next_avail: u16,
    /// Largest available index seen.
    avail_idx: u16,
    /// Index of the next used element to write.
    used_idx: u16,
    /// Descriptors of buffers that the device has, and what was in them.
    held: BTreeMap<u16, Raw>,
}

impl Split {
    /// A queue that the driver has just enabled.
    pub fn new(memory: &Memory, setup: Setup) -> Result<Self, Breach> {
        let aligned = setup.desc % 16 == 0 && setup.driver % 2 == 0 && setup.device % 4 == 0;
        require(aligned, "RING-S-01", || format!("{setup:x?}"))?;
        let flags = memory.load16(setup.device)?;
        require(flags == 0, "RING-S-19", || format!("used flags are {flags:#x} at first"))?;
        Ok(Self { setup, next_avail: 0, avail_idx: 0, used_idx: 0, held: BTreeMap::new() })
    }

    fn used_event(&self) -> u64 {
        self.setup.driver + 4 + 2 * u64::from(self.setup.size)
    }

    fn avail_event(&self) -> u64 {
        self.setup.device + 4 + 8 * u64::from(self.setup.size)
    }

    pub fn take(&mut self, memory: &Memory) -> Result<Option<Chain>, Breach> {
        self.check_avail_flags(memory)?;
        self.look(memory)?;
        if self.next_avail == self.avail_idx {
            return Ok(None);
        }
        let entry = self.setup.driver + 4 + 2 * u64::from(self.next_avail % self.setup.size);
        let chain = self.walk(memory, memory.load16(entry)?)?;
        self.next_avail = self.next_avail.wrapping_add(1);
        self.held.extend(chain.descriptors.iter().copied());
        Ok(Some(chain))
    }

    /// Reads the available index and checks how it has moved.
    fn look(&mut self, memory: &Memory) -> Result<(), Breach> {
        let idx = memory.load16(self.setup.driver + 2)?;
        let (before, now) = (self.avail_idx.wrapping_sub(self.next_avail), idx.wrapping_sub(self.next_avail));
        require(now >= before, "RING-S-11", || {
            format!("the available index went back from {} to {idx}", self.avail_idx)
        })?;
        require(now <= self.setup.size, "RING-S-11", || {
            format!("{now} buffers available in a queue of {}", self.setup.size)
        })?;
        self.avail_idx = idx;
        Ok(())
    }

    fn check_avail_flags(&self, memory: &Memory) -> Result<(), Breach> {
        let flags = memory.load16(self.setup.driver)?;
        let (most, id) = if self.setup.event_idx { (0, "RING-S-14") } else { (1, "RING-S-12") };
        require(flags <= most, id, || format!("available flags {flags:#x}"))
    }

    fn walk(&self, memory: &Memory, head: u16) -> Result<Chain, Breach> {
        let size = self.setup.size;
        let mut chain = Chain { id: head, ..Chain::default() };
        let mut index = head;
        loop {
            require(index < size, "RING-S-04", || format!("descriptor {index} does not exist"))?;
            let twice = chain.descriptors.iter().any(|(other, _)| *other == index);
            require(!twice, "RING-S-04", || format!("a loop at {index}"))?;
            require(!self.held.contains_key(&index), "INIT-26", || {
                format!("descriptor {index} is in two buffers")
            })?;
            let desc = Desc::read(memory, self.setup.desc + Desc::SIZE * u64::from(index))?;
            chain.descriptors.push((index, desc.raw));
            let (flags, next) = (desc.third, desc.fourth);
            if flags & INDIRECT != 0 {
                require(self.setup.indirect, "RING-S-06", || "an indirect descriptor".into())?;
                require(flags & NEXT == 0, "RING-S-09", || "indirect and next".into())?;
                self.walk_table(memory, &desc, &mut chain)?;
                break;
            }
            chain.elements.push(desc.element(flags));
            if flags & NEXT == 0 {
                break;
            }
            let ordered = !self.setup.in_order || next == (index + 1) % size;
            require(ordered, "RING-S-05", || format!("{next} follows {index}"))?;
            index = next;
        }
        chain.check(size, &IDS)?;
        Ok(chain)
    }

    fn walk_table(&self, memory: &Memory, table: &Desc, chain: &mut Chain) -> Result<(), Breach> {
        let count = table.len / 16;
        let fits = table.len % 16 == 0 && (1..=u32::from(self.setup.size)).contains(&count);
        require(fits, "RING-S-08", || format!("a table of {} bytes", table.len))?;
        let mut index = 0;
        loop {
            require(index < count, "RING-S-04", || format!("next is {index} of {count}"))?;
            require(chain.elements.len() < count as usize, "RING-S-04", || "a loop in a table".into())?;
            let desc = Desc::read(memory, table.addr + Desc::SIZE * u64::from(index))?;
            let (flags, next) = (desc.third, u32::from(desc.fourth));
            require(flags & INDIRECT == 0, "RING-S-07", || "a table in a table".into())?;
            chain.elements.push(desc.element(flags));
            if flags & NEXT == 0 {
                return Ok(());
            }
            let ordered = !self.setup.in_order || next == index + 1;
            require(ordered, "RING-S-10", || format!("{next} follows {index}"))?;
            index = next;
        }
    }

    /// Uses buffers. Returns whether the driver wants an interrupt.
    pub fn complete(&mut self, memory: &Memory, used: &[Done], batch: bool) -> Result<bool, Breach> {
        self.check_avail_flags(memory)?;
        let old = self.used_idx;
        for done in used {
            for (index, before) in &done.chain.descriptors {
                let now = Desc::read(memory, self.setup.desc + Desc::SIZE * u64::from(*index))?.raw;
                require(now == *before, "INIT-26", || {
                    format!("descriptor {index} was changed while the device had it")
                })?;
                self.held.remove(index);
            }
            // One element tells of a batch: the last buffer's, where the first one's would be.
            let index = if batch { old } else { self.used_idx };
            self.write_used(memory, index, done)?;
            self.used_idx = self.used_idx.wrapping_add(1);
            if done.twice {
                self.write_used(memory, self.used_idx, done)?;
                self.used_idx = self.used_idx.wrapping_add(1);
            }
            self.used_idx = self.used_idx.wrapping_add(done.skip);
        }
        memory.store16(self.setup.device + 2, self.used_idx)?;
        barrier();
        if self.setup.event_idx {
            let event = memory.load16(self.used_event())?;
            // The event is among what was used.
            Ok(event.wrapping_sub(old) < self.used_idx.wrapping_sub(old))
        } else {
            Ok(memory.load16(self.setup.driver)? == 0)
        }
    }

    fn write_used(&self, memory: &Memory, index: u16, done: &Done) -> Result<(), Breach> {
        let at = self.setup.device + 4 + 8 * u64::from(index % self.setup.size);
        memory.write(at, &done.id.to_le_bytes())?;
        memory.write(at + 4, &done.len.to_le_bytes())
    }

    /// Wants no notifications, as the device looks by itself.
    pub fn suppress(&self, memory: &Memory) -> Result<(), Breach> {
        if self.setup.event_idx { Ok(()) } else { memory.store16(self.setup.device, 1) }
    }

    /// Wants to be notified of the next buffer.
    pub fn listen(&self, memory: &Memory) -> Result<(), Breach> {
        let (at, value) =
            if self.setup.event_idx { (self.avail_event(), self.next_avail) } else { (self.setup.device, 0) };
        memory.store16(at, value)?;
        barrier();
        Ok(())
    }

    /// Checks what a notification says of where the driver is.
    pub fn check_notification(&self, memory: &Memory, data: u16) -> Result<(), Breach> {
        let idx = memory.load16(self.setup.driver + 2)?;
        require(idx.wrapping_sub(data) < self.setup.size, "RING-N-D1", || {
            format!("a notification says {data:#x} when the available index is {idx:#x}")
        })
    }
}
