// SPDX-License-Identifier: GPL-2.0

//! Frames to test with, and the headers that go with them.

use super::{
    parse::{
        IpVersion,
        Protocol, //
    },
    spec::header::{
        flag,
        gso,
        Header, //
    }, //
};
use proptest::prelude::*;

/// What a frame is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) tags: usize,
    pub(super) version: IpVersion,
    /// Length of IPv4 options or IPv6 extension headers in units of 8 bytes.
    pub(super) options: usize,
    pub(super) protocol: Protocol,
    /// Length of TCP options in words.
    pub(super) tcp_options: usize,
    /// In a UDP tunnel over this.
    pub(super) outer: Option<IpVersion>,
    pub(super) payload: usize,
}

/// A frame, and where its headers are.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    pub(super) outer_transport: usize,
    pub(super) network: usize,
    pub(super) transport: usize,
    pub(super) payload: usize,
}

pub(super) const PLAIN: Shape = Shape {
    tags: 0,
    version: IpVersion::V4,
    options: 0,
    protocol: Protocol::Tcp,
    tcp_options: 0,
    outer: None,
    payload: 3000,
};

fn push_ip(bytes: &mut Vec<u8>, version: IpVersion, options: usize, protocol: u8) {
    let start = bytes.len();
    match version {
        IpVersion::V4 => {
            let len = 20 + 8 * options;
            bytes.resize(start + len, 0);
            bytes[start] = 0x40 | (len / 4) as u8;
            bytes[start + 6] = 0x40;
            bytes[start + 9] = protocol;
        }
        IpVersion::V6 => {
            bytes.resize(start + 40, 0);
            bytes[start] = 0x60;
            bytes[start + 6] = if options == 0 { protocol } else { 60 };
            if options != 0 {
                bytes.extend([protocol, (options - 1) as u8]);
                bytes.resize(start + 40 + 8 * options, 0);
            }
        }
    }
}

fn ethertype(version: IpVersion) -> [u8; 2] {
    match version {
        IpVersion::V4 => [0x08, 0x00],
        IpVersion::V6 => [0x86, 0xdd],
    }
}

impl Shape {
    pub(super) fn frame(&self) -> Frame {
        let mut bytes = vec![0x02; 12];
        for _ in 0..self.tags {
            bytes.extend([0x81, 0x00, 0, 1]);
        }
        bytes.extend(ethertype(self.outer.unwrap_or(self.version)));
        let mut outer_transport = 0;
        if let Some(outer) = self.outer {
            push_ip(&mut bytes, outer, 0, 17);
            outer_transport = bytes.len();
            // UDP, VXLAN, and the Ethernet header in it.
            bytes.resize(outer_transport + 8 + 8 + 12, 0);
            bytes.extend(ethertype(self.version));
        }
        let network = bytes.len();
        let number = match self.protocol {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
        };
        push_ip(&mut bytes, self.version, self.options, number);
        let transport = bytes.len();
        match self.protocol {
            Protocol::Tcp => {
                let words = 5 + self.tcp_options;
                bytes.resize(transport + 4 * words, 0);
                bytes[transport + 12] = (words << 4) as u8;
            }
            Protocol::Udp => bytes.resize(transport + 8, 0),
        }
        let payload = bytes.len();
        bytes.resize(payload + self.payload, 0x5a);
        Frame {
            bytes,
            outer_transport,
            network,
            transport,
            payload,
        }
    }

    /// Returns the header that a device would send with the frame to have it segmented.
    pub(super) fn gso_header(&self, frame: &Frame, size: u16) -> Header {
        let base = match (self.protocol, self.version) {
            (Protocol::Tcp, IpVersion::V4) => gso::TCPV4,
            (Protocol::Tcp, IpVersion::V6) => gso::TCPV6,
            (Protocol::Udp, _) => gso::UDP_L4,
        };
        let tunnel = match self.outer {
            None => 0,
            Some(IpVersion::V4) => gso::UDP_TUNNEL_IPV4,
            Some(IpVersion::V6) => gso::UDP_TUNNEL_IPV6,
        };
        Header {
            flags: flag::NEEDS_CSUM,
            gso_type: base | tunnel,
            hdr_len: frame.payload as u16,
            gso_size: size,
            csum_start: frame.transport as u16,
            csum_offset: self.protocol.csum_offset(),
            num_buffers: 1,
            outer_th_offset: frame.outer_transport as u16,
            inner_nh_offset: frame.network as u16,
            ..Header::default()
        }
    }
}

fn version() -> impl Strategy<Value = IpVersion> {
    prop_oneof![Just(IpVersion::V4), Just(IpVersion::V6)]
}

pub(super) fn shape() -> impl Strategy<Value = Shape> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp)];
    let parts = (0..=2usize, version(), 0..=3usize, protocol, 0..=10usize);
    (parts, prop::option::of(version()), 0..4000usize).prop_map(|(parts, outer, payload)| {
        let (tags, version, options, protocol, tcp_options) = parts;
        Shape {
            tags,
            version,
            options,
            protocol,
            tcp_options,
            outer,
            payload,
        }
    })
}
