// SPDX-License-Identifier: GPL-2.0

//! Attributes of the disk in sysfs, as the C driver has them.

use crate::{
    config::BlkConfig,
    queue::Ops, //
};
use blk_mq::{
    Attribute,
    CacheMode,
    Disk,
    Page, //
};
use kernel::prelude::*;
use rvirtio::spec::blk::ID_BYTES;

/// What the attributes work with.
pub(crate) struct DiskData<'bound> {
    pub(crate) config: BlkConfig<'bound>,
}

/// The serial number that the host gave the disk. udev makes links from it.
pub(crate) struct Serial;

impl<'bound> Attribute<Ops<'bound>> for Serial {
    const NAME: &'static CStr = c"serial";

    #[doc(alias = "virtblk_get_id")]
    fn show(disk: &Disk<Ops<'bound>>, page: &mut Page<'_>) -> Result {
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

impl<'bound> Attribute<Ops<'bound>> for CacheType {
    const NAME: &'static CStr = c"cache_type";

    fn is_writable(data: &DiskData<'bound>) -> bool {
        data.config.has_cache_switch()
    }

    fn show(disk: &Disk<Ops<'bound>>, page: &mut Page<'_>) -> Result {
        page.write(match disk.data().config.cache_mode()? {
            CacheMode::WriteBack => WRITE_BACK,
            CacheMode::WriteThrough => WRITE_THROUGH,
        })?;
        page.write(b"\n")
    }

    fn store(disk: &Disk<Ops<'bound>>, input: &[u8]) -> Result {
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
