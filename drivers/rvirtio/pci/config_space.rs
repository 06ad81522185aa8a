// SPDX-License-Identifier: GPL-2.0

//! Configuration space of a PCI function, for the search for virtio's capabilities.

use crate::caps::ConfigSpace;
use kernel::{
    bindings,
    device,
    pci, //
};

/// The configuration space of a function.
pub(crate) struct PciConfigSpace<'a>(pub(crate) &'a pci::Device<device::Bound>);

impl PciConfigSpace<'_> {
    fn raw(&self) -> *mut bindings::pci_dev {
        let dev: *const pci::Device<device::Bound> = self.0;
        // CAST: `pci::Device` is a transparent wrapper.
        dev.cast_mut().cast()
    }
}

/// Reads with one of the accessors of the kernel; `None` if the device does not answer.
macro_rules! read {
    ($self:ident, $accessor:ident, $offset:ident) => {{
        let mut value = 0;
        // SAFETY: It is a valid `struct pci_dev`, and `value` a local. The kernel checks offsets.
        let status = unsafe { bindings::$accessor($self.raw(), i32::from($offset), &mut value) };
        (status == 0).then_some(value)
    }};
}

impl ConfigSpace for PciConfigSpace<'_> {
    fn read_u8(&self, offset: u16) -> Option<u8> {
        read!(self, pci_read_config_byte, offset)
    }

    fn read_u16(&self, offset: u16) -> Option<u16> {
        read!(self, pci_read_config_word, offset)
    }

    fn read_u32(&self, offset: u16) -> Option<u32> {
        read!(self, pci_read_config_dword, offset)
    }

    fn bar_len(&self, bar: u8) -> Option<u64> {
        // SAFETY: It is a valid `struct pci_dev`.
        let resources = unsafe { &(*self.raw()).resource };
        let resource = resources.get(usize::from(bar))?;
        let is_memory = resource.flags & bindings::IORESOURCE_MEM as usize != 0;
        let is_unset = resource.flags & bindings::IORESOURCE_UNSET as usize != 0;
        if !is_memory || is_unset || resource.start == 0 {
            return None;
        }
        self.0
            .resource_len(u32::from(bar))
            .ok()
            .filter(|&len| len != 0)
    }
}
