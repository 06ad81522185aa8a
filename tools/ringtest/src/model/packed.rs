// SPDX-License-Identifier: GPL-2.0

//! A packed virtqueue: its memory, and a device that uses it.

use super::{
    barriers::Hooked,
    device::{check_elements, raw, Chain, Device, Element, ElementIds, RawDesc, Tables, Wish},
    require, Breach,
};
use crate::ring::{mem::Le32, packed::Memory, Barriers, Config, Desc};
use std::{collections::BTreeMap, sync::Arc};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;
const AVAIL: u16 = 1 << 7;
const USED: u16 = 1 << 15;

/// The memory of a packed virtqueue.
pub struct Area<B> {
    /// The descriptor ring.
    pub desc: Vec<Desc>,
    /// The driver event suppression structure.
    pub driver_event: Le32,
    /// The device event suppression structure.
    pub device_event: Le32,
    /// The driver's barriers.
    pub barriers: B,
}

impl<B: Default> Area<B> {
    /// Allocates the memory of a queue of `size` descriptors.
    pub fn new(size: u16) -> Arc<Self> {
        Arc::new(Self {
            desc: (0..size).map(|_| Desc::default()).collect(),
            driver_event: Le32::default(),
            device_event: Le32::default(),
            barriers: B::default(),
        })
    }
}

impl<B: Barriers> Barriers for Arc<Area<B>> {
    fn mb(&self) {
        self.barriers.mb();
    }

    fn rmb(&self) {
        self.barriers.rmb();
    }

    fn wmb(&self) {
        self.barriers.wmb();
    }
}

impl<B: Barriers> Memory for Arc<Area<B>> {
    fn size(&self) -> u16 {
        self.desc.len() as u16
    }

    fn desc(&self, index: u16) -> &Desc {
        &self.desc[usize::from(index)]
    }

    fn driver_event(&self) -> &Le32 {
        &self.driver_event
    }

    fn device_event(&self) -> &Le32 {
        &self.device_event
    }
}

/// A place in the ring, and the wrap counter there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    slot: u16,
    wrap: bool,
}

impl Place {
    const START: Self = Self {
        slot: 0,
        wrap: true,
    };

    fn next(self, size: u16) -> Self {
        match self.slot + 1 == size {
            true => Self {
                slot: 0,
                wrap: !self.wrap,
            },
            false => Self {
                slot: self.slot + 1,
                wrap: self.wrap,
            },
        }
    }

    /// Returns the `count` places from here on.
    fn following(self, count: u32, size: u16) -> impl Iterator<Item = Self> {
        let places = std::iter::successors(Some(self), move |place| Some(place.next(size)));
        places.take(count as usize)
    }

    fn after(self, count: u32, size: u16) -> Self {
        self.following(count + 1, size).last().unwrap()
    }

    fn bits(self) -> u16 {
        self.slot | u16::from(self.wrap) << 15
    }

    fn is_available(self, flags: u16) -> bool {
        (flags & AVAIL != 0) == self.wrap && (flags & USED != 0) != self.wrap
    }
}

/// A device with a packed virtqueue.
pub struct PackedDevice {
    area: Arc<Area<Hooked>>,
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
    pub fn new(area: &Arc<Area<Hooked>>, config: Config) -> Self {
        Self {
            area: Arc::clone(area),
            config,
            next_avail: Place::START,
            next_used: Place::START,
            decided: Place::START,
            held: BTreeMap::new(),
            ids: Vec::new(),
        }
    }

    fn size(&self) -> u16 {
        self.area.desc.len() as u16
    }

    fn desc(&self, place: Place) -> &Desc {
        &self.area.desc[usize::from(place.slot)]
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
                Ok(old
                    .following(used, self.size())
                    .any(|place| place.bits() == position))
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
            let desc = raw(self.desc(place));
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
            let mark = if place.wrap { AVAIL | USED } else { 0 };
            let flags = mark | if *written > 0 { WRITE } else { 0 };
            let desc = self.desc(place);
            desc.len.write(*written);
            desc.meta
                .write(u32::from(chain.id) | u32::from(flags) << 16);

            let count = chain.descriptors.len() as u32;
            // These go back to the driver, unless they were read already.
            for place in self.next_used.following(count, self.size()) {
                self.held.remove(&place.slot);
            }
            self.next_used = self.next_used.after(count, self.size());
            descriptors += count;
        }
        self.wants_call(old, descriptors)
    }

    fn wish(&mut self, wish: Wish) {
        let (position, flags) = match wish {
            Wish::Never => (0, 1),
            Wish::Always => (0, 0),
            // Reserved bits of the flags are to be ignored.
            Wish::After(n) if self.config.event_idx => {
                let place = self
                    .next_avail
                    .after(u32::from(n) % u32::from(self.size()), self.size());
                (place.bits(), 2 | 0x100)
            }
            // Must be taken for a wish to be notified.
            Wish::After(_) => (0, 3),
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
            2 => old
                .following(descriptors, self.size())
                .any(|place| place.bits() == event as u16),
            _ => descriptors > 0,
        }
    }

    fn would_call(&self, steps: u32) -> Result<bool, Breach> {
        self.wants_call(self.next_used, steps)
    }

    fn notification_data(&self) -> u16 {
        let mut place = self.next_avail;
        for _ in 0..self.size() {
            let flags = (self.desc(place).meta.read() >> 16) as u16;
            if !place.is_available(flags) {
                break;
            }
            place = place.next(self.size());
        }
        place.bits()
    }
}
