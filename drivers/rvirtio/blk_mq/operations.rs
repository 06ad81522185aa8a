// SPDX-License-Identifier: GPL-2.0

//! What a driver implements.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    attribute::AttributeList,
    batch::Batch,
    hw_queue::HwContext,
    request::{
        Command,
        Refused,
        Request, //
    }, //
};
use kernel::{
    module::ModuleMetadata,
    prelude::*, //
};

/// A driver of multi-queue block devices.
///
/// Implementations are marker types; what a callback needs it finds in the hardware queue.
#[vtable]
pub trait Operations: Sized {
    /// The module that the driver is in. `#[vtable]` fills it in.
    type OwnerModule: ModuleMetadata;

    /// A hardware queue of the device.
    type HwQueue: Send + Sync;

    /// The driver's memory for one request in flight.
    type Command: Command;

    /// What sysfs attributes work with.
    type DiskData: Send + Sync;

    /// The driver's attributes of the disk: a tuple of [`Attribute`](crate::Attribute)s.
    type Attributes: AttributeList<Self::HwQueue, Self::DiskData>;

    /// Starts `rq` on the device, or gives it back.
    ///
    /// Unless it is the last, the device need not be told yet: more requests or
    /// [`Operations::commit_rqs`] follow. The latter is called, too, when the last one is given
    /// back.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the same request, which must not be known to the device. The block layer
    /// tries it again if the status is [`BlkStatus::Resource`](crate::BlkStatus::Resource) or
    /// [`BlkStatus::DevResource`](crate::BlkStatus::DevResource), and
    /// ends it with any other status.
    fn queue_rq(
        hctx: HwContext<'_, Self::HwQueue>,
        rq: Request<Self::Command>,
        position: Position,
    ) -> Result<(), Refused<Self::Command>>;

    /// Starts all requests of `batch` on the device. All of them belong to `hctx`.
    ///
    /// Requests that the driver leaves in the batch are passed to [`Operations::queue_rq`].
    fn queue_rqs(
        hctx: HwContext<'_, Self::HwQueue>,
        batch: &mut Batch<'_, Self::HwQueue, Self::Command>,
    );

    /// Tells the device about requests for which [`Operations::queue_rq`] did not do that.
    fn commit_rqs(hctx: HwContext<'_, Self::HwQueue>);
}

/// Whether more requests follow right after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// More follow.
    Middle,
    /// This is the last for now.
    Last,
}
