// SPDX-License-Identifier: GPL-2.0

//! Spreading received frames over queues by a hash of their headers, as `ethtool` sets it.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use crate::{
    bindings::{
        self as net,
        net_device, //
    },
    ethtool::EthtoolOps,
    inner::Inner,
    lock::Held,
    operations::Operations, //
};
use kernel::{
    bindings::{
        self,
        ethtool_rxfh_fields,
        ethtool_rxfh_param,
        netlink_ext_ack, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// Frames of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RxFlow {
    /// IPv4.
    IpV4,
    /// TCP over IPv4.
    TcpV4,
    /// UDP over IPv4.
    UdpV4,
    /// IPv6.
    IpV6,
    /// TCP over IPv6.
    TcpV6,
    /// UDP over IPv6.
    UdpV6,
}

/// What of their headers decides on the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RxFields {
    /// Nothing.
    None,
    /// Both addresses.
    Addresses,
    /// Both addresses and both ports.
    AddressesAndPorts,
}

impl RxFlow {
    fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            bindings::IPV4_FLOW => Some(Self::IpV4),
            bindings::TCP_V4_FLOW => Some(Self::TcpV4),
            bindings::UDP_V4_FLOW => Some(Self::UdpV4),
            bindings::IPV6_FLOW => Some(Self::IpV6),
            bindings::TCP_V6_FLOW => Some(Self::TcpV6),
            bindings::UDP_V6_FLOW => Some(Self::UdpV6),
            _ => None,
        }
    }
}

/// Returns the key that all devices of this machine use unless they are told another one.
#[doc(alias = "netdev_rss_key_fill")]
pub fn rss_key<const N: usize>() -> [u8; N] {
    // The kernel's key has that many bytes, and it complains about more.
    const { assert!(N <= 52) };
    let mut key = [0; N];
    // SAFETY: There is room for so many bytes.
    unsafe { net::netdev_rss_key_fill(key.as_mut_ptr().cast(), N) };
    key
}

impl<T: Operations> EthtoolOps<T> {
    /// # Safety
    ///
    /// `dev` must be a device of the driver that is there for `'a`.
    unsafe fn device<'a>(dev: *mut bindings::net_device) -> &'a T::Device
    where
        T: 'a,
    {
        // CAST: It is the type that the kernel crate has without contents.
        let dev: *mut net_device = dev.cast();
        // SAFETY: This is the safety requirement.
        unsafe { Inner::<T>::of_dev(dev) }.data()
    }

    pub(crate) extern "C" fn ring_count(dev: *mut bindings::net_device) -> u32 {
        // SAFETY: The caller passes a device of ours.
        unsafe { (*dev.cast::<net_device>()).real_num_tx_queues }
    }

    pub(crate) extern "C" fn table_size(dev: *mut bindings::net_device) -> u32 {
        // SAFETY: The caller passes a device of ours.
        T::rss_sizes(unsafe { Self::device(dev) }).0
    }

    pub(crate) extern "C" fn key_size(dev: *mut bindings::net_device) -> u32 {
        // SAFETY: The caller passes a device of ours.
        T::rss_sizes(unsafe { Self::device(dev) }).1
    }

    pub(crate) extern "C" fn rss(
        dev: *mut bindings::net_device,
        to: *mut ethtool_rxfh_param,
    ) -> c_int {
        // SAFETY: The caller passes a device of ours and parameters, in which a table and a key have the
        // sizes that the device has said, or are null.
        let (device, to, table, key) = unsafe {
            let device = Self::device(dev);
            let (entries, bytes) = T::rss_sizes(device);
            let table = slice((*to).indir, entries);
            (device, &mut *to, table, slice((*to).key, bytes))
        };
        to.hfunc = net::RVIRTIO_ETH_RSS_HASH_TOP;
        T::rss(device, table.unwrap_or(&mut []), key.unwrap_or(&mut []));
        0
    }

    pub(crate) extern "C" fn set_rss(
        dev: *mut bindings::net_device,
        from: *mut ethtool_rxfh_param,
        _ack: *mut netlink_ext_ack,
    ) -> c_int {
        // SAFETY: As in `rss`; the instance lock is held.
        let (mut held, function, table, key) = unsafe {
            let (entries, bytes) = T::rss_sizes(Self::device(dev));
            let held = Held::<T>::new(Inner::of_dev(dev.cast()), false);
            let (table, key) = (slice((*from).indir, entries), slice((*from).key, bytes));
            (held, (*from).hfunc, table, key)
        };
        // 0 stands for no change.
        if function != 0 && function != net::RVIRTIO_ETH_RSS_HASH_TOP {
            return EOPNOTSUPP.to_errno();
        }
        from_result(|| {
            let (table, key) = (table.as_deref(), key.as_deref());
            if table.is_some() || key.is_some() {
                T::set_rss(&mut held, table, key)?;
            }
            Ok(0)
        })
    }

    pub(crate) extern "C" fn fields(
        dev: *mut bindings::net_device,
        to: *mut ethtool_rxfh_fields,
    ) -> c_int {
        // SAFETY: The caller passes a device of ours, and a question to answer.
        let (device, to) = unsafe { (Self::device(dev), &mut *to) };
        to.data = match RxFlow::from_raw(to.flow_type).map(|flow| T::rss_fields(device, flow)) {
            None | Some(RxFields::None) => 0,
            Some(RxFields::Addresses) => net::RVIRTIO_RXH_ADDRESSES,
            Some(RxFields::AddressesAndPorts) => {
                net::RVIRTIO_RXH_ADDRESSES | net::RVIRTIO_RXH_PORTS
            }
        };
        0
    }

    pub(crate) extern "C" fn set_fields(
        dev: *mut bindings::net_device,
        from: *const ethtool_rxfh_fields,
        _ack: *mut netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The caller passes a device of ours, with its instance lock held, and a wish.
        let (mut held, from) =
            unsafe { (Held::<T>::new(Inner::of_dev(dev.cast()), false), &*from) };
        const ADDRESSES: u32 = net::RVIRTIO_RXH_ADDRESSES;
        const ALL: u32 = net::RVIRTIO_RXH_ADDRESSES | net::RVIRTIO_RXH_PORTS;
        from_result(|| {
            let fields = match from.data {
                net::RVIRTIO_RXH_DISCARD => RxFields::None,
                ADDRESSES => RxFields::Addresses,
                ALL => RxFields::AddressesAndPorts,
                _ => return Err(EINVAL),
            };
            let flow = RxFlow::from_raw(from.flow_type).ok_or(EINVAL)?;
            T::set_rss_fields(&mut held, flow, fields).map(|()| 0)
        })
    }
}

/// Returns `len` elements at `first`, unless that is null.
///
/// # Safety
///
/// If it is not null there must be so many, which nobody else uses for `'a`.
unsafe fn slice<'a, E>(first: *mut E, len: u32) -> Option<&'a mut [E]> {
    // SAFETY: This is the safety requirement.
    (!first.is_null()).then(|| unsafe { core::slice::from_raw_parts_mut(first, len as usize) })
}
