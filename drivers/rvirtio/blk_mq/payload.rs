// SPDX-License-Identifier: GPL-2.0

//! Requests that only name ranges of sectors, such as discards.
//!
//! The driver makes a payload of the ranges, which is the data of the request.

use crate::{
    helpers::{
        rvirtio_blk_rqf_payload,
        rvirtio_helper_bvec_set_virt,
        rvirtio_helper_bvec_virt, //
    },
    request::{
        Command,
        Request, //
    }, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    prelude::*, //
};

/// Sectors that follow each other, in units of 512 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first one.
    pub sector: u64,
    /// Their number.
    pub sectors: u32,
}

/// Iterates over the ranges of a request. Bios whose sectors follow each other are one range, so
/// there are not more than [`RangeLimits`](crate::RangeLimits) allow.
///
/// # Invariants
///
/// `bio` is null, or a bio of the request. It and all bios after it are valid for `'a`.
pub struct Ranges<'a> {
    bio: *const bindings::bio,
    _p: PhantomData<&'a bindings::request>,
}

impl Ranges<'_> {
    /// Returns the sectors of the current bio, and continues with the next one.
    fn take(&mut self) -> Option<Range> {
        if self.bio.is_null() {
            return None;
        }
        // SAFETY: `bio` is valid, and so is the next one, unless it is null (type invariant). The
        // iterator is a packed structure: its fields are copied.
        unsafe {
            let iter = (*self.bio).bi_iter;
            // INVARIANT: The next bio belongs to the same request.
            self.bio = (*self.bio).bi_next;
            Some(Range {
                sector: iter.bi_sector,
                sectors: iter.bi_size >> bindings::SECTOR_SHIFT,
            })
        }
    }
}

impl Iterator for Ranges<'_> {
    type Item = Range;

    fn next(&mut self) -> Option<Range> {
        let mut range = self.take()?;
        loop {
            let rest = self.bio;
            match self.take() {
                Some(next) if next.sector == range.sector.wrapping_add(range.sectors.into()) => {
                    range.sectors = range.sectors.wrapping_add(next.sectors);
                }
                _ => {
                    // INVARIANT: This was the current bio before.
                    self.bio = rest;
                    return Some(range);
                }
            }
        }
    }
}

impl<C: Command> Request<C> {
    /// Returns the ranges of sectors that the request names. There are none unless
    /// [`Op::has_ranges`](crate::Op::has_ranges).
    pub fn ranges(&self) -> Ranges<'_> {
        let bio = if self.op().has_ranges() {
            self.rq().bio
        } else {
            core::ptr::null()
        };
        // INVARIANT: The bios of a request do not change while the driver owns it, which includes
        // the lifetime of the borrow.
        Ranges {
            bio,
            _p: PhantomData,
        }
    }

    /// Returns whether the sectors of [`Op::WriteZeroes`](crate::Op::WriteZeroes) may be unmapped.
    #[doc(alias = "REQ_NOUNMAP")]
    pub fn may_unmap(&self) -> bool {
        self.rq().cmd_flags & (1 << bindings::req_flag_bits___REQ_NOUNMAP) == 0
    }

    /// Makes `payload`, which must not be empty, the data of the request, until it is returned to
    /// the block layer. Does nothing unless [`Op::has_ranges`](crate::Op::has_ranges).
    #[doc(alias = "RQF_SPECIAL_PAYLOAD")]
    pub fn set_payload(&mut self, payload: KVec<u8>) {
        if payload.is_empty() || !self.op().has_ranges() {
            return;
        }
        self.release_payload();
        let (bytes, len, _) = payload.into_raw_parts();
        let rq = self.as_raw();
        // SAFETY: The request is owned by this value (type invariant), so nobody else uses the
        // union that the vector is in: it is for requests that wait. The memory was allocated by
        // kmalloc. The static is a constant.
        unsafe {
            // CAST: The block layer limits the number of ranges.
            let len = len as u32;
            let vec = &raw mut (*rq).__bindgen_anon_3.special_vec;
            rvirtio_helper_bvec_set_virt(vec, bytes.cast(), len);
            (*rq).rq_flags |= rvirtio_blk_rqf_payload;
        }
    }

    /// Returns whether the driver has set a payload.
    #[inline]
    pub(crate) fn has_payload(&self) -> bool {
        // SAFETY: The static is a constant.
        self.rq().rq_flags & unsafe { rvirtio_blk_rqf_payload } != 0
    }

    /// Frees the payload, if there is one.
    #[inline]
    pub(crate) fn release_payload(&mut self) {
        if self.has_payload() {
            self.free_payload();
        }
    }

    #[cold]
    fn free_payload(&mut self) {
        let rq = self.as_raw();
        // SAFETY: The request is owned by this value (type invariant). The flag is only set by
        // `set_payload`, with a vector for memory that was allocated by kmalloc.
        unsafe {
            (*rq).rq_flags &= !rvirtio_blk_rqf_payload;
            let vec = &raw mut (*rq).__bindgen_anon_3.special_vec;
            bindings::kfree(rvirtio_helper_bvec_virt(vec));
        }
    }
}
