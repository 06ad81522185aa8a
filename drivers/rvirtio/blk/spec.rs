// SPDX-License-Identifier: GPL-2.0

//! Block device (virtio 1.4, 5.2 Block Device).
//!
//! C header: [`include/uapi/linux/virtio_blk.h`](srctree/include/uapi/linux/virtio_blk.h)

/// Unit of [`config::CAPACITY`] and of [`Header`] sectors in bytes, independent of the block size.
pub const SECTOR_SIZE: u32 = 512;

/// Length in bytes of the device ID string that [`request::GET_ID`] returns. A string of this
/// length is not terminated.
#[doc(alias = "VIRTIO_BLK_ID_BYTES")]
pub const ID_BYTES: usize = 20;

/// Feature bits.
pub mod feature {
    use rvirtio::Feature;

    /// The size of the largest segment is in [`SIZE_MAX`](super::config::SIZE_MAX).
    #[doc(alias = "VIRTIO_BLK_F_SIZE_MAX")]
    pub const SIZE_MAX: Feature = Feature::new(1);

    /// The largest number of segments is in [`SEG_MAX`](super::config::SEG_MAX).
    #[doc(alias = "VIRTIO_BLK_F_SEG_MAX")]
    pub const SEG_MAX: Feature = Feature::new(2);

    /// The disk geometry is in the configuration space.
    #[doc(alias = "VIRTIO_BLK_F_GEOMETRY")]
    pub const GEOMETRY: Feature = Feature::new(4);

    /// The disk is read-only.
    #[doc(alias = "VIRTIO_BLK_F_RO")]
    pub const RO: Feature = Feature::new(5);

    /// The logical block size is in [`BLK_SIZE`](super::config::BLK_SIZE).
    #[doc(alias = "VIRTIO_BLK_F_BLK_SIZE")]
    pub const BLK_SIZE: Feature = Feature::new(6);

    /// The device supports flush commands.
    #[doc(alias = "VIRTIO_BLK_F_FLUSH")]
    pub const FLUSH: Feature = Feature::new(9);

    /// I/O size and alignment hints are in the configuration space.
    #[doc(alias = "VIRTIO_BLK_F_TOPOLOGY")]
    pub const TOPOLOGY: Feature = Feature::new(10);

    /// The cache mode can be read and changed in [`WRITEBACK`](super::config::WRITEBACK).
    #[doc(alias = "VIRTIO_BLK_F_CONFIG_WCE")]
    pub const CONFIG_WCE: Feature = Feature::new(11);

    /// There can be more than one queue, see [`NUM_QUEUES`](super::config::NUM_QUEUES).
    #[doc(alias = "VIRTIO_BLK_F_MQ")]
    pub const MQ: Feature = Feature::new(12);

    /// The device supports [`DISCARD`](super::request::DISCARD).
    #[doc(alias = "VIRTIO_BLK_F_DISCARD")]
    pub const DISCARD: Feature = Feature::new(13);

    /// The device supports [`WRITE_ZEROES`](super::request::WRITE_ZEROES).
    #[doc(alias = "VIRTIO_BLK_F_WRITE_ZEROES")]
    pub const WRITE_ZEROES: Feature = Feature::new(14);

    /// The device supports [`GET_LIFETIME`](super::request::GET_LIFETIME).
    #[doc(alias = "VIRTIO_BLK_F_LIFETIME")]
    pub const LIFETIME: Feature = Feature::new(15);

    /// The device supports [`SECURE_ERASE`](super::request::SECURE_ERASE).
    #[doc(alias = "VIRTIO_BLK_F_SECURE_ERASE")]
    pub const SECURE_ERASE: Feature = Feature::new(16);

    /// The disk has zones, unless [`ZONED_MODEL`](super::config::ZONED_MODEL) says otherwise.
    #[doc(alias = "VIRTIO_BLK_F_ZONED")]
    pub const ZONED: Feature = Feature::new(17);
}

/// Offsets of the fields of the device configuration space in bytes, each with its width.
#[doc(alias = "virtio_blk_config")]
pub mod config {
    /// Capacity in 512-byte sectors, 64 bits.
    pub const CAPACITY: usize = 0;
    /// Largest size of a segment in bytes, 32 bits (`SIZE_MAX`).
    pub const SIZE_MAX: usize = 8;
    /// Largest number of segments in a request, 32 bits (`SEG_MAX`).
    pub const SEG_MAX: usize = 12;
    /// Cylinders, 16 bits (`GEOMETRY`).
    pub const GEOMETRY_CYLINDERS: usize = 16;
    /// Heads, 8 bits (`GEOMETRY`).
    pub const GEOMETRY_HEADS: usize = 18;
    /// Sectors per track, 8 bits (`GEOMETRY`).
    pub const GEOMETRY_SECTORS: usize = 19;
    /// Logical block size in bytes, 32 bits (`BLK_SIZE`).
    pub const BLK_SIZE: usize = 20;
    /// Logical blocks per physical block as an exponent of two, 8 bits (`TOPOLOGY`).
    pub const PHYSICAL_BLOCK_EXP: usize = 24;
    /// Offset of the first aligned logical block, 8 bits (`TOPOLOGY`).
    pub const ALIGNMENT_OFFSET: usize = 25;
    /// Smallest efficient I/O in logical blocks, 16 bits (`TOPOLOGY`).
    pub const MIN_IO_SIZE: usize = 26;
    /// Best I/O size in logical blocks, 32 bits (`TOPOLOGY`).
    pub const OPT_IO_SIZE: usize = 28;
    /// Cache mode, 8 bits: 0 is writethrough, 1 is writeback (`CONFIG_WCE`).
    #[doc(alias = "wce")]
    pub const WRITEBACK: usize = 32;
    /// Number of queues, 16 bits (`MQ`).
    pub const NUM_QUEUES: usize = 34;
    /// Largest length of a range of a discard in 512-byte sectors, 32 bits (`DISCARD`).
    pub const MAX_DISCARD_SECTORS: usize = 36;
    /// Largest number of ranges of a discard, 32 bits (`DISCARD`).
    pub const MAX_DISCARD_SEG: usize = 40;
    /// Alignment of discards in 512-byte sectors, 32 bits (`DISCARD`).
    pub const DISCARD_SECTOR_ALIGNMENT: usize = 44;
    /// Largest length of a range of zeroes in 512-byte sectors, 32 bits (`WRITE_ZEROES`).
    pub const MAX_WRITE_ZEROES_SECTORS: usize = 48;
    /// Largest length of a range of a secure erase in 512-byte sectors, 32 bits (`SECURE_ERASE`).
    pub const MAX_SECURE_ERASE_SECTORS: usize = 60;
    /// Largest number of ranges of a secure erase, 32 bits (`SECURE_ERASE`).
    pub const MAX_SECURE_ERASE_SEG: usize = 64;
    /// Alignment of secure erases in 512-byte sectors, 32 bits (`SECURE_ERASE`).
    pub const SECURE_ERASE_SECTOR_ALIGNMENT: usize = 68;
    /// Size of a zone in 512-byte sectors, 32 bits (`ZONED`).
    pub const ZONED_ZONE_SECTORS: usize = 72;
    /// Largest number of open zones, 32 bits (`ZONED`).
    pub const ZONED_MAX_OPEN_ZONES: usize = 76;
    /// Largest number of active zones, 32 bits (`ZONED`).
    pub const ZONED_MAX_ACTIVE_ZONES: usize = 80;
    /// Largest append in 512-byte sectors, 32 bits (`ZONED`).
    pub const ZONED_MAX_APPEND_SECTORS: usize = 84;
    /// Unit of writes in bytes, 32 bits (`ZONED`).
    pub const ZONED_WRITE_GRANULARITY: usize = 88;
    /// Kind of zones, 8 bits (`ZONED`), see [`zone`](super::zone).
    pub const ZONED_MODEL: usize = 92;
}

/// Offsets of the fields that [`request::GET_LIFETIME`] returns, 16 bits each. Their values are those
/// of eMMC.
#[doc(alias = "virtio_blk_lifetime")]
pub mod lifetime {
    /// How many of the reserved blocks are used up: 1 normal, 2 warning, 3 urgent, 0 not defined.
    pub const PRE_EOL_INFO: usize = 0;
    /// How worn memory of type A is, in steps of 10 percent from 1 on; 11 if worn out, 0 not defined.
    pub const EST_TYP_A: usize = 2;
    /// The same of memory of type B.
    pub const EST_TYP_B: usize = 4;
    /// The size of all fields in bytes.
    pub const SIZE: usize = 6;
}

/// What [`request::ZONE_REPORT`] returns: the number of zones, 64 bits, and a descriptor for each after
/// [`REPORT`](zone::REPORT) bytes.
pub mod zone {
    /// Offset of the first descriptor in a report.
    #[doc(alias = "virtio_blk_zone_report")]
    pub const REPORT: usize = 64;
    /// Size of a descriptor.
    #[doc(alias = "virtio_blk_zone_descriptor")]
    pub const DESCRIPTOR: usize = 64;
    /// Offset in a descriptor: how many sectors can be written, 64 bits.
    pub const CAPACITY: usize = 0;
    /// Offset in a descriptor: first sector, 64 bits.
    pub const START: usize = 8;
    /// Offset in a descriptor: sector of the next write, 64 bits.
    pub const WRITE_POINTER: usize = 16;
    /// Offset in a descriptor: type, 8 bits.
    pub const TYPE: usize = 24;
    /// Offset in a descriptor: state, 8 bits.
    pub const STATE: usize = 25;

    /// Model: there are no zones.
    pub const MODEL_NONE: u8 = 0;
    /// Model: zones have to be written in order.
    pub const MODEL_HOST_MANAGED: u8 = 1;
    /// Model: zones should be written in order.
    pub const MODEL_HOST_AWARE: u8 = 2;

    /// Type: can be written anywhere.
    pub const CONVENTIONAL: u8 = 1;
    /// Type: has to be written in order.
    pub const SEQUENTIAL_REQUIRED: u8 = 2;
    /// Type: should be written in order.
    pub const SEQUENTIAL_PREFERRED: u8 = 3;

    /// State: without write pointer.
    pub const NOT_WP: u8 = 0;
    /// State: nothing is written.
    pub const EMPTY: u8 = 1;
    /// State: opened by a write.
    pub const IMPLICITLY_OPEN: u8 = 2;
    /// State: opened by [`ZONE_OPEN`](super::request::ZONE_OPEN).
    pub const EXPLICITLY_OPEN: u8 = 3;
    /// State: partly written, not open.
    pub const CLOSED: u8 = 4;
    /// State: cannot be written.
    pub const READ_ONLY: u8 = 13;
    /// State: all is written.
    pub const FULL: u8 = 14;
    /// State: cannot be used.
    pub const OFFLINE: u8 = 15;
}

/// Request types.
pub mod request {
    /// Reads sectors.
    #[doc(alias = "VIRTIO_BLK_T_IN")]
    pub const IN: u32 = 0;
    /// Writes sectors.
    #[doc(alias = "VIRTIO_BLK_T_OUT")]
    pub const OUT: u32 = 1;
    /// Makes earlier completed writes stable.
    #[doc(alias = "VIRTIO_BLK_T_FLUSH")]
    pub const FLUSH: u32 = 4;
    /// Returns the device ID string.
    #[doc(alias = "VIRTIO_BLK_T_GET_ID")]
    pub const GET_ID: u32 = 8;
    /// Returns how worn the medium is, as three [`lifetime`](super::lifetime) fields.
    #[doc(alias = "VIRTIO_BLK_T_GET_LIFETIME")]
    pub const GET_LIFETIME: u32 = 10;
    /// Discards ranges of sectors.
    #[doc(alias = "VIRTIO_BLK_T_DISCARD")]
    pub const DISCARD: u32 = 11;
    /// Writes zeroes to ranges of sectors.
    #[doc(alias = "VIRTIO_BLK_T_WRITE_ZEROES")]
    pub const WRITE_ZEROES: u32 = 13;
    /// Makes the content of ranges of sectors unrecoverable.
    #[doc(alias = "VIRTIO_BLK_T_SECURE_ERASE")]
    pub const SECURE_ERASE: u32 = 14;
    /// Returns a report of zones.
    #[doc(alias = "VIRTIO_BLK_T_ZONE_REPORT")]
    pub const ZONE_REPORT: u32 = 16;
    /// Opens a zone explicitly.
    #[doc(alias = "VIRTIO_BLK_T_ZONE_OPEN")]
    pub const ZONE_OPEN: u32 = 18;
    /// Closes a zone.
    #[doc(alias = "VIRTIO_BLK_T_ZONE_CLOSE")]
    pub const ZONE_CLOSE: u32 = 20;
    /// Makes a zone full.
    #[doc(alias = "VIRTIO_BLK_T_ZONE_FINISH")]
    pub const ZONE_FINISH: u32 = 22;
    /// Makes a zone empty.
    #[doc(alias = "VIRTIO_BLK_T_ZONE_RESET")]
    pub const ZONE_RESET: u32 = 24;
    /// Makes all zones empty.
    #[doc(alias = "VIRTIO_BLK_T_ZONE_RESET_ALL")]
    pub const ZONE_RESET_ALL: u32 = 26;
}

/// Values of the status byte, the last device-writable byte of a request.
pub mod status {
    /// The request succeeded.
    #[doc(alias = "VIRTIO_BLK_S_OK")]
    pub const OK: u8 = 0;
    /// Device or driver error.
    #[doc(alias = "VIRTIO_BLK_S_IOERR")]
    pub const IOERR: u8 = 1;
    /// The device does not support the request.
    #[doc(alias = "VIRTIO_BLK_S_UNSUPP")]
    pub const UNSUPP: u8 = 2;
    /// No more zones can be open.
    #[doc(alias = "VIRTIO_BLK_S_ZONE_OPEN_RESOURCE")]
    pub const ZONE_OPEN_RESOURCE: u8 = 5;
    /// No more zones can be active.
    #[doc(alias = "VIRTIO_BLK_S_ZONE_ACTIVE_RESOURCE")]
    pub const ZONE_ACTIVE_RESOURCE: u8 = 6;
}

/// The header at the beginning of every request, as the bytes that the device reads.
///
/// Fields: type (32 bits), priority (32 bits), sector (64 bits), all little endian.
#[doc(alias = "virtio_blk_outhdr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Header([u8; Header::SIZE]);

impl Header {
    /// Size of the header in bytes.
    pub const SIZE: usize = 16;

    /// Returns the header of a request of type `kind`, see [`request`], at `sector`, in units of
    /// 512 bytes, with an I/O priority.
    ///
    /// `sector` must be 0 for types other than reads and writes. The priority has the values of
    /// Linux, 0 for none, in a field that virtio 1.4 calls reserved, and that devices ignore or use
    /// as legacy devices did.
    #[inline]
    pub const fn new(kind: u32, priority: u16, sector: u64) -> Self {
        // Little endian: type and priority are the low half, the sector the high half.
        let low = kind as u64 | ((priority as u64) << 32);
        Self((low as u128 | ((sector as u128) << 64)).to_le_bytes())
    }

    /// Returns the bytes that the device reads.
    #[inline]
    pub const fn as_bytes(&self) -> &[u8; Header::SIZE] {
        &self.0
    }
}

/// A range of sectors in the data of [`request::DISCARD`], [`request::WRITE_ZEROES`] and
/// [`request::SECURE_ERASE`], as the bytes that the device reads.
///
/// Fields: sector (64 bits), number of sectors (32 bits), flags (32 bits), all little endian.
#[doc(alias = "virtio_blk_discard_write_zeroes")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Range([u8; Range::SIZE]);

impl Range {
    /// Size of a range in bytes.
    pub const SIZE: usize = 16;

    /// Returns a range of `sectors` sectors of 512 bytes. `unmap` allows the device to deallocate
    /// sectors to which zeroes are written; it must be false for other requests.
    pub const fn new(sector: u64, sectors: u32, unmap: bool) -> Self {
        let high = sectors as u64 | ((unmap as u64) << 32);
        Self((sector as u128 | ((high as u128) << 64)).to_le_bytes())
    }

    /// Returns the bytes that the device reads.
    pub const fn as_bytes(&self) -> &[u8; Range::SIZE] {
        &self.0
    }
}
