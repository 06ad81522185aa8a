// SPDX-License-Identifier: GPL-2.0

//! Bringing a device up: the sequence of virtio 1.4, 3.1.1 as types.
//!
//! Each step consumes the one before, so that none can be left out or done twice:
//!
//! ```text
//! Negotiated --find_vqs()--> Configured --driver_ok()--> Ready
//! ```
//!
//! Dropping one of the first two gives the device up: its status becomes FAILED, and it is reset.
//! What needs a device that runs, such as a disk, asks for a [`Ready`].

use crate::{
    config::Config,
    device::Device,
    display::Log,
    dma::Dma,
    features::{
        negotiate,
        Dependency,
        Feature,
        Features, //
    },
    irq::{
        self,
        ConfigHandler,
        ConfigIrq,
        Line,
        SharedQueues,
        VqHandler, //
    },
    managed,
    spec::status::DeviceStatus,
    transport::IrqPolicy,
    virtqueue::{
        Buffers,
        Virtqueue, //
    },
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    device::Bound,
    prelude::*,
    str::CString,
    types::NotThreadSafe, //
};

/// What all steps can do.
///
/// Invariant in `'bound`: a shorter lifetime would let [`Setup::manage`] store references that
/// end before the value is dropped. It stays in the thread that probes, so that nothing is stored
/// once the device is being unbound.
pub struct Setup<'bound> {
    dev: &'bound Device<Bound>,
    _invariant: PhantomData<fn(&'bound ()) -> &'bound ()>,
    _not_shared: NotThreadSafe,
}

impl<'bound> Setup<'bound> {
    /// The device.
    pub fn device(&self) -> &'bound Device<Bound> {
        self.dev
    }

    /// The features that were negotiated.
    pub fn features(&self) -> Features {
        self.dev.features()
    }

    /// The device's configuration.
    pub fn config(&self) -> Config<'bound> {
        Config::new(self.dev)
    }

    /// How the device addresses memory.
    pub fn dma(&self) -> Dma<'bound> {
        Dma::new(self.dev)
    }

    /// Number of queues that the device has.
    pub fn num_queues(&self) -> u16 {
        self.dev.transport().num_queues()
    }

    /// Stores a value for as long as the device is bound.
    ///
    /// It is dropped after the driver's data and after all that was stored later, so both can
    /// borrow it. Neither its `Drop` nor an interrupt handler that it serves may follow references
    /// to what was stored later, which is gone first.
    ///
    /// # Errors
    ///
    /// Those of `init`, and [`ENOMEM`].
    pub fn manage<T, E>(&self, init: impl PinInit<T, E>) -> Result<Pin<&'bound T>>
    where
        T: Send + Sync + 'bound,
        Error: From<E>,
    {
        // SAFETY: `'bound` is the whole time that the device is bound: `Negotiated::new` makes it
        // so, and being invariant it cannot have been shortened since.
        unsafe { managed::manage(self.dev, init) }
    }
}

/// Gives the device up when it is dropped.
struct GiveUp<'bound> {
    setup: Setup<'bound>,
    /// What the driver wrote so far.
    status: DeviceStatus,
}

impl GiveUp<'_> {
    /// Adds a bit to the device's status.
    fn add_status(&mut self, bit: DeviceStatus) {
        self.status = self.status.with(bit);
        self.setup.dev.transport().set_status(self.status);
    }
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        self.add_status(DeviceStatus::FAILED);
        let dev = self.setup.dev;
        // Whatever state it is in, it shall not stay there.
        dev.set_starting();
        let _ = dev.stop();
        dev.set_features(Features::EMPTY);
    }
}

macro_rules! deref_setup {
    ($($type:ident: $($field:ident).+;)*) => {$(
        impl<'bound> Deref for $type<'bound> {
            type Target = Setup<'bound>;

            fn deref(&self) -> &Setup<'bound> {
                &self.$($field).+
            }
        }
    )*};
}

deref_setup! {
    Negotiated: give_up.setup;
    Configured: give_up.setup;
    Ready: setup;
}

/// A device that has agreed to a set of features: FEATURES_OK is set and confirmed.
pub struct Negotiated<'bound> {
    give_up: GiveUp<'bound>,
}

impl<'bound> Negotiated<'bound> {
    /// Resets the device and negotiates features with it.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] for a legacy device or one that does not accept the features; [`ETIMEDOUT`]
    /// for one that does not reset.
    #[doc(alias = "virtio_dev_probe")]
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        driver: &[Feature],
        dependencies: &[Dependency],
    ) -> Result<Self> {
        let transport = dev.transport();
        transport
            .reset()
            .inspect_err(|_| dev_err!(dev, "device does not confirm its reset\n"))?;
        let mut give_up = GiveUp {
            setup: Setup {
                dev,
                _invariant: PhantomData,
                _not_shared: NotThreadSafe,
            },
            status: DeviceStatus::RESET,
        };
        give_up.add_status(DeviceStatus::ACKNOWLEDGE);
        give_up.add_status(DeviceStatus::DRIVER);

        let offered = Features::from_bits(transport.device_features());
        let features = negotiate(
            offered,
            Features::of(driver),
            transport.features(),
            dependencies,
        )
        .map_err(|error| {
            dev_err!(dev, "{}\n", Log(error));
            ENODEV
        })?;
        transport.set_driver_features(features.bits());
        give_up.add_status(DeviceStatus::FEATURES_OK);
        if !transport.status().contains(DeviceStatus::FEATURES_OK) {
            dev_err!(dev, "device does not accept the features {features:?}\n");
            return Err(ENODEV);
        }
        dev.set_features(features);
        Ok(Self { give_up })
    }

    /// Allocates interrupt vectors for the given queues, which are the first of the device.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when the device has fewer queues or none is given, and what allocating vectors
    /// returns.
    #[doc(alias = "virtio_find_vqs")]
    pub fn find_vqs(self, queues: &[VqInfo<'_>]) -> Result<Configured<'bound>> {
        let dev = self.dev;
        let available = self.num_queues();
        let wanted = u16::try_from(queues.len())?;
        if wanted == 0 || wanted > available {
            dev_err!(dev, "{wanted} queues wanted, device has {available}\n");
            return Err(EINVAL);
        }
        let mut plans = KVec::with_capacity(queues.len(), GFP_KERNEL)?;
        let mut callbacks = 0;
        for queue in queues {
            let vector = (queue.callback == Callback::Yes).then_some(callbacks);
            callbacks += u16::from(vector.is_some());
            plans.push(
                QueuePlan {
                    name: CString::try_from_fmt(fmt!("{}-{}", dev.as_ref().name(), queue.name))?,
                    vector,
                },
                GFP_KERNEL,
            )?;
        }
        let policy = dev.transport().alloc_vectors(callbacks)?;
        self.manage(Vectors { dev })?;
        dev.set_starting();
        Ok(Configured {
            give_up: self.give_up,
            policy,
            plans,
            shared: KVec::new(),
        })
    }
}

/// Frees the vectors; stored before the interrupts, so that it is dropped after them.
struct Vectors<'bound> {
    dev: &'bound Device<Bound>,
}

impl Drop for Vectors<'_> {
    fn drop(&mut self) {
        self.dev.transport().free_vectors();
    }
}

/// Whether a queue interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// [`Configured::request_irq`] will be called for it.
    Yes,
    /// The driver polls it.
    No,
}

/// What a front end says about a queue.
#[doc(alias = "virtqueue_info")]
pub struct VqInfo<'a> {
    /// Its name in `/proc/interrupts`, after the device's: `req.0`.
    pub name: &'a CStr,
    /// Whether it interrupts.
    pub callback: Callback,
}

/// What we noted about a queue.
struct QueuePlan {
    /// The name of its interrupt.
    name: CString,
    /// Its place among the queues with callbacks.
    vector: Option<u16>,
}

/// A device with interrupt vectors, whose queues are being set up.
pub struct Configured<'bound> {
    give_up: GiveUp<'bound>,
    policy: IrqPolicy,
    plans: KVec<QueuePlan>,
    /// Handlers that have no vector of their own.
    shared: KVec<&'bound (dyn VqHandler + 'bound)>,
}

impl<'bound> Configured<'bound> {
    /// How the device's interrupts are delivered.
    pub fn irq_policy(&self) -> IrqPolicy {
        self.policy
    }

    /// Creates queue `index` with at most `max_size` descriptors, and enables it.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a queue that [`Negotiated::find_vqs`] was not told of, that the device
    /// does not have, or whose size is impossible; [`ENOMEM`]; [`EBUSY`] when the device does
    /// not accept the interrupt vector; [`EIO`] after [`Device::stop`].
    #[doc(alias = "vring_create_virtqueue")]
    pub fn virtqueue<T: Buffers>(
        &mut self,
        index: u16,
        max_size: u16,
    ) -> Result<Virtqueue<'bound, T>> {
        let dev = self.dev;
        let plan = self.plans.get(usize::from(index)).ok_or(EINVAL)?;
        if !dev.is_live() {
            return Err(EIO);
        }
        let vector = match self.policy {
            IrqPolicy::PerQueue => plan.vector.map(|vector| 1 + vector),
            IrqPolicy::Shared => plan.vector.map(|_| 1),
            IrqPolicy::Line => None,
        };
        Virtqueue::new(self.dma(), index, max_size, vector)
    }

    /// Has `handler` called when queue `index` interrupts.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a queue without callback; what requesting the interrupt returns.
    #[doc(alias = "vp_request_msix_vectors")]
    pub fn request_irq<H: VqHandler>(&mut self, index: u16, handler: Pin<&'bound H>) -> Result {
        let plan = self.plans.get(usize::from(index)).ok_or(EINVAL)?;
        let vector = plan.vector.ok_or(EINVAL)?;
        if self.policy != IrqPolicy::PerQueue {
            self.shared.push(handler.get_ref(), GFP_KERNEL)?;
            return Ok(());
        }
        let irq = self.dev.transport().irq(1 + vector)?;
        let name = CString::try_from_fmt(fmt!("{}", &*plan.name))?;
        // SAFETY: It is stored after `handler`, which lives for `'bound`, so dropped before it.
        self.manage(unsafe { irq::request_queue(irq, name, handler) }?)?;
        Ok(())
    }

    /// Tells the device that the driver is ready; from now on it may use buffers.
    ///
    /// When the device is unbound it is reset before queues and handlers are dropped.
    #[doc(alias = "virtio_device_ready")]
    pub fn driver_ok(mut self) -> Result<Ready<'bound>> {
        let dev = self.dev;
        let transport = dev.transport();
        let queues = SharedQueues::new(core::mem::take(&mut self.shared));
        let mut line = None;
        match self.policy {
            IrqPolicy::PerQueue => {}
            IrqPolicy::Shared => {
                let queues = self.manage(queues)?;
                let irq = transport.irq(1)?;
                let name = CString::try_from_fmt(fmt!("{}-virtqueues", dev.as_ref().name()))?;
                // SAFETY: It is stored after `queues`, so dropped before it.
                self.manage(unsafe { irq::request_queue(irq, name, queues) }?)?;
            }
            IrqPolicy::Line => {
                let handler = self.manage(Line::new(dev, queues))?;
                let irq = transport.irq(0)?;
                let name = CString::try_from_fmt(fmt!("{}", dev.as_ref().name()))?;
                // SAFETY: It is stored after `handler`, so dropped before it.
                self.manage(unsafe { irq::request_line(irq, name, handler) }?)?;
                line = Some(handler);
            }
        }
        self.manage(Stop { dev })?;
        self.give_up.add_status(DeviceStatus::DRIVER_OK);
        dev.set_running();

        let setup = Setup {
            dev,
            _invariant: PhantomData,
            _not_shared: NotThreadSafe,
        };
        core::mem::forget(self.give_up);
        Ok(Ready { setup, line })
    }
}

/// Resets the device; stored last, so that it is dropped before queues and interrupts.
struct Stop<'bound> {
    dev: &'bound Device<Bound>,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        let _ = self.dev.stop();
        self.dev.set_features(Features::EMPTY);
    }
}

/// A device that runs: DRIVER_OK is set.
pub struct Ready<'bound> {
    setup: Setup<'bound>,
    line: Option<Pin<&'bound Line<'bound>>>,
}

impl<'bound> Ready<'bound> {
    /// Has `handler` called in a thread when the device changes its configuration.
    ///
    /// It is also called once before this returns, so that no change is missed which came after
    /// the driver's last look; that call can coincide with one in the thread.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`], and what requesting the interrupt returns.
    #[doc(alias = "virtio_config_changed")]
    pub fn on_config_change<H>(&self, handler: Pin<&'bound H>) -> Result
    where
        H: ConfigHandler + Send,
    {
        let dev = self.dev;
        let name = CString::try_from_fmt(fmt!("{}-config", dev.as_ref().name()))?;
        let irq = dev.transport().irq(0)?;
        let config = self.manage(ConfigIrq::new(dev, handler, self.line))?;
        // SAFETY: It is stored after `config`, so dropped before it.
        self.manage(unsafe { irq::request_config(irq, name, config) }?)?;
        handler.config_changed();
        Ok(())
    }
}
