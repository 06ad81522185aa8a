// SPDX-License-Identifier: GPL-2.0

//! Finding the virtio structures of a device (virtio 1.4, 4.1.4 Virtio Structure PCI Capabilities).
//!
//! [`Layout::find`] walks the capability list of a PCI function and returns windows into its BARs.
//! They are checked to be inside the BAR, aligned, long enough and disjoint. The list comes from
//! the device, so it may have any content, and it may contain loops.
//!
//! C source: [`drivers/virtio/virtio_pci_modern_dev.c`](srctree/drivers/virtio/virtio_pci_modern_dev.c)

mod space;
pub mod structure;
mod walk;

pub use self::{
    space::{
        ConfigSpace,
        Window, //
    },
    structure::{
        Error,
        Structure, //
    }, //
};

use self::walk::Found;
use core::fmt;
use rvirtio::spec::{
    pci::cap,
    ring::NotifyWidth, //
};

/// The structures of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The common configuration: at least
    /// [`SIZE_MIN`](rvirtio::spec::pci::common::SIZE_MIN) bytes, aligned to 4.
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

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutsideWindow => "notification address outside the notification structure",
            Self::Misaligned => "misaligned notification address",
        })
    }
}
