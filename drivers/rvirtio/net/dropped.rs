// SPDX-License-Identifier: GPL-2.0

//! Received frames that are dropped.

use crate::{
    data::NetOps,
    rx::Rx,
    rx_meta::Refused, //
};
use kernel::prelude::*;
use netdev::Napi;
use rvirtio::display::DisplayAdapter;

/// Why a frame is dropped.
pub(crate) enum Dropped {
    /// Because of its length, or because parts of it are missing.
    Length,
    /// Because of what its header says.
    Header(Refused),
    /// For want of memory.
    Memory,
}

/// Counts a frame that is dropped, and logs some of those that are so because of their header.
#[cold]
pub(crate) fn count(rx: &mut Rx<'_>, napi: &Napi<'_, NetOps<'_>>, why: Dropped) {
    let pair = napi.pair();
    let counters = &pair.rx;
    match why {
        Dropped::Length => counters.length_errors.add(1),
        Dropped::Memory => counters.dropped.add(1),
        Dropped::Header(refused) => {
            counters.frame_errors.add(1);
            rx.refused += 1;
            // Not each of them: at most 64 lines.
            if rx.refused.is_power_of_two() {
                let (dev, index, count) = (pair.device().dev, pair.index(), rx.refused);
                dev_warn!(
                    dev,
                    "input.{index}: {count} frames dropped, this one: {}\n",
                    DisplayAdapter(refused)
                );
            }
        }
    }
}
