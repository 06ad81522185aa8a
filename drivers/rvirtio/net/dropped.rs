// SPDX-License-Identifier: GPL-2.0

//! Received frames that are dropped.

use crate::{
    data::NetOps,
    rx::Rx,
    rx_meta::Refused, //
};
use core::fmt;
use kernel::prelude::*;
use netdev::Napi;
use rvirtio::display::DisplayAdapter;

/// Why a frame is dropped.
pub(crate) enum Dropped {
    /// Because of its length, or because parts of it are missing.
    Length(BadLength),
    /// Because of what its header says.
    Header(Refused),
    /// For want of memory.
    Memory,
    /// A program is to look at each frame, and cannot look at this one.
    Unseen,
}

/// What is wrong with the length of a frame, or of a part of it.
#[derive(Clone, Copy)]
pub(crate) enum BadLength {
    /// It is shorter than the headers that it has to have.
    Short(u32),
    /// It is larger than any frame, or has an empty part, when this part is added to it.
    Part { len: u32, part: u32 },
    /// The device has reported more than there was room for.
    Overlong,
    /// It is said to be in that many buffers.
    Buffers(u16),
    /// Not all its buffers were used when its first one was.
    Missing(u16),
}

impl fmt::Display for BadLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Short(len) => write!(f, "{len} bytes with the header"),
            Self::Part { len, part } => write!(f, "{part} bytes after {len} others"),
            Self::Overlong => write!(f, "used length is larger than the buffer"),
            Self::Buffers(count) => write!(f, "invalid number of buffers {count}"),
            Self::Missing(count) => write!(f, "not all of {count} buffers used"),
        }
    }
}

/// Counts a frame that is dropped, and logs some of those for which the device is to blame.
#[cold]
pub(crate) fn count(rx: &mut Rx<'_>, napi: &Napi<'_, NetOps<'_>>, why: Dropped) {
    let counters = &napi.pair().rx;
    match why {
        Dropped::Length(bad) => {
            counters.length_errors.add(1);
            log(rx, napi, bad);
        }
        Dropped::Memory => counters.dropped.add(1),
        Dropped::Unseen => counters.xdp.drops.add(1),
        Dropped::Header(refused) => {
            counters.frame_errors.add(1);
            log(rx, napi, refused);
        }
    }
}

/// Logs why a frame is refused, but not for each of them: at most 64 times.
fn log(rx: &mut Rx<'_>, napi: &Napi<'_, NetOps<'_>>, why: impl fmt::Display) {
    rx.refused = rx.refused.wrapping_add(1);
    if rx.refused.is_power_of_two() {
        let pair = napi.pair();
        let (dev, index, count) = (pair.device().dev, pair.index(), rx.refused);
        dev_warn!(
            dev,
            "input.{index}: {count} frames dropped, this one: {}\n",
            DisplayAdapter(why)
        );
    }
}
