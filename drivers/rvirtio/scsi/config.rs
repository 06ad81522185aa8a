// SPDX-License-Identifier: GPL-2.0

//! The device's configuration space (virtio 1.4, 5.6.4).

use crate::{
    limits::Reported,
    spec::{
        config,
        CDB_SIZE,
        SENSE_SIZE, //
    }, //
};
use kernel::prelude::*;
use rvirtio::Config;

/// Returns the number of request queues that the device reports.
pub(crate) fn num_queues(config: &Config<'_>) -> Result<u32> {
    config.read(config::NUM_QUEUES)
}

/// Returns the fields that the limits of the host depend on.
pub(crate) fn reported(config: &Config<'_>) -> Result<Reported> {
    config.consistent(|config| {
        Ok(Reported {
            seg_max: config.read(config::SEG_MAX)?,
            max_sectors: config.read(config::MAX_SECTORS)?,
            cmd_per_lun: config.read(config::CMD_PER_LUN)?,
            event_info_size: config.read(config::EVENT_INFO_SIZE)?,
            max_target: config.read(config::MAX_TARGET)?,
            max_lun: config.read(config::MAX_LUN)?,
        })
    })
}

/// Makes the lengths of commands and of sense data those that the driver has room for. Both have
/// these values after every reset, unless the device does not follow the specification.
///
/// # Errors
///
/// `EINVAL` for a device that keeps others, and those of accesses to the configuration space.
#[doc(alias = "virtscsi_config_set")]
pub(crate) fn set_sizes(config: &Config<'_>) -> Result {
    for (field, size) in [
        (config::SENSE_SIZE, SENSE_SIZE),
        (config::CDB_SIZE, CDB_SIZE),
    ] {
        // CAST: A small number.
        let size = size as u32;
        if config.read::<u32>(field)? == size {
            continue;
        }
        config.write_u32(field, size)?;
        if config.read::<u32>(field)? != size {
            return Err(EINVAL);
        }
    }
    Ok(())
}
