// SPDX-License-Identifier: GPL-2.0

//! Attributes of the disk in sysfs: those that the C driver has, and one for its rings.

use crate::{
    config::BlkConfig,
    queue::HwQueue,
    spec::ID_BYTES, //
};
use blk_mq::{
    Attribute,
    CacheMode,
    Page, //
};
use core::fmt::Write;
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};
use rvirtio::{
    spec::feature,
    Features, //
};

/// The disk as attributes see it.
type Disk<'bound> = blk_mq::Disk<HwQueue<'bound>, DiskData<'bound>>;

/// What the attributes work with.
#[pin_data]
pub(crate) struct DiskData<'bound> {
    config: BlkConfig<'bound>,
    features: Features,
    /// Held while rings are replaced.
    #[pin]
    resizing: Mutex<()>,
}

impl<'bound> DiskData<'bound> {
    pub(crate) fn new(
        config: BlkConfig<'bound>,
        features: Features,
    ) -> impl PinInit<Self, Error> + 'bound {
        try_pin_init!(Self {
            config,
            features,
            resizing <- new_mutex!(()),
        }? Error)
    }
}

/// The serial number that the host gave the disk. udev makes links from it.
pub(crate) struct Serial;

impl<'bound> Attribute<HwQueue<'bound>, DiskData<'bound>> for Serial {
    const NAME: &'static CStr = c"serial";

    #[doc(alias = "virtblk_get_id")]
    fn show(disk: &Disk<'bound>, page: &mut Page<'_>) -> Result {
        // Not on the stack, as the device writes to it.
        let mut id = KVec::from_elem(0, ID_BYTES, GFP_KERNEL)?;
        match disk.execute_driver_in(&mut id) {
            // A device without one fails the request.
            Err(error) if error == EIO => Ok(()),
            Err(error) => Err(error),
            // It ends with a 0 only if it is shorter than the field.
            Ok(()) => page.write(id.split(|&c| c == 0).next().unwrap_or(&[])),
        }
    }
}

/// Whether the device's cache is "write back" or "write through".
pub(crate) struct CacheType;

const WRITE_BACK: &[u8] = b"write back";
const WRITE_THROUGH: &[u8] = b"write through";

impl<'bound> Attribute<HwQueue<'bound>, DiskData<'bound>> for CacheType {
    const NAME: &'static CStr = c"cache_type";

    fn is_writable(data: &DiskData<'bound>) -> bool {
        data.config.has_cache_switch()
    }

    fn show(disk: &Disk<'bound>, page: &mut Page<'_>) -> Result {
        page.write(match disk.data().config.cache_mode()? {
            CacheMode::WriteBack => WRITE_BACK,
            CacheMode::WriteThrough => WRITE_THROUGH,
        })?;
        page.write(b"\n")
    }

    fn store(disk: &Disk<'bound>, input: &[u8]) -> Result {
        let config = &disk.data().config;
        if !config.has_cache_switch() {
            return Err(EPERM);
        }
        config.set_cache_mode(parse(input)?)?;
        // The device has the last word.
        disk.set_cache_mode(config.cache_mode()?)
    }
}

/// Parses a cache type; a newline may follow.
fn parse(input: &[u8]) -> Result<CacheMode> {
    match input.strip_suffix(b"\n").unwrap_or(input) {
        WRITE_BACK => Ok(CacheMode::WriteBack),
        WRITE_THROUGH => Ok(CacheMode::WriteThrough),
        _ => Err(EINVAL),
    }
}

/// The number of descriptors of each ring. Writing another one replaces the rings, one after the
/// other, while requests wait (virtio 1.4, 2.6.1 Virtqueue Reset).
pub(crate) struct RingSize;

impl<'bound> Attribute<HwQueue<'bound>, DiskData<'bound>> for RingSize {
    const NAME: &'static CStr = c"ring_size";

    fn is_writable(data: &DiskData<'bound>) -> bool {
        data.features.contains(feature::RING_RESET)
    }

    /// Shows the smallest one: for want of memory they may differ.
    fn show(disk: &Disk<'bound>, page: &mut Page<'_>) -> Result {
        let sizes = disk.queues().map(|queue| queue.size());
        let smallest = sizes.min().unwrap_or(0);
        page.write_fmt(fmt!("{smallest}\n")).map_err(|_| ENOSPC)
    }

    fn store(disk: &Disk<'bound>, input: &[u8]) -> Result {
        let size = core::str::from_utf8(input).map_err(|_| EINVAL)?;
        let size = size.trim_end().parse().map_err(|_| EINVAL)?;
        let _resizing = disk.data().resizing.lock();
        let _frozen = disk.freeze();
        disk.queues().try_for_each(|queue| queue.resize(size))
    }
}
