// SPDX-License-Identifier: GPL-2.0

//! Reading the configuration space of a PCI function to find its virtio capabilities.

use crate::{
    caps::ConfigSpace,
    mmio::as_raw, //
};
use kernel::{
    bindings,
    device,
    pci, //
};

/// The configuration space of a function. Unlike the kernel crate's, its reads can fail.
pub(crate) struct PciConfigSpace<'a>(pub(crate) &'a pci::Device<device::Bound>);

/// Reads with one of the accessors of the kernel. Evaluates to `None` if the device does not
/// respond.
macro_rules! read {
    ($self:ident, $accessor:ident, $offset:ident) => {{
        let (dev, offset) = (as_raw($self.0), i32::from($offset));
        let mut value = 0;
        // SAFETY: `as_raw` returns a valid `struct pci_dev`, and `value` is a local variable. The
        // accessor checks the offset.
        let status = unsafe { bindings::$accessor(dev, offset, &mut value) };
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
        // SAFETY: `as_raw` returns a valid `struct pci_dev`, whose resources do not change while a
        // driver is bound.
        let resources = unsafe { &(*as_raw(self.0)).resource };
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
