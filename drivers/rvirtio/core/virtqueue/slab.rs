// SPDX-License-Identifier: GPL-2.0

//! Headers, status fields and descriptor tables of requests, allocated and mapped once.
//!
//! C allocates, maps and fills a descriptor table for each request. Here every request has a
//! [`Slot`] for as long as the queue exists, whose table stays as it is: when a request has as
//! many pieces of data as the one before, only their addresses and lengths are written.

mod chunks;
mod slot;
mod spare;

pub use self::slot::Slot;

use self::{
    chunks::{
        Chunks,
        CACHE_LINE, //
    },
    spare::Spares, //
};
use crate::{
    dma::Dma,
    ring::Desc, //
};
use core::{
    marker::PhantomData,
    sync::atomic::{
        AtomicU16,
        Ordering, //
    }, //
};
use kernel::{
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};

/// The layout of a slot: table, then header, then status.
///
/// The table comes first because it must be aligned to 16 bytes, and what the device writes comes
/// last, on a cache line of its own.
struct Layout {
    table_len: u16,
    header: usize,
    status: usize,
    size: usize,
}

impl Layout {
    const fn new<H, S>(table_len: u16) -> Self {
        let header = table_len as usize * size_of::<Desc>();
        let status = (header + size_of::<H>()).next_multiple_of(CACHE_LINE);
        Self {
            table_len,
            header,
            status,
            size: status + size_of::<S>(),
        }
    }
}

/// Descriptors of a slot's table, at most. Of two that are not for data, 17 are left: enough for
/// 64 KiB in pages. With a header of 16 bytes the slot has six cache lines.
const TABLE_LEN: u16 = 19;

/// Shared memory for a fixed number of requests, with headers of type `H`, which the device
/// reads, and status fields of type `S`, which it writes.
///
/// Both must have an alignment of 1, as wire formats do.
///
/// # Invariants
///
/// - Each of `slots` is large enough for `layout`.
/// - Slots below `taken` were given out, each once.
pub struct Slab<'bound, H, S> {
    slots: Chunks<'bound>,
    /// For requests that need more than `layout` has.
    spares: Spares<'bound>,
    layout: Layout,
    taken: AtomicU16,
    _types: PhantomData<(H, S)>,
}

// SAFETY: What it has of `H` and `S` is plain bytes.
unsafe impl<H, S> Send for Slab<'_, H, S> {}
// SAFETY: `take` is atomic.
unsafe impl<H, S> Sync for Slab<'_, H, S> {}

impl<'bound, H: AsBytes, S: FromBytes + AsBytes> Slab<'bound, H, S> {
    const FITS: () = {
        assert!(align_of::<H>() == 1 && align_of::<S>() == 1);
        assert!(size_of::<H>() + size_of::<S>() <= 0xffff);
    };

    /// Allocates `count` slots for requests of up to `table_len` descriptors, at least one; may
    /// sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new(dma: Dma<'bound>, count: u16, table_len: u16) -> Result<Self> {
        const { Self::FITS };
        let layout = Layout::new::<H, S>(table_len.clamp(1, TABLE_LEN));
        let large = if table_len > TABLE_LEN { count } else { 0 };
        // INVARIANT: None is given out yet.
        Ok(Self {
            slots: Chunks::new(dma, count, layout.size)?,
            spares: Spares::new(dma, large, table_len)?,
            layout,
            taken: AtomicU16::new(0),
            _types: PhantomData,
        })
    }

    /// Gives out a slot, or `None` when all are given out. They are not taken back.
    pub fn take(&self) -> Option<Slot<'_, H, S>> {
        let index = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < self.slots.count()).then(|| taken + 1)
            })
            .ok()?;
        let piece = self.slots.get(index)?;
        // SAFETY: By the type invariant the piece is large enough. `index` was given out just now,
        // for the first time.
        Some(unsafe { Slot::new(piece, self.slots.dma(), &self.layout, &self.spares) })
    }

    /// The memory that all slots take up, in bytes.
    pub fn size(&self) -> usize {
        self.slots.bytes() + self.spares.bytes()
    }
}
