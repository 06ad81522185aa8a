// SPDX-License-Identifier: GPL-2.0

//! Frames to send, as a virtqueue has them: with a header, and mapped.

use crate::{
    phys::virt_to_phys,
    segments::{
        self,
        Segments, //
    },
    skb_tx::TxSkb,
    tx_header::TxHeader,
    tx_map::{
        MapPool,
        Maps, //
    }, //
};
use core::{
    iter,
    marker::PhantomData,
    mem::{
        self,
        ManuallyDrop, //
    },
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings::sk_buff,
    prelude::KBox, //
};
use rvirtio::{
    Access,
    Segment, //
};

/// What is in the control block of a socket buffer while a [`TxBuf`] owns it.
///
/// The control block is for whoever owns the buffer, and in a cache line that is used anyway.
#[doc(alias = "cb")]
struct Control<'bound> {
    /// `None` where addresses are physical.
    maps: Option<KBox<Maps<'bound>>>,
    /// Physical address and length of the first segment.
    addr: u64,
    len: u32,
    form: Form,
    header: [u64; 3],
}

/// What the first segment is, and whether there are more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The linear part of the frame, with the header in its headroom. There are no fragments.
    Single,
    /// The same, and there are fragments.
    Chained,
    /// The header in the control block.
    Apart,
    /// Whatever it was, it is mapped.
    Mapped,
}

const _: () = {
    const fn size_of_pointee<T>(_: fn(*mut sk_buff) -> *mut T) -> usize {
        size_of::<T>()
    }
    // SAFETY: This is not called, only its type matters.
    let size = size_of_pointee(|skb| unsafe { &raw mut (*skb).cb });
    assert!(size_of::<Control<'_>>() <= size);
    assert!(mem::offset_of!(sk_buff, cb) % align_of::<Control<'_>>() == 0);
};

/// A frame with its header, ready for the device.
///
/// # Invariants
///
/// The control block of `skb` is an initialised [`Control`], of which this value is the only user.
/// `addr` and `len` in it are as described there until `skb` changes, which it does not.
#[repr(transparent)]
pub struct TxBuf<'bound> {
    skb: TxSkb,
    _control: PhantomData<Control<'bound>>,
}

impl<'bound> TxBuf<'bound> {
    /// Puts `header` before the frame, and maps both, if that is necessary.
    ///
    /// # Errors
    ///
    /// Returns the frame if it cannot be mapped.
    #[inline]
    pub fn new(skb: TxSkb, header: TxHeader, pool: &mut MapPool<'bound>) -> Result<Self, TxSkb> {
        let raw = skb.as_raw();
        let header_len = header.len as u32;
        let form = if !skb.has_private_headroom(header_len) {
            Form::Apart
        } else if skb.fragments() != 0 {
            Form::Chained
        } else {
            Form::Single
        };
        // SAFETY: The control block has room and alignment for this (see the assertions), and nobody
        // else uses it, as the socket buffer is exclusively owned. If the header is not put there, there
        // are so many bytes before the data, and nobody else uses them.
        unsafe {
            let control = (&raw mut (*raw).cb).cast::<Control<'bound>>();
            let (start, len) = if form == Form::Apart {
                ((&raw mut (*control).header).cast(), header_len)
            } else {
                // The length of a frame is far below 2^32.
                let len = skb.linear_len().wrapping_add(header_len);
                ((*raw).data.sub(header_len as usize), len)
            };
            header.write(start);
            (&raw mut (*control).maps).write(None);
            (&raw mut (*control).addr).write(virt_to_phys(start));
            (&raw mut (*control).len).write(len);
            (&raw mut (*control).form).write(form);
        }
        // INVARIANT: All of it was just initialised, but what is not written of the header, which are
        // integers that this crate does not read.
        let mut buf = Self {
            skb,
            _control: PhantomData,
        };
        if pool.is_physical() || buf.map(pool) {
            Ok(buf)
        } else {
            Err(buf.into_skb())
        }
    }

    /// Returns where the control block is.
    #[inline]
    fn control(&self) -> *mut Control<'bound> {
        // SAFETY: The socket buffer is valid (type invariant of `TxSkb`).
        unsafe { (&raw mut (*self.skb.as_raw()).cb).cast() }
    }

    #[inline]
    fn maps(&self) -> Option<&Maps<'bound>> {
        // SAFETY: The control block is initialised, and only used through this value (type invariant),
        // which is borrowed.
        unsafe { (*self.control()).maps.as_deref() }
    }

    #[inline]
    fn maps_mut(&mut self) -> &mut Option<KBox<Maps<'bound>>> {
        // SAFETY: The control block is initialised, and only used through this value (type invariant),
        // which is exclusively borrowed.
        unsafe { &mut (*self.control()).maps }
    }

    /// Returns what the first segment is, and the segment by its physical address.
    #[inline]
    fn start(&self) -> (Form, Segment) {
        let control = self.control();
        // SAFETY: The control block is initialised, and only used through this value (type invariant),
        // which is borrowed.
        let (form, addr, len) = unsafe { ((*control).form, (*control).addr, (*control).len) };
        (form, Segment { addr, len })
    }

    /// Takes the frame out, and drops mappings.
    #[inline]
    fn into_skb(self) -> TxSkb {
        let mut buf = ManuallyDrop::new(self);
        if buf.maps().is_some() {
            *buf.maps_mut() = None;
        }
        // SAFETY: It is read once, as `buf` is not dropped. The control block has nothing that must be
        // dropped any more.
        unsafe { ptr::read(&buf.skb) }
    }

    /// Gives the value up, to become one again by [`TxBuf::from_ptr`].
    #[inline(always)]
    pub(crate) fn into_ptr(self) -> NonNull<sk_buff> {
        // SAFETY: A socket buffer is not at 0.
        unsafe { NonNull::new_unchecked(ManuallyDrop::new(self).skb.as_raw()) }
    }

    /// # Safety
    ///
    /// `raw` must be what [`TxBuf::into_ptr`] has returned, once.
    #[inline(always)]
    pub(crate) unsafe fn from_ptr(raw: NonNull<sk_buff>) -> Self {
        // INVARIANT: It was such a value (safety requirement).
        Self {
            // SAFETY: The socket buffer was owned by that.
            skb: unsafe { TxSkb::from_raw(raw) },
            _control: PhantomData,
        }
    }

    /// Takes the frame out, with which the device is done.
    #[inline]
    pub fn finish(self, pool: &mut MapPool<'bound>) -> TxSkb {
        let mut buf = self;
        if buf.maps().is_some() {
            buf.unmap(pool);
        }
        buf.into_skb()
    }

    #[inline(never)]
    fn map(&mut self, pool: &mut MapPool<'bound>) -> bool {
        let Some(maps) = pool.map(self.physical()) else {
            return false;
        };
        *self.maps_mut() = Some(maps);
        // SAFETY: The control block is initialised, and only used through this value (type invariant), which
        // is exclusively borrowed.
        unsafe { (*self.control()).form = Form::Mapped };
        true
    }

    #[inline(never)]
    fn unmap(&mut self, pool: &mut MapPool<'bound>) {
        if let Some(maps) = self.maps_mut().take() {
            pool.unmap(maps);
        }
    }

    /// Returns the segments by their physical addresses.
    #[inline]
    fn physical(&self) -> Segments<'_> {
        let (form, first) = self.start();
        let linear = (form == Form::Apart).then(|| Segment {
            // SAFETY: The socket buffer is valid (type invariant of `TxSkb`), and its data were
            // allocated by the stack.
            addr: unsafe { virt_to_phys((*self.skb.as_raw()).data) },
            len: self.skb.linear_len(),
        });
        // SAFETY: The fragments are the frame's, and in pages: the device does not say that it takes
        // anything else (`netmem_tx`), so that the stack drops such frames.
        unsafe { Segments::physical(first, linear, self.skb.fragment_list()) }
    }
}

impl Drop for TxBuf<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.maps().is_some() {
            *self.maps_mut() = None;
        }
    }
}

/// What a virtqueue wants to know, see [`Buffers`](rvirtio::Buffers).
impl TxBuf<'_> {
    /// Returns the segments.
    #[inline]
    pub(crate) fn segments(&self) -> Segments<'_> {
        match self.maps() {
            None => self.physical(),
            Some(maps) => Segments::mapped(maps.segments()),
        }
    }

    /// Returns the segment if there is only one, or `None` nevertheless.
    #[inline(always)]
    pub(crate) fn single(&self) -> Option<(Segment, Access)> {
        let (form, first) = self.start();
        (form == Form::Single).then_some((first, Access::Readable))
    }

    /// Returns the segments by the shortest way, or `None` nevertheless.
    #[inline(always)]
    pub(crate) fn only_readable(&self) -> Option<impl Iterator<Item = Segment> + use<'_>> {
        let (form, first) = self.start();
        if form != Form::Chained {
            return None;
        }
        // SAFETY: As in `physical`.
        let fragments = unsafe { segments::of_fragments(self.skb.fragment_list()) };
        Some(iter::once(first).chain(fragments))
    }
}
