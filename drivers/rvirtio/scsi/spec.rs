// SPDX-License-Identifier: GPL-2.0

//! SCSI host device (virtio 1.4, 5.6 SCSI Host Device).
//!
//! C header: [`include/uapi/linux/virtio_scsi.h`](srctree/include/uapi/linux/virtio_scsi.h)

/// The length of a CDB in a command, in bytes, unless the driver changes it.
#[doc(alias = "VIRTIO_SCSI_CDB_SIZE")]
pub const CDB_SIZE: usize = 32;

/// The largest length of sense data in a response, in bytes, unless the driver changes it.
#[doc(alias = "VIRTIO_SCSI_SENSE_SIZE")]
pub const SENSE_SIZE: usize = 96;

/// The numbers of the queues.
pub mod queue {
    /// For task management.
    pub const CONTROL: u16 = 0;
    /// For events.
    pub const EVENT: u16 = 1;
    /// The first one for commands.
    pub const REQUEST: u16 = 2;
}

/// Feature bits.
pub mod feature {
    use rvirtio::Feature;

    /// Devices can be plugged and unplugged.
    #[doc(alias = "VIRTIO_SCSI_F_HOTPLUG")]
    pub const HOTPLUG: Feature = Feature::new(1);

    /// The device reports changes of parameters of logical units.
    #[doc(alias = "VIRTIO_SCSI_F_CHANGE")]
    pub const CHANGE: Feature = Feature::new(2);
}

/// Offsets of the fields of the device configuration space in bytes, each with its width.
#[doc(alias = "virtio_scsi_config")]
pub mod config {
    /// Number of request queues, 32 bits.
    pub const NUM_QUEUES: u32 = 0;
    /// Largest number of segments of a command, 32 bits.
    pub const SEG_MAX: u32 = 4;
    /// Largest transfer in 512-byte sectors, 32 bits.
    pub const MAX_SECTORS: u32 = 8;
    /// Largest number of commands for a logical unit, 32 bits.
    pub const CMD_PER_LUN: u32 = 12;
    /// Length of an event, 32 bits.
    pub const EVENT_INFO_SIZE: u32 = 16;
    /// Largest length of sense data, 32 bits.
    pub const SENSE_SIZE: u32 = 20;
    /// Length of a CDB, 32 bits.
    pub const CDB_SIZE: u32 = 24;
    /// Highest target, 16 bits.
    pub const MAX_TARGET: u32 = 30;
    /// Highest logical unit, 32 bits.
    pub const MAX_LUN: u32 = 32;
}

/// Responses to commands and to task management.
pub mod response {
    /// The command has reached its target, whose status says more.
    pub const OK: u8 = 0;
    /// More data was to be transferred than the buffers have.
    pub const OVERRUN: u8 = 1;
    /// Task management has ended the command.
    pub const ABORTED: u8 = 2;
    /// There is no such target.
    pub const BAD_TARGET: u8 = 3;
    /// A reset has ended the command.
    pub const RESET: u8 = 4;
    /// The path to the target is busy.
    pub const BUSY: u8 = 5;
    /// The path to the target has failed.
    pub const TRANSPORT_FAILURE: u8 = 6;
    /// The target has failed, which other paths do not help against.
    pub const TARGET_FAILURE: u8 = 7;
    /// The nexus has failed, which other paths may help against.
    pub const NEXUS_FAILURE: u8 = 8;
    /// Something else has failed.
    pub const FAILURE: u8 = 9;
    /// Task management: it was done.
    pub const FUNCTION_SUCCEEDED: u8 = 10;
}

/// Task management functions.
pub mod tmf {
    /// Aborts one command.
    pub const ABORT_TASK: u32 = 0;
    /// Resets all logical units of a target.
    pub const I_T_NEXUS_RESET: u32 = 4;
    /// Resets a logical unit.
    pub const LOGICAL_UNIT_RESET: u32 = 5;
}

/// Events.
pub mod event {
    /// Events were lost, besides what the other bits say.
    #[doc(alias = "VIRTIO_SCSI_T_EVENTS_MISSED")]
    pub const MISSED: u32 = 1 << 31;
    /// Nothing.
    pub const NO_EVENT: u32 = 0;
    /// A logical unit came, went or was reset.
    pub const TRANSPORT_RESET: u32 = 1;
    /// A parameter of a logical unit has changed.
    pub const PARAM_CHANGE: u32 = 3;
}

/// Reasons of [`event::TRANSPORT_RESET`].
pub mod reason {
    /// It was reset.
    pub const HARD: u32 = 0;
    /// It came.
    pub const RESCAN: u32 = 1;
    /// It went.
    pub const REMOVED: u32 = 2;
}

/// The size of the header of a command in bytes.
#[doc(alias = "virtio_scsi_cmd_req")]
pub const HEADER_SIZE: usize = 19 + CDB_SIZE;

/// Returns the header of a command as the bytes that the device reads: LUN, tag, task attribute,
/// priority, CRN and CDB. The attribute is SIMPLE, the others are not used.
#[inline]
pub fn header(lun: [u8; 8], tag: u64, cdb: &[u8; CDB_SIZE]) -> [u8; HEADER_SIZE] {
    let mut header = [0; HEADER_SIZE];
    let (head, tail) = header.split_at_mut(8);
    head.copy_from_slice(&lun);
    let (head, tail) = tail.split_at_mut(8);
    head.copy_from_slice(&tag.to_le_bytes());
    let (_, tail) = tail.split_at_mut(3);
    tail.copy_from_slice(cdb);
    header
}

/// The size of a task management request in bytes.
#[doc(alias = "virtio_scsi_ctrl_tmf_req")]
pub const TMF_SIZE: usize = 24;

/// Returns a task management request as the bytes that the device reads. `tag` only matters for
/// functions that are about one command.
pub fn task_management(function: u32, lun: [u8; 8], tag: u64) -> [u8; TMF_SIZE] {
    let mut request = [0; TMF_SIZE];
    // The first field is the type, which is 0.
    let (_, tail) = request.split_at_mut(4);
    let (head, tail) = tail.split_at_mut(4);
    head.copy_from_slice(&function.to_le_bytes());
    let (head, tail) = tail.split_at_mut(8);
    head.copy_from_slice(&lun);
    tail.copy_from_slice(&tag.to_le_bytes());
    request
}

/// The size of a response in bytes, without sense data.
#[doc(alias = "virtio_scsi_cmd_resp")]
pub const RESPONSE_SIZE: usize = 12;

/// The size of the part of an event that is specified, in bytes.
#[doc(alias = "virtio_scsi_event")]
pub const EVENT_SIZE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: SCSI-04
    #[test]
    fn headers_are_those_of_the_specification() {
        let mut cdb = [0; CDB_SIZE];
        cdb[0] = 0x28;
        cdb[31] = 0xee;
        let header = header([1, 2, 0x40, 3, 0, 0, 0, 0], 0x1_0002, &cdb);
        assert_eq!(header[..8], [1, 2, 0x40, 3, 0, 0, 0, 0]);
        assert_eq!(header[8..16], [2, 0, 1, 0, 0, 0, 0, 0]);
        // Task attribute, priority, CRN.
        assert_eq!(header[16..19], [0, 0, 0]);
        assert_eq!((header[19], header[50]), (0x28, 0xee));
    }

    #[test]
    fn task_management_is_that_of_the_specification() {
        let request = task_management(tmf::LOGICAL_UNIT_RESET, [1, 2, 0x40, 3, 0, 0, 0, 0], 7);
        assert_eq!(request[..8], [0, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(request[8..16], [1, 2, 0x40, 3, 0, 0, 0, 0]);
        assert_eq!(request[16..], [7, 0, 0, 0, 0, 0, 0, 0]);
    }
}
