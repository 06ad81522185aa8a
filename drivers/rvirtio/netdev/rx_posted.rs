// SPDX-License-Identifier: GPL-2.0

//! Memory for received frames, as a virtqueue has it.

use crate::rx_buf::RxBuf;
use core::slice;
use kernel::prelude::*;
use rvirtio::{
    Access,
    Buffers,
    Segment, //
};

/// A buffer of one or more parts, as a virtqueue has it.
pub enum RxPosted {
    /// Of one part.
    One(RxBuf),
    /// Of many.
    Many(KVec<RxBuf>),
}

const _: () = assert!(size_of::<Option<RxPosted>>() == size_of::<RxBuf>());

impl RxPosted {
    /// Returns its parts.
    #[inline]
    pub fn parts(&self) -> &[RxBuf] {
        match self {
            Self::One(buf) => slice::from_ref(buf),
            Self::Many(bufs) => bufs,
        }
    }
}

// SAFETY: The bytes are the value's alone and the device finds them at these addresses (type
// invariant of `RxBuf`), for as long as the value is there: it keeps page and mapping. The methods
// that read need a `RxBuf` that is not in a queue.
unsafe impl Buffers for RxPosted {
    #[inline]
    fn readable(&self) -> impl Iterator<Item = Segment> {
        core::iter::empty()
    }

    #[inline]
    fn single(&self) -> Option<(Segment, Access)> {
        let Self::One(buf) = self else {
            return None;
        };
        Some((buf.segment(), Access::Writable))
    }

    #[inline]
    fn writable(&self) -> impl Iterator<Item = Segment> {
        self.parts().iter().map(RxBuf::segment)
    }
}
