// SPDX-License-Identifier: GPL-2.0

//! What is known of a received frame, or why it is dropped.

use super::parse::IpVersion;
use core::fmt;

/// What is known of a received frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RxMeta {
    pub(crate) csum: RxCsum,
    pub(crate) gso: Option<RxGso>,
}

/// What is known of the checksum of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RxCsum {
    /// Nothing: the stack has to check it.
    #[default]
    None,
    /// The device checked it, and those of this many headers before it.
    Unnecessary { level: u8 },
    /// It is partial. Offsets are those of the specification.
    Partial { start: u16, offset: u16 },
}

/// How to segment a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RxGso {
    pub(crate) kind: GsoKind,
    pub(crate) ecn: bool,
    /// Payload of a segment in bytes.
    pub(crate) size: u16,
    /// Where the transport header is: the outer one of a tunnel.
    pub(crate) transport: u16,
    pub(crate) tunnel: Option<RxTunnel>,
}

/// Ways of segmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GsoKind {
    TcpV4,
    TcpV6,
    /// Segments.
    UdpL4,
    /// Fragments.
    Udp,
}

/// The headers in a UDP tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RxTunnel {
    /// The outer header has a checksum, which is partial.
    pub(crate) csum: bool,
    pub(crate) inner_version: IpVersion,
    pub(crate) inner_network: u16,
    pub(crate) inner_transport: u16,
}

/// Why a frame is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It has not even an Ethernet header.
    Short(u32),
    /// The checksum fields make no sense.
    Csum { flags: u8, start: u16, offset: u16 },
    /// The segmentation type is unknown, not negotiated, or not possible with these flags.
    GsoType { flags: u8, gso_type: u8 },
    /// The segment size is not possible.
    GsoSize(u16),
    /// The headers of the frame are not those of the segmentation type.
    Headers { gso_type: u8 },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Short(len) => write!(f, "frame of {len} bytes"),
            Self::Csum {
                flags,
                start,
                offset,
            } => write!(f, "bad checksum: flags {flags:#x}, {start} + {offset}"),
            Self::GsoType { flags, gso_type } => {
                write!(f, "bad GSO type {gso_type:#x} with flags {flags:#x}")
            }
            Self::GsoSize(size) => write!(f, "bad GSO size {size}"),
            Self::Headers { gso_type } => {
                write!(f, "headers do not match GSO type {gso_type:#x}")
            }
        }
    }
}
