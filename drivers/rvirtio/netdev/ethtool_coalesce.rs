// SPDX-License-Identifier: GPL-2.0

//! How long queues wait before they interrupt, as `ethtool` sets it.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use crate::{
    bindings::net_device,
    ethtool::EthtoolOps,
    ext_ack::ExtAck,
    inner::Inner,
    lock::Held,
    operations::Operations, //
};
use kernel::{
    bindings::{
        self,
        ethtool_coalesce,
        kernel_ethtool_coalesce,
        netlink_ext_ack, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// How long a queue waits before it interrupts: for so many frames or so long, whatever is first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moderation {
    /// The number of frames.
    pub frames: u32,
    /// The time in microseconds.
    pub usecs: u32,
}

/// The same for a receive and a transmit queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coalesce {
    /// Of the receive queue.
    pub rx: Moderation,
    /// Of the transmit queue.
    pub tx: Moderation,
    /// Whether those of the receive queue follow what it receives.
    pub adaptive_rx: bool,
}

impl Coalesce {
    fn from_raw(raw: &ethtool_coalesce) -> Self {
        Self {
            rx: Moderation {
                frames: raw.rx_max_coalesced_frames,
                usecs: raw.rx_coalesce_usecs,
            },
            tx: Moderation {
                frames: raw.tx_max_coalesced_frames,
                usecs: raw.tx_coalesce_usecs,
            },
            adaptive_rx: raw.use_adaptive_rx_coalesce != 0,
        }
    }

    fn write_to(self, raw: &mut ethtool_coalesce) {
        raw.rx_max_coalesced_frames = self.rx.frames;
        raw.rx_coalesce_usecs = self.rx.usecs;
        raw.tx_max_coalesced_frames = self.tx.frames;
        raw.tx_coalesce_usecs = self.tx.usecs;
        raw.use_adaptive_rx_coalesce = self.adaptive_rx.into();
    }
}

impl<T: Operations> EthtoolOps<T> {
    pub(crate) extern "C" fn coalesce(
        dev: *mut bindings::net_device,
        to: *mut ethtool_coalesce,
        _more: *mut kernel_ethtool_coalesce,
        _ack: *mut netlink_ext_ack,
    ) -> c_int {
        // CAST: It is the type that the kernel crate has without contents.
        let dev: *mut net_device = dev.cast();
        // SAFETY: The caller passes a device of ours, and zeroed numbers to fill in.
        let (inner, to) = unsafe { (Inner::<T>::of_dev(dev), &mut *to) };
        T::coalesce(inner.data(), None).write_to(to);
        0
    }

    pub(crate) extern "C" fn queue_coalesce(
        dev: *mut bindings::net_device,
        queue: u32,
        to: *mut ethtool_coalesce,
    ) -> c_int {
        // CAST: It is the type that the kernel crate has without contents.
        let dev: *mut net_device = dev.cast();
        // SAFETY: The caller passes a device of ours, and numbers to fill in.
        let (inner, to) = unsafe { (Inner::<T>::of_dev(dev), &mut *to) };
        from_result(|| {
            let pair = inner.pairs().get(queue as usize).ok_or(EINVAL)?;
            T::coalesce(inner.data(), Some(pair.index())).write_to(to);
            Ok(0)
        })
    }

    pub(crate) extern "C" fn set_coalesce(
        dev: *mut bindings::net_device,
        from: *mut ethtool_coalesce,
        _more: *mut kernel_ethtool_coalesce,
        ack: *mut netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The caller passes a device of ours, with its instance lock held, numbers, and null or an
        // answer to fill in.
        let (mut held, from, mut ack) = unsafe {
            let held = Held::<T>::new(Inner::of_dev(dev.cast()), false);
            (held, &*from, ExtAck::new(ack))
        };
        from_result(|| {
            T::set_coalesce(&mut held, None, Coalesce::from_raw(from), &mut ack).map(|()| 0)
        })
    }

    /// The way in which this is asked for has no room for a sentence.
    pub(crate) extern "C" fn set_queue_coalesce(
        dev: *mut bindings::net_device,
        queue: u32,
        from: *mut ethtool_coalesce,
    ) -> c_int {
        // SAFETY: The caller passes a device of ours, with its instance lock held, and numbers.
        let (mut held, from, mut ack) = unsafe {
            let held = Held::<T>::new(Inner::of_dev(dev.cast()), false);
            (held, &*from, ExtAck::new(core::ptr::null_mut()))
        };
        from_result(|| {
            let pair = held.pairs().get(queue as usize).ok_or(EINVAL)?.index();
            let to = Coalesce::from_raw(from);
            T::set_coalesce(&mut held, Some(pair), to, &mut ack).map(|()| 0)
        })
    }
}
