// SPDX-License-Identifier: GPL-2.0

//! The interrupt vectors of a function (virtio 1.4, 4.1.5.1.2 "MSI-X Vector Configuration").

use crate::mmio::as_raw;
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
use rvirtio::vectors::VectorRequest;

/// Allocates interrupt vectors.
///
/// # Errors
///
/// [`ENOSPC`] and others if the device or the machine does not have enough vectors.
pub(crate) fn allocate(dev: &pci::Device<device::Bound>, request: &VectorRequest) -> Result {
    let (count, flags, mut affinity) = match *request {
        VectorRequest::Msix {
            pre_vectors,
            queues,
            spread,
        } => {
            let affinity = spread.then(|| bindings::irq_affinity {
                pre_vectors: pre_vectors.into(),
                ..Default::default()
            });
            let count = c_uint::from(pre_vectors) + c_uint::from(queues);
            (count, bindings::PCI_IRQ_MSIX, affinity)
        }
        VectorRequest::Line => (1, bindings::PCI_IRQ_INTX, None),
    };
    let (flags, affinity) = match &mut affinity {
        Some(affinity) => (flags | bindings::PCI_IRQ_AFFINITY, &raw mut *affinity),
        None => (flags, core::ptr::null_mut()),
    };
    // SAFETY: `as_raw` returns a valid `struct pci_dev`; `affinity` is null, or points to a local
    // variable, and is only used during the call.
    let allocated = unsafe {
        bindings::pci_alloc_irq_vectors_affinity(as_raw(dev), count, count, flags, affinity)
    };
    to_result(allocated)
}

/// Frees the vectors.
pub(crate) fn free(dev: &pci::Device<device::Bound>) {
    // SAFETY: `as_raw` returns a valid `struct pci_dev`. All interrupts were freed, as
    // `Transport::free_vectors` requires.
    unsafe { bindings::pci_free_irq_vectors(as_raw(dev)) }
}

/// Returns whether the vectors are message-signalled interrupts.
pub(crate) fn are_msix(dev: &pci::Device<device::Bound>) -> bool {
    // SAFETY: `as_raw` returns a valid `struct pci_dev`. The bit only changes when vectors are
    // allocated or freed, which the caller does not do at the same time.
    unsafe { (*as_raw(dev)).msix_enabled() != 0 }
}

/// Returns the interrupt number of a vector.
pub(crate) fn irq(dev: &pci::Device<device::Bound>, vector: u16) -> Result<u32> {
    // SAFETY: `as_raw` returns a valid `struct pci_dev`.
    let irq = unsafe { bindings::pci_irq_vector(as_raw(dev), c_uint::from(vector)) };
    to_result(irq)?;
    // CAST: `irq` is not negative.
    Ok(irq as u32)
}

/// Returns the CPUs that a vector interrupts, or null if the kernel does not manage them.
pub(crate) fn affinity(dev: &pci::Device<device::Bound>, vector: u16) -> *const bindings::cpumask {
    // SAFETY: `as_raw` returns a valid `struct pci_dev`.
    unsafe { bindings::pci_irq_get_affinity(as_raw(dev), c_int::from(vector)) }
}
