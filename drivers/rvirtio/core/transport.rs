// SPDX-License-Identifier: GPL-2.0

//! What the bus wants from a transport.
//!
//! Nothing here is on the hot path: doorbells are precomputed when a queue is set up, and
//! interrupt handlers are called without passing here. So a trait object it is.

use crate::{
    notify::Doorbell,
    spec::{
        feature::Features,
        status::DeviceStatus, //
    },
    vectors::VectorRequest, //
};
use kernel::{
    bindings,
    device,
    prelude::*, //
};

/// Where a virtqueue lies and which interrupt it raises.
///
/// The three addresses are DMA addresses, aligned as virtio 1.4, 2.7 and 2.8 want them.
pub struct QueueSetup {
    /// Number of descriptors.
    pub size: u16,
    /// Descriptor table (split), descriptor ring (packed).
    pub desc: u64,
    /// Driver area: available ring (split), driver event suppression (packed).
    pub driver: u64,
    /// Device area: used ring (split), device event suppression (packed).
    pub device: u64,
    /// Interrupt vector, `None` for none or for a transport without vectors.
    pub vector: Option<u16>,
}

/// A virtio transport, such as virtio-pci.
///
/// All methods may be called at any time, also while another thread resets the device, but
/// [`Transport::setup_queue`], [`Transport::reset_queue`] and [`Transport::reset`] exclude each
/// other: core holds a mutex for these. Methods may sleep unless they say otherwise.
///
/// # Safety
///
/// - [`Transport::parent`] must be the device that does the DMA, bound for as long as `self`
///   lives.
/// - When [`Transport::reset`] has succeeded, the device must not access memory that was shared with
///   it, until a queue is set up again.
/// - When [`Transport::reset_queue`] has succeeded, the device must not access memory of that queue
///   or of buffers in it, until the queue is set up again.
/// - Doorbells returned by [`Transport::doorbell`] must work for as long as `self` lives.
/// - [`Transport::irq`] must only return interrupts that belong to this device, for vectors that
///   are allocated.
pub unsafe trait Transport: Send + Sync {
    /// The device that does the DMA.
    fn parent(&self) -> &device::Device<device::Bound>;

    /// Which of the feature bits that are neither the ring's nor the device type's the transport
    /// implements.
    fn features(&self) -> Features;

    /// Reads the features that the device offers.
    fn device_features(&self) -> Features;

    /// Writes the features that the driver accepts.
    fn set_driver_features(&self, features: Features);

    /// Reads the device status.
    fn status(&self) -> DeviceStatus;

    /// Writes the device status; never to zero, which is [`Transport::reset`].
    fn set_status(&self, status: DeviceStatus);

    /// Resets the device and waits, at most five seconds, until it says that it is done.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] when the device does not confirm. It may then go on writing to memory, unless
    /// other means of the transport keep it from that.
    fn reset(&self) -> Result;

    /// Returns whether the device still answers. Callable from any context.
    fn is_present(&self) -> bool;

    /// Reads the generation of the configuration space. Like all accesses to that, callable from
    /// any context.
    fn config_generation(&self) -> u8;

    /// Returns the size of the device-specific configuration space in bytes.
    fn config_len(&self) -> u32;

    /// Reads a byte of device configuration. `offset` must be in bounds, else all bits are one.
    fn config_read8(&self, offset: u32) -> u8;
    /// Reads two bytes; `offset` must be even.
    fn config_read16(&self, offset: u32) -> u16;
    /// Reads four bytes; `offset` must be a multiple of four.
    fn config_read32(&self, offset: u32) -> u32;
    /// Writes a byte of device configuration. Out of bounds nothing is written.
    fn config_write8(&self, offset: u32, value: u8);

    /// Number of queues of the device.
    fn num_queues(&self) -> u16;

    /// The largest size of queue `index` in descriptors, 0 if there is no such queue.
    fn max_queue_size(&self, index: u16) -> u16;

    /// Returns the doorbell of queue `index`, which depends on the negotiated `features`.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for impossible addresses, [`ENOMEM`].
    fn doorbell(&self, index: u16, features: Features) -> Result<Doorbell<'_>>;

    /// Tells the device about queue `index` and enables it. Neither sleeps nor allocates.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] when the vector cannot be used or the queue is enabled already, [`EIO`] when
    /// somebody else has reset the device.
    fn setup_queue(&self, index: u16, setup: &QueueSetup) -> Result;

    /// Takes queue `index` back from the device, with `RING_RESET`, and waits, at most ten
    /// seconds, until the device says that it has let go of it. The queue can then be set up
    /// again. Allocates nothing: a disk waits for this whose memory could be wanted.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] when the device does not say so, [`EIO`] when it is gone or was reset by
    /// somebody else.
    fn reset_queue(&self, index: u16) -> Result;

    /// Allocates interrupt vectors and routes configuration changes to the first of them.
    ///
    /// # Errors
    ///
    /// [`ENOSPC`] and others when the device or the machine does not have them, [`EBUSY`] when the
    /// device does not take the vector.
    fn alloc_vectors(&self, request: &VectorRequest) -> Result;

    /// Frees the vectors. All interrupts must have been freed before.
    fn free_vectors(&self);

    /// Returns the interrupt number of a vector.
    fn irq(&self, vector: u16) -> Result<u32>;

    /// Returns the CPUs that a vector interrupts, or null when the kernel does not manage them.
    fn irq_affinity(&self, vector: u16) -> *const bindings::cpumask;

    /// Reads and thereby clears the interrupt status. Callable from hard interrupts.
    fn read_isr(&self) -> u8;
}
