// SPDX-License-Identifier: GPL-2.0

//! Virtio over PCI: the transport that adds PCI functions to the virtio bus.
//!
//! Modern devices, and transitional ones in modern mode (virtio 1.4, 4.1).

mod adapter;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "also compiled for tests on the host"
)]
mod caps;
mod config_space;
mod driver;
mod mmio;
mod transport;
mod vectors;

kernel::module_driver!(<T>, adapter::Adapter<T>, {
    type: driver::PciDriver,
    name: "rvirtio_pci",
    authors: ["rvirtio developers"],
    description: "Virtio over PCI",
    license: "GPL",
});
