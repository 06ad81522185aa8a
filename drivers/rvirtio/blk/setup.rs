// SPDX-License-Identifier: GPL-2.0

//! Setting a device up: queues, then tags, then the disk.

use crate::{
    config::BlkConfig,
    driver::{
        fail_all,
        Data,
        Queues, //
    },
    limits::{
        Bounds,
        Checked,
        MAX_CAPACITY, //
    },
    module_parameters,
    queue::{
        HwQueue,
        Ops, //
    },
    request::{
        CommandSlab,
        EXTRA_DESCRIPTORS, //
    },
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
    GenDisk,
    Limits,
    TagSet,
    MAX_BLOCK_SIZE,
    MIN_SEGMENT_SIZE, //
};
use kernel::{
    device::Bound,
    prelude::*,
    str::CString, //
};
use rvirtio::{
    display::Log,
    transport::IrqPolicy,
    Callback,
    ConfigHandler,
    Configured,
    Device,
    Negotiated,
    Ready,
    VqInfo, //
};

/// The largest number of data segments of a request: with header and status they fill a
/// descriptor table of 2 KiB.
const MAX_SEGMENTS: u16 = 126;

type Tags<'bound> = TagSet<'bound, Ops<'bound>>;
type Disk<'bound> = GenDisk<'bound, Ops<'bound>>;

/// Brings a device and its disk up.
///
/// # Errors
///
/// `EINVAL` for a device that says impossible things, and what core, block layer and allocators
/// return.
pub(crate) fn set_up(init: Negotiated<'_>) -> Result<Data<'_>> {
    let config = BlkConfig::new(init.config(), init.features());
    let count = count_queues(&init, &config)?;
    let mut configured = find_queues(init, count)?;
    let queues = create_queues(&mut configured, count)?;
    let queues = configured.manage(queues)?;
    let limits = check_limits(&configured, &config, &queues)?;
    let depth = queue_depth(&queues);
    let tags = create_tags(&configured, &queues, limits.max_segments, depth)?;
    let ready = configured.driver_ok()?;
    let disk = create_disk(&ready, tags, config, &limits, queues)?;
    let dev = ready.device();
    let watch = ready.manage(pin_init::init!(Watch {
        dev,
        queues,
        config,
        disk,
    }))?;
    // First, as adding the disk reads partitions, which must not hang if the device fails.
    ready.on_config_change(watch)?;
    disk.add(&ready)?;
    Ok(Data { queues })
}

/// Decides on the number of queues.
fn count_queues(init: &Negotiated<'_>, config: &BlkConfig<'_>) -> Result<u16> {
    let available = config.num_queues()?;
    if available == 0 {
        dev_err!(init.device(), "device says that it has no request queues\n");
        return Err(EINVAL);
    }
    let count = match module_parameters::num_request_queues.value() {
        0 => available.into(),
        limit => limit.min(available.into()),
    };
    Ok(num_possible_queues(count).try_into()?)
}

/// Has interrupt vectors allocated for the queues.
#[doc(alias = "init_vq")]
fn find_queues(init: Negotiated<'_>, count: u16) -> Result<Configured<'_>> {
    let mut names = KVec::new();
    for index in 0..count {
        names.push(CString::try_from_fmt(fmt!("req.{index}"))?, GFP_KERNEL)?;
    }
    let mut queues = KVec::new();
    for name in &names {
        let queue = VqInfo {
            name,
            callback: Callback::Yes,
        };
        queues.push(queue, GFP_KERNEL)?;
    }
    init.find_vqs(&queues)
}

/// Creates the queues. Each is stored at once: the device knows it, so that it must not be
/// dropped before that is reset.
fn create_queues<'bound>(
    configured: &mut Configured<'bound>,
    count: u16,
) -> Result<Queues<'bound>> {
    let mut queues = KVec::with_capacity(count.into(), GFP_KERNEL)?;
    for index in 0..count {
        // As large as the device wants it.
        let vq = configured.virtqueue(index, u16::MAX)?;
        let queue = HwQueue::new(vq, configured.device(), configured.dma());
        let queue = configured.manage(queue)?;
        configured.request_irq(index, queue)?;
        queues.push(queue, GFP_KERNEL)?;
    }
    Ok(queues)
}

fn check_limits(
    configured: &Configured<'_>,
    config: &BlkConfig<'_>,
    queues: &Queues<'_>,
) -> Result<Checked> {
    let dev = configured.device();
    // A table must not be longer than its queue, even though it is not in it; and a request that
    // gets no table is in it.
    let smallest = queues.iter().map(|queue| queue.descriptors()).min();
    let smallest = smallest.unwrap_or(0);
    let bounds = Bounds {
        max_segments: smallest.saturating_sub(EXTRA_DESCRIPTORS).min(MAX_SEGMENTS),
        max_segment_size: u32::try_from(configured.dma().max_segment()).unwrap_or(u32::MAX),
        min_segment_size: MIN_SEGMENT_SIZE,
        max_block_size: MAX_BLOCK_SIZE,
    };
    let limits = config.reported()?.check(&bounds).map_err(|impossible| {
        dev_err!(dev, "{}\n", Log(impossible));
        EINVAL
    })?;
    if limits.hints_ignored {
        dev_warn!(dev, "ignoring topology hints that are too large\n");
    }
    Ok(limits)
}

/// Decides on the number of requests in flight in each queue.
fn queue_depth(queues: &Queues<'_>) -> u16 {
    let most = queues.iter().map(|queue| queue.capacity()).min();
    let most = most.unwrap_or(0).max(1);
    match module_parameters::queue_depth.value() {
        0 => most,
        limit => u16::try_from(limit).unwrap_or(u16::MAX).min(most),
    }
}

/// Creates the tags of the queues, with the memory that requests need in flight.
fn create_tags<'bound>(
    configured: &Configured<'bound>,
    queues: &Queues<'bound>,
    max_segments: u16,
    depth: u16,
) -> Result<Pin<&'bound Tags<'bound>>> {
    for queue in queues {
        let table_len = max_segments + EXTRA_DESCRIPTORS;
        let slab = CommandSlab::new(configured.dma(), depth, table_len)?;
        queue.set_slab(configured.manage(slab)?, max_segments);
    }
    let interrupts = match configured.irq_policy() {
        IrqPolicy::PerQueue => Some(configured.device().as_ref()),
        IrqPolicy::Shared | IrqPolicy::Line => None,
    };
    configured.manage(TagSet::new(interrupts, queues, depth.into()))
}

/// Creates the disk.
fn create_disk<'bound>(
    ready: &Ready<'bound>,
    tags: Pin<&'bound Tags<'bound>>,
    config: BlkConfig<'bound>,
    limits: &Checked,
    queues: Pin<&'bound Queues<'bound>>,
) -> Result<Pin<&'bound Disk<'bound>>> {
    let dev = ready.device();
    let block_size = limits.logical_block_size;
    let data = ready.manage(DiskData::new(config, queues, ready.features()))?;
    let disk_config = DiskConfig {
        name_prefix: name_prefix(dev)?,
        capacity: limits.capacity,
        limits: limits_of_disk(limits, config.cache_mode()?),
        access: if ready.features().contains(feature::RO) {
            Access::ReadOnly
        } else {
            Access::ReadWrite
        },
        geometry: config.geometry()?,
    };
    let disk = ready.manage(Disk::new(tags, &disk_config, data))?;
    dev_info!(
        dev,
        "[{}] {} {block_size}-byte logical blocks\n",
        disk.name(),
        disk_config.capacity >> (block_size.ilog2() - SECTOR_SIZE.ilog2())
    );
    Ok(disk)
}

/// Returns what names of disks start with, unless such a name would be odd to user space.
fn name_prefix(dev: &Device<Bound>) -> Result<&'static [u8]> {
    let prefix = NAME_PREFIX.as_bytes();
    if prefix.is_empty() || !prefix.iter().all(u8::is_ascii_lowercase) {
        dev_err!(dev, "the parameter name_prefix has to be small letters\n");
        return Err(EINVAL);
    }
    Ok(prefix)
}

fn limits_of_disk(limits: &Checked, cache: CacheMode) -> Limits {
    Limits {
        logical_block_size: limits.logical_block_size,
        physical_block_size: limits.physical_block_size,
        alignment_offset: limits.alignment_offset,
        io_min: limits.io_min,
        io_opt: limits.io_opt,
        max_segments: limits.max_segments,
        max_segment_size: limits.max_segment_size,
        // Whatever the segments give.
        max_hw_sectors: u32::MAX,
        cache,
        // Like C, which can not know either.
        rotational: true,
    }
}

/// Follows what the device says about itself while it runs.
struct Watch<'bound> {
    dev: &'bound Device<Bound>,
    queues: Pin<&'bound Queues<'bound>>,
    config: BlkConfig<'bound>,
    disk: Pin<&'bound Disk<'bound>>,
}

impl ConfigHandler for Watch<'_> {
    #[doc(alias = "virtblk_config_changed")]
    fn config_changed(&self) {
        if self.dev.needs_reset() {
            dev_err!(self.dev, "device has failed: all I/O ends with an error\n");
            fail_all(self.dev, &self.queues);
            return;
        }
        match self.config.capacity() {
            Ok(capacity) if capacity <= MAX_CAPACITY => self.disk.resize(capacity),
            // What there is stays; core has logged a configuration that can not be read.
            Ok(_) | Err(_) => (),
        }
    }
}
