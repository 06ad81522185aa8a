// SPDX-License-Identifier: GPL-2.0

//! Frames to send, as a virtqueue has them: with a header before, and mapped.

use crate::{
    phys::{
        page_to_phys,
        virt_to_phys, //
    },
    skb,
    skb_tx::TxSkb, //
};
use core::mem;
use kernel::prelude::*;
use rvirtio::{
    dma::Direction,
    Access,
    Buffers,
    Dma,
    Segment, //
};

/// The largest number of segments of a frame: header, linear part, fragments.
#[doc(alias = "MAX_SKB_FRAGS")]
pub const MAX_SEGMENTS: usize = 2 + MAX_FRAGMENTS;

/// The largest number of fragments of a frame.
const MAX_FRAGMENTS: usize = crate::bindings::MAX_SKB_FRAGS as usize;

/// A header to be put before a frame: so many bytes of these, little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxHeader {
    /// The bytes.
    pub words: [u64; 3],
    /// How many of them.
    pub len: TxHeaderLen,
}

/// The length of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxHeaderLen {
    /// 12 bytes.
    L12 = 12,
    /// 20 bytes.
    L20 = 20,
    /// 24 bytes.
    L24 = 24,
}

impl TxHeader {
    /// Writes the header.
    ///
    /// # Safety
    ///
    /// There must be so many bytes at `to` that nobody else uses.
    #[inline]
    unsafe fn write(&self, to: *mut u8) {
        let [first, second, third] = self.words.map(u64::to_le);
        let to = to.cast::<u64>();
        // SAFETY: By the safety requirement. CAST: The lower half on purpose.
        unsafe {
            to.write_unaligned(first);
            match self.len {
                TxHeaderLen::L12 => to.add(1).cast::<u32>().write_unaligned(second as u32),
                TxHeaderLen::L20 => {
                    to.add(1).write_unaligned(second);
                    to.add(2).cast::<u32>().write_unaligned(third as u32);
                }
                TxHeaderLen::L24 => {
                    to.add(1).write_unaligned(second);
                    to.add(2).write_unaligned(third);
                }
            }
        }
    }
}

/// Where the header is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Right before the frame, so that both are one segment.
    Headroom,
    /// In the socket buffer's control block, which is the driver's while it has the buffer.
    ControlBlock,
}

/// A frame with its header, ready for the device.
pub struct TxBuf<'bound> {
    skb: TxSkb,
    header_len: u8,
    place: Place,
    /// `None` where addresses are physical.
    maps: Option<KBox<Maps<'bound>>>,
}

/// Mappings of the segments of one frame.
///
/// # Invariants
///
/// The first `count` of `segments` are mapped, for as long as the value is in a [`TxBuf`].
struct Maps<'bound> {
    dma: Dma<'bound>,
    count: usize,
    segments: [Segment; MAX_SEGMENTS],
}

/// Memory for the mappings of as many frames as a queue can have, if there are any.
pub struct MapPool<'bound> {
    dma: Dma<'bound>,
    free: KVec<KBox<Maps<'bound>>>,
}

impl<'bound> MapPool<'bound> {
    /// Allocates memory for `count` frames; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new(dma: Dma<'bound>, count: u16) -> Result<Self> {
        let count = if dma.is_physical() { 0 } else { count.into() };
        let mut free = KVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            let maps = Maps {
                dma,
                count: 0,
                segments: [Segment { addr: 0, len: 0 }; MAX_SEGMENTS],
            };
            free.push(KBox::new(maps, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        Ok(Self { dma, free })
    }

    fn give_back(&mut self, maps: KBox<Maps<'bound>>) {
        // There is room: it was taken from here.
        let _ = self.free.push_within_capacity(maps);
    }
}

impl Maps<'_> {
    fn map(&mut self, segment: Segment) -> Option<()> {
        let to = self.segments.get_mut(self.count)?;
        let len = segment.len as usize;
        let addr = self.dma.map(segment.addr, len, Direction::ToDevice).ok()?;
        *to = Segment { addr, ..segment };
        // INVARIANT: It was just mapped.
        self.count += 1;
        Some(())
    }

    fn unmap(&mut self) {
        let count = mem::take(&mut self.count);
        for segment in self.segments.iter().take(count) {
            let len = segment.len as usize;
            // SAFETY: It was mapped with these (type invariant) and is unmapped once, as it is not
            // counted any more. The device is done: the frame is not in a queue.
            unsafe { self.dma.unmap(segment.addr, len, Direction::ToDevice) };
        }
    }
}

impl Drop for Maps<'_> {
    fn drop(&mut self) {
        self.unmap();
    }
}

impl<'bound> TxBuf<'bound> {
    /// Puts `header` before the frame.
    #[inline]
    pub fn new(skb: TxSkb, header: TxHeader) -> Self {
        let raw = skb.as_raw();
        let header_len = header.len as u8;
        let place = if skb.has_private_headroom(header_len.into()) {
            // SAFETY: There are so many bytes before the data, and nobody else uses them.
            unsafe { header.write((*raw).data.sub(header_len.into())) };
            Place::Headroom
        } else {
            // SAFETY: The control block has more bytes, which belong to who owns the buffer.
            unsafe { header.write((&raw mut (*raw).cb).cast()) };
            Place::ControlBlock
        };
        Self {
            skb,
            header_len,
            place,
            maps: None,
        }
    }

    /// Maps the frame and its header, if that takes anything. Returns whether a device can have it.
    #[inline]
    pub fn map(&mut self, pool: &mut MapPool<'bound>) -> bool {
        if pool.dma.is_physical() || self.maps.is_some() {
            return true;
        }
        self.maps = self.map_segments(pool);
        self.maps.is_some()
    }

    /// Returns the frame.
    #[inline]
    pub fn skb(&self) -> &TxSkb {
        &self.skb
    }

    /// Returns the number of segments.
    #[inline]
    pub fn segments(&self) -> u16 {
        let header = u16::from(self.place == Place::ControlBlock);
        // At most 257.
        header
            .wrapping_add(1)
            .wrapping_add(self.skb.fragments().into())
    }

    /// Takes the frame out, which the device is done with.
    #[inline]
    pub fn finish(mut self, pool: &mut MapPool<'bound>) -> TxSkb {
        if let Some(mut maps) = self.maps.take() {
            maps.unmap();
            pool.give_back(maps);
        }
        self.skb
    }

    #[inline(never)]
    fn map_segments(&self, pool: &mut MapPool<'bound>) -> Option<KBox<Maps<'bound>>> {
        let mut maps = pool.free.pop()?;
        for index in 0..self.segments().into() {
            let mapped = self.physical(index).and_then(|segment| maps.map(segment));
            if mapped.is_none() {
                maps.unmap();
                pool.give_back(maps);
                return None;
            }
        }
        Some(maps)
    }

    /// Returns the segment number `index` by its physical address.
    #[inline]
    fn physical(&self, index: usize) -> Option<Segment> {
        let raw = self.skb.as_raw();
        let header_len = usize::from(self.header_len);
        // SAFETY: `raw` points to a socket buffer, whose control block, linear part and first
        // `nr_frags` fragments are there.
        unsafe {
            let at = |address: *const u8, len: u32| {
                Some(Segment {
                    addr: virt_to_phys(address),
                    len,
                })
            };
            let index = match (self.place, index) {
                (Place::Headroom, 0) => {
                    let len = skb::linear_len(raw).wrapping_add(self.header_len.into());
                    return at((*raw).data.sub(header_len), len);
                }
                (Place::ControlBlock, 0) => {
                    return at((&raw const (*raw).cb).cast(), self.header_len.into());
                }
                (Place::ControlBlock, 1) => return at((*raw).data, skb::linear_len(raw)),
                (Place::Headroom, index) => index.wrapping_sub(1),
                (Place::ControlBlock, index) => index.wrapping_sub(2),
            };
            let info = skb::shared_info(raw);
            if index >= usize::from((*info).nr_frags) || index >= MAX_FRAGMENTS {
                return None;
            }
            let frags = (&raw const (*info).frags).cast::<kernel::bindings::skb_frag_t>();
            let frag = frags.add(index);
            Some(Segment {
                addr: page_to_phys((*frag).netmem as *mut _).wrapping_add((*frag).offset.into()),
                len: (*frag).len,
            })
        }
    }
}

// SAFETY: The segments are those of a socket buffer that the value owns, and of its header. Nobody
// writes to them: whoever shares a frame's memory may read only, but for pages that user space has
// lent, for which no one can vouch, and which the device only reads. Moving the value does not move
// the socket buffer.
unsafe impl Buffers for TxBuf<'_> {
    #[inline]
    fn readable(&self) -> impl Iterator<Item = Segment> {
        let segment = |index| match &self.maps {
            None => self.physical(index),
            Some(maps) => maps.segments.get(index).copied(),
        };
        (0..usize::from(self.segments()))
            .filter_map(segment)
            .filter(|segment| segment.len != 0)
    }

    #[inline]
    fn single(&self) -> Option<(Segment, Access)> {
        if self.segments() != 1 {
            return None;
        }
        let segment = match &self.maps {
            None => self.physical(0),
            Some(maps) => maps.segments.first().copied(),
        };
        Some((segment?, Access::Readable))
    }

    #[inline]
    fn writable(&self) -> impl Iterator<Item = Segment> {
        core::iter::empty()
    }
}
