// SPDX-License-Identifier: GPL-2.0

//! The callbacks that are about programs which look at received frames.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::{
    bindings,
    callbacks::Callbacks,
    helpers::*,
    inner::Inner,
    lock::Held,
    operations::Operations,
    xdp_frames::XdpFrames,
    xdp_prog::XdpProg,
    xsk_pool::XskPool, //
};
use core::ptr::NonNull;
use kernel::{
    bindings::xdp_frame,
    error::from_result,
    ffi::c_int,
    prelude::*, //
};

/// What a command is about if it is about a program.
type Setup = bindings::netdev_bpf__bindgen_ty_1__bindgen_ty_1;

/// What it is about if it is about a socket's memory.
type XskSetup = bindings::netdev_bpf__bindgen_ty_1__bindgen_ty_3;

impl<T: Operations> Callbacks<T> {
    /// The table of these callbacks.
    pub(crate) const XDP_OPS: bindings::net_device_ops = bindings::net_device_ops {
        ndo_bpf: Some(Self::bpf),
        ndo_xdp_xmit: Some(Self::xdp_xmit),
        ndo_change_mtu: Some(Self::change_mtu),
        ndo_xsk_wakeup: Some(Self::xsk_wakeup),
        ..pin_init::zeroed()
    };

    extern "C" fn xdp_xmit(
        dev: *mut bindings::net_device,
        count: c_int,
        frames: *mut *mut xdp_frame,
        flags: u32,
    ) -> c_int {
        let flush = bindings::RVIRTIO_XDP_XMIT_FLUSH;
        let Ok(count) = usize::try_from(count) else {
            return EINVAL.to_errno();
        };
        if flags & !flush != 0 {
            return EINVAL.to_errno();
        }
        // SAFETY: The stack passes a device of ours, and so many frames to send, of which it frees those
        // that are not taken. It calls this from polls only, where bottom halves are off.
        let (inner, mut frames) = unsafe {
            let frames = core::slice::from_raw_parts(frames, count);
            (Inner::<T>::of_dev(dev), XdpFrames::new(dev, frames))
        };
        T::xdp_send(inner.pairs(), &mut frames, flags & flush != 0);
        // CAST: It is at most `count`.
        frames.taken() as c_int
    }

    extern "C" fn change_mtu(dev: *mut bindings::net_device, mtu: c_int) -> c_int {
        // SAFETY: The stack passes a device of ours, with its instance lock held.
        let mut held = unsafe { Held::new(Inner::<T>::of_dev(dev), false) };
        from_result(|| {
            // CAST: The stack has compared it with the smallest one.
            T::set_mtu(&mut held, mtu as u32)?;
            // SAFETY: It is a device. Who reads this without the lock expects one write.
            unsafe { (&raw mut (*dev).mtu).write_volatile(mtu as u32) };
            Ok(0)
        })
    }

    extern "C" fn bpf(dev: *mut bindings::net_device, command: *mut bindings::netdev_bpf) -> c_int {
        // SAFETY: The stack passes a command.
        match unsafe { (*command).command } {
            bindings::bpf_netdev_command_XDP_SETUP_PROG => (),
            bindings::bpf_netdev_command_XDP_SETUP_XSK_POOL => {
                // SAFETY: This member of the union goes with the command.
                let setup =
                    unsafe { &*(&raw const (*command).__bindgen_anon_1).cast::<XskSetup>() };
                // SAFETY: The stack passes a device of ours, with its instance lock held.
                let mut held = unsafe { Held::new(Inner::<T>::of_dev(dev), false) };
                return Self::set_xsk(&mut held, setup);
            }
            _ => return EINVAL.to_errno(),
        }
        // SAFETY: This member of the union goes with the command.
        let setup = unsafe { &*(&raw const (*command).__bindgen_anon_1).cast::<Setup>() };
        // SAFETY: The stack passes a device of ours, with its instance lock held.
        let mut held = unsafe { Held::new(Inner::<T>::of_dev(dev), false) };
        let raw = NonNull::new(setup.prog);
        // SAFETY: The stack passes a program for XDP, or none.
        let prog = raw.map(|raw| unsafe { XdpProg::get(raw) });
        match T::set_xdp(&mut held, prog) {
            Ok(()) => {
                if let Some(raw) = raw {
                    // SAFETY: The stack gives a reference if this succeeds, and there is another.
                    unsafe { rvirtio_helper_bpf_prog_put(raw.as_ptr()) };
                }
                0
            }
            Err(refused) => {
                // SAFETY: The stack passes where texts go, or nothing. This one is there as long as the
                // module is.
                unsafe {
                    rvirtio_helper_nl_set_err_msg(setup.extack, refused.text.as_char_ptr());
                }
                refused.error.to_errno()
            }
        }
    }

    fn set_xsk(held: &mut Held<'_, T>, setup: &XskSetup) -> c_int {
        let index = setup.queue_id;
        let Some(raw) = NonNull::new(setup.pool) else {
            let result = T::set_xsk(held, index, None);
            // Whatever has become of that: the pool is about to be freed.
            held.xsk_unbind(index.into());
            return result.map_or_else(|error| error.to_errno(), |()| 0);
        };
        // SAFETY: The stack passes a pool, and calls this again without one before it is gone.
        let pool = unsafe { XskPool::new(raw) };
        match T::set_xsk(held, index, Some(pool)) {
            Ok(()) => 0,
            Err(error) => {
                held.xsk_unbind(index.into());
                error.to_errno()
            }
        }
    }

    /// Has a pair polled, which sends what the socket wants to have sent, and takes what it has lent.
    extern "C" fn xsk_wakeup(dev: *mut bindings::net_device, queue: u32, _flags: u32) -> c_int {
        // SAFETY: The stack passes a device of ours.
        let (inner, used, state) = unsafe {
            let state = (&raw const (*dev).state).read_volatile();
            (Inner::<T>::of_dev(dev), (*dev).real_num_rx_queues, state)
        };
        if state & 1 << bindings::netdev_state_t___LINK_STATE_START == 0 {
            return ENETDOWN.to_errno();
        }
        let pair = inner.pairs().get(queue as usize);
        let Some(pair) = pair.filter(|_| queue < used) else {
            return EINVAL.to_errno();
        };
        // SAFETY: The NAPI is registered (type invariant of `Pair`).
        unsafe { rvirtio_helper_napi_schedule_bh(pair.napi()) };
        0
    }
}
