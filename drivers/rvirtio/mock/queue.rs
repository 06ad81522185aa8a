// SPDX-License-Identifier: GPL-2.0

//! The device's side of a queue (virtio 1.4, 2.7 and 2.8). Buffers have one descriptor.

use crate::memory::Shared;
use core::sync::atomic::{
    fence,
    Ordering, //
};
use kernel::prelude::*;
use rvirtio::{
    ring::{
        cell::{
            Le16,
            Le32, //
        },
        Desc,
        UsedElem, //
    },
    spec::{
        feature,
        ring::{
            packed,
            split,
            DESC_F_NEXT,
            DESC_F_WRITE, //
        }, //
    },
    transport::QueueSetup,
    Features, //
};

/// A position in a packed ring, and its wrap counter.
#[derive(Clone, Copy, PartialEq, Eq)]
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
        match self.slot + 1 {
            slot if slot < size => Self { slot, ..self },
            _ => Self {
                slot: 0,
                wrap: !self.wrap,
            },
        }
    }
}

/// The position of the device.
enum Position {
    Split { available: u16, used: u16 },
    Packed { available: Place, used: Place },
}

/// A buffer that the device has.
pub(crate) struct Taken {
    id: u16,
    pub(crate) memory: Shared,
    len: u32,
    /// Whether the device may write it. Otherwise it only reads it.
    pub(crate) is_writable: bool,
}

/// A queue that is enabled.
pub(crate) struct Queue {
    size: u16,
    desc: Shared,
    driver: Shared,
    device: Shared,
    pub(crate) vector: Option<u16>,
    event_idx: bool,
    position: Position,
    /// The buffers that the device has and has not used. The capacity is sufficient for all.
    taken: KVec<Taken>,
}

impl Queue {
    /// Allocates the memory for [`Queue::new`], which cannot allocate.
    pub(crate) fn room() -> Result<KVec<Taken>> {
        Ok(KVec::with_capacity(256, GFP_KERNEL)?)
    }

    /// # Safety
    ///
    /// `setup` must be the setup by the driver, and the value must be dropped when the device or
    /// the queue is reset.
    pub(crate) unsafe fn new(setup: &QueueSetup, features: Features, room: KVec<Taken>) -> Self {
        let size = setup.size;
        let is_packed = features.contains(feature::RING_PACKED);
        let (position, lens) = if is_packed {
            let lens = [
                packed::desc_size(size),
                packed::EVENT_SIZE,
                packed::EVENT_SIZE,
            ];
            let (available, used) = (Place::START, Place::START);
            (Position::Packed { available, used }, lens)
        } else {
            let lens = [
                split::desc_size(size),
                split::avail_size(size),
                split::used_size(size),
            ];
            let (available, used) = (0, 0);
            (Position::Split { available, used }, lens)
        };
        let [desc, driver, device] = lens;
        // SAFETY: These are the areas of a ring of this layout and size, which the driver has
        // passed to the device. `self` is dropped when the device returns them (safety
        // requirements).
        let shared = |addr, len| unsafe { Shared::new(addr, len as u32) };
        Self {
            size,
            desc: shared(setup.desc, desc),
            driver: shared(setup.driver, driver),
            device: shared(setup.device, device),
            vector: setup.vector,
            event_idx: features.contains(feature::EVENT_IDX),
            position,
            taken: room,
        }
    }

    /// Returns the areas of the ring.
    pub(crate) fn areas(&self) -> [Shared; 3] {
        [self.desc, self.driver, self.device]
    }

    /// Returns the buffers that the device has taken and not used.
    pub(crate) fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// Returns the memory that was passed to [`Queue::new`].
    pub(crate) fn into_room(self) -> KVec<Taken> {
        let mut taken = self.taken;
        taken.clear();
        taken
    }

    fn desc(&self, index: u16) -> Option<&Desc> {
        // SAFETY: Descriptors consist of atomics; the result lives no longer than `self`.
        unsafe { self.desc.cell(usize::from(index) * size_of::<Desc>()) }
    }

    fn driver16(&self, offset: usize) -> Option<&Le16> {
        // SAFETY: It is an atomic; the result lives no longer than `self`.
        unsafe { self.driver.cell(offset) }
    }

    fn device16(&self, offset: usize) -> Option<&Le16> {
        // SAFETY: The cell is an atomic, and the result lives no longer than `self`.
        unsafe { self.device.cell(offset) }
    }

    /// Takes the next buffer that is available. Returns whether there was one.
    pub(crate) fn take(&mut self) -> bool {
        self.next()
            .is_some_and(|taken| self.taken.push_within_capacity(taken).is_ok())
    }

    fn next(&mut self) -> Option<Taken> {
        let (id, desc, flags) = match self.position {
            Position::Split { available, .. } => {
                if self.driver16(split::IDX)?.read() == available {
                    return None;
                }
                fence(Ordering::Acquire);
                let slot = usize::from(available % self.size);
                let head = self
                    .driver16(split::RING + slot * split::AVAIL_ELEM_SIZE)?
                    .read();
                let desc = self.desc(head)?;
                (head, desc, desc.meta.read() as u16)
            }
            Position::Packed { available, .. } => {
                let desc = self.desc(available.slot)?;
                let meta = desc.meta.read();
                fence(Ordering::Acquire);
                let flags = (meta >> 16) as u16;
                let expected = if available.wrap {
                    packed::DESC_F_AVAIL
                } else {
                    packed::DESC_F_USED
                };
                if flags & !DESC_F_WRITE != expected {
                    return None;
                }
                (meta as u16, desc, flags & DESC_F_WRITE)
            }
        };
        if flags & !DESC_F_WRITE != 0 {
            return None;
        }
        let (addr, len) = (desc.addr.read(), desc.len.read());
        match &mut self.position {
            Position::Split { available, .. } => *available = available.wrapping_add(1),
            Position::Packed { available, .. } => *available = available.next(self.size),
        }
        // SAFETY: The memory is in an available descriptor, and is not used after the buffer was
        // returned.
        let memory = unsafe { Shared::new(addr, len) };
        Some(Taken {
            id,
            memory,
            len,
            is_writable: flags == DESC_F_WRITE,
        })
    }

    /// Uses the oldest buffer that was taken: fills it with `byte`, and returns it. Returns whether
    /// the driver has requested an interrupt, or `None` if there is no buffer.
    pub(crate) fn use_next(&mut self, byte: u8) -> Option<bool> {
        let taken = self.taken.remove(0).ok()?;
        if !taken.is_writable {
            return self.give_back(taken.id, 0);
        }
        taken.memory.fill(byte);
        self.give_back(taken.id, taken.len)
    }

    /// Uses the next buffer that the device only reads: copies it to `to`. Returns its length.
    pub(crate) fn use_read(&mut self, to: &mut [u8]) -> Option<usize> {
        let taken = self.next().filter(|taken| !taken.is_writable)?;
        let len = taken.memory.read(to);
        self.give_back(taken.id, 0)?;
        Some(len)
    }

    /// Uses the next buffer that the device may write: copies `bytes` to it, and reports `written` of
    /// them, whether that is true or not.
    pub(crate) fn use_written(&mut self, bytes: &[u8], written: u32) -> Option<()> {
        let taken = self.next().filter(|taken| taken.is_writable)?;
        taken.memory.write(bytes);
        self.give_back(taken.id, written)?;
        Some(())
    }

    /// Takes the next buffer, which consists of a descriptor that the device reads and one that it may write:
    /// copies the former to `to`, and returns its length. `None` for any other, and for a packed ring.
    pub(crate) fn take_command(&mut self, to: &mut [u8]) -> Option<usize> {
        let Position::Split { available, .. } = self.position else {
            return None;
        };
        if self.driver16(split::IDX)?.read() == available {
            return None;
        }
        fence(Ordering::Acquire);
        let slot = usize::from(available % self.size);
        let head = self
            .driver16(split::RING + slot * split::AVAIL_ELEM_SIZE)?
            .read();
        let part = |index| {
            let desc = self.desc(index)?;
            let (addr, len, meta) = (desc.addr.read(), desc.len.read(), desc.meta.read());
            // SAFETY: The memory is in an available descriptor, and is not used after the buffer was
            // returned.
            let memory = unsafe { Shared::new(addr, len) };
            // CAST: These are the two halves of it.
            Some((memory, len, meta as u16, (meta >> 16) as u16))
        };
        let (request, request_len, flags, next) = part(head)?;
        let (memory, len, last, _) = part(next)?;
        if (flags, last) != (DESC_F_NEXT, DESC_F_WRITE) {
            return None;
        }
        let taken = Taken {
            id: head,
            memory,
            len,
            is_writable: true,
        };
        self.taken.push_within_capacity(taken).ok()?;
        if let Position::Split { available, .. } = &mut self.position {
            *available = available.wrapping_add(1);
        }
        request.read(to);
        Some(request_len as usize)
    }

    /// Uses the buffer that was taken last: copies `answer` to it, as far as there is room.
    pub(crate) fn answer_command(&mut self, answer: &[u8]) -> Option<()> {
        let taken = self.taken.pop()?;
        taken.memory.write(answer);
        // CAST: It is at most what the length of a descriptor says.
        let len = answer.len().min(taken.len as usize) as u32;
        self.give_back(taken.id, len)?;
        Some(())
    }

    /// Reports a used buffer that the driver has not made available.
    pub(crate) fn give_back_wrong(&mut self) {
        let _ = self.give_back(self.size - 1, 0);
    }

    fn give_back(&mut self, id: u16, len: u32) -> Option<bool> {
        match self.position {
            Position::Split { used, .. } => {
                let slot = usize::from(used % self.size);
                // SAFETY: Elements consist of atomics; the result lives no longer than `self`.
                let elem = unsafe {
                    self.device
                        .cell::<UsedElem>(split::RING + slot * split::USED_ELEM_SIZE)
                }?;
                elem.id.write(id.into());
                elem.len.write(len);
                fence(Ordering::Release);
                self.device16(split::IDX)?.write(used.wrapping_add(1));
            }
            Position::Packed { used, .. } => {
                let flags = if used.wrap {
                    packed::DESC_F_AVAIL | packed::DESC_F_USED
                } else {
                    0
                };
                let desc = self.desc(used.slot)?;
                desc.len.write(len);
                fence(Ordering::Release);
                desc.meta.write(u32::from(id) | u32::from(flags) << 16);
            }
        }
        fence(Ordering::SeqCst);
        let wanted = self.wants_interrupt()?;
        match &mut self.position {
            Position::Split { used, .. } => *used = used.wrapping_add(1),
            Position::Packed { used, .. } => *used = used.next(self.size),
        }
        Some(wanted)
    }

    /// Returns whether the driver has requested an interrupt for the buffer that is being returned.
    fn wants_interrupt(&self) -> Option<bool> {
        match self.position {
            Position::Split { used, .. } if self.event_idx => {
                Some(self.driver16(split::used_event(self.size))?.read() == used)
            }
            Position::Split { .. } => {
                Some(self.driver16(split::FLAGS)?.read() & split::AVAIL_F_NO_INTERRUPT == 0)
            }
            Position::Packed { used, .. } => {
                // SAFETY: It is an atomic; the result lives no longer than `self`.
                let event = unsafe { self.driver.cell::<Le32>(0) }?.read();
                match (event >> 16) as u16 & packed::EVENT_FLAG_MASK {
                    packed::EVENT_FLAG_ENABLE => Some(true),
                    packed::EVENT_FLAG_DESC if self.event_idx => {
                        let at = event as u16;
                        let (slot, wrap) = (at & !packed::EVENT_WRAP, at & packed::EVENT_WRAP != 0);
                        Some(used == Place { slot, wrap })
                    }
                    _ => Some(false),
                }
            }
        }
    }
}
