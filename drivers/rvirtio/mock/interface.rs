// SPDX-License-Identifier: GPL-2.0

//! The network interface that a driver has made for a device, as the rest of the kernel sees it.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::device::Device;
use core::{
    marker::{
        PhantomData,
        PhantomPinned, //
    },
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*, //
};

// As in the kernel's bindings: without lockdep these structures have empty ones in them.
#[allow(improper_ctypes)]
extern "C" {
    fn rvirtio_helper_interface_close(dev: *mut NetDevice);
    fn rvirtio_helper_interface_coalesce(
        dev: *mut NetDevice,
        queue: c_int,
        to: *mut InterfaceCoalesce,
    ) -> c_int;
    fn rvirtio_helper_interface_get(parent: *mut bindings::device) -> *mut NetDevice;
    fn rvirtio_helper_interface_open(dev: *mut NetDevice) -> c_int;
    fn rvirtio_helper_interface_put(dev: *mut NetDevice);
    fn rvirtio_helper_interface_send(
        dev: *mut NetDevice,
        frame: *const c_void,
        len: usize,
    ) -> c_int;
    fn rvirtio_helper_interface_set_address(dev: *mut NetDevice, address: *const u8) -> c_int;
    fn rvirtio_helper_interface_set_coalesce(
        dev: *mut NetDevice,
        queue: c_int,
        from: *const InterfaceCoalesce,
    ) -> c_int;
    fn rvirtio_helper_interface_state(dev: *mut NetDevice, state: *mut InterfaceState);
}

/// `struct net_device`.
#[repr(C)]
struct NetDevice {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// What is known of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct InterfaceState {
    /// Frames that were received.
    pub rx_packets: u64,
    /// Their length, in bytes.
    pub rx_bytes: u64,
    /// Frames that were refused because of their length.
    pub rx_length_errors: u64,
    /// Frames that were sent.
    pub tx_packets: u64,
    /// Its speed in Mbit/s, or -1.
    pub speed: i32,
    /// 1 if it works in both directions at a time, 0 if not, 255 if that is not known.
    pub duplex: u8,
    /// Whether it has a link.
    pub carrier: bool,
    /// Its address.
    pub address: [u8; 6],
    /// Whether the kernel has invented that.
    pub is_random: bool,
}

/// How long queues wait before they interrupt, as numbers of frames and microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct InterfaceCoalesce {
    /// Those that receive.
    pub rx: [u32; 2],
    /// Those that send.
    pub tx: [u32; 2],
    /// Whether those that receive adapt.
    pub adaptive: bool,
}

/// An interface. It has to be dropped before the driver is unbound, which waits for that.
///
/// # Invariants
///
/// The value owns a reference to the interface, which is registered.
pub struct Interface(NonNull<NetDevice>);

impl Interface {
    /// Finds the interface of a device.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if there is none.
    pub fn of(device: &Device) -> Result<Self> {
        // SAFETY: The parent is a valid device. The result is a counted reference.
        let found = unsafe { rvirtio_helper_interface_get(device.parent_raw()) };
        // INVARIANT: It was found among those that are registered.
        NonNull::new(found).map(Self).ok_or(ENODEV)
    }

    /// Sets it up.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub fn open(&self) -> Result {
        // SAFETY: It is an interface (type invariant).
        to_result(unsafe { rvirtio_helper_interface_open(self.0.as_ptr()) })
    }

    /// Sets it down.
    pub fn close(&self) {
        // SAFETY: It is an interface (type invariant).
        unsafe { rvirtio_helper_interface_close(self.0.as_ptr()) }
    }

    /// Sends a frame.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`], and those of the stack.
    pub fn send(&self, frame: &[u8]) -> Result {
        let (data, len) = (frame.as_ptr().cast(), frame.len());
        // SAFETY: It is an interface (type invariant); the frame is copied.
        to_result(unsafe { rvirtio_helper_interface_send(self.0.as_ptr(), data, len) })
    }

    /// Gives it another address.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub fn set_address(&self, address: [u8; 6]) -> Result {
        let data = address.as_ptr();
        // SAFETY: It is an interface (type invariant); the address is copied.
        to_result(unsafe { rvirtio_helper_interface_set_address(self.0.as_ptr(), data) })
    }

    /// Returns how long the queues of a pair wait, or those for which nothing else was set.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub fn coalesce(&self, pair: Option<u16>) -> Result<InterfaceCoalesce> {
        let mut found = InterfaceCoalesce::default();
        let (dev, queue) = (self.0.as_ptr(), pair.map_or(-1, c_int::from));
        // SAFETY: It is an interface (type invariant), and the numbers are filled in.
        to_result(unsafe { rvirtio_helper_interface_coalesce(dev, queue, &mut found) })?;
        Ok(found)
    }

    /// Sets that for a pair, or for all.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub fn set_coalesce(&self, pair: Option<u16>, to: InterfaceCoalesce) -> Result {
        let (dev, queue) = (self.0.as_ptr(), pair.map_or(-1, c_int::from));
        // SAFETY: It is an interface (type invariant), and the numbers are only read.
        to_result(unsafe { rvirtio_helper_interface_set_coalesce(dev, queue, &to) })
    }

    /// Returns what is known of it.
    pub fn state(&self) -> InterfaceState {
        let mut state = MaybeUninit::uninit();
        // SAFETY: It is an interface (type invariant), and all of the state is filled in.
        unsafe {
            rvirtio_helper_interface_state(self.0.as_ptr(), state.as_mut_ptr());
            state.assume_init()
        }
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        // SAFETY: This value owns a reference (type invariant).
        unsafe { rvirtio_helper_interface_put(self.0.as_ptr()) }
    }
}
