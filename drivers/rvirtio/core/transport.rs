// SPDX-License-Identifier: GPL-2.0

//! The interface between the bus and its transports.
//!
//! None of this is on the hot path: the doorbell of a queue is determined when the queue is
//! created, and interrupt handlers are called directly. So a trait object is fast enough.

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

/// The memory and the interrupt vector of a virtqueue.
///
/// The three addresses are DMA addresses, aligned as virtio 1.4, 2.7 and 2.8 require.
pub struct QueueSetup {
    /// The number of descriptors.
    pub size: u16,
    /// The descriptor table (split) or descriptor ring (packed).
    pub desc: u64,
    /// The driver area: available ring (split) or driver event suppression (packed).
    pub driver: u64,
    /// The device area: used ring (split) or device event suppression (packed).
    pub device: u64,
    /// The interrupt vector; `None` for a queue without one, or if there are no vectors.
    pub vector: Option<u16>,
}

/// A virtio transport, such as virtio-pci.
///
/// All methods may be called at any time, even while another thread resets the device. Only
/// [`Transport::setup_queue`], [`Transport::reset_queue`] and [`Transport::reset`] exclude each
/// other: core holds a mutex when it calls them. Methods may sleep unless stated otherwise.
///
/// # Safety
///
/// - [`Transport::parent`] must return the device that does the DMA, which must be bound for as
///   long as `self` exists.
/// - After [`Transport::reset`] has succeeded, the device must not access memory that was shared
///   with it until a queue is set up again.
/// - After [`Transport::reset_queue`] has succeeded, the device must not access the memory of that
///   queue, or of buffers in it, until the queue is set up again.
/// - Doorbells that [`Transport::doorbell`] has returned must be valid for as long as `self`
///   exists.
/// - [`Transport::irq`] must only return interrupts of this device, for vectors that are allocated.
pub unsafe trait Transport: Send + Sync {
    /// Returns the device that does the DMA.
    fn parent(&self) -> &device::Device<device::Bound>;

    /// Returns the features that the transport implements, of those that belong neither to the ring
    /// nor to the device type.
    fn features(&self) -> Features;

    /// Reads the features that the device offers.
    fn device_features(&self) -> Features;

    /// Writes the features that the driver accepts.
    fn set_driver_features(&self, features: Features);

    /// Reads the device status.
    fn status(&self) -> DeviceStatus;

    /// Writes the device status, which must not be 0: see [`Transport::reset`].
    fn set_status(&self, status: DeviceStatus);

    /// Resets the device, and waits for at most five seconds until it confirms the reset.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] if the device does not confirm the reset. It may then still write to memory,
    /// unless the transport has other means to prevent that.
    fn reset(&self) -> Result;

    /// Returns whether the device still responds. Callable from any context.
    fn is_present(&self) -> bool;

    /// Reads the generation of the configuration space. This and all accesses to that space are
    /// callable from any context.
    fn config_generation(&self) -> u8;

    /// Returns the size of the device-specific configuration space in bytes.
    fn config_len(&self) -> u32;

    /// Reads a byte of the configuration space. Returns all ones if `offset` is out of bounds.
    fn config_read8(&self, offset: u32) -> u8;
    /// Reads two bytes; `offset` must be even.
    fn config_read16(&self, offset: u32) -> u16;
    /// Reads four bytes; `offset` must be a multiple of four.
    fn config_read32(&self, offset: u32) -> u32;
    /// Writes a byte of the configuration space. Does nothing if `offset` is out of bounds.
    fn config_write8(&self, offset: u32, value: u8);
    /// Writes four bytes; `offset` must be a multiple of four.
    fn config_write32(&self, offset: u32, value: u32);

    /// Returns the number of queues of the device.
    fn num_queues(&self) -> u16;

    /// Returns the largest size of queue `index` in descriptors, 0 if there is no such queue.
    fn max_queue_size(&self, index: u16) -> u16;

    /// Returns the doorbell of queue `index`, which depends on the negotiated `features`.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for an invalid address, and [`ENOMEM`].
    fn doorbell(&self, index: u16, features: Features) -> Result<Doorbell<'_>>;

    /// Writes the setup of queue `index`, and enables it. Neither sleeps nor allocates.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] if the device does not accept the vector, or if the queue is already enabled;
    /// [`EIO`] if somebody else has reset the device.
    fn setup_queue(&self, index: u16, setup: &QueueSetup) -> Result;

    /// Resets queue `index` (`RING_RESET`), and waits for at most ten seconds until the device
    /// confirms that. The queue can then be set up again. Must not allocate memory: reclaiming
    /// memory could need the disk that waits for this.
    ///
    /// # Errors
    ///
    /// [`ETIMEDOUT`] if the device does not confirm the reset; [`EIO`] if it is gone, or if
    /// somebody else has reset it.
    fn reset_queue(&self, index: u16) -> Result;

    /// Allocates interrupt vectors and routes configuration changes to the first of them.
    ///
    /// # Errors
    ///
    /// [`ENOSPC`] and others if the device or the machine does not have enough vectors; [`EBUSY`]
    /// if the device does not accept that of configuration changes.
    fn alloc_vectors(&self, request: &VectorRequest) -> Result;

    /// Routes configuration changes to the first vector again, if vectors are allocated, after the
    /// device was reset.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] if the device does not accept the vector.
    fn route_config_vector(&self) -> Result;

    /// Frees the vectors. All interrupts must have been freed before.
    fn free_vectors(&self);

    /// Returns the interrupt number of a vector.
    fn irq(&self, vector: u16) -> Result<u32>;

    /// Returns the CPUs that a vector interrupts, or null if the kernel does not manage them.
    fn irq_affinity(&self, vector: u16) -> *const bindings::cpumask;

    /// Reads the interrupt status, which clears it. Callable from hard interrupt context.
    fn read_isr(&self) -> u8;
}
