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
}

/// The header at the beginning of every request, as the bytes that the device reads.
///
/// Fields: type (32 bits), reserved (32 bits), sector (64 bits), all little endian.
#[doc(alias = "virtio_blk_outhdr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Header([u8; Header::SIZE]);

impl Header {
    /// Size of the header in bytes.
    pub const SIZE: usize = 16;

    /// Returns the header of a request of type `kind`, see [`request`], at `sector`, in units of
    /// 512 bytes.
    ///
    /// `sector` must be 0 for types other than reads and writes.
    #[inline]
    pub const fn new(kind: u32, sector: u64) -> Self {
        // Little endian: the type is the low word, the sector the high half.
        Self((kind as u128 | ((sector as u128) << 64)).to_le_bytes())
    }

    /// Returns the bytes that the device reads.
    #[inline]
    pub const fn as_bytes(&self) -> &[u8; Header::SIZE] {
        &self.0
    }
}
