// SPDX-License-Identifier: GPL-2.0

//! Declarations for `helpers.c`, in alphabetical order.

// Some kernel structures are empty in some configurations, which does not matter as they are only
// passed by pointers.
#![allow(improper_ctypes)]

use kernel::bindings::{
    device,
    page,
    phys_addr_t, //
};

extern "C" {
    pub(crate) fn rvirtio_helper_scsi_page_to_phys(page: *mut page) -> phys_addr_t;

    pub(crate) fn rvirtio_helper_scsi_report_bus_reset(host: *mut device);
}
