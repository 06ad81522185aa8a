// SPDX-License-Identifier: GPL-2.0

//! Attributes of the disk in sysfs: those of the C driver; one for the size of the rings; and those of
//! the medium, with the names and formats that eMMC devices have.

use crate::{
    config::BlkConfig,
    queue::HwQueue,
    spec::{
        feature as blk_feature,
        lifetime,
        request::{
            GET_ID,
            GET_LIFETIME, //
        },
        ID_BYTES, //
    },
    zones::ZoneLimits, //
};
use blk_mq::{
    Attribute,
    CacheMode,
    Page, //
};
use core::{
    fmt::Write,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    }, //
};
use kernel::{
    device::Bound,
    fmt,
    new_mutex,
    prelude::*,
    sync::Mutex, //
};
use rvirtio::{
    spec::feature,
    Device,
    Features, //
};

/// The disk that is passed to attributes.
type Disk<'bound> = blk_mq::Disk<HwQueue<'bound>, DiskData<'bound>>;

/// The data of the attributes.
#[pin_data]
pub(crate) struct DiskData<'bound> {
    config: BlkConfig<'bound>,
    features: Features,
    /// The zones, and the largest size of a report of them in bytes.
    zones: Option<(ZoneLimits, usize)>,
    dev: &'bound Device<Bound>,
    /// Whether a wrong report of zones was logged.
    complained: AtomicBool,
    /// Whether the block layer sends flushes, because the device has a writeback cache.
    write_back: AtomicBool,
    /// Serialises replacing the rings.
    #[pin]
    resizing: Mutex<()>,
}

impl<'bound> DiskData<'bound> {
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        config: BlkConfig<'bound>,
        features: Features,
        cache: CacheMode,
        zones: Option<(ZoneLimits, usize)>,
    ) -> impl PinInit<Self, Error> + 'bound {
        try_pin_init!(Self {
            config,
            features,
            zones,
            dev,
            complained: AtomicBool::new(false),
            write_back: AtomicBool::new(cache == CacheMode::WriteBack),
            resizing <- new_mutex!(()),
        }? Error)
    }

    /// Returns the limits of zones, if there are any, and the largest size of a report.
    pub(crate) fn zones(&self) -> Option<(ZoneLimits, usize)> {
        self.zones
    }

    /// Logs, once, what is wrong with the description of a zone.
    pub(crate) fn complain(&self, zone: u64, error: impl fmt::Display) {
        if !self.complained.swap(true, Ordering::Relaxed) {
            dev_err!(self.dev, "zone at sector {zone}: {error}\n");
        }
    }

    fn has_lifetime(&self) -> bool {
        self.features.contains(blk_feature::LIFETIME)
    }

    /// Sets the cache mode of a device that was reset to the one that it had.
    pub(crate) fn restore_cache_mode(&self, dev: &Device<Bound>) {
        if !self.config.has_cache_switch() {
            return;
        }
        let wanted = if self.write_back.load(Ordering::Relaxed) {
            CacheMode::WriteBack
        } else {
            CacheMode::WriteThrough
        };
        let result = self
            .config
            .set_cache_mode(wanted)
            .and_then(|()| self.config.cache_mode());
        if result != Ok(wanted) {
            dev_err!(dev, "cache mode not restored to {wanted:?}\n");
        }
    }
}

/// The serial number that the host assigned to the disk. udev uses it for links.
pub(crate) struct Serial;

impl<'bound> Attribute<HwQueue<'bound>, DiskData<'bound>> for Serial {
    const NAME: &'static CStr = c"serial";

    #[doc(alias = "virtblk_get_id")]
    fn show(disk: &Disk<'bound>, page: &mut Page<'_>) -> Result {
        // This is not on the stack, because the device writes to it.
        let mut id = KVec::from_elem(0, ID_BYTES, GFP_KERNEL)?;
        match disk.execute_driver_in(GET_ID, 0, &mut id) {
            // A device without a serial number fails the request.
            Err(error) if error == EIO => Ok(()),
            Err(error) => Err(error),
            // The string is only terminated if it is shorter than the field.
            Ok(()) => page.write(id.split(|&c| c == 0).next().unwrap_or(&[])),
        }
    }
}

/// The cache mode of the device: "write back" or "write through".
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
        // The device may have kept another mode.
        let mode = config.cache_mode()?;
        disk.set_cache_mode(mode)?;
        let is_write_back = mode == CacheMode::WriteBack;
        disk.data()
            .write_back
            .store(is_write_back, Ordering::Relaxed);
        Ok(())
    }
}

/// Parses a cache type, which may end with a newline.
fn parse(input: &[u8]) -> Result<CacheMode> {
    match input.strip_suffix(b"\n").unwrap_or(input) {
        WRITE_BACK => Ok(CacheMode::WriteBack),
        WRITE_THROUGH => Ok(CacheMode::WriteThrough),
        _ => Err(EINVAL),
    }
}

/// The number of descriptors of each ring. Writing another number replaces the rings, one after the
/// other, while requests wait (virtio 1.4, 2.6.1 Virtqueue Reset).
pub(crate) struct RingSize;

impl<'bound> Attribute<HwQueue<'bound>, DiskData<'bound>> for RingSize {
    const NAME: &'static CStr = c"ring_size";

    fn is_writable(data: &DiskData<'bound>) -> bool {
        data.features.contains(feature::RING_RESET)
    }

    /// Shows the size of the smallest ring. Sizes may differ, for example if there was not enough
    /// memory to replace all rings.
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

/// How many of the reserved blocks of the medium are used up.
pub(crate) struct PreEolInfo;

impl<'bound> Attribute<HwQueue<'bound>, DiskData<'bound>> for PreEolInfo {
    const NAME: &'static CStr = c"pre_eol_info";

    fn exists(data: &DiskData<'bound>) -> bool {
        data.has_lifetime()
    }

    fn show(disk: &Disk<'bound>, page: &mut Page<'_>) -> Result {
        let info = lifetime_field(&read_lifetime(disk)?, lifetime::PRE_EOL_INFO);
        page.write_fmt(fmt!("{info:#04x}\n")).map_err(|_| ENOSPC)
    }
}

/// How worn the medium is: its memory of type A, and that of type B.
pub(crate) struct LifeTime;

impl<'bound> Attribute<HwQueue<'bound>, DiskData<'bound>> for LifeTime {
    const NAME: &'static CStr = c"life_time";

    fn exists(data: &DiskData<'bound>) -> bool {
        data.has_lifetime()
    }

    fn show(disk: &Disk<'bound>, page: &mut Page<'_>) -> Result {
        let fields = read_lifetime(disk)?;
        let a = lifetime_field(&fields, lifetime::EST_TYP_A);
        let b = lifetime_field(&fields, lifetime::EST_TYP_B);
        page.write_fmt(fmt!("{a:#04x} {b:#04x}\n"))
            .map_err(|_| ENOSPC)
    }
}

fn read_lifetime(disk: &Disk<'_>) -> Result<KVec<u8>> {
    // This is not on the stack, because the device writes to it.
    let mut fields = KVec::from_elem(0, lifetime::SIZE, GFP_KERNEL)?;
    disk.execute_driver_in(GET_LIFETIME, 0, &mut fields)?;
    Ok(fields)
}

/// Returns one of the fields, 0 ("not defined") if it is not there.
fn lifetime_field(fields: &[u8], offset: usize) -> u16 {
    match fields.get(offset..) {
        Some([low, high, ..]) => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}
