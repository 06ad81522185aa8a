// SPDX-License-Identifier: GPL-2.0

//! Virtio over PCI (virtio 1.4, 4.1 Virtio Over PCI Bus).
//!
//! C header: [`include/uapi/linux/virtio_pci.h`](srctree/include/uapi/linux/virtio_pci.h)

/// PCI vendor id of every virtio device.
#[doc(alias = "PCI_VENDOR_ID_REDHAT_QUMRANET")]
pub const VENDOR_ID: u16 = 0x1af4;

/// First PCI device id of transitional devices.
pub const DEVICE_ID_TRANSITIONAL_FIRST: u16 = 0x1000;

/// Last PCI device id of transitional devices.
pub const DEVICE_ID_TRANSITIONAL_LAST: u16 = 0x103f;

/// First PCI device id of modern devices: this value plus the virtio device id.
pub const DEVICE_ID_MODERN_FIRST: u16 = 0x1040;

/// Last PCI device id of modern devices.
pub const DEVICE_ID_MODERN_LAST: u16 = 0x107f;

/// Returns the virtio device id of a PCI function, or `None` if it is not a virtio device.
///
/// The PCI device id of a modern device contains the virtio device id; that of a transitional
/// device is in the PCI subsystem device id.
pub const fn device_id(device: u16, subsystem_device: u16) -> Option<u32> {
    match device {
        DEVICE_ID_TRANSITIONAL_FIRST..=DEVICE_ID_TRANSITIONAL_LAST => Some(subsystem_device as u32),
        DEVICE_ID_MODERN_FIRST..=DEVICE_ID_MODERN_LAST => {
            Some((device - DEVICE_ID_MODERN_FIRST) as u32)
        }
        _ => None,
    }
}

/// The vector that means "no vector".
#[doc(alias = "VIRTIO_MSI_NO_VECTOR")]
pub const NO_VECTOR: u16 = 0xffff;

/// ISR bit: a queue has used buffers.
pub const ISR_QUEUE: u8 = 1;

/// ISR bit: the device configuration has changed.
#[doc(alias = "VIRTIO_PCI_ISR_CONFIG")]
pub const ISR_CONFIG: u8 = 2;

/// Vendor-specific capabilities that say where the virtio structures are.
///
/// Offsets are from the start of the capability, in bytes.
#[doc(alias = "virtio_pci_cap")]
pub mod cap {
    /// PCI capability id of all virtio capabilities.
    #[doc(alias = "PCI_CAP_ID_VNDR")]
    pub const ID_VENDOR: u8 = 0x09;

    /// Offset of the capability id, 8 bits.
    #[doc(alias = "VIRTIO_PCI_CAP_VNDR")]
    pub const VNDR: u16 = 0;
    /// Offset of the next capability's address, 8 bits.
    #[doc(alias = "VIRTIO_PCI_CAP_NEXT")]
    pub const NEXT: u16 = 1;
    /// Offset of the length of the capability, 8 bits.
    #[doc(alias = "VIRTIO_PCI_CAP_LEN")]
    pub const LEN: u16 = 2;
    /// Offset of the structure type, 8 bits.
    #[doc(alias = "VIRTIO_PCI_CAP_CFG_TYPE")]
    pub const CFG_TYPE: u16 = 3;
    /// Offset of the BAR number, 8 bits.
    #[doc(alias = "VIRTIO_PCI_CAP_BAR")]
    pub const BAR: u16 = 4;
    /// Offset of the structure's offset in the BAR, 32 bits.
    #[doc(alias = "VIRTIO_PCI_CAP_OFFSET")]
    pub const OFFSET: u16 = 8;
    /// Offset of the structure's length, 32 bits.
    #[doc(alias = "VIRTIO_PCI_CAP_LENGTH")]
    pub const LENGTH: u16 = 12;
    /// Offset of the notify offset multiplier, 32 bits, in a notify capability only.
    #[doc(alias = "VIRTIO_PCI_NOTIFY_CAP_MULT")]
    pub const NOTIFY_MULTIPLIER: u16 = 16;

    /// Shortest capability.
    pub const LEN_MIN: u8 = 16;
    /// Shortest notify capability.
    pub const NOTIFY_LEN_MIN: u8 = 20;
    /// Shortest PCI configuration access capability.
    pub const PCI_CFG_LEN_MIN: u8 = 20;

    /// Largest BAR number; larger values are reserved.
    pub const BAR_MAX: u8 = 5;

    /// Structure type: common configuration.
    #[doc(alias = "VIRTIO_PCI_CAP_COMMON_CFG")]
    pub const TYPE_COMMON_CFG: u8 = 1;
    /// Structure type: notifications.
    #[doc(alias = "VIRTIO_PCI_CAP_NOTIFY_CFG")]
    pub const TYPE_NOTIFY_CFG: u8 = 2;
    /// Structure type: ISR status.
    #[doc(alias = "VIRTIO_PCI_CAP_ISR_CFG")]
    pub const TYPE_ISR_CFG: u8 = 3;
    /// Structure type: device-specific configuration.
    #[doc(alias = "VIRTIO_PCI_CAP_DEVICE_CFG")]
    pub const TYPE_DEVICE_CFG: u8 = 4;
    /// Structure type: PCI configuration access.
    #[doc(alias = "VIRTIO_PCI_CAP_PCI_CFG")]
    pub const TYPE_PCI_CFG: u8 = 5;
}

/// Offsets of the fields of the common configuration structure in bytes, each with its width.
#[doc(alias = "virtio_pci_common_cfg")]
pub mod common {
    /// Which 32 feature bits `DEVICE_FEATURE` shows, 32 bits.
    #[doc(alias = "VIRTIO_PCI_COMMON_DFSELECT")]
    pub const DEVICE_FEATURE_SELECT: usize = 0;
    /// Features that the device offers, 32 bits, read-only.
    #[doc(alias = "VIRTIO_PCI_COMMON_DF")]
    pub const DEVICE_FEATURE: usize = 4;
    /// Which 32 feature bits `DRIVER_FEATURE` takes, 32 bits.
    #[doc(alias = "VIRTIO_PCI_COMMON_GFSELECT")]
    pub const DRIVER_FEATURE_SELECT: usize = 8;
    /// Features that the driver accepts, 32 bits.
    #[doc(alias = "VIRTIO_PCI_COMMON_GF")]
    pub const DRIVER_FEATURE: usize = 12;
    /// MSI-X vector of configuration changes, 16 bits.
    #[doc(alias = "VIRTIO_PCI_COMMON_MSIX")]
    pub const CONFIG_MSIX_VECTOR: usize = 16;
    /// Number of queues, 16 bits, read-only.
    #[doc(alias = "VIRTIO_PCI_COMMON_NUMQ")]
    pub const NUM_QUEUES: usize = 18;
    /// Device status, 8 bits.
    #[doc(alias = "VIRTIO_PCI_COMMON_STATUS")]
    pub const DEVICE_STATUS: usize = 20;
    /// Configuration generation, 8 bits, read-only.
    #[doc(alias = "VIRTIO_PCI_COMMON_CFGGENERATION")]
    pub const CONFIG_GENERATION: usize = 21;
    /// Which queue the fields below belong to, 16 bits.
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_SELECT")]
    pub const QUEUE_SELECT: usize = 22;
    /// Queue size, 16 bits. Reads as the largest size until written; 0 means no such queue.
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_SIZE")]
    pub const QUEUE_SIZE: usize = 24;
    /// MSI-X vector of the queue, 16 bits.
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_MSIX")]
    pub const QUEUE_MSIX_VECTOR: usize = 26;
    /// Writing 1 enables the queue, 16 bits.
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_ENABLE")]
    pub const QUEUE_ENABLE: usize = 28;
    /// Notification offset in units of the multiplier, 16 bits, read-only.
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_NOFF")]
    pub const QUEUE_NOTIFY_OFF: usize = 30;
    /// Address of the descriptor area, low 32 bits; the high 32 bits follow at + 4.
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_DESCLO")]
    pub const QUEUE_DESC: usize = 32;
    /// Address of the driver area, low 32 bits; the high 32 bits follow at + 4.
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_AVAILLO")]
    pub const QUEUE_DRIVER: usize = 40;
    /// Address of the device area, low 32 bits; the high 32 bits follow at + 4.
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_USEDLO")]
    pub const QUEUE_DEVICE: usize = 48;
    /// Value to notify with, 16 bits, read-only (`NOTIF_CONFIG_DATA`).
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_NDATA")]
    pub const QUEUE_NOTIF_CONFIG_DATA: usize = 56;
    /// Writing 1 resets the queue, 16 bits (`RING_RESET`).
    #[doc(alias = "VIRTIO_PCI_COMMON_Q_RESET")]
    pub const QUEUE_RESET: usize = 58;

    /// Size of the structure without the fields that depend on a feature.
    pub const SIZE_MIN: usize = 56;

    /// Size of the structure with all fields that are used here.
    pub const SIZE: usize = 60;
}
