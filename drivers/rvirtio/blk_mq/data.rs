// SPDX-License-Identifier: GPL-2.0

//! Access by the driver to the data of a request.

use crate::{
    helpers::rvirtio_helper_phys_to_virt,
    request::{
        Command,
        Request, //
    }, //
};
use core::{
    num::NonZeroU64,
    ptr::NonNull, //
};
use kernel::bindings;
use rvirtio::dma::Direction;

/// A part of the data of a request, in memory.
struct Part {
    /// The offset of the part in the data.
    offset: usize,
    cpu: NonNull<u8>,
    len: usize,
}

/// The number that [`Request::blank`] has written to the memory of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blank(NonZeroU64);

/// The length of a [`Blank`] in bytes.
const LEN: usize = size_of::<Blank>();

impl<C: Command> Request<C> {
    /// Zeroes the memory of a read, so that nothing of its previous content is left, and writes a
    /// random number to its end, which [`Request::is_blank`] looks for. Other requests are not
    /// changed.
    #[cold]
    pub fn blank(&mut self) -> Blank {
        // SAFETY: `get_random_u64` has no requirements, and can be called from any context.
        let number = unsafe { bindings::get_random_u64() };
        let blank = Blank(NonZeroU64::new(number).unwrap_or(NonZeroU64::MAX));
        let tail = blank.0.get().to_ne_bytes();
        let start = self.tail_start();
        self.for_each_part(|part| {
            // SAFETY: The memory belongs to a read, as there are no other parts, and the driver
            // owns the read. The device does not have it, because only a `Prepared` can be added to
            // a virtqueue.
            unsafe { part.cpu.write_bytes(0, part.len) };
            part.overlap(start, |cpu, at, len| {
                if let Some(from) = tail.get(at..).and_then(|tail| tail.get(..len)) {
                    // SAFETY: The driver may write the memory of the read, as above. `overlap`
                    // passes a range within the part, and `from` has `len` bytes elsewhere.
                    unsafe { cpu.copy_from_nonoverlapping(NonNull::from(from).cast(), len) };
                }
            });
        });
        blank
    }

    /// Returns whether the last bytes of a read are those of `blank`, so that the device has not
    /// written them. Unmaps the data.
    #[cold]
    pub fn is_blank(&mut self, blank: Blank) -> bool {
        // Before this, the bytes that the device wrote may be in a bounce buffer.
        self.command_mut().release();
        let mut tail = [0; LEN];
        let start = self.tail_start();
        self.for_each_part(|part| {
            part.overlap(start, |cpu, at, len| {
                if let Some(to) = tail.get_mut(at..).and_then(|tail| tail.get_mut(..len)) {
                    // SAFETY: The memory belongs to a read that the driver owns. The device does
                    // not have it, as the request is in no virtqueue. `overlap` passes a range
                    // within the part, and `to` has `len` bytes elsewhere.
                    unsafe { cpu.copy_to_nonoverlapping(NonNull::from(to).cast(), len) };
                }
            });
        });
        u64::from_ne_bytes(tail) == blank.0.get()
    }

    /// Returns the offset of the last bytes of the data.
    fn tail_start(&self) -> usize {
        // CAST: To a larger type.
        (self.data_len() as usize).saturating_sub(LEN)
    }

    /// Calls `each` for the parts of a read's data in order, and not at all for other requests.
    fn for_each_part(&self, mut each: impl FnMut(Part)) {
        if self.direction() != Some(Direction::FromDevice) {
            return;
        }
        let mut offset = 0;
        for segment in self.segments() {
            // SAFETY: The address is in the direct mapping: the disks do not support peer-to-peer
            // DMA, and there is no high memory on 64-bit machines.
            let cpu = unsafe { rvirtio_helper_phys_to_virt(segment.addr) };
            let Some(cpu) = NonNull::new(cpu) else {
                continue;
            };
            // CAST: To a larger type.
            let len = segment.len as usize;
            each(Part {
                offset,
                cpu: cpu.cast(),
                len,
            });
            offset += len;
        }
    }
}

impl Part {
    /// Calls `f` with the overlap of this part and the last bytes of the data, which begin at
    /// `start`, unless there is none. The arguments are the address of the overlap, its offset in
    /// the last bytes, and its length.
    fn overlap(&self, start: usize, f: impl FnOnce(NonNull<u8>, usize, usize)) {
        let first = start.max(self.offset);
        let end = (start + LEN).min(self.offset + self.len);
        if first < end {
            // SAFETY: `first` is within this part: at least `offset`, and less than `offset + len`.
            let cpu = unsafe { self.cpu.add(first - self.offset) };
            f(cpu, first - start, end - first);
        }
    }
}
