// SPDX-License-Identifier: GPL-2.0

//! The device's configuration space (virtio 1.4, 5.6.4). Nothing is ever written to it.

use crate::{
    limits::Reported,
    spec::config, //
};
use kernel::prelude::*;
use rvirtio::Config;

/// Returns the number of request queues of the device, 1 if it reports none.
pub(crate) fn num_queues(config: &Config<'_>) -> Result<u16> {
    let reported: u32 = config.read(config::NUM_QUEUES)?;
    Ok(u16::try_from(reported).unwrap_or(u16::MAX).max(1))
}

/// Returns the fields that the limits of the host depend on.
pub(crate) fn reported(config: &Config<'_>) -> Result<Reported> {
    config.consistent(|config| {
        Ok(Reported {
            seg_max: config.read(config::SEG_MAX)?,
            max_sectors: config.read(config::MAX_SECTORS)?,
            cmd_per_lun: config.read(config::CMD_PER_LUN)?,
            event_info_size: config.read(config::EVENT_INFO_SIZE)?,
            sense_size: config.read(config::SENSE_SIZE)?,
            cdb_size: config.read(config::CDB_SIZE)?,
            max_target: config.read(config::MAX_TARGET)?,
            max_lun: config.read(config::MAX_LUN)?,
        })
    })
}
