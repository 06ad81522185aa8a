// SPDX-License-Identifier: GPL-2.0

//! Multi-queue block devices: what the kernel crate's `block::mq` does not have yet.
//!
//! A driver implements [`Operations`] for a type, creates a [`TagSet`] of its hardware queues and
//! a [`GenDisk`] of that. What it gets in return is checked by types instead of reference counts:
//!
//! - A [`Request`] is linear: one value for each request that the driver owns, which has to be
//!   ended, completed, requeued or given back. Forgetting to do so, by dropping it, ends it with
//!   an I/O error.
//! - [`Operations::Command`] is the driver's memory for a request in flight: one for each driver
//!   tag of a hardware queue, so that there are never more of them than the device can have
//!   requests, whatever the I/O scheduler does. It is allocated before the tag set; the hot path
//!   allocates nothing.
//! - There is one owner: the disk has the tag set and the driver's data, the tag set has the
//!   hardware queues and the commands.
//!
//! [`virtqueue`] is the bridge to virtqueues.
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
mod param;
mod private;
mod request;
mod segments;
mod status;
mod tag_set;
pub mod virtqueue;
mod words;

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
    MAX_BLOCK_SIZE,
    MIN_SEGMENT_SIZE, //
};
pub use op::Op;
pub use operations::{
    Operations,
    Position, //
};
pub use param::StringParam;
#[doc(hidden)]
pub use param::{
    to_array,
    RawParam,
    RawString, //
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
pub use words::WordParam;

/// Prefix of `pr_*` messages: that of the module which this crate is linked into.
#[allow(non_upper_case_globals, dead_code)]
const __LOG_PREFIX: &[u8] = b"rvirtio_blk\0";
