// SPDX-License-Identifier: GPL-2.0

//! Reports of zones.

use crate::{
    queue::HwQueue,
    spec::{
        request::ZONE_REPORT,
        zone, //
    },
    sysfs::DiskData,
    zones::{
        reported_zones,
        Zone, //
    }, //
};
use blk_mq::ZoneReport;
use kernel::prelude::*;
use rvirtio::display::DisplayAdapter;

/// The largest size of a report in bytes, if the disk can read as much by one request.
pub(crate) const LONGEST: usize = 16 << 10;

/// The disk that a report is about.
type Disk<'bound> = blk_mq::Disk<HwQueue<'bound>, DiskData<'bound>>;

/// Reports the zones from that of `sector` on, as many as `report` takes.
///
/// # Errors
///
/// `EOPNOTSUPP` without zones, `EIO` if the device reports none, or impossible ones; those of the
/// request and of `report`.
#[doc(alias = "virtblk_report_zones")]
pub(crate) fn report_zones(disk: &Disk<'_>, sector: u64, report: &mut ZoneReport<'_>) -> Result {
    let (zones, longest) = disk.data().zones().ok_or(EOPNOTSUPP)?;
    let size = u64::from(zones.sectors);
    let capacity = disk.capacity();
    // Each round reports at least the next zone, so this ends.
    let mut next = sector.saturating_sub(sector.checked_rem(size).unwrap_or(0));
    let wanted = usize::try_from(report.missing()).unwrap_or(usize::MAX);
    let len = wanted
        .saturating_mul(zone::DESCRIPTOR)
        .saturating_add(zone::REPORT)
        .min(longest);
    let mut buffer = KVec::from_elem(0u8, len, GFP_KERNEL)?;
    while report.missing() > 0 && next < capacity {
        buffer.fill(0);
        disk.execute_driver_in(ZONE_REPORT, next, &mut buffer)?;
        let count = usize::try_from(reported_zones(&buffer)).unwrap_or(usize::MAX);
        if count == 0 {
            break;
        }
        let descriptors = buffer.get(zone::REPORT..).unwrap_or_default();
        for descriptor in descriptors.chunks_exact(zone::DESCRIPTOR).take(count) {
            let descriptor = descriptor.first_chunk().ok_or(EIO)?;
            if report.missing() == 0 || next >= capacity {
                break;
            }
            let zone = Zone::parse(descriptor, next, zones.sectors, capacity).map_err(|error| {
                disk.data().complain(next, DisplayAdapter(error));
                EIO
            })?;
            report.add(&blk_mq::Zone {
                start: zone.start,
                len: zone.len,
                capacity: zone.capacity,
                write_pointer: zone.write_pointer,
                kind: zone.kind,
                condition: zone.state,
            })?;
            next = next.saturating_add(size);
        }
    }
    if report.is_empty() {
        return Err(EIO);
    }
    Ok(())
}
