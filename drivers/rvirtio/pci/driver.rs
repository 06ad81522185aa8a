// SPDX-License-Identifier: GPL-2.0

//! Binding to virtio PCI functions.

use crate::{
    caps::Layout,
    config_space::PciConfigSpace,
    mmio::{
        as_raw,
        Bars, //
    },
    transport::PciTransport, //
};
use kernel::{
    bindings,
    device::Core,
    dma::{
        Device as _,
        DmaMask, //
    },
    pci,
    prelude::*, //
};
use rvirtio::{
    display::DisplayAdapter,
    spec::pci::device_id,
    Registration, //
};

pub(crate) struct PciDriver;

kernel::pci_device_table!(
    PCI_TABLE,
    <PciDriver as pci::Driver>::IdInfo,
    [(
        // The table has no ranges, so probe checks the device id.
        pci::DeviceId::from_id(pci::Vendor::REDHAT_QUMRANET, bindings::PCI_ANY_ID as u32),
        ()
    )]
);

/// The data of a function that is bound to this driver.
pub(crate) struct Function<'bound> {
    device: Registration<'bound>,
}

impl pci::Driver for PciDriver {
    type IdInfo = ();
    type Data<'bound> = Function<'bound>;
    const ID_TABLE: pci::IdTable<()> = &PCI_TABLE;

    fn probe<'bound>(
        dev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Function<'bound>, Error> + 'bound {
        Function::bind(dev)
    }

    fn unbind<'bound>(_dev: &'bound pci::Device<Core<'_>>, data: Pin<&Function<'bound>>) {
        // The function is still powered and mapped here, so that front ends can access their
        // device.
        data.device.unregister();
    }
}

impl<'bound> Function<'bound> {
    /// Returns the virtio device.
    pub(crate) fn device(&self) -> &Registration<'bound> {
        &self.device
    }

    fn bind(dev: &'bound pci::Device<Core<'_>>) -> Result<Self> {
        let id = device_id(dev.device_id(), dev.subsystem_device_id())
            .filter(|id| *id != 0)
            .ok_or(ENODEV)?;
        let vendor = u32::from(dev.subsystem_vendor_id());

        let layout = Layout::find(&PciConfigSpace(dev)).map_err(|error| {
            dev_err!(
                dev,
                "not a modern virtio device: {}\n",
                DisplayAdapter(error)
            );
            ENODEV
        })?;
        let bars = Bars::request(dev, used_bars(&layout))?;
        set_dma_mask(dev)?;
        // What `pci_restore_state` restores after a reset by the port.
        // SAFETY: `as_raw` returns a valid `struct pci_dev`.
        unsafe { bindings::pci_save_state(as_raw(dev)) };
        let transport = KBox::pin_init(PciTransport::new(dev, bars, layout), GFP_KERNEL)?;
        // SAFETY: The registration is part of the driver data, which the driver core drops when the
        // function is unbound.
        let device = unsafe { Registration::new(id, vendor, transport) }?;
        Ok(Self { device })
    }
}

/// Returns a bit mask of the BARs that hold virtio structures.
fn used_bars(layout: &Layout) -> u8 {
    let windows = [
        Some(layout.common),
        Some(layout.notify),
        Some(layout.isr),
        layout.device,
    ];
    windows
        .iter()
        .flatten()
        .fold(0, |bars, window| bars | 1 << window.bar)
}

fn set_dma_mask(dev: &pci::Device<Core<'_>>) -> Result {
    // SAFETY: No DMA memory was allocated yet, and nobody else allocates any during probe.
    unsafe {
        dev.dma_set_mask_and_coherent(DmaMask::new::<64>())
            .or_else(|_| dev.dma_set_mask_and_coherent(DmaMask::new::<32>()))
    }
    .inspect_err(|_| dev_err!(dev, "no usable DMA mask\n"))
}
