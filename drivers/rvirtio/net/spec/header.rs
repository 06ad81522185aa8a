// SPDX-License-Identifier: GPL-2.0

//! The header before each frame (virtio 1.4, 5.1.6 Device Operation), as bytes.
//!
//! A header is converted by value, from and to an array of the largest size, of which
//! [`Layout::len`] bytes are on the ring. All fields are little endian.

/// Size of the largest header that the driver agrees to, in bytes.
pub const MAX_LEN: usize = 24;

/// Bits of the field `flags`.
pub mod flag {
    /// The checksum is partial: `csum_start` and `csum_offset` say how to complete it.
    #[doc(alias = "VIRTIO_NET_HDR_F_NEEDS_CSUM")]
    pub const NEEDS_CSUM: u8 = 1;
    /// The device has checked the checksum.
    #[doc(alias = "VIRTIO_NET_HDR_F_DATA_VALID")]
    pub const DATA_VALID: u8 = 2;
    /// The checksum fields hold the numbers of coalesced segments and acknowledgements instead.
    #[doc(alias = "VIRTIO_NET_HDR_F_RSC_INFO")]
    pub const RSC_INFO: u8 = 4;
    /// The checksum of the tunnel's header is partial, or was checked.
    #[doc(alias = "VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM")]
    pub const UDP_TUNNEL_CSUM: u8 = 8;
}

/// Values of the field `gso_type`.
pub mod gso {
    /// The frame is as it goes over the wire.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_NONE")]
    pub const NONE: u8 = 0;
    /// TCP over IPv4.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_TCPV4")]
    pub const TCPV4: u8 = 1;
    /// UDP, to be fragmented.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_UDP")]
    pub const UDP: u8 = 3;
    /// TCP over IPv6.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_TCPV6")]
    pub const TCPV6: u8 = 4;
    /// UDP, to be segmented.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_UDP_L4")]
    pub const UDP_L4: u8 = 5;
    /// A bit: this is in a UDP tunnel over IPv4.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV4")]
    pub const UDP_TUNNEL_IPV4: u8 = 0x20;
    /// A bit: this is in a UDP tunnel over IPv6.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV6")]
    pub const UDP_TUNNEL_IPV6: u8 = 0x40;
    /// Both bits of tunnels.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_UDP_TUNNEL")]
    pub const UDP_TUNNEL: u8 = UDP_TUNNEL_IPV4 | UDP_TUNNEL_IPV6;
    /// A bit: TCP has ECN set.
    #[doc(alias = "VIRTIO_NET_HDR_GSO_ECN")]
    pub const ECN: u8 = 0x80;
}

/// Values of the field `hash_report`.
pub mod hash_report {
    /// There is no hash.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_NONE")]
    pub const NONE: u16 = 0;
    /// Hash of IPv4 addresses.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_IPv4")]
    pub const IPV4: u16 = 1;
    /// Hash of IPv4 addresses and TCP ports.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_TCPv4")]
    pub const TCPV4: u16 = 2;
    /// Hash of IPv4 addresses and UDP ports.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_UDPv4")]
    pub const UDPV4: u16 = 3;
    /// Hash of IPv6 addresses.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_IPv6")]
    pub const IPV6: u16 = 4;
    /// Hash of IPv6 addresses and TCP ports.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_TCPv6")]
    pub const TCPV6: u16 = 5;
    /// Hash of IPv6 addresses and UDP ports.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_UDPv6")]
    pub const UDPV6: u16 = 6;
    /// Hash of IPv6 addresses, those in extension headers included.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_IPv6_EX")]
    pub const IPV6_EX: u16 = 7;
    /// The same and TCP ports.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_TCPv6_EX")]
    pub const TCPV6_EX: u16 = 8;
    /// The same and UDP ports.
    #[doc(alias = "VIRTIO_NET_HASH_REPORT_UDPv6_EX")]
    pub const UDPV6_EX: u16 = 9;
}

/// How long headers are, which is one of the results of the negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Up to `num_buffers`.
    #[doc(alias = "virtio_net_hdr_v1")]
    Basic,
    /// With a hash.
    #[doc(alias = "virtio_net_hdr_v1_hash")]
    Hash,
    /// With a hash and the offsets of headers in a tunnel.
    #[doc(alias = "virtio_net_hdr_v1_hash_tunnel")]
    Tunnel,
}

impl Layout {
    /// Returns the length of a header in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(self) -> u32 {
        match self {
            Self::Basic => 12,
            Self::Hash => 20,
            Self::Tunnel => MAX_LEN as u32,
        }
    }
}

/// A header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Bits of [`flag`].
    pub flags: u8,
    /// One of the values of [`gso`], with bits of it.
    pub gso_type: u8,
    /// Length of all headers of the frame; a hint unless GUEST_HDRLEN was negotiated.
    pub hdr_len: u16,
    /// Payload of a segment in bytes.
    pub gso_size: u16,
    /// Where the checksum starts, from the start of the frame.
    pub csum_start: u16,
    /// Where it is stored, from `csum_start`.
    pub csum_offset: u16,
    /// Number of buffers that a received frame is in.
    pub num_buffers: u16,
    /// The hash.
    pub hash_value: u32,
    /// What it is of; see [`hash_report`].
    pub hash_report: u16,
    /// Where the transport header of a tunnel is, from the start of the frame.
    pub outer_th_offset: u16,
    /// Where the network header in a tunnel is, from the start of the frame.
    pub inner_nh_offset: u16,
}

impl Header {
    /// Returns the header of which these are the bytes, as little-endian words. What `layout` has not
    /// is 0.
    #[inline]
    pub const fn from_words(words: [u64; MAX_LEN / 8], layout: Layout) -> Self {
        let [first, mut second, mut third] = words;
        match layout {
            Layout::Basic => (second, third) = (second & 0xffff_ffff, 0),
            Layout::Hash => third &= 0xffff_ffff,
            Layout::Tunnel => {}
        }
        // CAST: Parts of words on purpose.
        Self {
            flags: first as u8,
            gso_type: (first >> 8) as u8,
            hdr_len: (first >> 16) as u16,
            gso_size: (first >> 32) as u16,
            csum_start: (first >> 48) as u16,
            csum_offset: second as u16,
            num_buffers: (second >> 16) as u16,
            hash_value: (second >> 32) as u32,
            hash_report: third as u16,
            outer_th_offset: (third >> 32) as u16,
            inner_nh_offset: (third >> 48) as u16,
        }
    }

    /// Returns the bytes of the header, as little-endian words.
    #[inline]
    pub const fn to_words(self) -> [u64; MAX_LEN / 8] {
        [
            self.flags as u64
                | (self.gso_type as u64) << 8
                | (self.hdr_len as u64) << 16
                | (self.gso_size as u64) << 32
                | (self.csum_start as u64) << 48,
            self.csum_offset as u64
                | (self.num_buffers as u64) << 16
                | (self.hash_value as u64) << 32,
            self.hash_report as u64
                | (self.outer_th_offset as u64) << 32
                | (self.inner_nh_offset as u64) << 48,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the bytes of a header.
    fn to_bytes(header: Header) -> [u8; MAX_LEN] {
        let mut bytes = [0; MAX_LEN];
        for (to, word) in bytes.chunks_mut(8).zip(header.to_words()) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Returns the header in `bytes`.
    fn parse(bytes: &[u8; MAX_LEN], layout: Layout) -> Header {
        let mut words = [0; MAX_LEN / 8];
        for (word, from) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(from.try_into().expect("8 bytes"));
        }
        Header::from_words(words, layout)
    }

    /// Offsets as in the C structures.
    #[test]
    fn fields_are_where_the_specification_has_them() {
        let bytes: [u8; MAX_LEN] = core::array::from_fn(|i| i as u8);
        let header = parse(&bytes, Layout::Tunnel);
        assert_eq!(header.flags, 0);
        assert_eq!(header.gso_type, 1);
        assert_eq!(header.hdr_len, 0x0302);
        assert_eq!(header.gso_size, 0x0504);
        assert_eq!(header.csum_start, 0x0706);
        assert_eq!(header.csum_offset, 0x0908);
        assert_eq!(header.num_buffers, 0x0b0a);
        assert_eq!(header.hash_value, 0x0f0e_0d0c);
        assert_eq!(header.hash_report, 0x1110);
        assert_eq!(header.outer_th_offset, 0x1514);
        assert_eq!(header.inner_nh_offset, 0x1716);
    }

    /// covers: NET-58
    #[test]
    fn lengths_of_layouts() {
        assert_eq!(Layout::Basic.len(), 12);
        assert_eq!(Layout::Hash.len(), 20);
        assert_eq!(Layout::Tunnel.len(), 24);
    }

    proptest! {
        #[test]
        fn bytes_come_back(mut bytes: [u8; MAX_LEN]) {
            bytes[18] = 0;
            bytes[19] = 0;
            prop_assert_eq!(to_bytes(parse(&bytes, Layout::Tunnel)), bytes);
        }

        /// covers: NET-68
        #[test]
        fn what_is_not_negotiated_is_not_read(bytes: [u8; MAX_LEN]) {
            let basic = to_bytes(parse(&bytes, Layout::Basic));
            prop_assert_eq!(&basic[..12], &bytes[..12]);
            prop_assert_eq!(&basic[12..], &[0; 12]);
            let hash = to_bytes(parse(&bytes, Layout::Hash));
            prop_assert_eq!(&hash[20..], &[0; 4]);
        }
    }
}
