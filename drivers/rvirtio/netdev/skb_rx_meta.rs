// SPDX-License-Identifier: GPL-2.0

//! What the stack is told of received frames.

use crate::{
    helpers::*,
    skb::{
        self,
        gso as raw_gso,
        ip_summed, //
    },
    skb_rx::RxSkb, //
};

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
    /// Returns `offset` from the start of the linear memory, if `room` bytes from there on are
    /// frame.
    #[inline(always)]
    fn header_at(&self, offset: u16, room: u16) -> Result<u16, OutOfBounds> {
        let raw = self.as_raw();
        // SAFETY: `raw` points to a socket buffer (type invariant).
        let (linear, headroom) = unsafe { (skb::linear_len(raw), skb::headroom(raw)) };
        // Sums of two 16-bit numbers, and of numbers that are below the size of the buffer.
        if u32::from(offset).wrapping_add(room.into()) > linear {
            return Err(OutOfBounds);
        }
        u16::try_from(headroom.wrapping_add(offset.into())).map_err(|_| OutOfBounds)
    }

    /// Says that the device checked the checksum, and those of `level` headers before.
    #[inline(always)]
    pub fn set_csum_checked(&mut self, level: u8) {
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe {
            rvirtio_helper_skb_set_ip_summed(self.as_raw(), ip_summed::UNNECESSARY);
            if level != 0 {
                (*skb::headers(self.as_raw())).set_csum_level(level);
            }
        }
    }

    /// Says that the checksum is partial.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`] if it would be stored outside what is linear.
    #[doc(alias = "skb_partial_csum_set")]
    #[inline(always)]
    pub fn set_csum_partial(&mut self, start: u16, offset: u16) -> Result<(), OutOfBounds> {
        let at = self.header_at(start, offset.checked_add(2).ok_or(OutOfBounds)?)?;
        // SAFETY: `raw` points to a socket buffer (type invariant).
        unsafe {
            let raw = self.as_raw();
            let csum = skb::csum(raw);
            (*csum).csum_start = at;
            (*csum).csum_offset = offset;
            (*skb::headers(raw)).transport_header = at;
            // The accessor would set bit by bit, in a loop.
            rvirtio_helper_skb_set_ip_summed(raw, ip_summed::PARTIAL);
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
            let raw = self.as_raw();
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
        let headers = unsafe { &mut *skb::headers(self.as_raw()) };
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
        let headers = unsafe { &mut *skb::headers(self.as_raw()) };
        headers.set_l4_hash(has_ports.into());
        headers.set_sw_hash(0);
        headers.hash = value;
    }
}

/// Length of the smallest header that segmentation knows, in bytes.
const UDP_HEADER: u16 = 8;
