// SPDX-License-Identifier: GPL-2.0

//! Hashes of the headers of received frames, and spreading frames over queues by them (RSS).

/// The largest table that is used, in entries.
pub(crate) const MAX_TABLE: usize = 128;

/// Length of the key that the hash is made with, in bytes. Each device takes one of this length.
pub(crate) const KEY: usize = 40;

/// Bits of the field that says which headers have a hash.
#[doc(alias = "VIRTIO_NET_RSS_HASH_TYPE_IPv4")]
mod hash {
    pub(super) const IP_V4: u32 = 1 << 0;
    pub(super) const TCP_V4: u32 = 1 << 1;
    pub(super) const UDP_V4: u32 = 1 << 2;
    pub(super) const IP_V6: u32 = 1 << 3;
    pub(super) const TCP_V6: u32 = 1 << 4;
    pub(super) const UDP_V6: u32 = 1 << 5;
    /// All of these: those for extension headers are not used.
    pub(super) const ALL: u32 = (1 << 6) - 1;
}

/// Frames of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    IpV4,
    TcpV4,
    UdpV4,
    IpV6,
    TcpV6,
    UdpV6,
}

/// What of their headers the hash is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fields {
    None,
    Addresses,
    AddressesAndPorts,
}

impl Flow {
    /// The bit for the addresses, and the one for addresses and ports.
    fn bits(self) -> (u32, u32) {
        match self {
            Self::IpV4 => (hash::IP_V4, 0),
            Self::TcpV4 => (hash::IP_V4, hash::TCP_V4),
            Self::UdpV4 => (hash::IP_V4, hash::UDP_V4),
            Self::IpV6 => (hash::IP_V6, 0),
            Self::TcpV6 => (hash::IP_V6, hash::TCP_V6),
            Self::UdpV6 => (hash::IP_V6, hash::UDP_V6),
        }
    }
}

/// How hashes are made, and frames spread.
#[derive(Clone)]
pub(crate) struct Rss {
    /// The hashes that the device can make, and those that it is to make.
    known: u32,
    types: u32,
    /// Whether it is to report them.
    reports: bool,
    table: [u16; MAX_TABLE],
    /// How much of the table is used: a power of two, or 0 if the device does not spread frames.
    len: usize,
    key: [u8; KEY],
}

impl Rss {
    /// Returns how a device is to make hashes, and to spread frames over one queue, with the limits that it
    /// says: the longest key; the longest table, unless it has none; and the hashes. `None` if these are not
    /// what a device can have.
    pub(crate) fn new(
        max_key: u8,
        max_table: Option<u16>,
        known: u32,
        key: [u8; KEY],
    ) -> Option<Self> {
        let len = match max_table {
            Some(max) => 1_usize << max.checked_ilog2()?,
            None => 0,
        };
        let known = known & hash::ALL;
        (usize::from(max_key) >= KEY).then_some(Self {
            known,
            types: known,
            reports: false,
            table: [0; MAX_TABLE],
            len: len.min(MAX_TABLE),
            key,
        })
    }

    pub(crate) fn table(&self) -> &[u16] {
        self.table.get(..self.len).unwrap_or(&[])
    }

    /// Returns whether the device spreads frames.
    pub(crate) fn spreads(&self) -> bool {
        self.len != 0
    }

    /// Returns the hashes that are reported, as bits of the field that says so.
    pub(crate) fn reported(&self) -> u32 {
        if self.reports {
            self.types
        } else {
            0
        }
    }

    /// Sets whether they are.
    pub(crate) fn set_reports(&mut self, on: bool) {
        self.reports = on;
    }

    pub(crate) fn key(&self) -> &[u8; KEY] {
        &self.key
    }

    pub(crate) fn set_key(&mut self, key: [u8; KEY]) {
        self.key = key;
    }

    /// Sets the queues of the entries in turn.
    pub(crate) fn set_table(&mut self, queues: impl Iterator<Item = u16>) {
        for (entry, queue) in self.table.iter_mut().zip(queues) {
            *entry = queue;
        }
    }

    /// Spreads evenly over `to` queues, if that is how it was over `from`.
    pub(crate) fn spread(&mut self, from: u16, to: u16) {
        let even = |pairs: u16| (0..).map(move |entry: u16| entry.checked_rem(pairs).unwrap_or(0));
        if even(from)
            .zip(self.table())
            .all(|(queue, &entry)| queue == entry)
        {
            self.set_table(even(to).take(MAX_TABLE));
        }
    }

    pub(crate) fn fields(&self, flow: Flow) -> Fields {
        let (addresses, ports) = flow.bits();
        if self.types & ports != 0 {
            Fields::AddressesAndPorts
        } else if self.types & addresses != 0 {
            Fields::Addresses
        } else {
            Fields::None
        }
    }

    /// Sets what the hash of frames is made of. Returns whether the device can do that; otherwise nothing
    /// has changed.
    pub(crate) fn set_fields(&mut self, flow: Flow, fields: Fields) -> bool {
        let (addresses, ports) = flow.bits();
        let rest = self.types & !(addresses | ports);
        let types = match fields {
            Fields::None => rest,
            Fields::Addresses => rest | addresses,
            Fields::AddressesAndPorts if ports == 0 => return false,
            Fields::AddressesAndPorts => rest | addresses | ports,
        };
        let can = types & !self.known == 0;
        if can {
            self.types = types;
        }
        can
    }

    /// Writes what the device is told to `to`, for `pairs` pairs of queues if it spreads frames; returns its
    /// length, or `None` if it does not fit.
    #[doc(alias = "virtio_net_rss_config")]
    #[doc(alias = "virtio_net_hash_config")]
    pub(crate) fn encode(&self, pairs: u16, to: &mut [u8]) -> Option<usize> {
        let mut len = 0;
        let mut put = |bytes: &[u8]| {
            let end = len + bytes.len();
            to.get_mut(len..end)?.copy_from_slice(bytes);
            len = end;
            Some(())
        };
        if self.spreads() {
            put(&self.types.to_le_bytes())?;
            // CAST: There are at most 128.
            put(&(self.len as u16).wrapping_sub(1).to_le_bytes())?;
            // The queue of frames without a hash.
            put(&[0; 2])?;
            for queue in self.table() {
                put(&queue.to_le_bytes())?;
            }
            put(&pairs.to_le_bytes())?;
        } else {
            // Hashes are made for nothing else.
            put(&self.reported().to_le_bytes())?;
            put(&[0; 8])?;
        }
        put(&[KEY as u8])?;
        put(&self.key)?;
        Some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rss(max_table: u16) -> Option<Rss> {
        Rss::new(40, Some(max_table), u32::MAX, [7; KEY])
    }

    /// covers: NET-85 NET-86
    #[test]
    fn table_is_as_large_as_the_device_has_room_for() {
        for (max, len) in [
            (1, 1),
            (2, 2),
            (3, 2),
            (127, 64),
            (128, 128),
            (u16::MAX, 128),
        ] {
            assert_eq!(rss(max).unwrap().table().len(), len);
        }
        assert!(rss(0).is_none());
        assert!(Rss::new(39, Some(128), 0, [0; KEY]).is_none());
    }

    /// covers: NET-84
    #[test]
    fn table_follows_the_number_of_queues_until_it_is_set() {
        let mut rss = rss(8).unwrap();
        rss.spread(1, 3);
        assert_eq!(rss.table(), [0, 1, 2, 0, 1, 2, 0, 1]);
        rss.spread(3, 2);
        assert_eq!(rss.table(), [0, 1, 0, 1, 0, 1, 0, 1]);
        rss.set_table([1; 8].into_iter());
        rss.spread(2, 4);
        assert_eq!(rss.table(), [1; 8]);
        rss.set_table((0..8).map(|entry| entry % 4));
        rss.spread(4, 1);
        assert_eq!(rss.table(), [0; 8]);
    }

    /// covers: NET-87
    #[test]
    fn hashes_are_those_that_the_device_can_make() {
        let mut rss =
            Rss::new(40, Some(8), hash::IP_V4 | hash::TCP_V4 | 1 << 30, [0; KEY]).unwrap();
        assert_eq!(rss.fields(Flow::TcpV4), Fields::AddressesAndPorts);
        assert_eq!(rss.fields(Flow::UdpV4), Fields::Addresses);
        assert_eq!(rss.fields(Flow::IpV4), Fields::Addresses);
        assert_eq!(rss.fields(Flow::TcpV6), Fields::None);
        for (flow, fields) in [
            (Flow::UdpV4, Fields::AddressesAndPorts),
            (Flow::IpV6, Fields::Addresses),
            (Flow::IpV4, Fields::AddressesAndPorts),
        ] {
            assert!(!rss.set_fields(flow, fields));
            assert_eq!(rss.types, hash::IP_V4 | hash::TCP_V4);
        }
        // Other protocols stay as they are.
        assert!(rss.set_fields(Flow::IpV4, Fields::Addresses));
        assert_eq!(rss.types, hash::IP_V4 | hash::TCP_V4);
        assert!(rss.set_fields(Flow::TcpV4, Fields::Addresses));
        assert_eq!(rss.types, hash::IP_V4);
        assert!(rss.set_fields(Flow::TcpV4, Fields::None));
        assert_eq!(rss.types, 0);
    }

    #[test]
    fn command() {
        let mut rss = Rss::new(52, Some(4), 0x1_003f, core::array::from_fn(|at| at as u8)).unwrap();
        rss.spread(1, 3);
        let mut bytes = [0xff; 128];
        let len = rss.encode(3, &mut bytes).unwrap();
        assert_eq!(bytes[..8], [0x3f, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(bytes[8..16], [0, 0, 1, 0, 2, 0, 0, 0]);
        assert_eq!(bytes[16..19], [3, 0, 40]);
        assert_eq!(bytes[19..len], *rss.key());
        assert_eq!(len, 59);
        assert_eq!(rss.encode(3, &mut bytes[..58]), None);
    }
    /// A device that does not spread frames makes hashes only if they are reported.
    #[test]
    fn command_without_a_table() {
        let mut rss = Rss::new(40, None, 0x1ff, core::array::from_fn(|at| at as u8)).unwrap();
        assert!(!rss.spreads() && rss.table().is_empty());
        for (on, types) in [(false, 0), (true, 0x3f), (false, 0)] {
            rss.set_reports(on);
            assert_eq!(rss.reported(), types.into());
            let mut bytes = [0xff; 128];
            let len = rss.encode(3, &mut bytes).unwrap();
            assert_eq!(bytes[..12], [types, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(bytes[12], 40);
            assert_eq!(bytes[13..len], *rss.key());
            assert_eq!(len, 53);
        }
    }

    /// Whether hashes are reported does not change how frames are spread.
    #[test]
    fn reports_are_apart_from_the_table() {
        let mut rss = rss(4).unwrap();
        assert_eq!(rss.reported(), 0);
        let (mut before, mut after) = ([0; 128], [0; 128]);
        rss.encode(1, &mut before);
        rss.set_reports(true);
        assert_eq!(rss.reported(), hash::ALL);
        rss.encode(1, &mut after);
        assert_eq!(before, after);
        assert!(rss.set_fields(Flow::TcpV4, Fields::Addresses));
        assert_eq!(rss.reported(), hash::ALL & !hash::TCP_V4);
    }
}
