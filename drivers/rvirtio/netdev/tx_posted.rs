// SPDX-License-Identifier: GPL-2.0

//! Frames to send, as a virtqueue has them: the stack's, or those of sockets that lend their memory.

use crate::{
    segments::Segments,
    tx_buf::TxBuf,
    xsk_slots::{
        XskSent,
        XskSlot, //
    }, //
};
use core::{
    iter,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::prelude::*;
use rvirtio::{
    Access,
    Buffers,
    Segment, //
};

/// The bit of a pointer that says which of the two it is. Both are of memory that is aligned to more.
const XSK: usize = 1;

const _: () = {
    assert!(align_of::<XskSlot<'_>>() > XSK && align_of::<kernel::bindings::sk_buff>() > XSK);
    assert!(size_of::<Option<TxPosted<'_>>>() == size_of::<usize>());
};

/// A frame as a virtqueue has it.
///
/// # Invariants
///
/// With the bit [`XSK`], `raw` is that bit and a pointer to an `XskSlot` which the value owns as a `KBox`.
/// Without it, `raw` is a [`TxBuf`] which the value owns.
#[repr(transparent)]
pub struct TxPosted<'bound> {
    raw: NonNull<u8>,
    _owns: PhantomData<(TxBuf<'bound>, KBox<XskSlot<'bound>>)>,
}

// SAFETY: Both kinds can be sent.
unsafe impl Send for TxPosted<'_> {}

/// What a frame is.
pub enum TxKind<'bound> {
    /// One of the stack's.
    Skb(TxBuf<'bound>),
    /// One out of a socket's memory.
    Xsk(XskSent<'bound>),
}

impl<'bound> From<TxBuf<'bound>> for TxPosted<'bound> {
    #[inline(always)]
    fn from(buf: TxBuf<'bound>) -> Self {
        // INVARIANT: It is a pointer to a socket buffer, so that the bit is not set.
        Self {
            raw: buf.into_ptr().cast(),
            _owns: PhantomData,
        }
    }
}

impl<'bound> TxPosted<'bound> {
    pub(crate) fn from_slot(slot: KBox<XskSlot<'bound>>) -> Self {
        let raw: *mut u8 = KBox::into_raw(slot).cast();
        // SAFETY: It is not null, nor is it with a bit added.
        let raw = unsafe { NonNull::new_unchecked(raw.map_addr(|addr| addr | XSK)) };
        // INVARIANT: The bit was just set.
        Self {
            raw,
            _owns: PhantomData,
        }
    }

    /// Where the slot is, if it is one.
    #[inline(always)]
    fn slot(&self) -> Option<*mut XskSlot<'bound>> {
        let raw = self.raw.as_ptr();
        (raw.addr() & XSK != 0).then(|| raw.map_addr(|addr| addr & !XSK).cast())
    }

    /// Takes the frame out.
    #[inline(always)]
    pub fn into_kind(self) -> TxKind<'bound> {
        let posted = ManuallyDrop::new(self);
        match posted.slot() {
            // SAFETY: The value owns the slot (type invariant), and is not dropped.
            Some(slot) => TxKind::Xsk(XskSent(unsafe { KBox::from_raw(slot) })),
            // SAFETY: Without a slot it is a socket buffer's that a `TxBuf` was (type invariant), and the value
            // is not dropped.
            None => TxKind::Skb(unsafe { TxBuf::from_ptr(posted.raw.cast()) }),
        }
    }

    /// Returns the frame if it is the stack's.
    #[inline(always)]
    fn as_buf(&self) -> Option<&TxBuf<'bound>> {
        if self.slot().is_some() {
            return None;
        }
        // SAFETY: Without a slot it is a `TxBuf` (type invariant), which is a transparent wrapper as this is.
        Some(unsafe { &*ptr::from_ref(self).cast() })
    }

    /// Returns the segments if it is out of a socket's memory.
    fn slot_segments(&self) -> Segments<'_> {
        // SAFETY: The value owns the slot (type invariant), and is borrowed.
        let slot = self.slot().map(|slot| unsafe { &*slot });
        Segments::mapped(slot.map(XskSlot::segments).unwrap_or_default())
    }
}

impl Drop for TxPosted<'_> {
    #[inline]
    fn drop(&mut self) {
        let raw = self.raw;
        // What is owned goes to a value that is dropped as what it is.
        let posted = Self {
            raw,
            _owns: PhantomData,
        };
        drop(posted.into_kind());
    }
}

// SAFETY: Of one of the stack's, the segments are the header and the frame, which belong to the value, with
// the pages of the fragments, to which the socket buffer has references. Nobody writes to header or linear
// part: who shares the latter only reads (`has_private_headroom` for what is before it). User space may have
// lent pages and write to them; for their contents nobody can vouch, and nothing here depends on them. Neither
// the socket buffer nor the mappings move with the value.
// Of one out of a socket's memory, the header is that of the slot, which keeps it, and which nobody writes; the
// frame is at this address as long as it is out (type invariant of `XskFrame`), and the pages stay as long as
// one is out. User space can write to them; for their contents nobody can vouch, and nothing here depends on
// them.
unsafe impl Buffers for TxPosted<'_> {
    #[inline]
    fn readable(&self) -> impl Iterator<Item = Segment> {
        match self.as_buf() {
            Some(buf) => buf.segments(),
            None => self.slot_segments(),
        }
    }

    #[inline(always)]
    fn single(&self) -> Option<(Segment, Access)> {
        self.as_buf()?.single()
    }

    #[inline(always)]
    fn only_readable(&self) -> Option<impl Iterator<Item = Segment>> {
        self.as_buf()?.only_readable()
    }

    #[inline]
    fn writable(&self) -> impl Iterator<Item = Segment> {
        iter::empty()
    }
}
