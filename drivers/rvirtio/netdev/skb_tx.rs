// SPDX-License-Identifier: GPL-2.0

//! Frames to send.

use crate::{
    bindings::{
        self,
        MAX_SKB_FRAGS, //
    },
    skb::{
        self,
        gso,
        ip_summed, //
    }, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull,
    slice, //
};
use kernel::{
    bindings::{
        sk_buff,
        skb_frag_t, //
    },
    ffi::c_int, //
};

/// A socket buffer that the stack wants to have sent, and that the driver owns.
///
/// Dropping it frees it, counted as a drop.
///
/// # Invariants
///
/// `raw` points to a socket buffer that is exclusively owned, with an Ethernet header. Its
/// contents can be shared, if it is a clone.
#[repr(transparent)]
pub struct TxSkb {
    raw: NonNull<sk_buff>,
}

// SAFETY: Socket buffers belong to no CPU or thread.
unsafe impl Send for TxSkb {}

/// How the stack wants a frame to be segmented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxGso {
    /// The way to do it.
    pub kind: TxGsoKind,
    /// The TCP header has ECN set.
    pub ecn: bool,
    /// Payload of a segment in bytes.
    pub size: u16,
    /// Length of all headers in bytes.
    pub headers: u32,
    /// The tunnel that it is in.
    pub tunnel: Option<TxTunnel>,
}

/// Ways of segmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxGsoKind {
    /// TCP over IPv4.
    TcpV4,
    /// TCP over IPv6.
    TcpV6,
    /// UDP.
    UdpL4,
}

/// A UDP tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxTunnel {
    /// The outer network header is IPv6.
    pub outer_v6: bool,
    /// The outer header has a checksum, which is partial.
    pub csum: bool,
    /// Where the outer transport header is, from the start of the frame.
    pub outer_transport: u32,
    /// Where the inner network header is, from the start of the frame.
    pub inner_network: u32,
}

/// The frame is to be segmented in a way that this crate does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownGso;

/// The ways of segmentation in tunnels.
const TUNNEL: u32 = gso::UDP_TUNNEL | gso::UDP_TUNNEL_CSUM;

/// From where a frame is freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Free {
    /// From a NAPI poll, or elsewhere with bottom halves off and interrupts on.
    Softirq,
    /// From anywhere.
    Anywhere,
}

impl TxSkb {
    /// # Safety
    ///
    /// `raw` must point to a socket buffer that the caller owns, with an Ethernet header.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: NonNull<sk_buff>) -> Self {
        // INVARIANT: The caller owns the buffer, which has an Ethernet header (safety requirements). The
        // device does not say that it takes buffers that are sent several times at once
        // (`IFF_TX_SKB_SHARING`).
        Self { raw }
    }

    #[inline]
    pub(crate) fn as_raw(&self) -> *mut sk_buff {
        self.raw.as_ptr()
    }

    /// Returns the length of the frame in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { (*self.as_raw()).len }
    }

    /// Returns how much of the frame is linear, in bytes.
    #[doc(alias = "skb_headlen")]
    #[inline]
    pub fn linear_len(&self) -> u32 {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { skb::linear_len(self.as_raw()) }
    }

    /// Returns the number of fragments behind what is linear.
    #[inline]
    pub fn fragments(&self) -> u8 {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { (*skb::shared_info(self.as_raw())).nr_frags }
    }

    /// Returns the fragments behind what is linear.
    #[inline]
    pub(crate) fn fragment_list(&self) -> &[skb_frag_t] {
        // SAFETY: `raw` points to a socket buffer (type invariant), of which so many are initialised.
        // Nobody changes them while the buffer is owned.
        unsafe {
            let info = skb::shared_info(self.as_raw());
            let count = usize::from((*info).nr_frags).min(MAX_SKB_FRAGS as usize);
            slice::from_raw_parts((&raw const (*info).frags).cast(), count)
        }
    }

    /// Returns where a partial checksum starts, from the start of the frame, and where it is
    /// stored, from there on.
    #[inline]
    pub fn partial_csum(&self) -> Option<(u32, u32)> {
        let raw = self.as_raw();
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe {
            if (*skb::headers(raw)).ip_summed() != ip_summed::PARTIAL {
                return None;
            }
            let csum = skb::csum(raw);
            let start = u32::from((*csum).csum_start).wrapping_sub(skb::headroom(raw));
            Some((start, (*csum).csum_offset.into()))
        }
    }

    /// Returns whether the frame is to be segmented.
    #[doc(alias = "skb_is_gso")]
    #[inline]
    pub fn is_gso(&self) -> bool {
        self.gso_size() != 0
    }

    #[inline]
    fn gso_size(&self) -> u16 {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { (*skb::shared_info(self.as_raw())).gso_size }
    }

    /// Returns whether the frame is to be segmented, and in a tunnel.
    #[inline]
    pub fn is_in_tunnel(&self) -> bool {
        self.gso_type() & TUNNEL != 0
    }

    /// Returns how to segment the frame, if [it is to be](TxSkb::is_gso). `in_tunnel` must be what
    /// [`TxSkb::is_in_tunnel`] says.
    ///
    /// # Errors
    ///
    /// [`UnknownGso`] for ways that no features of this crate stand for.
    #[inline(always)]
    pub fn gso(&self, in_tunnel: bool) -> Result<TxGso, UnknownGso> {
        let size = self.gso_size();
        // The stack has checked the headers by now.
        let gso_type = self.gso_type() & !gso::DODGY;
        let kind = match gso_type & !(gso::TCP_ECN | TUNNEL) {
            gso::TCPV4 => TxGsoKind::TcpV4,
            gso::TCPV6 => TxGsoKind::TcpV6,
            gso::UDP_L4 => TxGsoKind::UdpL4,
            _ => return Err(UnknownGso),
        };
        let raw = self.as_raw();
        // SAFETY: `raw` points to a socket buffer (type invariant).
        let (headroom, headers) = unsafe { (skb::headroom(raw), &*skb::headers(raw)) };
        let at = |offset: u16| u32::from(offset).wrapping_sub(headroom);
        let tunnel = in_tunnel.then(|| TxTunnel {
            outer_v6: headers.protocol == 0x86dd_u16.to_be(),
            csum: gso_type & gso::UDP_TUNNEL_CSUM != 0,
            outer_transport: at(headers.transport_header),
            inner_network: at(headers.inner_network_header),
        });
        let transport = match tunnel {
            Some(_) => at(headers.inner_transport_header),
            None => at(headers.transport_header),
        };
        let transport_len = match kind {
            TxGsoKind::UdpL4 => 8,
            // Length in words, in the upper half of a byte of the header.
            _ => 4 * u32::from(self.byte(transport.wrapping_add(12)).ok_or(UnknownGso)? >> 4),
        };
        Ok(TxGso {
            kind,
            ecn: gso_type & gso::TCP_ECN != 0,
            size,
            headers: transport.checked_add(transport_len).ok_or(UnknownGso)?,
            tunnel,
        })
    }

    #[inline]
    fn gso_type(&self) -> u32 {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { (*skb::shared_info(self.as_raw())).gso_type }
    }

    /// Returns a byte of what is linear.
    #[inline]
    fn byte(&self, offset: u32) -> Option<u8> {
        if offset >= self.linear_len() {
            return None;
        }
        // SAFETY: It is within what is linear, and initialised: the stack made it.
        Some(unsafe { (*self.as_raw()).data.add(offset as usize).read() })
    }

    /// Has a software time stamp taken, if somebody wants one.
    #[doc(alias = "skb_tx_timestamp")]
    #[inline]
    pub fn timestamp(&self) {
        // SKBTX_SW_TSTAMP and SKBTX_BPF
        const WANTED: u8 = 1 << 1 | 1 << 7;
        // SAFETY: `raw` points to a socket buffer (type invariant). The driver has no hardware
        // time stamps.
        unsafe {
            if (*skb::shared_info(self.as_raw())).tx_flags & WANTED != 0 {
                kernel::bindings::skb_tstamp_tx(self.as_raw(), core::ptr::null_mut());
            }
        }
    }

    /// Returns whether bytes before the frame can be written, `len` of them.
    #[doc(alias = "skb_header_cloned")]
    #[inline]
    pub(crate) fn has_private_headroom(&self, len: u32) -> bool {
        let raw = self.as_raw();
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe {
            if skb::headroom(raw) < len {
                return false;
            }
            if (*raw).cloned() == 0 {
                return true;
            }
            // The lower half counts all references, the upper one those to the payload alone. Others
            // can only give up theirs: to get one, they would have to own the buffer.
            let count = (&raw const (*skb::shared_info(raw)).dataref.counter).read_volatile();
            (count & 0xffff).wrapping_sub(count >> 16) == 1
        }
    }

    /// Frees the frame, which was sent.
    #[doc(alias = "napi_consume_skb")]
    #[doc(alias = "dev_consume_skb_any")]
    #[inline]
    pub fn consume(self, from: Free) {
        let skb = ManuallyDrop::new(self);
        let budget = match from {
            Free::Softirq => 1,
            // The function then finds out where it is.
            Free::Anywhere => 0,
        };
        // SAFETY: The caller is where it says, and nobody uses the buffer any more.
        unsafe { bindings::napi_consume_skb(skb.as_raw(), budget as c_int) }
    }
}

impl Drop for TxSkb {
    // Inlined, so that a frame needs no place in memory because it might be dropped.
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The buffer is owned (type invariant), and not used after this.
        unsafe { bindings::dev_kfree_skb_any_reason(self.as_raw(), skb::NOT_SPECIFIED) }
    }
}
