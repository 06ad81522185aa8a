// SPDX-License-Identifier: GPL-2.0

//! A packed virtqueue: its memory, and a device that uses it.

use super::{
    barriers::Hooked,
    device::{check_elements, raw, Chain, Device, Element, ElementIds, Notify, RawDesc, Tables},
    require, Breach,
};
use crate::ring::{Config, Desc};
use std::{collections::BTreeMap, sync::Arc};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

pub use super::memory::packed::{Area, Handle, Place};

/// The memory of a packed virtqueue, shared by driver and device.
pub type SharedArea<B> = Handle<Arc<Area<B>>>;

/// Allocates the memory of a queue of `size` descriptors.
pub fn area<B: Default>(size: u16) -> SharedArea<B> {
    let Ok(area) = Area::new(size);
    Handle(Arc::new(area))
}

/// Returns the `count` places from `place` on in a ring of `size`.
fn following(place: Place, count: u32, size: u16) -> impl Iterator<Item = Place> {
    let places = std::iter::successors(Some(place), move |place| Some(place.next(size)));
    places.take(count as usize)
}

/// Returns a place as events and notifications have it.
fn bits(place: Place) -> u16 {
    place.slot | u16::from(place.wrap) << 15
}

/// A device with a packed virtqueue.
pub struct PackedDevice {
    area: SharedArea<Hooked>,
    config: Config,
    next_avail: Place,
    next_used: Place,
    /// What the driver's last decision to notify was about ended here.
    decided: Place,
    /// Descriptors that the device has taken and not yet written, and what was in them.
    held: BTreeMap<u16, RawDesc>,
    /// Ids of the buffers that the device has.
    ids: Vec<u16>,
}

impl PackedDevice {
    /// Makes the device for a queue that the driver has just set up.
    pub fn new(area: &SharedArea<Hooked>, config: Config) -> Self {
        Self {
            area: area.clone(),
            config,
            next_avail: Place::START,
            next_used: Place::START,
            decided: Place::START,
            held: BTreeMap::new(),
            ids: Vec::new(),
        }
    }

    fn size(&self) -> u16 {
        self.area.size()
    }

    /// Checks that no descriptor was changed that the device has.
    fn check_held(&self) -> Result<(), Breach> {
        for (slot, before) in &self.held {
            let now = raw(&self.area.desc[usize::from(*slot)]);
            require(now == *before, "RING-P-03", || {
                format!("descriptor {slot} was changed while the device had it")
            })?;
        }
        Ok(())
    }

    /// Returns whether the driver wants to be called after the descriptors from `old` on were used.
    fn wants_call(&self, old: Place, used: u32) -> Result<bool, Breach> {
        let event = self.area.driver_event.read();
        let (position, flags) = (event as u16, (event >> 16) as u16);
        match flags {
            0 => Ok(used > 0),
            1 => Ok(false),
            2 => {
                require(self.config.event_idx, "RING-N-D9", || "DESC".into())?;
                require(position & 0x7fff < self.size(), "RING-N-D9", || {
                    format!("event at {position:#x}")
                })?;
                Ok(following(old, used, self.size()).any(|place| bits(place) == position))
            }
            _ => Err(Breach(format!("RING-N-D9: flags {flags:#x}"))),
        }
    }

    fn walk_table(&self, addr: u64, len: u32, tables: &Tables) -> Result<Vec<Element>, Breach> {
        let Some(cells) = tables.get(addr) else {
            return Err(Breach(format!("RING-P-12: no table at {addr:#x}")));
        };
        require(len % 16 == 0, "RING-P-14", || {
            format!("table of {len} bytes")
        })?;
        let count = (len / 16) as usize;
        require(count <= cells.len(), "RING-P-14", || {
            format!("table of {count}")
        })?;
        let element = |cell: &Desc| {
            let (addr, len, meta) = raw(cell);
            let flags = (meta >> 16) as u16;
            require(flags & !WRITE == 0, "RING-P-13", || {
                format!("flags {flags:#x}")
            })?;
            Ok(Element {
                addr,
                len,
                writable: flags & WRITE != 0,
            })
        };
        cells[..count].iter().map(element).collect()
    }
}

impl Device for PackedDevice {
    fn take(&mut self, tables: &Tables) -> Result<Option<Chain>, Breach> {
        self.check_held()?;
        let mut place = self.next_avail;
        let mut chain = Chain {
            id: 0,
            elements: Vec::new(),
            descriptors: Vec::new(),
        };
        loop {
            let desc = raw(self.area.at(place));
            let (addr, len, meta) = desc;
            let (id, flags) = (meta as u16, (meta >> 16) as u16);
            let first = chain.descriptors.is_empty();
            if first && !place.is_available(flags) {
                return Ok(None);
            }
            require(place.is_available(flags), "RING-N-D6", || {
                format!("descriptor {} of a list is not available", place.slot)
            })?;
            require(!self.held.contains_key(&place.slot), "RING-P-02", || {
                format!("descriptor {} is in two lists", place.slot)
            })?;
            require(
                chain.descriptors.len() < self.size().into(),
                "RING-P-07",
                || "list is longer than the queue".into(),
            )?;
            chain.descriptors.push((place.slot, desc));
            chain.id = id;
            place = place.next(self.size());
            if flags & INDIRECT != 0 {
                require(self.config.indirect, "RING-P-12", || "indirect".into())?;
                require(first && flags & NEXT == 0, "RING-P-15", || {
                    "indirect descriptor in a list".into()
                })?;
                chain.elements = self.walk_table(addr, len, tables)?;
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
        }
        check_elements(
            &chain.elements,
            self.size(),
            &ElementIds {
                count: "RING-P-07",
                total: "RING-P-14",
                order: "RING-P-08",
            },
        )?;
        require(!self.ids.contains(&chain.id), "RING-N-D8", || {
            format!("id {} is that of two buffers", chain.id)
        })?;
        self.ids.push(chain.id);
        self.held.extend(chain.descriptors.iter().copied());
        self.next_avail = place;
        Ok(Some(chain))
    }

    fn complete(&mut self, used: &[(Chain, u32)]) -> Result<bool, Breach> {
        self.check_held()?;
        let old = self.next_used;
        let mut descriptors = 0;
        for (chain, written) in used {
            self.ids.retain(|id| *id != chain.id);
            // In order, one descriptor tells of all: the last buffer's id, in the first one's place.
            let place = if self.config.in_order {
                old
            } else {
                self.next_used
            };
            self.held.remove(&place.slot);
            let flags = if *written > 0 { WRITE } else { 0 };
            self.area.write_used(place, chain.id, *written, flags);

            let count = chain.descriptors.len() as u32;
            // These go back to the driver, unless they were read already.
            for place in following(self.next_used, count, self.size()) {
                self.held.remove(&place.slot);
            }
            self.next_used = self.next_used.after(count, self.size());
            descriptors += count;
        }
        self.wants_call(old, descriptors)
    }

    fn set_notify(&mut self, notify: Notify) {
        let (position, flags) = match notify {
            Notify::Never => (0, 1),
            Notify::Always => (0, 0),
            // Reserved bits of the flags are to be ignored.
            Notify::After(n) if self.config.event_idx => {
                let place = self
                    .next_avail
                    .after(u32::from(n) % u32::from(self.size()), self.size());
                (bits(place), 2 | 0x100)
            }
            // Must be taken for always.
            Notify::After(_) => (0, 3),
        };
        self.area
            .device_event
            .write(u32::from(position) | flags << 16);
    }

    fn expects_notification(&mut self, descriptors: u32) -> bool {
        let old = self.decided;
        self.decided = old.after(descriptors, self.size());
        let event = self.area.device_event.read();
        match event >> 16 & 3 {
            1 => false,
            2 => following(old, descriptors, self.size()).any(|place| bits(place) == event as u16),
            _ => descriptors > 0,
        }
    }

    fn would_call(&self, steps: u32) -> Result<bool, Breach> {
        self.wants_call(self.next_used, steps)
    }

    fn notification_data(&self) -> u16 {
        let mut place = self.next_avail;
        for _ in 0..self.size() {
            let flags = (self.area.at(place).meta.read() >> 16) as u16;
            if !place.is_available(flags) {
                break;
            }
            place = place.next(self.size());
        }
        bits(place)
    }
}
