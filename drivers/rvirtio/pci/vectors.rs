// SPDX-License-Identifier: GPL-2.0

//! Interrupt vectors of a function (virtio 1.4, 4.1.5.1.2 "MSI-X Vector Configuration").

use crate::mmio::raw;
use kernel::{
    bindings,
    device,
    error::to_result,
    ffi::{
        c_int,
        c_uint, //
    },
    pci,
    prelude::*, //
};
use rvirtio::transport::IrqPolicy;

/// Allocates vectors of one policy; `queues` is the number of queues that interrupt.
///
/// # Errors
///
/// [`ENOSPC`] and others when the device or the machine does not have them.
pub(crate) fn allocate(dev: &pci::Device<device::Bound>, policy: IrqPolicy, queues: u16) -> Result {
    let (count, flags, spread) = match policy {
        IrqPolicy::PerQueue => (
            c_uint::from(queues) + 1,
            bindings::PCI_IRQ_MSIX | bindings::PCI_IRQ_AFFINITY,
            true,
        ),
        IrqPolicy::Shared => (2, bindings::PCI_IRQ_MSIX, false),
        IrqPolicy::Line => (1, bindings::PCI_IRQ_INTX, false),
    };
    // The kernel spreads the queues over the CPUs and keeps the vectors there; the one of the
    // configuration goes anywhere.
    let mut affinity = bindings::irq_affinity {
        pre_vectors: 1,
        ..Default::default()
    };
    let affinity: *mut bindings::irq_affinity = if spread {
        &mut affinity
    } else {
        core::ptr::null_mut()
    };
    // SAFETY: It is a valid `struct pci_dev`; `affinity` is used during the call only.
    let allocated = unsafe {
        bindings::pci_alloc_irq_vectors_affinity(raw(dev), count, count, flags, affinity)
    };
    to_result(allocated)
}

/// Frees the vectors.
pub(crate) fn free(dev: &pci::Device<device::Bound>) {
    // SAFETY: It is a valid `struct pci_dev`. Interrupts were freed, as `Transport` demands.
    unsafe { bindings::pci_free_irq_vectors(raw(dev)) }
}

/// Returns the interrupt number of a vector.
pub(crate) fn irq(dev: &pci::Device<device::Bound>, vector: u16) -> Result<u32> {
    // SAFETY: It is a valid `struct pci_dev`.
    let irq = unsafe { bindings::pci_irq_vector(raw(dev), c_uint::from(vector)) };
    to_result(irq)?;
    // CAST: It is not negative.
    Ok(irq as u32)
}

/// Returns the CPUs that a vector goes to, or null if the kernel does not manage that.
pub(crate) fn affinity(dev: &pci::Device<device::Bound>, vector: u16) -> *const bindings::cpumask {
    // SAFETY: It is a valid `struct pci_dev`.
    unsafe { bindings::pci_irq_get_affinity(raw(dev), c_int::from(vector)) }
}
