// SPDX-License-Identifier: GPL-2.0

//! What the bus wants from a transport.
//!
//! Nothing here is on the hot path: doorbells are precomputed when a queue is set up, and
//! interrupt handlers are called without passing here. So a trait object it is.

use crate::{
    features::Features,
    notify::Doorbell,
    spec::status::DeviceStatus, //
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

/// How a device's interrupts reach us, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IrqPolicy {
    /// Vector 0 for configuration changes, vector 1 + i for the i-th queue with a callback.
    PerQueue,
    /// Vector 0 for configuration changes, vector 1 for all queues.
    Shared,
    /// One line for all; [`Transport::read_isr`] tells what happened.
    Line,
}

/// A virtio transport, such as virtio-pci.
///
/// All methods may sleep unless they say otherwise, and must not be called concurrently with
/// [`Transport::reset`], except [`Transport::read_isr`], [`Transport::is_present`],
/// [`Transport::setup_queue`] and [`Transport::reset_queue`].
///
/// # Safety
///
/// - [`Transport::parent`] must be the device that does the DMA, bound for as long as `self`
///   lives.
/// - When [`Transport::reset`] returns, with or without an error, the device must not access
///   memory that was shared with it, until a queue is set up again.
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

    /// Reads the device's 128 offered feature bits.
    fn device_features(&self) -> u128;

    /// Writes the accepted feature bits.
    fn set_driver_features(&self, features: u128);

    /// Reads the device status.
    fn status(&self) -> DeviceStatus;

    /// Writes the device status; never to zero, which is [`Transport::reset`].
    fn set_status(&self, status: DeviceStatus);

    /// Resets the device and waits, at most five seconds, until it says that it is done.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] when the device does not confirm. It is then kept from memory by other
    /// means.
    fn reset(&self) -> Result;

    /// Says whether the device still answers. Callable from any context.
    fn is_present(&self) -> bool;

    /// Reads the generation of the configuration space.
    fn config_generation(&self) -> u8;

    /// Size of the device-specific configuration space in bytes.
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

    /// Tells the device about queue `index` and enables it. Allocates nothing: disks wait for
    /// this whose memory could be wanted back.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] when the vector cannot be used, [`EIO`] when the device was reset meanwhile.
    fn setup_queue(&self, index: u16, setup: &QueueSetup) -> Result;

    /// Takes queue `index` back from the device, with `RING_RESET`, and waits, at most ten
    /// seconds, until the device says that it has let go of it. The queue can then be set up
    /// again. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] when the device does not say so, [`EIO`] when all of it was reset meanwhile.
    fn reset_queue(&self, index: u16) -> Result;

    /// Allocates interrupt vectors for `queues` queues with callbacks and routes configuration
    /// changes to the first of them.
    fn alloc_vectors(&self, queues: u16) -> Result<IrqPolicy>;

    /// Frees the vectors. All interrupts must have been freed before.
    fn free_vectors(&self);

    /// The interrupt number of a vector; with [`IrqPolicy::Line`] of vector 0.
    fn irq(&self, vector: u16) -> Result<u32>;

    /// The CPUs that a vector interrupts, or null when that is not managed.
    fn irq_affinity(&self, vector: u16) -> *const bindings::cpumask;

    /// Reads and thereby clears the interrupt status. Callable from hard interrupts.
    fn read_isr(&self) -> u8;
}
