// SPDX-License-Identifier: GPL-2.0

//! Headers of a frame: Ethernet, VLAN, IP.
//!
//! Only as much as it takes to find a TCP or UDP header. What cannot be understood, lies outside
//! the given bytes or is a fragment gives `None`.

/// Version of the Internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IpVersion {
    V4,
    V6,
}

/// The transport protocols that segmentation offloads know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
}

/// Where a transport header is, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transport {
    /// Version of the network header before it.
    pub(crate) version: IpVersion,
    pub(crate) protocol: Protocol,
    /// From the start of the frame, in bytes.
    pub(crate) offset: u32,
}

impl IpVersion {
    /// Returns the length of the smallest header in bytes.
    pub(crate) const fn min_header(self) -> u32 {
        match self {
            Self::V4 => 20,
            Self::V6 => 40,
        }
    }
}

impl Protocol {
    /// Returns the length of the smallest header in bytes.
    pub(crate) const fn min_header(self) -> u32 {
        match self {
            Self::Tcp => 20,
            Self::Udp => 8,
        }
    }

    /// Returns where the checksum is in the header.
    pub(crate) const fn csum_offset(self) -> u16 {
        match self {
            Self::Tcp => 16,
            Self::Udp => 6,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            _ => None,
        }
    }
}

/// The largest number of VLAN tags of a frame whose headers are parsed.
const MAX_VLAN_TAGS: usize = 2;

/// The largest number of extension headers of an IPv6 packet whose headers are parsed.
const MAX_EXTENSIONS: usize = 8;

fn byte(bytes: &[u8], offset: u32) -> Option<u8> {
    bytes.get(offset as usize).copied()
}

fn be16(bytes: &[u8], offset: u32) -> Option<u16> {
    let high = byte(bytes, offset)?;
    let low = byte(bytes, offset.checked_add(1)?)?;
    Some(u16::from_be_bytes([high, low]))
}

/// Returns the version of the network header of a frame, by its Ethernet type, and where it is.
pub(crate) fn network(frame: &[u8]) -> Option<(IpVersion, u32)> {
    let mut offset = 12;
    for _ in 0..=MAX_VLAN_TAGS {
        match be16(frame, offset)? {
            0x0800 => return Some((IpVersion::V4, offset + 2)),
            0x86dd => return Some((IpVersion::V6, offset + 2)),
            0x8100 | 0x88a8 => offset += 4,
            _ => return None,
        }
    }
    None
}

/// Returns the version that the network header at `offset` says it has.
pub(crate) fn version(frame: &[u8], offset: u32) -> Option<IpVersion> {
    match byte(frame, offset)? >> 4 {
        4 => Some(IpVersion::V4),
        6 => Some(IpVersion::V6),
        _ => None,
    }
}

/// Returns the transport header behind the network header at `offset`.
pub(crate) fn transport(frame: &[u8], version: IpVersion, offset: u32) -> Option<Transport> {
    if self::version(frame, offset)? != version {
        return None;
    }
    let (number, offset) = match version {
        IpVersion::V4 => skip_v4(frame, offset)?,
        IpVersion::V6 => skip_v6(frame, offset)?,
    };
    Some(Transport {
        version,
        protocol: Protocol::from_number(number)?,
        offset,
    })
}

fn skip_v4(frame: &[u8], offset: u32) -> Option<(u8, u32)> {
    let words = u32::from(byte(frame, offset)? & 0xf);
    if words < 5 {
        return None;
    }
    let fragment = be16(frame, offset.checked_add(6)?)?;
    // More fragments, or an offset.
    if fragment & 0x3fff != 0 {
        return None;
    }
    let number = byte(frame, offset.checked_add(9)?)?;
    Some((number, offset.checked_add(4 * words)?))
}

fn skip_v6(frame: &[u8], offset: u32) -> Option<(u8, u32)> {
    let mut number = byte(frame, offset.checked_add(6)?)?;
    let mut offset = offset.checked_add(IpVersion::V6.min_header())?;
    for _ in 0..=MAX_EXTENSIONS {
        match number {
            // Hop-by-hop options, routing, destination options.
            0 | 43 | 60 => {
                number = byte(frame, offset)?;
                let units = u32::from(byte(frame, offset.checked_add(1)?)?);
                offset = offset.checked_add(8 * (units + 1))?;
            }
            _ => return Some((number, offset)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ethernet(tags: &[u16], kind: u16) -> Vec<u8> {
        let mut frame = vec![0; 12];
        for tag in tags {
            frame.extend(tag.to_be_bytes());
            frame.extend([0, 1]);
        }
        frame.extend(kind.to_be_bytes());
        frame
    }

    #[test]
    fn up_to_two_vlan_tags() {
        let v4 = |offset| Some((IpVersion::V4, offset));
        assert_eq!(network(&ethernet(&[], 0x0800)), v4(14));
        assert_eq!(network(&ethernet(&[0x8100], 0x0800)), v4(18));
        assert_eq!(network(&ethernet(&[0x88a8, 0x8100], 0x0800)), v4(22));
        assert_eq!(network(&ethernet(&[0x88a8, 0x8100, 0x8100], 0x0800)), None);
        assert_eq!(network(&ethernet(&[], 0x86dd)), Some((IpVersion::V6, 14)));
        assert_eq!(network(&ethernet(&[], 0x0806)), None);
        assert_eq!(network(&ethernet(&[], 0x0800)[..13]), None);
    }

    fn v4(words: u8, fragment: u16, number: u8) -> Vec<u8> {
        let mut header = vec![0; 4 * usize::from(words.max(5))];
        header[0] = 0x40 | words;
        header[6..8].copy_from_slice(&fragment.to_be_bytes());
        header[9] = number;
        header
    }

    #[test]
    fn v4_options_are_skipped() {
        for words in 5..=15 {
            let found = transport(&v4(words, 0x4000, 6), IpVersion::V4, 0);
            assert_eq!(
                found,
                Some(Transport {
                    version: IpVersion::V4,
                    protocol: Protocol::Tcp,
                    offset: 4 * u32::from(words),
                })
            );
        }
        assert_eq!(transport(&v4(4, 0, 6), IpVersion::V4, 0), None);
    }

    #[test]
    fn fragments_have_no_transport_header() {
        for fragment in [1, 0x2000, 0x1fff, 0x3fff] {
            assert_eq!(transport(&v4(5, fragment, 17), IpVersion::V4, 0), None);
        }
        let mut v6 = vec![0; 48];
        v6[0] = 0x60;
        v6[6] = 44;
        v6[40] = 17;
        assert_eq!(transport(&v6, IpVersion::V6, 0), None);
    }

    #[test]
    fn version_is_that_of_the_ethernet_type() {
        assert_eq!(transport(&v4(5, 0, 6), IpVersion::V6, 0), None);
    }

    #[test]
    fn v6_extension_headers_end() {
        let mut v6 = vec![0x60, 0, 0, 0, 0, 0, 0, 64];
        v6.resize(40, 0);
        for _ in 0..8 {
            v6.extend([60, 0, 0, 0, 0, 0, 0, 0]);
        }
        v6[40 + 7 * 8] = 17;
        let found = transport(&v6, IpVersion::V6, 0);
        assert_eq!(found.map(|t| t.offset), Some(40 + 64));
        // One more.
        v6[40 + 7 * 8] = 60;
        v6.extend([17, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(transport(&v6, IpVersion::V6, 0), None);
    }

    proptest! {
        #[test]
        fn anything_can_be_parsed(frame: Vec<u8>, offset: u32) {
            let _ = network(&frame);
            for version in [IpVersion::V4, IpVersion::V6] {
                for offset in [offset, offset % 64] {
                    let _ = transport(&frame, version, offset);
                }
            }
        }
    }
}
