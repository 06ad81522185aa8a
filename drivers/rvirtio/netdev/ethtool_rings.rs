// SPDX-License-Identifier: GPL-2.0

//! Sizes of rings, as `ethtool` sets them.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use crate::{
    ethtool::EthtoolOps,
    ext_ack::ExtAck,
    inner::Inner,
    lock::Held,
    operations::Operations, //
};
use kernel::{
    bindings::{
        self,
        ethtool_ringparam,
        kernel_ethtool_ringparam,
        netlink_ext_ack, //
    },
    error::from_result,
    ffi::c_int, //
};

/// The numbers of descriptors of the receive and the transmit queue of each pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingSizes {
    /// Of the receive queue.
    pub rx: u16,
    /// Of the transmit queue.
    pub tx: u16,
}

impl<T: Operations> EthtoolOps<T> {
    pub(crate) extern "C" fn ring_sizes(
        dev: *mut bindings::net_device,
        to: *mut ethtool_ringparam,
        _more: *mut kernel_ethtool_ringparam,
        _ack: *mut netlink_ext_ack,
    ) {
        // SAFETY: The caller passes a device of ours, with its instance lock held, and zeroed numbers to
        // fill in.
        let (held, to) = unsafe { (Held::<T>::new(Inner::of_dev(dev.cast()), false), &mut *to) };
        let (most, now) = T::ring_sizes(&held);
        (to.rx_max_pending, to.tx_max_pending) = (most.rx.into(), most.tx.into());
        (to.rx_pending, to.tx_pending) = (now.rx.into(), now.tx.into());
    }

    pub(crate) extern "C" fn set_ring_sizes(
        dev: *mut bindings::net_device,
        from: *mut ethtool_ringparam,
        _more: *mut kernel_ethtool_ringparam,
        ack: *mut netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The caller passes a device of ours, with its instance lock held, numbers, and null or an
        // answer to fill in.
        let (mut held, from, mut ack) = unsafe {
            let held = Held::<T>::new(Inner::of_dev(dev.cast()), false);
            (held, &*from, ExtAck::new(ack))
        };
        // The caller has compared all numbers with the largest ones.
        from_result(|| {
            let sizes = RingSizes {
                rx: u16::try_from(from.rx_pending)?,
                tx: u16::try_from(from.tx_pending)?,
            };
            T::set_ring_sizes(&mut held, sizes, &mut ack).map(|()| 0)
        })
    }
}
