// SPDX-License-Identifier: GPL-2.0

//! Setup of a device: first the queues, then the host.

use crate::{
    config,
    control::Control,
    data::Data,
    events::Events,
    limits::{
        request_queues,
        DriverLimits,
        HostLimits, //
    },
    module_parameters,
    ops::{
        Host,
        HostData, //
    },
    queue::{
        HwQueue,
        Virtqueue, //
    },
    request::Memory,
    spec::queue, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};
use rvirtio::{
    display::DisplayAdapter,
    request_queues::{
        max_segments,
        queue_depth,
        RequestQueues, //
    },
    Affinity,
    Callback,
    Configured,
    IrqPolicy,
    Negotiated,
    VqInfo, //
};
use scsi_host::{
    num_possible_queues,
    Limits,
    NewQueue, //
};

/// The largest number of data segments of a command. With header and response, they fill a
/// descriptor table of 2 KiB.
const MAX_SEGMENTS: u16 = 126;

/// The number of descriptors of the control and the event queue.
const SMALL_QUEUE: u16 = 16;

/// Returns an initialiser for the driver data of a device.
///
/// # Errors
///
/// `EINVAL` for a device with an invalid configuration, and those of core, the kernel and
/// allocations.
pub(crate) fn data<'bound>(init: Negotiated<'bound>) -> impl PinInit<Data<'bound>, Error> + 'bound {
    pin_init::pin_init_scope(move || {
        let count = count_queues(&init)?;
        let configured = find_queues(init, count)?;
        let mut vqs = KVec::with_capacity(count.all().into(), GFP_KERNEL)?;
        for index in 0..count.all() {
            let vq: Virtqueue<'bound> = configured.virtqueue(queue::REQUEST + index, u16::MAX)?;
            vqs.push(vq, GFP_KERNEL)?;
        }
        // The kernel repeats commands that do not fit.
        let depth = queue_depth(&vqs, module_parameters::queue_depth.value());
        let limits = check_limits(&configured, &vqs, depth)?;
        create_data(&configured, &limits, vqs, depth, count)
    })
}

/// Returns the numbers of request queues to use.
fn count_queues(init: &Negotiated<'_>) -> Result<RequestQueues> {
    let reported = config::num_queues(&init.config())?;
    let available = request_queues(reported, init.num_queues());
    let limit = module_parameters::num_request_queues.value();
    let polled = module_parameters::poll_queues.value();
    RequestQueues::new(init.device(), available, limit, polled, num_possible_queues)
}

/// Allocates interrupt vectors for the queues.
#[doc(alias = "virtscsi_init")]
fn find_queues(init: Negotiated<'_>, count: RequestQueues) -> Result<Configured<'_>> {
    let mut queues = KVec::new();
    queues.push(VqInfo::new(c"control", Callback::Rare), GFP_KERNEL)?;
    queues.push(VqInfo::new(c"event", Callback::Rare), GFP_KERNEL)?;
    count.describe(&mut queues)?;
    init.find_vqs(&queues, Affinity::Managed)
}

fn check_limits(
    configured: &Configured<'_>,
    vqs: &KVec<Virtqueue<'_>>,
    depth: u16,
) -> Result<HostLimits> {
    let segment_size = u32::try_from(configured.dma().max_segment()).unwrap_or(u32::MAX);
    let driver = DriverLimits {
        segments: max_segments(vqs).min(MAX_SEGMENTS),
        segment_size,
        // CAST: A small number.
        page_sectors: (PAGE_SIZE >> 9) as u32,
        depth,
    };
    let reported = config::reported(&configured.config())?;
    reported.check(&driver).map_err(|error| {
        dev_err!(configured.device(), "{}\n", DisplayAdapter(error));
        EINVAL
    })
}

/// Returns an initialiser for the host and its queues.
fn create_data<'bound>(
    configured: &Configured<'bound>,
    limits: &HostLimits,
    vqs: KVec<Virtqueue<'bound>>,
    depth: u16,
    count: RequestQueues,
) -> Result<impl PinInit<Data<'bound>, Error> + 'bound> {
    let (dev, features) = (configured.device(), configured.features());
    let mut queues = KVec::with_capacity(vqs.len(), GFP_KERNEL)?;
    for (index, vq) in (0..).zip(vqs) {
        let queue = NewQueue {
            queue: HwQueue::new(dev, vq, count.is_polled(index)),
            memory: Memory::allocate(configured.dma(), features, depth, limits.segments)?,
        };
        queues.push(queue, GFP_KERNEL)?;
    }
    let interrupts = match configured.irq_policy() {
        IrqPolicy::PerQueue | IrqPolicy::SharedRare => Some((dev.as_ref(), queue::REQUEST.into())),
        IrqPolicy::Shared | IrqPolicy::Line => None,
    };
    let control = configured.virtqueue(queue::CONTROL, SMALL_QUEUE)?;
    let control = Control::new(configured, control)?;
    let events = configured.virtqueue(queue::EVENT, SMALL_QUEUE)?;
    let events = Events::new(configured, events, limits.event_size, limits.targets)?;
    let data = HostData {
        dev,
        config: configured.config(),
        control,
        events,
    };
    let limits = Limits {
        commands_per_lun: limits.commands_per_lun,
        segments: limits.segments,
        segment_size: limits.segment_size,
        sectors: limits.sectors,
        targets: limits.targets,
        luns: limits.luns,
    };
    let host = Host::new(interrupts, limits, depth, queues, count.polled(), data);
    Ok(try_pin_init!(Data {
        host <- host,
        _: { dev_info!(dev, "[host{}] queues of {depth} commands\n", host.number()) },
    }? Error))
}
