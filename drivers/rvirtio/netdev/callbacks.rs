// SPDX-License-Identifier: GPL-2.0

//! The callbacks that lead from C to a driver.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::{
    bindings,
    config::NetDevConfig,
    features::NetFeatures,
    helpers::*,
    inner::Inner,
    lock::Held,
    napi::Polled,
    operations::Operations,
    pair::Pair,
    skb,
    skb_tx::TxSkb,
    tx_queue::TxGuard, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::{
    bindings::{
        netdev_features_t,
        sk_buff, //
    },
    error::from_result,
    ffi::{
        c_int,
        c_uint,
        c_ulong, //
    }, //
};

/// The callbacks of a driver, as C wants them.
pub(crate) struct Callbacks<T>(PhantomData<T>);

impl<T: Operations> Callbacks<T> {
    /// The table of callbacks.
    pub(crate) const NETDEV_OPS: bindings::net_device_ops = bindings::net_device_ops {
        ndo_open: Some(Self::open),
        ndo_stop: Some(Self::stop),
        ndo_start_xmit: Some(Self::start_xmit),
        ndo_tx_timeout: Some(Self::tx_timeout),
        ndo_get_stats64: Some(Self::stats64),
        ..Self::CONTROL_OPS
    };

    /// The same for a device that knows of tunnels.
    pub(crate) const NETDEV_OPS_WITH_TUNNELS: bindings::net_device_ops = bindings::net_device_ops {
        ndo_features_check: Some(features_check),
        ..Self::NETDEV_OPS
    };

    /// The table of callbacks for statistics of queues.
    pub(crate) const STAT_OPS: bindings::netdev_stat_ops = bindings::netdev_stat_ops {
        get_queue_stats_rx: Some(Self::queue_stats_rx),
        get_queue_stats_tx: Some(Self::queue_stats_tx),
        get_base_stats: Some(Self::base_stats),
    };

    extern "C" fn open(dev: *mut bindings::net_device) -> c_int {
        // SAFETY: The stack passes a device of ours, and holds its instance lock, as it asks for
        // that.
        let mut held = unsafe { Held::new(Inner::<T>::of_dev(dev), false) };
        from_result(|| {
            T::open(&mut held)
                .inspect_err(|_| held.pause_all())
                .map(|()| 0)
        })
    }

    extern "C" fn stop(dev: *mut bindings::net_device) -> c_int {
        // SAFETY: The stack passes a device of ours, and holds its instance lock, as it asks for
        // that.
        let mut held = unsafe { Held::new(Inner::<T>::of_dev(dev), false) };
        T::stop(&mut held);
        held.pause_all();
        0
    }

    extern "C" fn start_xmit(
        skb: *mut sk_buff,
        dev: *mut bindings::net_device,
    ) -> bindings::netdev_tx_t {
        // SAFETY: The stack passes a frame, which is ours from now on, and which has an Ethernet
        // header.
        let (frame, index) = unsafe {
            let index = usize::from((*skb).queue_mapping);
            (TxSkb::from_raw(NonNull::new_unchecked(skb)), index)
        };
        // SAFETY: The stack passes a device of ours.
        let inner = unsafe { Inner::<T>::of_dev(dev) };
        // There is such a pair. Otherwise the frame would be dropped.
        if let Some(pair) = inner.pairs().get(index) {
            // SAFETY: The stack holds the lock of the queue that it has mapped the frame to, for
            // the duration of the call. So there is nothing to give back.
            let mut guard = ManuallyDrop::new(unsafe { TxGuard::held_by_stack(pair) });
            T::start_xmit(&mut guard, frame);
        }
        bindings::netdev_tx_NETDEV_TX_OK
    }

    pub(crate) extern "C" fn poll(napi: *mut bindings::napi_struct, budget: c_int) -> c_int {
        // SAFETY: The kernel passes a NAPI that `Inner` has registered and not deleted. Whoever
        // calls this holds the bit SCHED and, for a budget of 0, is the only one that polls.
        T::poll(unsafe { Polled::new(Pair::of_napi(napi), budget) }).into_raw()
    }

    extern "C" fn tx_timeout(dev: *mut bindings::net_device, queue: c_uint) {
        // SAFETY: The stack passes a device of ours.
        let inner = unsafe { Inner::<T>::of_dev(dev) };
        if let Some(pair) = inner.pairs().get(queue as usize) {
            T::tx_timeout(pair);
        }
    }

    extern "C" fn stats64(dev: *mut bindings::net_device, to: *mut bindings::rtnl_link_stats64) {
        // SAFETY: The stack passes a device of ours, and zeroed statistics.
        let (inner, to) = unsafe { (Inner::<T>::of_dev(dev), &mut *to) };
        let stats = T::stats(inner.data(), inner.pairs());
        to.rx_packets = stats.rx_packets;
        to.rx_bytes = stats.rx_bytes;
        to.rx_length_errors = stats.rx_length_errors;
        to.rx_frame_errors = stats.rx_frame_errors;
        to.rx_errors = stats.rx_length_errors.wrapping_add(stats.rx_frame_errors);
        to.rx_dropped = stats.rx_dropped;
        to.tx_packets = stats.tx_packets;
        to.tx_bytes = stats.tx_bytes;
        to.tx_dropped = stats.tx_dropped;
    }

    extern "C" fn queue_stats_rx(
        dev: *mut bindings::net_device,
        index: c_int,
        to: *mut bindings::netdev_queue_stats_rx,
    ) {
        // SAFETY: The stack passes a device of ours, and statistics to fill in.
        let (inner, to) = unsafe { (Inner::<T>::of_dev(dev), &mut *to) };
        // CAST: It is the number of a queue.
        if let Some(pair) = inner.pairs().get(index as usize) {
            T::refresh(inner.data(), core::slice::from_ref(pair), false);
            let stats = T::rx_stats(pair);
            to.packets = stats.packets;
            to.bytes = stats.bytes;
            to.alloc_fail = stats.alloc_fail;
            stats.device.each(to, |to, number| *to = number);
        }
    }

    extern "C" fn queue_stats_tx(
        dev: *mut bindings::net_device,
        index: c_int,
        to: *mut bindings::netdev_queue_stats_tx,
    ) {
        // SAFETY: The stack passes a device of ours, and statistics to fill in.
        let (inner, to) = unsafe { (Inner::<T>::of_dev(dev), &mut *to) };
        // CAST: It is the number of a queue.
        if let Some(pair) = inner.pairs().get(index as usize) {
            T::refresh(inner.data(), core::slice::from_ref(pair), false);
            let stats = T::tx_stats(pair);
            to.packets = stats.packets;
            to.bytes = stats.bytes;
            to.stop = stats.stop;
            to.wake = stats.wake;
            stats.device.each(to, |to, number| *to = number);
        }
    }

    /// Says which statistics of all queues together are not of those that are used now.
    extern "C" fn base_stats(
        dev: *mut bindings::net_device,
        rx: *mut bindings::netdev_queue_stats_rx,
        tx: *mut bindings::netdev_queue_stats_tx,
    ) {
        // SAFETY: The stack passes a device of ours, and statistics to fill in.
        let (inner, rx, tx) = unsafe { (Inner::<T>::of_dev(dev), &mut *rx, &mut *tx) };
        // SAFETY: The same.
        let used = unsafe { (*dev).real_num_tx_queues };
        (rx.packets, rx.bytes, rx.alloc_fail) = (0, 0, 0);
        (tx.packets, tx.bytes, tx.stop, tx.wake) = (0, 0, 0, 0);
        if let Some(pair) = inner.pairs().first() {
            // Those that there are.
            T::rx_stats(pair).device.each(rx, |to, _| *to = 0);
            T::tx_stats(pair).device.each(tx, |to, _| *to = 0);
        }
        for pair in inner.pairs().iter().skip(used as usize) {
            let (received, sent) = (T::rx_stats(pair), T::tx_stats(pair));
            let add = |to: &mut u64, number| *to = to.wrapping_add(number);
            received.device.each(rx, add);
            sent.device.each(tx, add);
            rx.packets = rx.packets.wrapping_add(received.packets);
            rx.bytes = rx.bytes.wrapping_add(received.bytes);
            rx.alloc_fail = rx.alloc_fail.wrapping_add(received.alloc_fail);
            tx.packets = tx.packets.wrapping_add(sent.packets);
            tx.bytes = tx.bytes.wrapping_add(sent.bytes);
            tx.stop = tx.stop.wrapping_add(sent.stop);
            tx.wake = tx.wake.wrapping_add(sent.wake);
        }
    }
}

/// Returns which of `features` apply to a frame.
#[doc(alias = "virtnet_features_check")]
extern "C" fn features_check(
    skb: *mut sk_buff,
    _dev: *mut bindings::net_device,
    features: netdev_features_t,
) -> netdev_features_t {
    // SAFETY: The stack passes a frame.
    let inner = unsafe {
        (*skb::headers(skb)).encapsulation() != 0
            && ((*skb::shared_info(skb)).gso_size == 0
                || rvirtio_helper_netif_needs_gso(skb, features))
    };
    if inner {
        features & !bindings::RVIRTIO_NETIF_F_CSUM_MASK
    } else {
        features
    }
}

/// Sets what is to be known of a device before it is registered.
///
/// # Safety
///
/// `dev` must be a network device that is not registered.
pub(crate) unsafe fn set_limits(dev: *mut bindings::net_device, config: &NetDevConfig<'_>) {
    // SAFETY: It is a network device that is not registered (safety requirement), so that nobody else
    // uses it.
    let dev = unsafe { &mut *dev };
    dev.mtu = config.mtu.into();
    dev.min_mtu = config.min_mtu.into();
    dev.max_mtu = config.max_mtu.into();
    dev.features = config.features.without(config.off).into_raw();
    dev.vlan_features = config.features.without(NetFeatures::VLAN_FILTER).into_raw();
    dev.hw_features = config.switchable.into_raw();
    dev.hw_enc_features = config.in_tunnels.into_raw();
    dev.needed_headroom = config.needed_headroom;
    dev.xdp_features = bindings::RVIRTIO_XDP_FEATURES;
    if config.sends_fragments {
        dev.xdp_features |= bindings::RVIRTIO_NETDEV_XDP_ACT_NDO_XMIT_SG;
    }
    if config.zero_copy {
        dev.xdp_features |= bindings::RVIRTIO_XDP_ZERO_COPY;
    }
    // SAFETY: The union has this structure as its members.
    let flags = unsafe { &mut dev.__bindgen_anon_1.priv_flags_fast };
    // CAST: All are bits of the lower half.
    let sharing = bindings::netdev_priv_flags_IFF_TX_SKB_SHARING as c_ulong;
    let live_change = bindings::netdev_priv_flags_IFF_LIVE_ADDR_CHANGE as c_ulong;
    // A frame is sent once at a time: its control block is the driver's until it is freed. Nothing is
    // made of the address when the interface is opened.
    let mut set = live_change;
    if config.filters_unicast {
        set |= bindings::netdev_priv_flags_IFF_UNICAST_FLT as c_ulong;
    }
    flags.set_priv_flags((flags.priv_flags() & !sharing) | set);
}

/// Returns transmit queue `index` of a device.
///
/// # Safety
///
/// `dev` must be a network device with so many queues.
pub(crate) unsafe fn tx_queue(
    dev: *mut bindings::net_device,
    index: u16,
) -> *mut bindings::netdev_queue {
    // SAFETY: The device has an array of queues, with so many elements (safety requirement).
    unsafe { (*dev)._tx.add(index.into()) }
}
