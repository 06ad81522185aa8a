// SPDX-License-Identifier: GPL-2.0

//! The limits of a host.

use crate::{
    bindings,
    command::CDB_LEN, //
};
use kernel::ffi::{
    c_int,
    c_ushort, //
};

/// What the kernel is told of a host.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest number of commands for a logical unit, at least 1.
    pub commands_per_lun: u16,
    /// The largest number of segments of a command, at least 1.
    pub segments: u16,
    /// The largest segment in bytes, at least a page.
    pub segment_size: u32,
    /// The largest command in units of 512 bytes, at least a page.
    pub sectors: u32,
    /// The number of targets.
    pub targets: u32,
    /// The number of logical units of a target, as the kernel numbers them.
    pub luns: u64,
}

impl Limits {
    /// Sets the limits of a host, with `depth` tags in each queue.
    ///
    /// # Safety
    ///
    /// `shost` must be a host that was not added yet, and that nobody else uses.
    pub(crate) unsafe fn apply(&self, shost: *mut bindings::Scsi_Host, depth: u16) {
        // SAFETY: The host is valid, and nobody else uses it (safety requirement).
        let shost = unsafe { &mut *shost };
        shost.can_queue = depth.into();
        let per_lun = self.commands_per_lun.min(depth).max(1);
        shost.cmd_per_lun = per_lun.try_into().unwrap_or(i16::MAX);
        shost.sg_tablesize = self.segments.max(1) as c_ushort;
        shost.max_segment_size = self.segment_size;
        shost.max_sectors = self.sectors;
        shost.max_id = self.targets;
        shost.max_lun = self.luns;
        shost.max_channel = 0;
        // CAST: A small number.
        shost.max_cmd_len = CDB_LEN as c_ushort;
        debug_assert!(c_int::from(shost.cmd_per_lun) <= shost.can_queue);
    }
}
