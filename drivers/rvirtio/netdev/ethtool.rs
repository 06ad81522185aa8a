// SPDX-License-Identifier: GPL-2.0

//! What `ethtool` asks for.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use crate::{
    bindings::net_device,
    inner::Inner,
    operations::Operations, //
};
use core::marker::PhantomData;
use kernel::{
    bindings::{
        self,
        ethtool_drvinfo,
        ethtool_link_ksettings, //
    },
    ffi::{
        c_char,
        c_int, //
    }, //
};

/// The callbacks of a driver, as C wants them.
pub(crate) struct EthtoolOps<T>(PhantomData<T>);

/// The link's state is looked up under the lock of all network configuration.
const NEEDS_RTNL: u32 = crate::bindings::RVIRTIO_ETHTOOL_OP_NEEDS_RTNL_GLINK;

impl<T: Operations> EthtoolOps<T> {
    /// The table of callbacks.
    pub(crate) const OPS: bindings::ethtool_ops = bindings::ethtool_ops {
        op_needs_rtnl: NEEDS_RTNL,
        get_drvinfo: Some(Self::drvinfo),
        get_link: Some(bindings::ethtool_op_get_link),
        get_ts_info: Some(bindings::ethtool_op_get_ts_info),
        get_link_ksettings: Some(Self::link_ksettings),
        ..pin_init::zeroed()
    };

    /// The rest of the information is filled in from the device's parent.
    extern "C" fn drvinfo(_dev: *mut bindings::net_device, info: *mut ethtool_drvinfo) {
        // SAFETY: The caller passes zeroed information to fill in.
        let to = unsafe { &mut (*info).driver };
        let name = T::NAME.to_bytes();
        let len = name.len().min(to.len() - 1);
        for (to, from) in to.iter_mut().zip(&name[..len]) {
            // CAST: They are characters of C.
            *to = *from as c_char;
        }
    }

    extern "C" fn link_ksettings(
        dev: *mut bindings::net_device,
        to: *mut ethtool_link_ksettings,
    ) -> c_int {
        // CAST: It is the type that the kernel crate has without contents.
        let dev: *mut net_device = dev.cast();
        // SAFETY: The caller passes a device of ours, and settings to fill in.
        let (inner, base) = unsafe { (Inner::<T>::of_dev(dev), &mut (*to).base) };
        let (speed, full_duplex) = T::link(inner.data());
        // SPEED_UNKNOWN is all ones.
        base.speed = speed.unwrap_or(u32::MAX);
        // DUPLEX_HALF, DUPLEX_FULL, DUPLEX_UNKNOWN
        base.duplex = full_duplex.map_or(u8::MAX, u8::from);
        // PORT_OTHER
        base.port = 0xff;
        0
    }
}
