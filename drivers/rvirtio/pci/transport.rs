// SPDX-License-Identifier: GPL-2.0

//! The [`Transport`] of a virtio PCI function, on top of its registers.

use crate::{
    caps::{
        Layout,
        Window, //
    },
    mmio::{
        as_raw,
        Bars,
        Mmio, //
    },
    vectors, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};
use kernel::{
    bindings,
    device,
    io::poll::read_poll_timeout,
    new_mutex,
    page::PAGE_SIZE,
    pci,
    prelude::*,
    sync::Mutex,
    time::Delta, //
};
use rvirtio::{
    lock::IrqSaveLock,
    new_irq_save_lock,
    notify::Doorbell,
    spec::{
        feature,
        pci::{
            common,
            NO_VECTOR, //
        },
        ring::NotifyWidth,
        status::DeviceStatus, //
    },
    transport::QueueSetup,
    vectors::VectorRequest,
    Features,
    Transport, //
};

/// How long to wait until a device confirms a reset of itself or of a queue.
const RESET_TIMEOUT: Delta = Delta::from_secs(5);

/// How long to wait before reading a register again.
const RESET_POLL: Delta = Delta::from_millis(1);

/// A virtio function.
///
/// Fields are dropped in order, so the mappings are removed before the BARs are released.
#[pin_data]
pub(crate) struct PciTransport<'a> {
    common: Mmio<'a>,
    isr: Mmio<'a>,
    device_cfg: Option<Mmio<'a>>,
    /// Held while registers of the selected queue are accessed.
    #[pin]
    selection: IrqSaveLock<()>,
    /// The doorbells of all queues that existed so far. They stay mapped.
    #[pin]
    doorbells: Mutex<KVec<(u16, Mmio<'a>)>>,
    /// Whether vectors were allocated with affinities, so that the PCI core can be asked for them.
    has_affinity: AtomicBool,
    layout: Layout,
    dev: &'a pci::Device<device::Bound>,
    _bars: Bars<'a>,
}

impl<'a> PciTransport<'a> {
    /// Maps the structures of `layout`.
    pub(crate) fn new(
        dev: &'a pci::Device<device::Bound>,
        bars: Bars<'a>,
        layout: Layout,
    ) -> impl PinInit<Self, Error> + 'a {
        try_pin_init!(Self {
            common: Mmio::map(dev, layout.common, common::SIZE)?,
            isr: Mmio::map(dev, layout.isr, 1)?,
            // A page is more than any device type needs; a device must not cause larger mappings.
            device_cfg: match layout.device {
                Some(window) => Some(Mmio::map(dev, window, PAGE_SIZE)?),
                None => None,
            },
            selection <- new_irq_save_lock!((), "rvirtio_pci::PciTransport::selection"),
            doorbells <- new_mutex!(KVec::new()),
            has_affinity: AtomicBool::new(false),
            layout,
            dev,
            _bars: bars,
        })
    }

    fn select(&self, queue: u16) {
        self.common.write16(common::QUEUE_SELECT, queue);
    }

    fn write_address(&self, offset: usize, address: u64) {
        // CAST: The low half.
        self.common.write32(offset, address as u32);
        self.common.write32(offset + 4, (address >> 32) as u32);
    }

    /// Routes configuration changes to vector 0.
    fn enable_config_vector(&self) -> Result {
        self.common.write16(common::CONFIG_MSIX_VECTOR, 0);
        if self.common.read16(common::CONFIG_MSIX_VECTOR) != 0 {
            return Err(EBUSY);
        }
        Ok(())
    }

    /// Fails if the device is in reset or gone.
    fn expect_in_use(&self) -> Result {
        if self.status() == DeviceStatus::RESET || !self.is_present() {
            return Err(EIO);
        }
        Ok(())
    }

    /// Waits until a register of queue `index` is 0.
    fn wait_for_zero(&self, index: u16, register: usize) -> Result {
        let read = || {
            let value = {
                let _selection = self.selection.lock();
                self.select(index);
                self.common.read16(register)
            };
            // All ones are read from a device that was unplugged.
            if value == u16::MAX && !self.is_present() {
                return Err(EIO);
            }
            Ok(value)
        };
        read_poll_timeout(read, |value| *value == 0, RESET_POLL, RESET_TIMEOUT).map(|_| ())
    }

    /// Maps the doorbell number `notify_off` of a queue, and returns its address.
    fn map_doorbell(
        &self,
        queue: u16,
        notify_off: u16,
        width: NotifyWidth,
    ) -> Result<NonNull<core::ffi::c_void>> {
        let offset = self
            .layout
            .notify_offset(notify_off, width)
            .ok()
            .and_then(|offset| u32::try_from(offset).ok())
            .ok_or(EINVAL)
            .inspect_err(|_| {
                dev_err!(
                    self.dev,
                    "queue {queue}: invalid notification offset {notify_off}\n"
                )
            })?;
        // An earlier driver may have used a narrower doorbell.
        let len = usize::from(width.bytes());
        let mapped = |(index, mmio): &&(u16, Mmio<'a>)| *index == queue && mmio.len() >= len;
        let mut doorbells = self.doorbells.lock();
        if let Some((_, mmio)) = doorbells.iter().find(mapped) {
            return Ok(mmio.addr());
        }
        let window = Window {
            bar: self.layout.notify.bar,
            offset,
            length: width.bytes().into(),
        };
        let mmio = Mmio::map(self.dev, window, len)?;
        let addr = mmio.addr();
        doorbells.push((queue, mmio), GFP_KERNEL)?;
        Ok(addr)
    }
}

// SAFETY:
// - `parent` returns the PCI function, which is bound for `'a`.
// - `reset` only succeeds if the device status reads as 0, or if the device is gone.
// - `reset_queue` only succeeds if the device has confirmed that by both registers; only
//   `setup_queue` enables a queue.
// - Doorbells stay mapped until `self` is dropped, as nothing is removed from `doorbells`.
// - `irq` returns what the PCI core has for an allocated vector of this function.
unsafe impl Transport for PciTransport<'_> {
    fn parent(&self) -> &device::Device<device::Bound> {
        self.dev.as_ref()
    }

    fn features(&self) -> Features {
        let always = Features::of(&[feature::ACCESS_PLATFORM, feature::NOTIFICATION_DATA]);
        // These need registers that not every device has.
        [
            (feature::NOTIF_CONFIG_DATA, common::QUEUE_NOTIF_CONFIG_DATA),
            (feature::RING_RESET, common::QUEUE_RESET),
        ]
        .into_iter()
        .filter(|(_, register)| self.common.len() >= register + 2)
        .fold(always, |set, (feature, _)| set.with(feature))
    }

    fn device_features(&self) -> Features {
        let mut words = [0; Features::WORDS as usize];
        for (select, word) in (0..).zip(&mut words) {
            self.common.write32(common::DEVICE_FEATURE_SELECT, select);
            *word = self.common.read32(common::DEVICE_FEATURE);
        }
        Features::from_words(words)
    }

    fn set_driver_features(&self, features: Features) {
        for select in 0..Features::WORDS {
            self.common.write32(common::DRIVER_FEATURE_SELECT, select);
            self.common
                .write32(common::DRIVER_FEATURE, features.word(select));
        }
    }

    fn status(&self) -> DeviceStatus {
        DeviceStatus::from_bits(self.common.read8(common::DEVICE_STATUS))
    }

    fn set_status(&self, status: DeviceStatus) {
        self.common.write8(common::DEVICE_STATUS, status.bits());
    }

    #[doc(alias = "vp_reset")]
    fn reset(&self) -> Result {
        self.set_status(DeviceStatus::RESET);
        // All ones are read from a device that was unplugged, which accesses no memory.
        let is_gone = |status: &DeviceStatus| status.bits() == u8::MAX && !self.is_present();
        let is_reset = |status: &DeviceStatus| *status == DeviceStatus::RESET || is_gone(status);
        let result = read_poll_timeout(|| Ok(self.status()), is_reset, RESET_POLL, RESET_TIMEOUT);
        // SAFETY: `as_raw` returns a valid `struct pci_dev`.
        unsafe {
            match result {
                // Bus mastering may have been disabled after an earlier timeout.
                Ok(_) => bindings::pci_set_master(as_raw(self.dev)),
                // This stops a device with ACCESS_PLATFORM from accessing memory; others might
                // ignore it.
                Err(_) => bindings::pci_clear_master(as_raw(self.dev)),
            }
        }
        result.map(|_| ())
    }

    fn is_present(&self) -> bool {
        // SAFETY: `as_raw` returns a valid `struct pci_dev`.
        unsafe { bindings::pci_device_is_present(as_raw(self.dev)) }
    }

    fn config_generation(&self) -> u8 {
        self.common.read8(common::CONFIG_GENERATION)
    }

    fn config_len(&self) -> u32 {
        // CAST: At most a page.
        self.device_cfg.as_ref().map_or(0, |cfg| cfg.len() as u32)
    }

    fn config_read8(&self, offset: u32) -> u8 {
        self.device_cfg
            .as_ref()
            .map_or(u8::MAX, |cfg| cfg.read8(offset as usize))
    }

    fn config_read16(&self, offset: u32) -> u16 {
        self.device_cfg
            .as_ref()
            .map_or(u16::MAX, |cfg| cfg.read16(offset as usize))
    }

    fn config_read32(&self, offset: u32) -> u32 {
        self.device_cfg
            .as_ref()
            .map_or(u32::MAX, |cfg| cfg.read32(offset as usize))
    }

    fn config_write8(&self, offset: u32, value: u8) {
        if let Some(cfg) = &self.device_cfg {
            cfg.write8(offset as usize, value);
        }
    }

    fn config_write32(&self, offset: u32, value: u32) {
        if let Some(cfg) = &self.device_cfg {
            cfg.write32(offset as usize, value);
        }
    }

    fn num_queues(&self) -> u16 {
        self.common.read16(common::NUM_QUEUES)
    }

    fn max_queue_size(&self, index: u16) -> u16 {
        let _selection = self.selection.lock();
        self.select(index);
        self.common.read16(common::QUEUE_SIZE)
    }

    fn doorbell(&self, index: u16, features: Features) -> Result<Doorbell<'_>> {
        let width = if features.contains(feature::NOTIFICATION_DATA) {
            NotifyWidth::Bits32
        } else {
            NotifyWidth::Bits16
        };
        let (notify_off, data) = {
            let _selection = self.selection.lock();
            self.select(index);
            (
                self.common.read16(common::QUEUE_NOTIFY_OFF),
                self.common.read16(common::QUEUE_NOTIF_CONFIG_DATA),
            )
        };
        let id = if features.contains(feature::NOTIF_CONFIG_DATA) {
            data
        } else {
            index
        };
        let addr = self.map_doorbell(index, notify_off, width)?;
        // SAFETY: `addr` is aligned and long enough for `width`, and stays mapped until `self` is
        // dropped, as nothing is removed from `doorbells`.
        Ok(unsafe { Doorbell::new(addr.cast(), id, width) })
    }

    fn setup_queue(&self, index: u16, setup: &QueueSetup) -> Result {
        let _selection = self.selection.lock();
        self.expect_in_use()?;
        self.select(index);
        if self.common.read16(common::QUEUE_ENABLE) != 0 {
            dev_err!(self.dev, "queue {index} already enabled after reset\n");
            return Err(EBUSY);
        }
        if let Some(vector) = setup.vector {
            self.common.write16(common::QUEUE_MSIX_VECTOR, vector);
            if self.common.read16(common::QUEUE_MSIX_VECTOR) != vector {
                dev_err!(self.dev, "queue {index}: vector {vector} not accepted\n");
                return Err(EBUSY);
            }
        }
        self.common.write16(common::QUEUE_SIZE, setup.size);
        self.write_address(common::QUEUE_DESC, setup.desc);
        self.write_address(common::QUEUE_DRIVER, setup.driver);
        self.write_address(common::QUEUE_DEVICE, setup.device);
        self.common.write16(common::QUEUE_ENABLE, 1);
        Ok(())
    }

    #[doc(alias = "vp_modern_disable_vq_and_reset")]
    fn reset_queue(&self, index: u16) -> Result {
        {
            let _selection = self.selection.lock();
            self.expect_in_use()?;
            self.select(index);
            self.common.write16(common::QUEUE_RESET, 1);
        }
        self.wait_for_zero(index, common::QUEUE_RESET)?;
        self.wait_for_zero(index, common::QUEUE_ENABLE)
    }

    fn alloc_vectors(&self, request: &VectorRequest) -> Result {
        vectors::allocate(self.dev, request)?;
        let VectorRequest::Msix { spread, .. } = *request else {
            return Ok(());
        };
        self.enable_config_vector().inspect_err(|_| {
            self.common.write16(common::CONFIG_MSIX_VECTOR, NO_VECTOR);
            vectors::free(self.dev);
        })?;
        self.has_affinity.store(spread, Ordering::Relaxed);
        Ok(())
    }

    fn route_config_vector(&self) -> Result {
        if vectors::are_msix(self.dev) {
            self.enable_config_vector()
        } else {
            Ok(())
        }
    }

    fn free_vectors(&self) {
        self.has_affinity.store(false, Ordering::Relaxed);
        vectors::free(self.dev);
    }

    fn irq(&self, vector: u16) -> Result<u32> {
        vectors::irq(self.dev, vector)
    }

    fn irq_affinity(&self, vector: u16) -> *const bindings::cpumask {
        if !self.has_affinity.load(Ordering::Relaxed) {
            return core::ptr::null();
        }
        vectors::affinity(self.dev, vector)
    }

    fn read_isr(&self) -> u8 {
        self.isr.read8(0)
    }
}
