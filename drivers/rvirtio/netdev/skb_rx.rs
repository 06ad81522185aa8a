// SPDX-License-Identifier: GPL-2.0

//! Received frames.

use crate::{
    bindings,
    helpers::*,
    rx_buf::{
        RxBuf,
        RxPart,
        GRANULE, //
    },
    skb::{
        self,
        gso as raw_gso,
        ip_summed, //
    }, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull,
    slice, //
};
use kernel::bindings::sk_buff;

/// Length of what the stack needs behind a frame in the frame's own buffer, in bytes.
#[doc(alias = "skb_shared_info")]
pub const SHARED_INFO_SIZE: u32 = bindings::RVIRTIO_SHARED_INFO_SIZE;

/// A socket buffer with a received frame, that the driver owns.
///
/// Dropping it frees it.
///
/// # Invariants
///
/// - `raw` points to a socket buffer that is exclusively owned, with all pages of page pools, but
///   for a linear part out of the kernel's own memory.
/// - `last` is the buffer at the end of its `frag_list`, or `raw` itself.
/// - No offset in it leads outside its linear part.
pub struct RxSkb {
    raw: NonNull<sk_buff>,
    last: NonNull<sk_buff>,
}

// SAFETY: Socket buffers belong to no CPU or thread.
unsafe impl Send for RxSkb {}

/// How a frame was, or is to be, segmented. Offsets count from the start of the frame, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxGso {
    /// The way to do it.
    pub kind: RxGsoKind,
    /// The TCP header has ECN set.
    pub ecn: bool,
    /// Payload of a segment in bytes.
    pub size: u16,
    /// Where the transport header is: the outer one of a tunnel.
    pub transport: u16,
    /// The tunnel that it is in.
    pub tunnel: Option<RxTunnel>,
}

/// Ways of segmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RxGsoKind {
    /// TCP over IPv4.
    TcpV4,
    /// TCP over IPv6.
    TcpV6,
    /// UDP, into segments.
    UdpL4,
    /// UDP, into fragments.
    Udp,
}

/// A UDP tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxTunnel {
    /// The outer header has a checksum, which is partial.
    pub csum: bool,
    /// The inner network header is IPv6.
    pub inner_v6: bool,
    /// Where the inner network header is.
    pub inner_network: u16,
    /// Where the inner transport header is.
    pub inner_transport: u16,
}

/// A value is not possible for the frame that it is said of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds;

impl RxSkb {
    /// Returns a new frame of the bytes of `buf` from `offset` on, `len` of them. `None` if there
    /// are not so many, or no memory.
    ///
    /// # Safety
    ///
    /// `napi` must be valid, and the caller in its poll.
    #[inline]
    pub(crate) unsafe fn copied(
        napi: *mut bindings::napi_struct,
        buf: &RxBuf,
        offset: u32,
        len: u32,
    ) -> Option<Self> {
        let from = buf.bytes(offset, len)?;
        // SAFETY: By the safety requirements.
        let raw = NonNull::new(unsafe { bindings::napi_alloc_skb(napi, len) })?;
        // SAFETY: The buffer has room for `len` bytes at its end, and `from` has as many. They
        // are copied to memory that only this function knows.
        unsafe {
            let raw = raw.as_ptr();
            (*raw)
                .data
                .copy_from_nonoverlapping(from.as_ptr(), len as usize);
            (*raw).tail = (*raw).tail.wrapping_add(len);
            (*raw).len = len;
            // GRO merges only buffers that are alike in this.
            (*raw).set_pp_recycle(1);
        }
        // INVARIANT: It was just allocated.
        Some(Self { raw, last: raw })
    }

    /// Returns the frame of the bytes of `buf` from `offset` on, `len` of them, in place, and what
    /// is left of the buffer, if that is `least` bytes or more.
    ///
    /// # Errors
    ///
    /// Gives the buffer back if it is too small to have [`SHARED_INFO_SIZE`] bytes behind the
    /// frame, if it is mapped, or if there is no memory.
    #[inline]
    pub(crate) fn around(
        buf: RxBuf,
        offset: u32,
        len: u32,
        least: u32,
    ) -> Result<(Self, Option<RxBuf>), RxBuf> {
        let needed = offset
            .checked_add(len)
            .map(|end| end.next_multiple_of(GRANULE))
            .and_then(|end| end.checked_add(SHARED_INFO_SIZE));
        let Some(needed) = needed.filter(|&needed| needed <= buf.len() && !buf.is_mapped()) else {
            return Err(buf);
        };
        let (part, rest) = buf.carve(needed, least);
        // SAFETY: The part has so many bytes, aligned to a cache line, which nobody else uses.
        let raw = unsafe { bindings::napi_build_skb(part.cpu().as_ptr().cast(), part.len()) };
        let Some(raw) = NonNull::new(raw) else {
            // SAFETY: The buffer was not mapped.
            return Err(rest.unwrap_or_else(|| unsafe { part.into_buf() }));
        };
        // The socket buffer has its reference now.
        core::mem::forget(part);
        // SAFETY: There are so many bytes before the shared part.
        unsafe {
            let raw = raw.as_ptr();
            (*raw).data = (*raw).data.add(offset as usize);
            (*raw).tail = (*raw).tail.wrapping_add(offset).wrapping_add(len);
            (*raw).len = len;
            (*raw).set_pp_recycle(1);
        }
        // INVARIANT: It was just built.
        Ok((Self { raw, last: raw }, rest))
    }

    /// Adds the bytes of `part` from `offset` on, `len` of them, to the end of the frame. `false`
    /// if there are not so many, or no memory.
    ///
    /// # Safety
    ///
    /// `napi` must be valid, and the caller in its poll.
    #[inline]
    pub(crate) unsafe fn add(
        &mut self,
        napi: *mut bindings::napi_struct,
        part: RxPart,
        offset: u32,
        len: u32,
    ) -> bool {
        if offset.checked_add(len).is_none_or(|end| end > part.len()) {
            return false;
        }
        // SAFETY: `last` points to a socket buffer (type invariant).
        let mut count = unsafe { (*skb::shared_info(self.last.as_ptr())).nr_frags };
        if u32::from(count) >= bindings::MAX_SKB_FRAGS {
            // SAFETY: By the safety requirements.
            if !unsafe { self.append(napi) } {
                return false;
            }
            count = 0;
        }
        let part = ManuallyDrop::new(part);
        let truesize = part.len();
        // SAFETY: `last` points to a socket buffer with room for a fragment, which gets the
        // reference to the page. Lengths of a frame are far below 2^31.
        unsafe {
            rvirtio_helper_skb_add_rx_frag(
                self.last.as_ptr(),
                count.into(),
                part.page().as_ptr(),
                part.offset().wrapping_add(offset) as i32,
                len as i32,
                truesize,
            );
            if self.last != self.raw {
                let raw = self.raw.as_ptr();
                (*raw).len = (*raw).len.wrapping_add(len);
                (*raw).data_len = (*raw).data_len.wrapping_add(len);
                (*raw).truesize = (*raw).truesize.wrapping_add(truesize);
            }
        }
        true
    }

    /// Appends an empty buffer to the `frag_list`.
    ///
    /// # Safety
    ///
    /// `napi` must be valid, and the caller in its poll.
    #[cold]
    unsafe fn append(&mut self, napi: *mut bindings::napi_struct) -> bool {
        // SAFETY: By the safety requirements.
        let Some(next) = NonNull::new(unsafe { bindings::napi_alloc_skb(napi, 0) }) else {
            return false;
        };
        // SAFETY: All are socket buffers (type invariant), and `last` is at the end of the list.
        unsafe {
            let raw = self.raw.as_ptr();
            (*next.as_ptr()).set_pp_recycle(1);
            if self.last == self.raw {
                (*skb::shared_info(raw)).frag_list = next.as_ptr();
            } else {
                skb::set_next(self.last.as_ptr(), next.as_ptr());
            }
            (*raw).truesize += (*next.as_ptr()).truesize;
        }
        // INVARIANT: It is at the end now.
        self.last = next;
        true
    }

    /// Returns the length of the frame in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { (*self.raw.as_ptr()).len }
    }

    /// Returns what is linear of the frame.
    ///
    /// A frame that is in place could still be written by a device that breaks the rules.
    #[inline]
    pub fn linear(&self) -> &[u8] {
        // SAFETY: `raw` points to a socket buffer with so many initialised bytes (type invariant),
        // which nobody writes while `self` is borrowed.
        unsafe {
            let raw = self.raw.as_ptr();
            slice::from_raw_parts((*raw).data, skb::linear_len(raw) as usize)
        }
    }

    /// Returns `offset` from the start of the linear memory, if `room` bytes from there on are
    /// frame.
    #[inline]
    fn header_at(&self, offset: u16, room: u16) -> Result<u16, OutOfBounds> {
        let raw = self.raw.as_ptr();
        // SAFETY: `raw` points to a socket buffer (type invariant).
        let (linear, headroom) = unsafe { (skb::linear_len(raw), skb::headroom(raw)) };
        // Sums of two 16-bit numbers, and of numbers that are below the size of the buffer.
        if u32::from(offset).wrapping_add(room.into()) > linear {
            return Err(OutOfBounds);
        }
        u16::try_from(headroom.wrapping_add(offset.into())).map_err(|_| OutOfBounds)
    }

    /// Says that the device checked the checksum, and those of `level` headers before.
    #[inline]
    pub fn set_csum_checked(&mut self, level: u8) {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        let headers = unsafe { &mut *skb::headers(self.raw.as_ptr()) };
        headers.set_ip_summed(ip_summed::UNNECESSARY);
        headers.set_csum_level(level);
    }

    /// Says that the checksum is partial.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`] if it would be stored outside what is linear.
    #[doc(alias = "skb_partial_csum_set")]
    #[inline]
    pub fn set_csum_partial(&mut self, start: u16, offset: u16) -> Result<(), OutOfBounds> {
        let at = self.header_at(start, offset.checked_add(2).ok_or(OutOfBounds)?)?;
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe {
            let raw = self.raw.as_ptr();
            let csum = skb::csum(raw);
            (*csum).csum_start = at;
            (*csum).csum_offset = offset;
            let headers = &mut *skb::headers(raw);
            headers.transport_header = at;
            headers.set_ip_summed(ip_summed::PARTIAL);
        }
        Ok(())
    }

    /// Says how the frame can be segmented. The stack checks its headers before it does so.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`] if a header lies outside what is linear.
    pub fn set_gso(&mut self, gso: &RxGso) -> Result<(), OutOfBounds> {
        let transport = self.header_at(gso.transport, UDP_HEADER)?;
        let mut gso_type = raw_gso::DODGY
            | match gso.kind {
                RxGsoKind::TcpV4 => raw_gso::TCPV4,
                RxGsoKind::TcpV6 => raw_gso::TCPV6,
                RxGsoKind::UdpL4 => raw_gso::UDP_L4,
                RxGsoKind::Udp => raw_gso::UDP,
            };
        if gso.ecn {
            gso_type |= raw_gso::TCP_ECN;
        }
        if let Some(tunnel) = &gso.tunnel {
            self.set_tunnel(tunnel)?;
            gso_type |= if tunnel.csum {
                raw_gso::UDP_TUNNEL_CSUM
            } else {
                raw_gso::UDP_TUNNEL
            };
        }
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe {
            let raw = self.raw.as_ptr();
            (*skb::headers(raw)).transport_header = transport;
            let info = skb::shared_info(raw);
            (*info).gso_size = gso.size;
            (*info).gso_segs = 0;
            (*info).gso_type = gso_type;
        }
        Ok(())
    }

    fn set_tunnel(&mut self, tunnel: &RxTunnel) -> Result<(), OutOfBounds> {
        let (network, protocol) = if tunnel.inner_v6 {
            (self.header_at(tunnel.inner_network, 40)?, 0x86dd_u16)
        } else {
            (self.header_at(tunnel.inner_network, 20)?, 0x0800)
        };
        let transport = self.header_at(tunnel.inner_transport, UDP_HEADER)?;
        // SAFETY: `raw` points to a socket buffer (type invariant).
        let headers = unsafe { &mut *skb::headers(self.raw.as_ptr()) };
        headers.inner_transport_header = transport;
        headers.inner_network_header = network;
        headers.inner_mac_header = network;
        headers.set_encapsulation(1);
        skb::set_inner_protocol(headers, protocol.to_be());
        Ok(())
    }

    /// Sets the hash of the frame, which is of ports, too, or not.
    #[doc(alias = "skb_set_hash")]
    #[inline]
    pub fn set_hash(&mut self, value: u32, has_ports: bool) {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        let headers = unsafe { &mut *skb::headers(self.raw.as_ptr()) };
        headers.set_l4_hash(has_ports.into());
        headers.set_sw_hash(0);
        headers.hash = value;
    }

    /// Says which receive queue the frame is from.
    #[doc(alias = "skb_record_rx_queue")]
    #[inline]
    pub(crate) fn record_queue(&mut self, index: u16) {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe { (*self.raw.as_ptr()).queue_mapping = index.wrapping_add(1) };
    }

    #[inline]
    pub(crate) fn into_raw(self) -> *mut sk_buff {
        ManuallyDrop::new(self).raw.as_ptr()
    }
}

/// Length of the smallest header that segmentation knows, in bytes.
const UDP_HEADER: u16 = 8;

impl Drop for RxSkb {
    fn drop(&mut self) {
        // SAFETY: The buffer is owned (type invariant), and not used after this.
        unsafe { bindings::dev_kfree_skb_any_reason(self.raw.as_ptr(), skb::NOT_SPECIFIED) }
    }
}
