// SPDX-License-Identifier: GPL-2.0

//! A split virtqueue: its memory, and a device that uses it.

use super::{
    barriers::Hooked,
    device::{check_elements, raw, Chain, Device, Element, ElementIds, Notify, RawDesc, Tables},
    require, Breach,
};
use crate::ring::Config;
use std::{collections::BTreeMap, sync::Arc};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

pub use super::memory::split::{Area, Handle};

/// The memory of a split virtqueue, shared by driver and device.
pub type SharedArea<B> = Handle<Arc<Area<B>>>;

/// Allocates the memory of a queue of `size` descriptors.
pub fn area<B: Default>(size: u16) -> SharedArea<B> {
    let Ok(area) = Area::new(size);
    Handle(Arc::new(area))
}

/// A device with a split virtqueue.
pub struct SplitDevice {
    area: SharedArea<Hooked>,
    config: Config,
    /// Index of the next available buffer to take.
    next_avail: u16,
    /// Largest available index seen.
    avail_idx: u16,
    /// Index of the next used element to write.
    used_idx: u16,
    /// Available index at the driver's last decision to notify.
    decided: u16,
    /// Descriptors of buffers that the device has, and what was in them.
    held: BTreeMap<u16, RawDesc>,
}

impl SplitDevice {
    /// Makes the device for a queue that the driver has just set up.
    ///
    /// # Errors
    ///
    /// What the driver has done wrong.
    pub fn new(area: &SharedArea<Hooked>, config: Config) -> Result<Self, Breach> {
        require(area.used_flags.read() == 0, "RING-S-19", || {
            "used flags are not 0 at first".into()
        })?;
        Ok(Self {
            area: area.clone(),
            config,
            next_avail: 0,
            avail_idx: 0,
            used_idx: 0,
            decided: 0,
            held: BTreeMap::new(),
        })
    }

    fn size(&self) -> u16 {
        self.area.desc.len() as u16
    }

    /// Reads the available index and checks how it has moved.
    fn look(&mut self) -> Result<(), Breach> {
        let idx = self.area.avail_idx.read();
        let (before, now) = (
            self.avail_idx.wrapping_sub(self.next_avail),
            idx.wrapping_sub(self.next_avail),
        );
        require(now >= before, "RING-S-11", || {
            format!("available index went back from {} to {idx}", self.avail_idx)
        })?;
        require(now <= self.size(), "RING-S-11", || {
            format!("{now} buffers available in a queue of {}", self.size())
        })?;
        self.avail_idx = idx;
        Ok(())
    }

    /// Checks what the driver may write to `flags` of the available ring.
    fn check_avail_flags(&self) -> Result<(), Breach> {
        let flags = self.area.avail_flags.read();
        if self.config.event_idx {
            require(flags == 0, "RING-S-14", || format!("flags {flags:#x}"))
        } else {
            require(flags <= 1, "RING-S-12", || format!("flags {flags:#x}"))
        }
    }

    /// Walks the descriptors of the buffer with head `head`.
    fn walk(&self, head: u16, tables: &Tables) -> Result<Chain, Breach> {
        let mut chain = Chain {
            id: head,
            elements: Vec::new(),
            descriptors: Vec::new(),
        };
        let mut index = head;
        loop {
            require(index < self.size(), "RING-S-04", || {
                format!("descriptor {index} does not exist")
            })?;
            let twice = chain.descriptors.iter().any(|(i, _)| *i == index);
            require(!twice, "RING-S-04", || format!("loop at {index}"))?;
            require(!self.held.contains_key(&index), "INIT-26", || {
                format!("descriptor {index} is in two buffers")
            })?;
            let desc = raw(&self.area.desc[usize::from(index)]);
            chain.descriptors.push((index, desc));

            let (addr, len, meta) = desc;
            let (flags, next) = (meta as u16, (meta >> 16) as u16);
            if flags & INDIRECT != 0 {
                require(self.config.indirect, "RING-S-06", || "indirect".into())?;
                require(flags & NEXT == 0, "RING-S-09", || {
                    "indirect and next".into()
                })?;
                chain.elements.extend(self.walk_table(addr, len, tables)?);
                break;
            }
            chain.elements.push(Element {
                addr,
                len,
                writable: flags & WRITE != 0,
            });
            if flags & NEXT == 0 {
                break;
            }
            let following = (index + 1) % self.size();
            require(
                !self.config.in_order || next == following,
                "RING-S-05",
                || format!("{next} follows {index}"),
            )?;
            index = next;
        }
        check_elements(
            &chain.elements,
            self.size(),
            &ElementIds {
                count: "RING-S-08",
                total: "RING-S-04",
                order: "RING-S-02",
            },
        )?;
        Ok(chain)
    }

    /// Returns whether the driver wants to be called when the used index moves from `old` to `new`.
    fn wants_call(&self, old: u16, new: u16) -> bool {
        if self.config.event_idx {
            entries(old, new).any(|i| i == self.area.used_event.read())
        } else {
            old != new && self.area.avail_flags.read() == 0
        }
    }

    /// Walks an indirect table.
    fn walk_table(&self, addr: u64, len: u32, tables: &Tables) -> Result<Vec<Element>, Breach> {
        let Some(cells) = tables.get(addr) else {
            return Err(Breach(format!("RING-S-06: no table at {addr:#x}")));
        };
        require(len % 16 == 0, "RING-S-08", || {
            format!("table of {len} bytes")
        })?;
        let count = len / 16;
        require(count <= u32::from(self.size()), "RING-S-08", || {
            format!("table of {count}")
        })?;
        let mut elements = Vec::new();
        let mut index = 0;
        loop {
            require(index < count, "RING-S-04", || {
                format!("next is {index} of {count}")
            })?;
            require(elements.len() < count as usize, "RING-S-04", || {
                "loop".into()
            })?;
            let (addr, len, meta) = raw(&cells[index as usize]);
            let (flags, next) = (meta as u16, (meta >> 16) as u16);
            require(flags & INDIRECT == 0, "RING-S-07", || "nested table".into())?;
            elements.push(Element {
                addr,
                len,
                writable: flags & WRITE != 0,
            });
            if flags & NEXT == 0 {
                return Ok(elements);
            }
            let following = index + 1;
            index = u32::from(next);
            require(
                !self.config.in_order || index == following,
                "RING-S-10",
                || format!("{next} follows {}", following - 1),
            )?;
        }
    }
}

impl Device for SplitDevice {
    fn take(&mut self, tables: &Tables) -> Result<Option<Chain>, Breach> {
        self.check_avail_flags()?;
        self.look()?;
        if self.next_avail == self.avail_idx {
            return Ok(None);
        }
        let chain = self.walk(self.area.avail(self.next_avail).read(), tables)?;
        self.next_avail = self.next_avail.wrapping_add(1);
        self.held.extend(chain.descriptors.iter().copied());
        Ok(Some(chain))
    }

    fn complete(&mut self, used: &[(Chain, u32)]) -> Result<bool, Breach> {
        self.check_avail_flags()?;
        let old = self.used_idx;
        for (chain, written) in used {
            for (index, before) in &chain.descriptors {
                let now = raw(&self.area.desc[usize::from(*index)]);
                require(now == *before, "INIT-26", || {
                    format!("descriptor {index} was changed while the device had it")
                })?;
                self.held.remove(index);
            }
            // In order, one element tells of all: the last buffer's, where the first one's would be.
            let index = if self.config.in_order {
                old
            } else {
                self.used_idx
            };
            self.area.write_used(index, chain.id.into(), *written);
            self.used_idx = self.used_idx.wrapping_add(1);
        }
        self.area.used_idx.write(self.used_idx);

        Ok(self.wants_call(old, self.used_idx))
    }

    fn set_notify(&mut self, notify: Notify) {
        if self.config.event_idx {
            let ahead = match notify {
                // As far away as possible.
                Notify::Never => u16::MAX,
                Notify::Always => 0,
                Notify::After(n) => n,
            };
            self.area
                .avail_event
                .write(self.next_avail.wrapping_add(ahead));
            // Must be ignored.
            self.area.used_flags.write(1);
        } else {
            self.area.used_flags.write((notify == Notify::Never).into());
            // Must be ignored.
            self.area.avail_event.write(self.next_avail);
        }
    }

    fn expects_notification(&mut self, _: u32) -> bool {
        let new = self.area.avail_idx.read();
        let old = std::mem::replace(&mut self.decided, new);
        if self.config.event_idx {
            entries(old, new).any(|i| i == self.area.avail_event.read())
        } else {
            old != new && self.area.used_flags.read() & 1 == 0
        }
    }

    fn would_call(&self, steps: u32) -> Result<bool, Breach> {
        let new = self.used_idx.wrapping_add(steps as u16);
        Ok(self.wants_call(self.used_idx, new))
    }

    fn notification_data(&self) -> u16 {
        self.area.avail_idx.read()
    }
}

/// Returns the indices of the entries that were added when an index moved from `old` to `new`.
fn entries(old: u16, new: u16) -> impl Iterator<Item = u16> {
    (0..new.wrapping_sub(old)).map(move |i| old.wrapping_add(i))
}
