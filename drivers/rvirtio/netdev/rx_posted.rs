// SPDX-License-Identifier: GPL-2.0

//! Memory for received frames, as a virtqueue has it.

use crate::{
    rx_buf::RxBuf,
    xsk_buf::XskBuf, //
};
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
    /// Out of a socket's memory.
    Xsk(XskBuf),
}

const _: () = assert!(size_of::<Option<RxPosted>>() == size_of::<RxBuf>());

impl RxPosted {
    /// Returns its parts. Memory of a socket has none that can be looked at in this way.
    #[inline]
    pub fn parts(&self) -> &[RxBuf] {
        match self {
            Self::One(buf) => slice::from_ref(buf),
            Self::Many(bufs) => bufs,
            Self::Xsk(_) => &[],
        }
    }
}

// SAFETY: The bytes are the value's alone and the device finds them at these addresses (type
// invariant of `RxBuf`), for as long as the value is there: it keeps page and mapping. The methods
// that read need a `RxBuf` that is not in a queue. Memory of a socket is found there for as long as the buffer
// is out (type invariant of `XskBuf`), and its pages stay as long as one is out. User space can write to it, and
// lend bytes twice; for its contents nobody can vouch, and nothing here depends on them.
unsafe impl Buffers for RxPosted {
    #[inline]
    fn readable(&self) -> impl Iterator<Item = Segment> {
        core::iter::empty()
    }

    #[inline]
    fn single(&self) -> Option<(Segment, Access)> {
        let segment = match self {
            Self::One(buf) => buf.segment(),
            Self::Many(_) => return None,
            Self::Xsk(buf) => buf.segment(),
        };
        Some((segment, Access::Writable))
    }

    #[inline]
    fn writable(&self) -> impl Iterator<Item = Segment> {
        let xsk = match self {
            Self::Xsk(buf) => Some(buf.segment()),
            Self::One(_) | Self::Many(_) => None,
        };
        Iterator::chain(self.parts().iter().map(RxBuf::segment), xsk)
    }
}
