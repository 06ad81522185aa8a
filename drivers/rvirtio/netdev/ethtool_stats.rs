// SPDX-License-Identifier: GPL-2.0

//! Statistics that `ethtool` shows: sums of each counter, those of commands, then the counters of each pair that
//! is used.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use crate::{
    bindings::net_device,
    ethtool::EthtoolOps,
    inner::Inner,
    operations::Operations, //
};
use kernel::{
    bindings::{
        self,
        ethtool_stats, //
    },
    ffi::c_int,
    fmt,
    prelude::*, //
};

/// The length of a name, with the zeroes at its end.
#[doc(alias = "ETH_GSTRING_LEN")]
const NAME: usize = 32;

/// The set of statistics.
#[doc(alias = "ETH_SS_STATS")]
const STATS: u32 = 1;

/// Where a text goes, as far as it fits.
struct Text<'a>(&'a mut [u8]);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let len = text.len().min(self.0.len());
        let (to, rest) = core::mem::take(&mut self.0).split_at_mut(len);
        to.copy_from_slice(&text.as_bytes()[..len]);
        self.0 = rest;
        Ok(())
    }
}

impl<T: Operations> EthtoolOps<T> {
    /// Calls `each` with the name and the value of all counters, in order.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of the driver, with its instance lock held.
    unsafe fn each_counter(
        dev: *mut bindings::net_device,
        mut each: impl FnMut(fmt::Arguments<'_>, u64),
    ) {
        // CAST: It is the type that the kernel crate has without contents.
        let dev: *mut net_device = dev.cast();
        // SAFETY: This is the safety requirement.
        let (inner, used) = unsafe { (Inner::<T>::of_dev(dev), (*dev).real_num_tx_queues) };
        let (pairs, device) = (inner.pairs(), inner.data());
        let rx = || {
            T::RX_COUNTERS
                .iter()
                .filter(|name| T::has_rx_counter(device, name))
        };
        let tx = || {
            T::TX_COUNTERS
                .iter()
                .filter(|name| T::has_tx_counter(device, name))
        };
        for name in rx() {
            let sum = pairs.iter().map(|pair| T::rx_counter(pair, name));
            each(fmt!("rx_{name}"), sum.fold(0, u64::wrapping_add));
        }
        for name in tx() {
            let sum = pairs.iter().map(|pair| T::tx_counter(pair, name));
            each(fmt!("tx_{name}"), sum.fold(0, u64::wrapping_add));
        }
        for name in T::CONTROL_COUNTERS {
            if T::has_control_counter(device, name) {
                each(fmt!("cq_{name}"), T::control_counter(device, name));
            }
        }
        let used = || pairs.iter().take(used as usize);
        for pair in used() {
            for name in rx() {
                each(fmt!("rx{}_{name}", pair.index()), T::rx_counter(pair, name));
            }
        }
        for pair in used() {
            for name in tx() {
                each(fmt!("tx{}_{name}", pair.index()), T::tx_counter(pair, name));
            }
        }
    }

    pub(crate) extern "C" fn sset_count(dev: *mut bindings::net_device, set: c_int) -> c_int {
        if set as u32 != STATS {
            return EOPNOTSUPP.to_errno();
        }
        let mut count = 0;
        // SAFETY: The caller passes a device of ours, with its instance lock held.
        unsafe { Self::each_counter(dev, |_, _| count += 1) };
        count
    }

    pub(crate) extern "C" fn strings(dev: *mut bindings::net_device, set: u32, to: *mut u8) {
        if set != STATS {
            return;
        }
        let mut at = to;
        let each = |name: fmt::Arguments<'_>, _| {
            // SAFETY: The caller passes zeroed memory for as many names as `sset_count` returns, with the
            // lock held since. The last byte stays zero.
            let text = unsafe { core::slice::from_raw_parts_mut(at, NAME - 1) };
            // What does not fit is cut off.
            let _ = fmt::Write::write_fmt(&mut Text(text), name);
            at = at.wrapping_add(NAME);
        };
        // SAFETY: The caller passes a device of ours, with its instance lock held.
        unsafe { Self::each_counter(dev, each) };
    }

    pub(crate) extern "C" fn stats(
        dev: *mut bindings::net_device,
        _stats: *mut ethtool_stats,
        to: *mut u64,
    ) {
        // CAST: It is the type that the kernel crate has without contents.
        let raw: *mut net_device = dev.cast();
        // SAFETY: The caller passes a device of ours, with its instance lock held.
        let (inner, used) = unsafe { (Inner::<T>::of_dev(raw), (*raw).real_num_tx_queues) };
        let used = inner.pairs().get(..used as usize).unwrap_or(&[]);
        T::refresh(inner.data(), used, true);
        let mut at = to;
        let each = |_: fmt::Arguments<'_>, value| {
            // SAFETY: The caller passes memory for as many values as `sset_count` returns, with the lock
            // held since.
            unsafe { at.write(value) };
            at = at.wrapping_add(1);
        };
        // SAFETY: The caller passes a device of ours, with its instance lock held.
        unsafe { Self::each_counter(dev, each) };
    }
}
