// SPDX-License-Identifier: GPL-2.0

//! Programs that look at frames in the memory of a socket.
//!
//! The frame stays where it is if the program passes it on to a socket, so that it is not copied. In all other
//! cases it is, or is dropped. User space and the device can write to it while the program looks, which the
//! kernel permits: a program is verified to stay within the frame whatever that contains.

use crate::{
    bindings,
    helpers::*,
    napi::Napi,
    operations::Operations,
    skb,
    skb_rx::RxSkb,
    skb_tx::TxSkb,
    xdp_frame::{
        action,
        failed,
        Verdict, //
    },
    xsk_buf::XskBuf, //
};
use core::ptr::NonNull;

impl<T: Operations> Napi<'_, T> {
    /// Runs the program on a frame of `len` bytes, and does what it says.
    #[doc(alias = "bpf_prog_run_xdp")]
    pub fn xsk_run(&mut self, buf: XskBuf, len: u32) -> Verdict {
        let (pair, dev) = (self.pair(), self.pair().dev());
        // SAFETY: There is such a value in a poll only, which has the receive side.
        let prog = unsafe { (*pair.xdp()).as_deref() }.map(|queue| queue.prog.as_ptr());
        let prepared = self.xsk().and_then(|xsk| xsk.prepare(&buf, len));
        let (Some(prog), Some(xdp)) = (prog, prepared) else {
            self.xsk_put(buf);
            return Verdict::Dropped;
        };
        let xdp = xdp.as_ptr();
        // SAFETY: The program is there, and `xdp` describes a frame of a queue that is registered. Bottom halves
        // are off: there is such a value in a poll only.
        let action = unsafe { rvirtio_helper_bpf_prog_run_xdp(prog, xdp) };
        let verdict = match action {
            action::DROP => Verdict::Dropped,
            action::PASS => {
                // SAFETY: A program leaves the ends of a frame in order, within the buffer, and so it is with
                // what is before it.
                unsafe { self.xsk_skb(xdp, Metadata::Kept) }.map_or(Verdict::Dropped, Verdict::Pass)
            }
            // SAFETY: The same.
            action::TX => match unsafe { self.xsk_skb(xdp, Metadata::Dropped) } {
                // SAFETY: It was just built, and nobody else has it. Programs cannot make a frame shorter than an
                // Ethernet header.
                Some(skb) => Verdict::Transmit(unsafe {
                    TxSkb::from_raw(NonNull::new_unchecked(skb.into_raw()))
                }),
                None => Verdict::Dropped,
            },
            action::REDIRECT => {
                // SAFETY: The program is there, and has just said so; `xdp` describes a frame that this has.
                if unsafe { bindings::xdp_do_redirect(dev, xdp, prog) } == 0 {
                    if let Some(xsk) = self.xsk() {
                        xsk.pass_on(buf);
                    }
                    return Verdict::Redirected;
                }
                Verdict::Dropped
            }
            _ => {
                // SAFETY: Device and program are there.
                unsafe { failed(dev, prog, action) };
                Verdict::Dropped
            }
        };
        self.xsk_put(buf);
        verdict
    }

    /// Gives a buffer back.
    pub fn xsk_put(&mut self, buf: XskBuf) {
        if let Some(xsk) = self.xsk() {
            xsk.put(buf);
        }
    }

    /// Returns a copy of a frame as the program has left it; `None` without memory.
    ///
    /// # Safety
    ///
    /// What `xdp` says of where metadata, frame and its end are must be so.
    #[doc(alias = "xsk_construct_skb")]
    unsafe fn xsk_skb(
        &mut self,
        xdp: *mut bindings::xdp_buff,
        metadata: Metadata,
    ) -> Option<RxSkb> {
        // SAFETY: `xdp` is valid (safety requirement).
        let (data, end, meta) = unsafe { ((*xdp).data, (*xdp).data_end, (*xdp).data_meta) };
        let start = match metadata {
            Metadata::Kept => meta,
            Metadata::Dropped => data,
        };
        // CAST: These are distances within a page. Metadata has at most 255 bytes.
        let (len, before) = (
            end.addr().wrapping_sub(start.addr()) as u32,
            data.addr().wrapping_sub(start.addr()) as u8,
        );
        let from = NonNull::new(start.cast::<u8>())?;
        // SAFETY: There is such a value in a poll only. There are so many bytes (safety requirement).
        let skb = unsafe { RxSkb::copied_from(self.pair().napi(), from, len) }?;
        // SAFETY: There are so many bytes before the frame.
        unsafe {
            let raw = skb.as_raw();
            (*raw).data = (*raw).data.add(before.into());
            (*raw).len = (*raw).len.wrapping_sub(before.into());
            (*skb::shared_info(raw)).meta_len = before;
        }
        Some(skb)
    }
}

/// What becomes of what a program has written before a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Metadata {
    Kept,
    Dropped,
}
