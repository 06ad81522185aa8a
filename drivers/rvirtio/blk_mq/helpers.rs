// SPDX-License-Identifier: GPL-2.0

//! Declarations for `helpers.c`, in alphabetical order.

// Some kernel structures are empty in some configurations, which does not matter as they are only
// passed by pointers.
#![allow(improper_ctypes)]

use kernel::{
    bindings::{
        bio_vec,
        blk_features_t,
        hd_geometry,
        ida,
        page,
        phys_addr_t,
        queue_limits,
        request_queue, //
    },
    ffi::{
        c_uint,
        c_void, //
    }, //
};

extern "C" {
    /// The feature of a disk with zones.
    pub(crate) static rvirtio_blk_feat_zoned: blk_features_t;

    pub(crate) static mut rvirtio_blk_name_ida: ida;

    /// Flags of a request that has to be ended individually.
    pub(crate) static rvirtio_blk_rqf_alone: u32;

    /// The flag of a request that the driver has had before.
    pub(crate) static rvirtio_blk_rqf_dontprep: u32;

    /// The flag of a request with a payload.
    pub(crate) static rvirtio_blk_rqf_payload: u32;

    /// Flags of a request whose completion needs a timestamp; see `blk_mq_need_time_stamp()`.
    pub(crate) static rvirtio_blk_rqf_timed: u32;

    pub(crate) fn rvirtio_helper_blk_mq_freeze_queue(q: *mut request_queue) -> c_uint;

    pub(crate) fn rvirtio_helper_blk_mq_unfreeze_queue(q: *mut request_queue, memflags: c_uint);

    pub(crate) fn rvirtio_helper_bvec_set_virt(bv: *mut bio_vec, vaddr: *mut c_void, len: c_uint);

    pub(crate) fn rvirtio_helper_bvec_virt(bv: *mut bio_vec) -> *mut c_void;

    pub(crate) fn rvirtio_helper_hd_geometry_set(
        geo: *mut hd_geometry,
        cylinders: u16,
        heads: u8,
        sectors: u8,
    );

    pub(crate) fn rvirtio_helper_page_to_phys(page: *mut page) -> phys_addr_t;

    pub(crate) fn rvirtio_helper_phys_to_virt(addr: phys_addr_t) -> *mut c_void;

    pub(crate) fn rvirtio_helper_queue_limits_set_write_cache(
        lim: *mut queue_limits,
        write_back: bool,
    );

    pub(crate) fn rvirtio_helper_queue_limits_start_update(
        q: *mut request_queue,
        lim: *mut queue_limits,
    );
}
