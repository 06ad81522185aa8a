// SPDX-License-Identifier: GPL-2.0

//! What a user is told about why something cannot be set.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h)

use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings::netlink_ext_ack,
    prelude::*, //
};

/// The answer to a request to set something.
///
/// # Invariants
///
/// If there is a pointer, it is valid for `'a`, and nobody else uses it.
#[doc(alias = "netlink_ext_ack")]
pub struct ExtAck<'a> {
    raw: Option<NonNull<netlink_ext_ack>>,
    _answer: PhantomData<&'a mut netlink_ext_ack>,
}

impl ExtAck<'_> {
    /// # Safety
    ///
    /// `raw` must be null, or valid and used by nobody else for as long as the value is there.
    pub(crate) unsafe fn new(raw: *mut netlink_ext_ack) -> Self {
        // INVARIANT: This is the safety requirement.
        Self {
            raw: NonNull::new(raw),
            _answer: PhantomData,
        }
    }

    /// Adds a sentence to the answer, in place of an earlier one, if whoever asks wants any.
    #[doc(alias = "NL_SET_ERR_MSG")]
    pub fn say(&mut self, why: &'static CStr) {
        if let Some(raw) = self.raw {
            // SAFETY: It is valid, and nobody else uses it (type invariant). The text stays: it is the
            // module's, which cannot be unloaded before its device is unregistered.
            unsafe { (*raw.as_ptr())._msg = why.as_char_ptr() };
        }
    }
}
