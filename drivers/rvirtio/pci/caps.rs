// SPDX-License-Identifier: GPL-2.0

//! Finding the virtio structures of a device (virtio 1.4, 4.1.4 Virtio Structure PCI Capabilities).
//!
//! [`Layout::find`] walks the capability list of a PCI function and returns windows into its BARs.
//! They are checked to be inside the BAR, aligned, long enough and disjoint. The list comes from
//! the device, so it may have any content, and it may contain loops.
//!
//! C source: [`drivers/virtio/virtio_pci_modern_dev.c`](srctree/drivers/virtio/virtio_pci_modern_dev.c)

mod walk;

use self::walk::Found;
use core::fmt;
use rvirtio::spec::{
    pci::{
        cap,
        common, //
    },
    ring::NotifyWidth, //
};

/// The configuration space of a PCI function.
pub trait ConfigSpace {
    /// Reads 8 bits. Returns `None` if the function does not respond, or has no such offset.
    fn read_u8(&self, offset: u16) -> Option<u8>;

    /// Reads 16 bits at an even offset.
    fn read_u16(&self, offset: u16) -> Option<u16>;

    /// Reads 32 bits at an offset that is a multiple of 4.
    fn read_u32(&self, offset: u16) -> Option<u32>;

    /// Returns the length of memory BAR `bar` in bytes, or `None` if there is no such BAR, it is an
    /// I/O BAR, or it has no address.
    fn bar_len(&self, bar: u8) -> Option<u64>;
}

/// A part of a BAR. [`Layout::find`] only returns windows that are inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The number of the BAR, 0 to 5.
    pub bar: u8,
    /// The offset from the start of the BAR in bytes.
    pub offset: u32,
    /// The length in bytes.
    pub length: u32,
}

/// The structures of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The common configuration: at least [`common::SIZE_MIN`] bytes, aligned to 4.
    pub common: Window,
    /// The notifications: at least 2 bytes, aligned to 2.
    pub notify: Window,
    /// The number of bytes from one queue notification offset to the next.
    pub notify_off_multiplier: u32,
    /// The ISR status: at least 1 byte.
    pub isr: Window,
    /// The device configuration, aligned to 4, if the device has one.
    pub device: Option<Window>,
    /// The offset of the PCI configuration access capability, if there is one.
    pub pci_cfg: Option<u16>,
}

/// A kind of virtio structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// Common configuration.
    Common,
    /// Notifications.
    Notify,
    /// ISR status.
    Isr,
    /// Device configuration.
    Device,
}

/// The reason why a structure cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// There is no capability for it.
    Missing,
    /// Its capability is shorter than the specification requires.
    CapabilityTooShort,
    /// It is in a BAR that does not exist or is not memory.
    NoMemoryBar,
    /// It extends past the end of its BAR.
    OutsideBar,
    /// It is not aligned as required.
    Misaligned,
    /// It is too short for its fields.
    TooShort,
}

/// The reason why the layout of a device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The function does not respond to configuration space reads.
    Unreadable,
    /// The function has no capability list.
    NoCapabilities,
    /// No instance of a structure can be used; the defect is that of the first instance.
    Structure(Structure, Defect),
    /// Two structures overlap.
    Overlap(Structure, Structure),
}

/// The reason why the notification address of a queue cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyError {
    /// It is outside the notification structure.
    OutsideWindow,
    /// It is not aligned to the width of a notification.
    Misaligned,
}

impl Layout {
    /// Finds and checks the structures of the function with configuration space `config`.
    ///
    /// If there are several instances of a structure, the first that can be used is selected, since
    /// the device orders them by preference. Capabilities with a reserved type or BAR number are
    /// ignored.
    ///
    /// # Errors
    ///
    /// See [`Error`]; its `Display` is the text for the log.
    #[doc(alias = "vp_modern_probe")]
    pub fn find(config: &impl ConfigSpace) -> Result<Self, Error> {
        let found = Found::walk(config)?;
        let (notify, notify_capability) = found.notify.required(Structure::Notify)?;
        let layout = Self {
            common: found.common.required(Structure::Common)?.0,
            notify,
            notify_off_multiplier: config
                .read_u32(notify_capability + cap::NOTIFY_MULTIPLIER)
                .ok_or(Error::Unreadable)?,
            isr: found.isr.required(Structure::Isr)?.0,
            device: found.device.optional(Structure::Device)?,
            pci_cfg: found.pci_cfg,
        };
        layout.check_disjoint()?;
        Ok(layout)
    }

    /// Returns the offset in the notification BAR at which a queue is notified. `queue_notify_off`
    /// is the value of that field in the common configuration.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    #[doc(alias = "vp_modern_map_vq_notify")]
    pub fn notify_offset(
        &self,
        queue_notify_off: u16,
        width: NotifyWidth,
    ) -> Result<u64, NotifyError> {
        let width = u64::from(width.bytes());
        // Neither the product of 16 and 32 bits nor the sums overflow 64 bits.
        let inside = u64::from(queue_notify_off) * u64::from(self.notify_off_multiplier);
        if inside + width > u64::from(self.notify.length) {
            return Err(NotifyError::OutsideWindow);
        }
        let offset = u64::from(self.notify.offset) + inside;
        if offset % width != 0 {
            return Err(NotifyError::Misaligned);
        }
        Ok(offset)
    }

    /// Checks that no two structures overlap.
    fn check_disjoint(&self) -> Result<(), Error> {
        let windows = [
            (Structure::Common, Some(self.common)),
            (Structure::Notify, Some(self.notify)),
            (Structure::Isr, Some(self.isr)),
            (Structure::Device, self.device),
        ];
        let windows = || windows.iter().filter_map(|&(s, w)| w.map(|w| (s, w)));

        for (i, (first, a)) in windows().enumerate() {
            for (second, b) in windows().skip(i + 1) {
                if a.overlaps(b) {
                    return Err(Error::Overlap(first, second));
                }
            }
        }
        Ok(())
    }
}

impl Window {
    /// Returns the offset of the byte after the window.
    fn end(self) -> u64 {
        u64::from(self.offset) + u64::from(self.length)
    }

    fn overlaps(self, other: Self) -> bool {
        self.bar == other.bar
            && u64::from(self.offset) < other.end()
            && u64::from(other.offset) < self.end()
    }
}

impl Structure {
    /// Returns the length of the shortest valid capability in bytes.
    fn capability_len_min(self) -> u8 {
        match self {
            Self::Notify => cap::NOTIFY_LEN_MIN,
            Self::Common | Self::Isr | Self::Device => cap::LEN_MIN,
        }
    }

    /// Returns the required alignment and the shortest valid length in bytes.
    fn requirements(self) -> (u32, u32) {
        match self {
            // CAST: a small constant.
            Self::Common => (4, common::SIZE_MIN as u32),
            Self::Notify => (2, 2),
            Self::Isr => (1, 1),
            // The required length depends on the device type and on features.
            Self::Device => (4, 1),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Common => "common configuration",
            Self::Notify => "notification",
            Self::Isr => "ISR status",
            Self::Device => "device configuration",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("failed to read configuration space"),
            Self::NoCapabilities => f.write_str("no capability list"),
            Self::Structure(structure, defect) => {
                write!(f, "{} structure {}", structure.name(), defect.text())
            }
            Self::Overlap(a, b) => {
                write!(f, "{} and {} structures overlap", a.name(), b.name())
            }
        }
    }
}

impl Defect {
    fn text(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::CapabilityTooShort => "has a capability that is too short",
            Self::NoMemoryBar => "is not in a memory BAR",
            Self::OutsideBar => "extends past the end of its BAR",
            Self::Misaligned => "is not aligned",
            Self::TooShort => "is too short",
        }
    }
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutsideWindow => "notification address outside the notification structure",
            Self::Misaligned => "misaligned notification address",
        })
    }
}
