// SPDX-License-Identifier: GPL-2.0

//! Walking the capability list, and selecting an instance of each structure.

use super::{
    space::{
        ConfigSpace,
        Window, //
    },
    structure::{
        Defect,
        Error,
        Structure, //
    }, //
};
use rvirtio::spec::pci::cap;

/// Offsets and bits of the generic part of configuration space.
///
/// C header: [`include/uapi/linux/pci_regs.h`](srctree/include/uapi/linux/pci_regs.h)
mod regs {
    /// Status register, 16 bits.
    pub(super) const STATUS: u16 = 0x06;
    /// Status bit: there is a capability list.
    pub(super) const STATUS_CAP_LIST: u16 = 0x10;
    /// Offset of the first capability, 8 bits.
    pub(super) const CAPABILITY_LIST: u16 = 0x34;
    /// Mask for the offset of a capability, whose low bits are reserved.
    pub(super) const ADDRESS_MASK: u8 = 0xfc;
    /// Size of the header, which capabilities follow.
    pub(super) const HEADER_SIZE: u8 = 0x40;
}

/// The number of capabilities that fit into the first 256 bytes of configuration space. A longer
/// list has a loop.
const CAPABILITIES_MAX: usize = (256 - regs::HEADER_SIZE as usize) / 4;

/// The structures in the capability list.
#[derive(Default)]
pub(super) struct Found {
    pub(super) common: Candidate,
    pub(super) notify: Candidate,
    pub(super) isr: Candidate,
    pub(super) device: Candidate,
    pub(super) pci_cfg: Option<u16>,
}

impl Found {
    /// Walks the capability list.
    #[doc(alias = "virtio_pci_find_capability")]
    pub(super) fn walk(config: &impl ConfigSpace) -> Result<Self, Error> {
        let status = config.read_u16(regs::STATUS).ok_or(Error::Unreadable)?;
        if status & regs::STATUS_CAP_LIST == 0 {
            return Err(Error::NoCapabilities);
        }

        let mut found = Self::default();
        let mut link = regs::CAPABILITY_LIST;
        for _ in 0..CAPABILITIES_MAX {
            let address = config.read_u8(link).ok_or(Error::Unreadable)? & regs::ADDRESS_MASK;
            if address < regs::HEADER_SIZE {
                break;
            }
            let address = u16::from(address);
            let id = config.read_u8(address + cap::VNDR);
            if id.ok_or(Error::Unreadable)? == cap::ID_VENDOR {
                let capability = Capability::read(config, address).ok_or(Error::Unreadable)?;
                found.add(&capability, config);
            }
            link = address + cap::NEXT;
        }
        Ok(found)
    }

    fn add(&mut self, capability: &Capability, config: &impl ConfigSpace) {
        let (candidate, structure) = match capability.cfg_type {
            cap::TYPE_COMMON_CFG => (&mut self.common, Structure::Common),
            cap::TYPE_NOTIFY_CFG => (&mut self.notify, Structure::Notify),
            cap::TYPE_ISR_CFG => (&mut self.isr, Structure::Isr),
            cap::TYPE_DEVICE_CFG => (&mut self.device, Structure::Device),
            cap::TYPE_PCI_CFG => {
                // Its BAR, offset and length are written by the driver.
                if capability.len >= cap::PCI_CFG_LEN_MIN {
                    self.pci_cfg.get_or_insert(capability.address);
                }
                return;
            }
            // Types that are not used here, and reserved ones.
            _ => return,
        };
        // Larger values are reserved.
        if capability.bar <= cap::BAR_MAX {
            candidate.offer(capability, structure, config);
        }
    }
}

/// The best instance of a structure: the window and the address of the capability of the first
/// instance that can be used, or else the defect of the first that cannot.
#[derive(Default)]
pub(super) struct Candidate(Option<Result<(Window, u16), Defect>>);

impl Candidate {
    /// Selects `capability` unless a better one was found before.
    fn offer(&mut self, capability: &Capability, structure: Structure, config: &impl ConfigSpace) {
        if matches!(self.0, Some(Ok(_))) {
            return;
        }
        match capability.window(structure, config) {
            Ok(window) => self.0 = Some(Ok((window, capability.address))),
            Err(defect) => {
                self.0.get_or_insert(Err(defect));
            }
        }
    }

    /// Returns the window of a required structure, and the address of its capability.
    pub(super) fn required(self, structure: Structure) -> Result<(Window, u16), Error> {
        self.0
            .unwrap_or(Err(Defect::Missing))
            .map_err(|defect| Error::Structure(structure, defect))
    }

    /// Returns the window of an optional structure. If it exists, it has to be valid.
    pub(super) fn optional(self, structure: Structure) -> Result<Option<Window>, Error> {
        match self.0 {
            None => Ok(None),
            Some(_) => Ok(Some(self.required(structure)?.0)),
        }
    }
}

/// A virtio capability, as the device presents it.
#[derive(Clone, Copy)]
struct Capability {
    address: u16,
    len: u8,
    cfg_type: u8,
    bar: u8,
    offset: u32,
    length: u32,
}

impl Capability {
    /// Reads the capability at `address`. Returns `None` if configuration space cannot be read.
    fn read(config: &impl ConfigSpace, address: u16) -> Option<Self> {
        Some(Self {
            address,
            len: config.read_u8(address + cap::LEN)?,
            cfg_type: config.read_u8(address + cap::CFG_TYPE)?,
            bar: config.read_u8(address + cap::BAR)?,
            offset: config.read_u32(address + cap::OFFSET)?,
            length: config.read_u32(address + cap::LENGTH)?,
        })
    }

    /// Returns the window that the capability describes, if it is valid for `structure`.
    #[doc(alias = "vp_modern_map_capability")]
    fn window(&self, structure: Structure, config: &impl ConfigSpace) -> Result<Window, Defect> {
        let (align, length_min) = structure.requirements();
        if self.len < structure.capability_len_min() {
            return Err(Defect::CapabilityTooShort);
        }
        let bar_len = config.bar_len(self.bar).ok_or(Defect::NoMemoryBar)?;
        let window = Window {
            bar: self.bar,
            offset: self.offset,
            length: self.length,
        };
        if window.end() > bar_len {
            return Err(Defect::OutsideBar);
        }
        if self.offset % align != 0 {
            return Err(Defect::Misaligned);
        }
        if self.length < length_min {
            return Err(Defect::TooShort);
        }
        Ok(window)
    }
}
