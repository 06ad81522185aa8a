// SPDX-License-Identifier: GPL-2.0

//! Setup of a device: first the queues, then their tags, then the disk.

use crate::{
    config::BlkConfig,
    data::{
        Data,
        Disk, //
    },
    lengths::Lengths,
    limits::{
        DiskLimits,
        DriverLimits, //
    },
    module_parameters,
    ops::Ops,
    queue::{
        HwQueue,
        QueueConfig,
        Virtqueue, //
    },
    report,
    request::Command,
    spec::{
        feature,
        SECTOR_SIZE, //
    },
    sysfs::DiskData,
    NAME_PREFIX, //
};
use blk_mq::{
    num_possible_queues,
    Access,
    CacheMode,
    DiskConfig,
    Limits,
    NewQueue,
    RangeLimits,
    TagSet,
    ZoneLimits,
    MAX_BLOCK_SIZE,
    MIN_SEGMENT_SIZE, //
};
use core::sync::atomic::AtomicBool;
use kernel::{
    device::Bound,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};
use rvirtio::{
    display::DisplayAdapter,
    kdump,
    request_queues::{
        max_segments,
        queue_depth,
        RequestQueues, //
    },
    Affinity,
    Configured,
    Device,
    IrqPolicy,
    Negotiated, //
};

/// The largest number of data segments of a request. With header and status, they fill a descriptor
/// table of 2 KiB.
const MAX_SEGMENTS: u16 = 126;

/// Returns an initialiser for the driver data of a device.
///
/// # Errors
///
/// `EINVAL` for a device with an invalid configuration, and those of core, the block layer and
/// allocations.
pub(crate) fn data<'bound>(init: Negotiated<'bound>) -> impl PinInit<Data<'bound>, Error> + 'bound {
    pin_init::pin_init_scope(move || {
        let config = BlkConfig::new(init.config(), init.features());
        let count = count_queues(&init, &config)?;
        let configured = find_queues(init, count)?;
        let vqs = create_vqs(&configured, count.all())?;
        let limits = check_limits(&configured, &config, &vqs)?;
        create_data(&configured, config, &limits, vqs, count)
    })
}

/// Returns the numbers of queues to use.
fn count_queues(init: &Negotiated<'_>, config: &BlkConfig<'_>) -> Result<RequestQueues> {
    // The configuration may report more queues than the transport has.
    let available = config.num_queues()?.min(init.num_queues());
    let limit = if kdump::is_kdump_kernel() {
        // A dump is written by one CPU.
        1
    } else {
        module_parameters::num_request_queues.value()
    };
    let polled = module_parameters::poll_queues.value();
    RequestQueues::new(init.device(), available, limit, polled, num_possible_queues)
}

/// Allocates interrupt vectors for the queues.
#[doc(alias = "init_vq")]
fn find_queues(init: Negotiated<'_>, count: RequestQueues) -> Result<Configured<'_>> {
    let mut queues = KVec::new();
    count.describe(&mut queues)?;
    init.find_vqs(&queues, Affinity::Managed)
}

/// Creates the virtqueues, each with the largest size that the device supports, or a small one if
/// there is little memory.
fn create_vqs<'bound>(
    configured: &Configured<'bound>,
    count: u16,
) -> Result<KVec<Virtqueue<'bound>>> {
    let most = if kdump::is_kdump_kernel() {
        kdump::QUEUE_SIZE
    } else {
        u16::MAX
    };
    let mut vqs = KVec::with_capacity(count.into(), GFP_KERNEL)?;
    for index in 0..count {
        vqs.push(configured.virtqueue(index, most)?, GFP_KERNEL)?;
    }
    Ok(vqs)
}

fn check_limits(
    configured: &Configured<'_>,
    config: &BlkConfig<'_>,
    vqs: &KVec<Virtqueue<'_>>,
) -> Result<DiskLimits> {
    let dev = configured.device();
    let driver = DriverLimits {
        max_segments: max_segments(vqs).min(MAX_SEGMENTS),
        max_segment_size: u32::try_from(configured.dma().max_segment()).unwrap_or(u32::MAX),
        min_segment_size: MIN_SEGMENT_SIZE,
        max_block_size: MAX_BLOCK_SIZE,
    };
    let reported = config.limits()?;
    let limits = reported.check(&driver).map_err(|error| {
        dev_err!(dev, "{}\n", DisplayAdapter(error));
        EINVAL
    })?;
    if limits.hints.ignored {
        dev_warn!(dev, "ignoring topology hints that are too large\n");
    }
    if limits.zones.is_some() {
        if !blk_mq::HAS_ZONES {
            dev_err!(dev, "this kernel does not support zones\n");
            return Err(EOPNOTSUPP);
        }
        if reported.ranges.discard.is_some() {
            dev_warn!(dev, "ignoring DISCARD, as the disk has zones\n");
        }
    }
    for name in reported.ranges.refused(&limits.ranges) {
        dev_warn!(dev, "ignoring {name}, its limits are too small\n");
    }
    Ok(limits)
}

/// Returns an initialiser for the disk, its tags and its queues.
fn create_data<'bound>(
    configured: &Configured<'bound>,
    config: BlkConfig<'bound>,
    limits: &DiskLimits,
    vqs: KVec<Virtqueue<'bound>>,
    count: RequestQueues,
) -> Result<impl PinInit<Data<'bound>, Error> + 'bound> {
    let (dev, features) = (configured.device(), configured.features());
    // If larger requests fill the queue, it is stopped.
    let depth = queue_depth(&vqs, module_parameters::queue_depth.value());
    let mut queues = KVec::with_capacity(vqs.len(), GFP_KERNEL)?;
    let lengths = Arc::new(Lengths::new(dev), GFP_KERNEL)?;
    for (index, vq) in (0..).zip(vqs) {
        let queue = QueueConfig {
            max_segments: limits.max_segments,
            polled: count.is_polled(index),
        };
        let queue = NewQueue {
            queue: HwQueue::new(dev, vq, lengths.clone(), queue),
            commands: Command::allocate(configured.dma(), features, depth, limits.max_segments)?,
        };
        queues.push(queue, GFP_KERNEL)?;
    }
    let interrupts = match configured.irq_policy() {
        IrqPolicy::PerQueue => Some(dev.as_ref()),
        IrqPolicy::SharedRare | IrqPolicy::Shared | IrqPolicy::Line => None,
    };
    let tag_set = TagSet::<Ops<'bound>>::new(interrupts, depth, queues, count.polled());
    let cache = config.cache_mode()?;
    let disk_config = DiskConfig {
        name_prefix: name_prefix(dev)?,
        capacity: limits.capacity.usable,
        limits: limits_of_disk(limits, cache),
        access: if features.contains(feature::RO) {
            Access::ReadOnly
        } else {
            Access::ReadWrite
        },
        geometry: config.geometry()?,
    };
    let limits = *limits;
    let report_len = usize::from(limits.max_segments)
        .saturating_mul(PAGE_SIZE)
        .min((limits.max_sectors as usize).saturating_mul(SECTOR_SIZE as usize))
        .min(report::LONGEST);
    let zones = limits.zones.map(|zones| (zones, report_len));
    let data = DiskData::new(dev, config, features, cache, zones);
    let disk = Disk::new(tag_set, disk_config, data);
    Ok(try_pin_init!(Data {
        dev,
        config,
        block_size: limits.logical_block_size,
        rest_logged: AtomicBool::new(false),
        disk <- disk,
        _: { report(dev, &disk, &limits) },
    }? Error))
}

/// Logs the name and the size of the disk.
fn report(dev: &Device<Bound>, disk: &Disk<'_>, limits: &DiskLimits) {
    let block_size = limits.logical_block_size;
    dev_info!(
        dev,
        "[{}] {} {block_size}-byte logical blocks\n",
        disk.name(),
        limits.capacity.usable >> (block_size.ilog2() - SECTOR_SIZE.ilog2())
    );
}

/// Returns the prefix of disk names, or an error if it is unusual for user space.
fn name_prefix(dev: &Device<Bound>) -> Result<&'static [u8]> {
    let prefix = NAME_PREFIX.as_bytes();
    if prefix.is_empty() || !prefix.iter().all(u8::is_ascii_lowercase) {
        dev_err!(dev, "name_prefix must be lowercase ASCII letters\n");
        return Err(EINVAL);
    }
    Ok(prefix)
}

fn limits_of_disk(limits: &DiskLimits, cache: CacheMode) -> Limits {
    Limits {
        logical_block_size: limits.logical_block_size,
        physical_block_size: limits.hints.physical_block_size,
        alignment_offset: limits.hints.alignment_offset,
        io_min: limits.hints.io_min,
        io_opt: limits.hints.io_opt,
        max_segments: limits.max_segments,
        max_segment_size: limits.max_segment_size,
        max_hw_sectors: limits.max_sectors,
        ranges: RangeLimits {
            max_discard_sectors: limits.ranges.discard,
            max_discard_segments: limits.ranges.discard_ranges,
            discard_granularity: limits.ranges.granularity,
            max_secure_erase_sectors: limits.ranges.secure_erase,
            max_write_zeroes_sectors: limits.ranges.write_zeroes,
        },
        zones: limits.zones.map(|zones| ZoneLimits {
            sectors: zones.sectors,
            max_open: zones.max_open,
            max_active: zones.max_active,
            write_granularity: zones.granularity,
        }),
        cache,
        // As in C: the device does not report this.
        rotational: true,
    }
}
