// SPDX-License-Identifier: GPL-2.0

//! Abstractions for multi-queue block devices, as far as the kernel crate's `block::mq` lacks them.
//!
//! A driver implements [`Operations`] for a type, creates a [`TagSet`] of its hardware queues and a
//! [`GenDisk`] of the tag set. Ownership is checked by types instead of reference counts:
//!
//! - A [`Request`] is linear: there is one value for each request that the driver owns, which has
//!   to be ended, completed, requeued or returned. A request that is dropped instead ends with an
//!   I/O error.
//! - [`Operations::Command`] is the driver's memory for a request in flight. There is one for each
//!   driver tag of a hardware queue, that is, for each request that the device can have,
//!   independent of the I/O scheduler. Commands are allocated before the tag set; the hot path
//!   allocates nothing.
//! - There is one owner: the disk owns the tag set and the driver's data, and the tag set owns the
//!   hardware queues and the commands.
//!
//! [`virtqueue`] adds requests to virtqueues.
//!
//! C headers: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h),
//! [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

mod attribute;
mod batch;
mod callbacks;
mod data;
mod disk;
mod gendisk;
mod helpers;
mod hw_queue;
mod letters;
mod limits;
mod name;
mod op;
mod operations;
mod payload;
mod private;
mod report_zones;
mod request;
mod segments;
mod status;
mod tag_set;
mod timed_out;
pub mod virtqueue;
mod zones;

pub use attribute::{
    Attribute,
    AttributeList,
    Page, //
};
pub use batch::{
    Batch,
    CompletionBatch,
    RequestList, //
};
pub use data::Blank;
pub use disk::{
    Disk,
    Frozen,
    Geometry, //
};
pub use gendisk::{
    Access,
    DiskConfig,
    GenDisk, //
};
pub use hw_queue::HwContext;
pub use limits::{
    CacheMode,
    Limits,
    RangeLimits,
    ZoneLimits,
    HAS_ZONES,
    MAX_BLOCK_SIZE,
    MIN_SEGMENT_SIZE, //
};
pub use op::Op;
pub use operations::{
    Operations,
    Position, //
};
pub use payload::{
    Range,
    Ranges, //
};
pub use request::{
    Command,
    Refused,
    Request, //
};
pub use segments::{
    PhysSegment,
    Segments, //
};
pub use status::BlkStatus;
pub use tag_set::{
    num_possible_queues,
    NewQueue,
    TagSet, //
};
pub use timed_out::{
    TimedOut,
    Timeout, //
};
pub use zones::{
    Zone,
    ZoneReport, //
};

/// Prefix of `pr_*` messages: the name of the module that this crate is linked into.
#[allow(non_upper_case_globals, dead_code)]
const __LOG_PREFIX: &[u8] = b"rvirtio_blk\0";
