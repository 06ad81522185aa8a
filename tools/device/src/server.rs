// SPDX-License-Identifier: GPL-2.0

//! What QEMU asks of the device, by the protocol vfio-user.

use crate::{device::Device, pci};
use std::{
    fs::File,
    io,
    mem::size_of,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Instant,
};
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_INFO_EVENTFD, VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_UNMASK,
    VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_NUM_IRQS,
    VFIO_PCI_NUM_REGIONS, VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE, vfio_region_info,
};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, ServerBackend, ServerRegion};

/// The device, for the thread that answers QEMU and the one that works.
#[derive(Clone)]
pub struct Shared(Arc<(Mutex<Device>, Condvar)>);

impl Shared {
    pub fn new(device: Device) -> Self {
        Self(Arc::new((Mutex::new(device), Condvar::new())))
    }

    /// The device, unless it has panicked.
    pub fn lock(&self) -> io::Result<MutexGuard<'_, Device>> {
        self.0.0.lock().map_err(|_| io::Error::other("the device has panicked"))
    }

    /// Does something with the device, and lets it work.
    pub fn with<R>(&self, change: impl FnOnce(&mut Device) -> R) -> io::Result<R> {
        let result = change(&mut *self.lock()?);
        self.0.1.notify_one();
        Ok(result)
    }

    /// Works until the device is not needed any more.
    pub fn work(&self) {
        let Ok(mut device) = self.lock() else { return };
        while !device.ended {
            let next = device.work(Instant::now());
            let result = match next {
                Some(next) => {
                    let time = next.saturating_duration_since(Instant::now());
                    self.0.1.wait_timeout(device, time).map(|(device, _)| device).ok()
                }
                None => self.0.1.wait(device).ok(),
            };
            match result {
                Some(woken) => device = woken,
                None => return,
            }
        }
    }
}

/// QEMU's regions of the device: BARs and configuration space.
pub fn regions() -> Vec<ServerRegion> {
    (0..VFIO_PCI_NUM_REGIONS).map(region).collect()
}

fn region(index: u32) -> ServerRegion {
    let size = match index {
        VFIO_PCI_CONFIG_REGION_INDEX => pci::SIZE as u64,
        _ if index == u32::from(pci::MSIX_BAR) => pci::MSIX_BAR_SIZE,
        _ if index == u32::from(pci::VIRTIO_BAR) => pci::VIRTIO_BAR_SIZE,
        _ => 0,
    };
    let flags = if size > 0 { VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE } else { 0 };
    let argsz = size_of::<vfio_region_info>() as u32;
    let region_info = vfio_region_info { argsz, index, flags, size, ..Default::default() };
    ServerRegion { region_info, sparse_areas: Vec::new(), mmap_fd: None }
}

/// QEMU's interrupts of the device.
pub fn irqs(vectors: u16) -> Vec<IrqInfo> {
    let irq = |index| {
        let count = match index {
            VFIO_PCI_INTX_IRQ_INDEX => 1,
            VFIO_PCI_MSIX_IRQ_INDEX => vectors.into(),
            _ => 0,
        };
        IrqInfo { index, flags: if count > 0 { VFIO_IRQ_INFO_EVENTFD } else { 0 }, count }
    };
    (0..VFIO_PCI_NUM_IRQS).map(irq).collect()
}

impl ServerBackend for Shared {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let mut device = self.lock()?;
        match region {
            VFIO_PCI_CONFIG_REGION_INDEX => device.config_read(offset as usize, data),
            _ if region == u32::from(pci::VIRTIO_BAR) => device.register_read(offset, data),
            _ => data.fill(0),
        }
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|device| match region {
            VFIO_PCI_CONFIG_REGION_INDEX => device.config_write(offset as usize, data),
            _ if region == u32::from(pci::VIRTIO_BAR) => device.register_write(offset, data),
            _ => {}
        })
    }

    fn dma_map(
        &mut self,
        _: DmaMapFlags,
        offset: u64,
        address: u64,
        size: u64,
        file: Option<File>,
    ) -> io::Result<()> {
        // What has no file, such as firmware, is nothing for a device.
        match file {
            Some(file) => self.lock()?.memory.map(file, offset, address, size),
            None => Ok(()),
        }
    }

    fn dma_unmap(&mut self, flags: DmaUnmapFlags, address: u64, size: u64) -> io::Result<()> {
        let memory = &mut self.lock()?.memory;
        if flags.contains(DmaUnmapFlags::UNMAP_ALL) {
            memory.clear();
        } else {
            memory.unmap(address, size);
        }
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        self.with(Device::reset_function)
    }

    fn set_irqs(
        &mut self,
        index: u32,
        flags: u32,
        start: u32,
        count: u32,
        files: Vec<File>,
    ) -> io::Result<()> {
        self.with(|device| {
            let interrupts = &mut device.interrupts;
            match index {
                VFIO_PCI_MSIX_IRQ_INDEX if flags & VFIO_IRQ_SET_ACTION_TRIGGER != 0 => {
                    // No vectors at all takes all away.
                    let count = if count == 0 { u32::MAX } else { count };
                    interrupts.set_vectors(start, count, files);
                }
                VFIO_PCI_INTX_IRQ_INDEX if flags & VFIO_IRQ_SET_ACTION_TRIGGER != 0 => {
                    interrupts.set_line(files.into_iter().next());
                }
                VFIO_PCI_INTX_IRQ_INDEX if flags & VFIO_IRQ_SET_ACTION_UNMASK != 0 => {
                    interrupts.mask_line(false);
                }
                VFIO_PCI_INTX_IRQ_INDEX if flags & VFIO_IRQ_SET_ACTION_MASK != 0 => {
                    interrupts.mask_line(true);
                }
                _ => {}
            }
        })
    }
}
