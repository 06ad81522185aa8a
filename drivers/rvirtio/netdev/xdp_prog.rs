// SPDX-License-Identifier: GPL-2.0

//! Programs that look at received frames.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

use crate::helpers::*;
use core::ptr::NonNull;
use kernel::{
    bindings::bpf_prog,
    error::Error,
    str::CStr, //
};

/// A program that decides what becomes of each frame that is received.
///
/// # Invariants
///
/// `0` is a program for XDP, of which this value has a reference.
#[doc(alias = "bpf_prog")]
pub struct XdpProg(NonNull<bpf_prog>);

// SAFETY: Programs belong to no thread, and references can be given up by any.
unsafe impl Send for XdpProg {}
// SAFETY: A shared reference gives a pointer, and what does not change.
unsafe impl Sync for XdpProg {}

/// Why a program is not attached, or not taken off.
pub struct XdpRefused {
    /// The error.
    pub error: Error,
    /// What a user is told.
    pub text: &'static CStr,
}

impl XdpProg {
    /// # Safety
    ///
    /// `raw` must be a program for XDP, which stays there during the call.
    pub(crate) unsafe fn get(raw: NonNull<bpf_prog>) -> Self {
        // SAFETY: It is a program (safety requirement).
        unsafe { rvirtio_helper_bpf_prog_inc(raw.as_ptr()) };
        // INVARIANT: The reference was just taken.
        Self(raw)
    }

    /// Returns whether it can work with frames that are in more than one piece.
    #[doc(alias = "xdp_has_frags")]
    pub fn takes_fragments(&self) -> bool {
        // SAFETY: It is a program (type invariant), and this does not change.
        unsafe { rvirtio_helper_bpf_prog_has_frags(self.as_ptr()) }
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bpf_prog {
        self.0.as_ptr()
    }
}

impl Drop for XdpProg {
    fn drop(&mut self) {
        // SAFETY: The reference belongs to the value (type invariant). Whoever runs the program is done
        // with it before its memory is freed, as that waits for a grace period.
        unsafe { rvirtio_helper_bpf_prog_put(self.as_ptr()) }
    }
}
