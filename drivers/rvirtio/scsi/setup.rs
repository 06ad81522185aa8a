// SPDX-License-Identifier: GPL-2.0

//! Setup of a device: first the queues, then the host.

use crate::{
    config,
    control::Control,
    data::Data,
    events::Events,
    limits::{
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
    virtqueue::exchange::EXTRA_DESCRIPTORS,
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
        let mut vqs = KVec::with_capacity(count.all.into(), GFP_KERNEL)?;
        for index in 0..count.all {
            let vq: Virtqueue<'bound> = configured.virtqueue(queue::REQUEST + index, u16::MAX)?;
            vqs.push(vq, GFP_KERNEL)?;
        }
        let depth = queue_depth(&vqs);
        let limits = check_limits(&configured, &vqs, depth)?;
        create_data(&configured, &limits, vqs, depth, count.polled)
    })
}

/// Numbers of request queues.
#[derive(Clone, Copy)]
struct Count {
    all: u16,
    /// The last ones, which have no interrupts.
    polled: u16,
}

/// Returns the numbers of request queues to use.
fn count_queues(init: &Negotiated<'_>) -> Result<Count> {
    // The configuration may report more queues than the transport has.
    let of_transport = init.num_queues().saturating_sub(queue::REQUEST);
    let available = config::num_queues(&init.config())?.min(of_transport);
    if available == 0 {
        dev_err!(init.device(), "device has no request queues\n");
        return Err(EINVAL);
    }
    let count = match module_parameters::num_request_queues.value() {
        0 => available.into(),
        limit => limit.min(available.into()),
    };
    let all = num_possible_queues(count).try_into()?;
    let polled = u16::try_from(module_parameters::poll_queues.value()).unwrap_or(u16::MAX);
    let polled = polled.min(all - 1);
    if polled > 0 {
        dev_info!(init.device(), "polling {polled} of {all} queues\n");
    }
    Ok(Count { all, polled })
}

/// Allocates interrupt vectors for the queues.
#[doc(alias = "virtscsi_init")]
fn find_queues(init: Negotiated<'_>, count: Count) -> Result<Configured<'_>> {
    let mut queues = KVec::new();
    queues.push(VqInfo::new(c"control", Callback::Rare), GFP_KERNEL)?;
    queues.push(VqInfo::new(c"event", Callback::Rare), GFP_KERNEL)?;
    for index in 0..count.all {
        let queue = if index < count.all - count.polled {
            VqInfo::numbered(c"req", index, Callback::Yes)
        } else {
            VqInfo::numbered(c"req_poll", index, Callback::No)
        };
        queues.push(queue, GFP_KERNEL)?;
    }
    init.find_vqs(&queues, Affinity::Managed)
}

/// Returns the largest number of commands in flight in each queue.
///
/// Without descriptor tables, the number of commands that fit into the queue depends on their
/// segments. Like C, this assumes that they are small. The kernel repeats those that do not fit.
fn queue_depth(vqs: &KVec<Virtqueue<'_>>) -> u16 {
    let capacity = |vq: &Virtqueue<'_>| {
        if vq.has_indirect() {
            vq.capacity()
        } else {
            vq.capacity() / EXTRA_DESCRIPTORS
        }
    };
    let most = vqs.iter().map(capacity).min();
    let most = most.unwrap_or(0).max(1);
    match module_parameters::queue_depth.value() {
        0 => most,
        limit => u16::try_from(limit).unwrap_or(u16::MAX).min(most),
    }
}

fn check_limits(
    configured: &Configured<'_>,
    vqs: &KVec<Virtqueue<'_>>,
    depth: u16,
) -> Result<HostLimits> {
    // A descriptor table must not be longer than its queue, although it is in other memory. A
    // command without a table uses as many descriptors of the queue.
    let smallest = vqs.iter().map(|vq| vq.capacity()).min();
    let smallest = smallest.unwrap_or(0);
    let segment_size = u32::try_from(configured.dma().max_segment()).unwrap_or(u32::MAX);
    let driver = DriverLimits {
        segments: smallest.saturating_sub(EXTRA_DESCRIPTORS).min(MAX_SEGMENTS),
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
    polled: u16,
) -> Result<impl PinInit<Data<'bound>, Error> + 'bound> {
    let (dev, features) = (configured.device(), configured.features());
    let mut queues = KVec::with_capacity(vqs.len(), GFP_KERNEL)?;
    let first_polled = vqs.len() - usize::from(polled);
    for (index, vq) in vqs.into_iter().enumerate() {
        let queue = NewQueue {
            queue: HwQueue::new(dev, vq, index >= first_polled),
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
    let events = Events::new(configured, events, limits.event_size)?;
    let data = HostData {
        dev,
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
    let host = Host::new(interrupts, limits, depth, queues, polled, data);
    Ok(try_pin_init!(Data {
        host <- host,
        _: { dev_info!(dev, "[host{}] queues of {depth} commands\n", host.number()) },
    }? Error))
}
