// SPDX-License-Identifier: GPL-2.0

//! The lock of all network configuration.
//!
//! C header: [`include/linux/rtnetlink.h`](srctree/include/linux/rtnetlink.h)

use crate::{
    bindings,
    lock::Held,
    operations::Operations, //
};
use core::marker::PhantomData;
use kernel::{
    cpu::nr_cpu_ids,
    cpumask::CpumaskVar,
    error::to_result,
    prelude::*, //
};

/// The right to change what the lock of all network configuration guards: it is held.
///
/// # Invariants
///
/// The lock is held for `'a`.
#[doc(alias = "rtnl_lock")]
pub struct Rtnl<'a>(PhantomData<&'a ()>);

impl Rtnl<'_> {
    /// # Safety
    ///
    /// The lock must be held for as long as the value is there.
    pub(crate) unsafe fn new() -> Self {
        // INVARIANT: This is the safety requirement.
        Self(PhantomData)
    }
}

impl<T: Operations> Held<'_, T> {
    /// Has the stack use `count` pairs of queues, the first ones, and each processor one of them to send.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`], and [`EINVAL`] for none or more than there are.
    #[doc(alias = "netif_set_real_num_queues")]
    #[doc(alias = "netif_set_xps_queue")]
    pub fn set_pair_count(&mut self, _rtnl: &Rtnl<'_>, count: u16) -> Result {
        if count == 0 || usize::from(count) > self.pairs().len() {
            return Err(EINVAL);
        }
        let dev = self.dev();
        // SAFETY: It is a network device that has so many queues; both locks are held (type invariants).
        to_result(unsafe { bindings::netif_set_real_num_queues(dev, count.into(), count.into()) })?;
        if count == 1 {
            return Ok(());
        }
        // Neighbours share a pair, as they share caches.
        let all = nr_cpu_ids();
        let (each, more) = (all / u32::from(count), all % u32::from(count));
        for index in 0..count {
            let mut cpus = CpumaskVar::new_zero(GFP_KERNEL)?;
            let start = |index: u32| index * each + index.min(more);
            let own = start(index.into())..start(u32::from(index) + 1);
            own.filter_map(kernel::cpu::CpuId::from_u32)
                .for_each(|cpu| cpus.set(cpu));
            // SAFETY: The same, and the mask is valid. Without memory the stack chooses a queue by itself.
            unsafe { bindings::netif_set_xps_queue(dev, cpus.as_raw(), index) };
        }
        Ok(())
    }
}
