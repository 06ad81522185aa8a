// SPDX-License-Identifier: GPL-2.0

//! The callbacks that set how a device works.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::{
    addresses::{
        Addresses,
        RxWish, //
    },
    bindings,
    callbacks::Callbacks,
    features::NetFeatures,
    inner::Inner,
    lock::Held,
    operations::Operations, //
};
use kernel::{
    bindings::netdev_features_t,
    error::from_result,
    ffi::{
        c_int,
        c_void, //
    }, //
};

impl<T: Operations> Callbacks<T> {
    /// The table of callbacks that set something.
    pub(crate) const CONTROL_OPS: bindings::net_device_ops = bindings::net_device_ops {
        ndo_validate_addr: Some(bindings::eth_validate_addr),
        ndo_set_mac_address: Some(Self::set_mac),
        ndo_set_rx_mode_async: Some(Self::set_rx_mode),
        ndo_vlan_rx_add_vid: Some(Self::vlan_add),
        ndo_vlan_rx_kill_vid: Some(Self::vlan_remove),
        ndo_set_features: Some(Self::set_features),
        ..Self::XDP_OPS
    };

    extern "C" fn set_mac(dev: *mut bindings::net_device, address: *mut c_void) -> c_int {
        // SAFETY: The stack passes a device of ours, with its instance lock held.
        let mut held = unsafe { Held::new(Inner::<T>::of_dev(dev), false) };
        from_result(|| {
            // SAFETY: The stack passes a device and a `struct sockaddr` with an Ethernet address.
            kernel::error::to_result(unsafe {
                bindings::eth_prepare_mac_addr_change(dev, address)
            })?;
            // SAFETY: The same. The address comes after its family, which is 16 bits.
            let bytes = unsafe { address.cast::<u8>().add(2).cast::<[u8; 6]>().read() };
            T::set_mac(&mut held, bytes)?;
            // SAFETY: As above.
            unsafe { bindings::eth_commit_mac_addr_change(dev, address) };
            Ok(0)
        })
    }

    extern "C" fn set_rx_mode(
        dev: *mut bindings::net_device,
        unicast: *mut bindings::netdev_hw_addr_list,
        multicast: *mut bindings::netdev_hw_addr_list,
    ) -> c_int {
        // SAFETY: The stack passes a device of ours, with its instance lock held.
        let (mut held, flags) =
            unsafe { (Held::new(Inner::<T>::of_dev(dev), false), (*dev).flags) };
        let wish = RxWish {
            promisc: flags & bindings::RVIRTIO_IFF_PROMISC != 0,
            allmulti: flags & bindings::RVIRTIO_IFF_ALLMULTI != 0,
            // SAFETY: The stack passes lists of Ethernet addresses, which are copies for this call.
            unicast: unsafe { Addresses::new(unicast) },
            // SAFETY: The same.
            multicast: unsafe { Addresses::new(multicast) },
        };
        from_result(|| T::set_rx_mode(&mut held, wish).map(|()| 0))
    }

    extern "C" fn vlan_add(dev: *mut bindings::net_device, _protocol: u16, vlan: u16) -> c_int {
        // SAFETY: The stack passes a device of ours.
        let inner = unsafe { Inner::<T>::of_dev(dev) };
        from_result(|| T::vlan_add(inner.data(), vlan).map(|()| 0))
    }

    extern "C" fn vlan_remove(dev: *mut bindings::net_device, _protocol: u16, vlan: u16) -> c_int {
        // SAFETY: The stack passes a device of ours.
        let inner = unsafe { Inner::<T>::of_dev(dev) };
        from_result(|| T::vlan_remove(inner.data(), vlan).map(|()| 0))
    }

    extern "C" fn set_features(dev: *mut bindings::net_device, to: netdev_features_t) -> c_int {
        // SAFETY: The stack passes a device of ours, with its instance lock held.
        let (mut held, from) =
            unsafe { (Held::new(Inner::<T>::of_dev(dev), false), (*dev).features) };
        let (from, to) = (NetFeatures::from_raw(from), NetFeatures::from_raw(to));
        from_result(|| T::set_features(&mut held, from, to).map(|()| 0))
    }
}
