// SPDX-License-Identifier: GPL-2.0

//! The trait that a driver implements.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    attribute::AttributeList,
    batch::Batch,
    disk::Disk,
    hw_queue::HwContext,
    request::{
        Command,
        Refused,
        Request, //
    },
    timed_out::{
        TimedOut,
        Timeout, //
    },
    zones::ZoneReport, //
};
use kernel::{
    module::ModuleMetadata,
    prelude::*, //
};

/// A driver of multi-queue block devices.
///
/// Implementations are marker types. The data for callbacks is in the hardware queue.
#[vtable]
pub trait Operations: Sized {
    /// The module that the driver is in. `#[vtable]` fills it in.
    type OwnerModule: ModuleMetadata;

    /// A hardware queue of the device.
    type HwQueue: Send + Sync;

    /// The driver's memory for one request in flight.
    type Command: Command;

    /// The data for sysfs attributes.
    type DiskData: Send + Sync;

    /// The driver's attributes of the disk: a tuple of [`Attribute`](crate::Attribute)s.
    type Attributes: AttributeList<Self::HwQueue, Self::DiskData>;

    /// Starts `rq` on the device, or returns it.
    ///
    /// If `position` is not [`Position::Last`], the device need not be notified yet: more requests
    /// or [`Operations::commit_rqs`] follow. The latter is also called if the last request is
    /// returned.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the same request, which the device must not have. The block layer repeats
    /// it if the status is [`BlkStatus::Resource`](crate::BlkStatus::Resource), and ends it with any
    /// other status.
    fn queue_rq(
        hctx: HwContext<'_, Self::HwQueue>,
        rq: Request<Self::Command>,
        position: Position,
    ) -> Result<(), Refused<Self::Command>>;

    /// Starts all requests of `batch` on the device. They all belong to `hctx`.
    ///
    /// Requests that the driver leaves in the batch are passed to [`Operations::queue_rq`].
    fn queue_rqs(
        hctx: HwContext<'_, Self::HwQueue>,
        batch: &mut Batch<'_, Self::HwQueue, Self::Command>,
    );

    /// Handles a request that was not completed in time, which is 30 seconds unless users have set
    /// `io_timeout`. Must not sleep.
    fn timeout(hctx: HwContext<'_, Self::HwQueue>, late: &TimedOut<'_>) -> Timeout;

    /// Passes the zones of a disk to `report`, from that of `sector` on, until it wants no more or there
    /// are none. Only called for disks with [`Limits::zones`](crate::Limits::zones); may sleep.
    ///
    /// # Errors
    ///
    /// Any; then the zones that were reported are ignored.
    fn report_zones(
        disk: &Disk<Self::HwQueue, Self::DiskData>,
        sector: u64,
        report: &mut ZoneReport<'_>,
    ) -> Result;

    /// Ends the requests that the device has completed in a polled queue, and returns whether there
    /// were any. Must not sleep.
    fn poll(hctx: HwContext<'_, Self::HwQueue>) -> bool;

    /// Notifies the device of requests for which [`Operations::queue_rq`] did not notify it.
    fn commit_rqs(hctx: HwContext<'_, Self::HwQueue>);
}

/// The position of a request in a group that the block layer passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// More requests follow.
    Middle,
    /// This is the last request.
    Last,
}
