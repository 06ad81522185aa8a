// SPDX-License-Identifier: GPL-2.0

//! Access to the data of a request, for drivers that do not leave that to the device alone.

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
    /// Its place in the data.
    offset: usize,
    cpu: NonNull<u8>,
    len: usize,
}

/// What [`Request::blank`] has put into the memory of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blank(NonZeroU64);

/// Its length in bytes.
const LEN: usize = size_of::<Blank>();

impl<C: Command> Request<C> {
    /// Fills the memory that a read is to fill with zeroes, so that nothing is left of what was
    /// there, and its last bytes with a random number, by which [`Request::is_blank`] knows it.
    /// Does nothing to other requests.
    #[cold]
    pub fn blank(&mut self) -> Blank {
        // SAFETY: No requirements; callable from any context.
        let number = unsafe { bindings::get_random_u64() };
        let blank = Blank(NonZeroU64::new(number).unwrap_or(NonZeroU64::MAX));
        let tail = blank.0.get().to_ne_bytes();
        let start = self.tail_start();
        for part in self.parts() {
            // SAFETY: The memory is that of a read (`parts`) which we own: it is ours to be written
            // until the device gets it, which it has not, as the request is not prepared.
            unsafe { part.cpu.write_bytes(0, part.len) };
            part.overlap(start, |cpu, at, len| {
                if let Some(from) = tail.get(at..).and_then(|tail| tail.get(..len)) {
                    // SAFETY: As above; `overlap` stays within the part.
                    unsafe { cpu.copy_from_nonoverlapping(NonNull::from(from).cast(), len) };
                }
            });
        }
        blank
    }

    /// Returns whether the last bytes of the data that a read has got are those of `blank`, so that
    /// the device has not written them. Ends mappings of the data.
    #[cold]
    pub fn is_blank(&mut self, blank: Blank) -> bool {
        // What the device wrote may be elsewhere until then.
        self.command_mut().release();
        let mut tail = [0; LEN];
        let start = self.tail_start();
        for part in self.parts() {
            part.overlap(start, |cpu, at, len| {
                if let Some(to) = tail.get_mut(at..).and_then(|tail| tail.get_mut(..len)) {
                    // SAFETY: The memory is that of a read which we own, and the device is done: the
                    // request is not in a queue. `overlap` stays within the part.
                    unsafe { cpu.copy_to_nonoverlapping(NonNull::from(to).cast(), len) };
                }
            });
        }
        u64::from_ne_bytes(tail) == blank.0.get()
    }

    /// Returns where the last bytes of the data begin.
    fn tail_start(&self) -> usize {
        // CAST: To a larger type.
        (self.data_len() as usize).saturating_sub(LEN)
    }

    /// Returns the memory that the data of a read is in, in order; none for other requests.
    fn parts(&self) -> impl Iterator<Item = Part> + use<'_, C> {
        let is_read = self.direction() == Some(Direction::FromDevice);
        let segments = is_read.then(|| self.segments());
        let mut offset = 0;
        segments.into_iter().flatten().filter_map(move |segment| {
            // SAFETY: It is memory of the kernel's: disks of ours take no peer-to-peer DMA, and
            // there is no high memory on 64 bits.
            let cpu = unsafe { rvirtio_helper_phys_to_virt(segment.addr) };
            let part = Part {
                offset,
                cpu: NonNull::new(cpu)?.cast(),
                // CAST: To a larger type.
                len: segment.len as usize,
            };
            offset += part.len;
            Some(part)
        })
    }
}

impl Part {
    /// Calls `f` with what this has of the last bytes of the data, which begin at `start`, if
    /// anything: where that is, which of these bytes is the first, and how many there are.
    fn overlap(&self, start: usize, f: impl FnOnce(NonNull<u8>, usize, usize)) {
        let first = start.max(self.offset);
        let end = (start + LEN).min(self.offset + self.len);
        if first < end {
            // SAFETY: `first` is within this part.
            let cpu = unsafe { self.cpu.add(first - self.offset) };
            f(cpu, first - start, end - first);
        }
    }
}
