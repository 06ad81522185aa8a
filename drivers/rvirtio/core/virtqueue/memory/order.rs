// SPDX-License-Identifier: GPL-2.0

//! The barriers between accesses to shared memory.

use crate::{
    dma::Dma,
    ring::Barriers, //
};
use core::sync::atomic::{
    compiler_fence,
    Ordering, //
};
use kernel::sync::barrier;

extern "C" {
    #[cfg(not(CONFIG_X86_64))]
    fn rvirtio_helper_virt_mb();
    fn rvirtio_helper_virt_rmb();
    fn rvirtio_helper_virt_wmb();
}

/// The ordering of accesses with those of the device (virtio 1.4, 6, `ORDER_PLATFORM`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As between CPUs, even on kernels without SMP: the device is a thread of the host.
    #[doc(alias = "weak_barriers")]
    Cpu,
    /// As for a device of the platform.
    Platform,
}

impl Order {
    pub(super) fn of(dma: Dma<'_>) -> Self {
        if dma.is_ordered_by_platform() {
            Self::Platform
        } else {
            Self::Cpu
        }
    }
}

/// Whether the CPU reorders neither loads with loads nor stores with stores, as on x86. There, C's
/// `virt_rmb`, `virt_wmb`, `dma_rmb` and `dma_wmb` are compiler barriers, which need no call to a
/// helper: that would cost more than the accesses around it.
const IN_ORDER_CPU: bool = cfg!(CONFIG_X86_64);

/// C's `virt_mb`, without a call, which would cost twice as much as the barrier.
#[cfg(CONFIG_X86_64)]
#[inline]
fn virt_mb() {
    // SAFETY: Adds zero to a word of the stack, where kernel code has no red zone. The memory
    // clobber, which is the default, keeps the compiler from moving accesses across.
    unsafe { core::arch::asm!("lock add dword ptr [rsp - 4], 0") }
}

/// C's `virt_mb`.
#[cfg(not(CONFIG_X86_64))]
#[inline]
fn virt_mb() {
    // SAFETY: `virt_mb` has no requirements.
    unsafe { rvirtio_helper_virt_mb() }
}

impl Barriers for Order {
    #[inline]
    fn mb(&self) {
        match self {
            Self::Cpu => virt_mb(),
            Self::Platform => barrier::mb(barrier::Full),
        }
    }

    #[inline]
    fn rmb(&self) {
        if IN_ORDER_CPU {
            return compiler_fence(Ordering::SeqCst);
        }
        match self {
            // SAFETY: `virt_rmb` has no requirements.
            Self::Cpu => unsafe { rvirtio_helper_virt_rmb() },
            Self::Platform => barrier::dma_mb(barrier::Read),
        }
    }

    #[inline]
    fn wmb(&self) {
        if IN_ORDER_CPU {
            return compiler_fence(Ordering::SeqCst);
        }
        match self {
            // SAFETY: `virt_wmb` has no requirements.
            Self::Cpu => unsafe { rvirtio_helper_virt_wmb() },
            Self::Platform => barrier::dma_mb(barrier::Write),
        }
    }
}
