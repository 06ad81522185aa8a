// SPDX-License-Identifier: GPL-2.0

//! What `ethtool` asks for.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use crate::{
    bindings::net_device,
    inner::Inner,
    lock::Held,
    operations::Operations,
    rtnl::Rtnl, //
};
use core::marker::PhantomData;
use kernel::{
    bindings::{
        self,
        ethtool_channels,
        ethtool_drvinfo,
        ethtool_link_ksettings, //
    },
    error::from_result,
    ffi::{
        c_char,
        c_int, //
    },
    prelude::*, //
};

/// The callbacks of a driver, as C wants them.
pub(crate) struct EthtoolOps<T>(PhantomData<T>);

/// What is called under the lock of all network configuration: the link's state is looked up with it, and
/// the number of queues and the limits that adaptive coalescing chooses from are guarded by it.
const NEEDS_RTNL: u32 = crate::bindings::RVIRTIO_ETHTOOL_OP_NEEDS_RTNL_GLINK
    | crate::bindings::RVIRTIO_ETHTOOL_OP_NEEDS_RTNL_SCOALESCE
    | crate::bindings::RVIRTIO_ETHTOOL_OP_NEEDS_RTNL_SCHANNELS;

impl<T: Operations> EthtoolOps<T> {
    /// The table of callbacks.
    pub(crate) const OPS: bindings::ethtool_ops = bindings::ethtool_ops {
        op_needs_rtnl: NEEDS_RTNL,
        supported_coalesce_params: crate::bindings::RVIRTIO_ETHTOOL_COALESCE,
        get_drvinfo: Some(Self::drvinfo),
        get_link: Some(bindings::ethtool_op_get_link),
        get_ts_info: Some(bindings::ethtool_op_get_ts_info),
        get_link_ksettings: Some(Self::link_ksettings),
        set_link_ksettings: Some(Self::set_link_ksettings),
        get_sset_count: Some(Self::sset_count),
        get_strings: Some(Self::strings),
        get_ethtool_stats: Some(Self::stats),
        get_rx_ring_count: Some(Self::ring_count),
        get_rxfh_key_size: Some(Self::key_size),
        get_rxfh_indir_size: Some(Self::table_size),
        get_rxfh: Some(Self::rss),
        set_rxfh: Some(Self::set_rss),
        get_rxfh_fields: Some(Self::fields),
        set_rxfh_fields: Some(Self::set_fields),
        get_ringparam: Some(Self::ring_sizes),
        set_ringparam: Some(Self::set_ring_sizes),
        get_coalesce: Some(Self::coalesce),
        set_coalesce: Some(Self::set_coalesce),
        get_per_queue_coalesce: Some(Self::queue_coalesce),
        set_per_queue_coalesce: Some(Self::set_queue_coalesce),
        get_channels: Some(Self::channels),
        set_channels: Some(Self::set_channels),
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

    extern "C" fn channels(dev: *mut bindings::net_device, to: *mut ethtool_channels) {
        // CAST: It is the type that the kernel crate has without contents.
        let dev: *mut net_device = dev.cast();
        // SAFETY: The caller passes a device of ours, with its instance lock held, and zeroed numbers to
        // fill in.
        let (inner, used, to) = unsafe {
            let used = (*dev).real_num_tx_queues;
            (Inner::<T>::of_dev(dev), used, &mut *to)
        };
        // CAST: It is the number of queues of a network device.
        to.max_combined = inner.pairs().len() as u32;
        to.combined_count = used;
    }

    extern "C" fn set_channels(
        dev: *mut bindings::net_device,
        from: *mut ethtool_channels,
    ) -> c_int {
        // SAFETY: The caller passes a device of ours, with its instance lock held, and numbers.
        let (mut held, from) =
            unsafe { (Held::new(Inner::<T>::of_dev(dev.cast()), false), &*from) };
        // SAFETY: The lock is held for the duration of the call, as we ask for that.
        let rtnl = unsafe { Rtnl::new() };
        // The caller has compared all numbers with the largest ones.
        from_result(|| {
            let count = u16::try_from(from.combined_count)?;
            if count == 0 {
                return Err(EINVAL);
            }
            T::set_pairs(&mut held, &rtnl, count).map(|()| 0)
        })
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
    /// Only tells others what to take for the speed of the link, such as bonds.
    extern "C" fn set_link_ksettings(
        dev: *mut bindings::net_device,
        from: *const ethtool_link_ksettings,
    ) -> c_int {
        let (mut speed, mut duplex) = (0, 0);
        // SAFETY: The caller passes a device of ours, and settings. What is valid of them is copied.
        let (inner, result) = unsafe {
            let to = (&mut speed, &mut duplex);
            let result = bindings::ethtool_virtdev_set_link_ksettings(dev, from, to.0, to.1);
            (Inner::<T>::of_dev(dev.cast()), result)
        };
        if result == 0 {
            let speed = (speed != u32::MAX).then_some(speed);
            let full = (duplex != u8::MAX).then_some(duplex != 0);
            T::set_link(inner.data(), speed, full);
        }
        result
    }
}
