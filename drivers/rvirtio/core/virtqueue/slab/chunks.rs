// SPDX-License-Identifier: GPL-2.0

//! Memory that is shared with a device, in pieces of equal size.

use super::layout::CACHE_LINE;
use crate::dma::{
    Coherent,
    Dma, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    }, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::SetOnce, //
};

/// Pieces of memory that the device can access, with memory only where it was asked for. Each may have
/// a tail, which is apart from it.
///
/// # Invariants
///
/// `size` is a multiple of the cache line. Each of `chunks` has no memory, or at least `per_chunk`
/// pieces of `size` bytes, and then as many tails of `tail` bytes. Together there is a place for
/// `count`.
pub(super) struct Chunks<'bound> {
    chunks: ManuallyDrop<KVec<Chunk<'bound>>>,
    /// Set by who allocates memory, so that nobody else does at the same time: memory for a device
    /// cannot be freed everywhere.
    allocating: AtomicBool,
    dma: Dma<'bound>,
    per_chunk: usize,
    size: usize,
    tail: usize,
    count: u16,
}

/// Memory that is allocated when it is needed. Many chunks never are, so that their place is small.
type Chunk<'bound> = SetOnce<KBox<Coherent<'bound>>>;

/// The addresses of a piece and its tail. The device has both at the same distance as the CPU.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    /// The address for the CPU, aligned to a cache line.
    pub(super) cpu: NonNull<u8>,
    /// The address for the device.
    pub(super) addr: u64,
    /// The address of the tail for the CPU.
    pub(super) tail: NonNull<u8>,
}

impl<'bound> Chunks<'bound> {
    /// Makes a place for `count` pieces of at least `size` bytes, with tails of `tail` bytes, without
    /// memory; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(super) fn new(dma: Dma<'bound>, count: u16, size: usize, tail: usize) -> Result<Self> {
        let size = size
            .max(1)
            .checked_next_multiple_of(CACHE_LINE)
            .ok_or(ENOMEM)?;
        let per_chunk = PAGE_SIZE.checked_div(size + tail).unwrap_or(0).max(1);
        let len = usize::from(count).div_ceil(per_chunk);
        let mut chunks = KVec::with_capacity(len, GFP_KERNEL)?;
        for _ in 0..len {
            chunks.push(SetOnce::new(), GFP_KERNEL)?;
        }
        // INVARIANT: `size` was rounded up to a multiple of the cache line. There are chunks for `count`
        // pieces, none with memory.
        Ok(Self {
            chunks: ManuallyDrop::new(chunks),
            allocating: AtomicBool::new(false),
            dma,
            per_chunk,
            size,
            tail,
            count,
        })
    }

    /// Allocates the memory of all pieces, of which none has any; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(super) fn allocate(&mut self) -> Result {
        for chunk in self.chunks.iter() {
            let memory = Coherent::new(self.dma, self.chunk_size())?;
            chunk.populate(KBox::new(memory, GFP_KERNEL)?);
        }
        Ok(())
    }

    /// Returns the memory of a chunk. If there is none yet, it is allocated.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`], also while somebody else allocates some.
    fn memory<'a>(&self, chunk: &'a Chunk<'bound>) -> Result<&'a Coherent<'bound>> {
        if chunk.as_ref().is_none() && !self.allocating.swap(true, Ordering::Acquire) {
            let added = self.add_memory(chunk);
            self.allocating.store(false, Ordering::Release);
            added?;
        }
        chunk.as_ref().map(|memory| &**memory).ok_or(ENOMEM)
    }

    /// Allocates the memory of a chunk that has none, in any context.
    #[cold]
    fn add_memory(&self, chunk: &Chunk<'bound>) -> Result {
        // It may have got some since the caller has looked.
        if chunk.as_ref().is_none() {
            let place = KBox::new_uninit(GFP_ATOMIC)?;
            let memory = Coherent::new_atomic(self.dma, self.chunk_size())?;
            chunk.populate(KBox::write(place, memory));
        }
        Ok(())
    }

    /// Returns the size of a chunk in bytes.
    fn chunk_size(&self) -> usize {
        // The product is that of a memory size that was checked, or within a page.
        self.per_chunk * (self.size + self.tail)
    }

    /// Returns how the memory is addressed.
    pub(super) fn dma(&self) -> Dma<'bound> {
        self.dma
    }

    /// Returns the addresses of a piece, or `None` if `index` is out of range, or there is no memory.
    /// It is zeroed, unless somebody has had the piece before.
    pub(super) fn get(&self, index: u16) -> Option<Piece> {
        if index >= self.count {
            return None;
        }
        let index = usize::from(index);
        let chunk = self.chunks.get(index.checked_div(self.per_chunk)?)?;
        let memory = self.memory(chunk).ok()?;
        let index = index.checked_rem(self.per_chunk)?;
        let offset = index * self.size;
        let tail = self.per_chunk * self.size + index * self.tail;
        // SAFETY: The chunk has `per_chunk` pieces, and as many tails after them (type invariant), and
        // these are the offsets of one of each.
        let (cpu, tail) = unsafe { (memory.cpu().add(offset), memory.cpu().add(tail)) };
        Some(Piece {
            cpu,
            // CAST: Chunks are small.
            addr: memory.addr() + offset as u64,
            tail,
        })
    }
}

impl Drop for Chunks<'_> {
    fn drop(&mut self) {
        let dev = self.dma.device();
        if !dev.may_free() {
            // The device may still use a piece, so the memory is leaked.
            let chunks = self.chunks.iter();
            let sizes = chunks.filter_map(|chunk| Some(chunk.as_ref()?.size()));
            // CAST: To a larger type.
            dev.counters().leaked_bytes.add(sizes.sum::<usize>() as u64);
            return;
        }
        // SAFETY: `chunks` is only dropped here, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.chunks) };
    }
}
