// SPDX-License-Identifier: GPL-2.0

//! What of a device's configuration is possible, and what is done about the rest: pure functions,
//! tested on the host.

use super::spec::{
    ETHERNET_HEADER,
    VLAN_TAG, //
};

/// A MAC address.
pub(crate) type Mac = [u8; 6];

/// The smallest MTU that IPv4 works with.
#[doc(alias = "ETH_MIN_MTU")]
pub(crate) const MIN_MTU: u16 = 68;

/// The usual MTU of Ethernet.
#[doc(alias = "ETH_DATA_LEN")]
pub(crate) const DEFAULT_MTU: u16 = 1500;

/// Returns `mac` if an interface can have it as its address: not zero, not a multicast one.
#[doc(alias = "is_valid_ether_addr")]
pub(crate) fn valid_mac(mac: Mac) -> Option<Mac> {
    let [first, ..] = mac;
    (first & 1 == 0 && mac != [0; 6]).then_some(mac)
}

/// The MTUs of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mtu {
    /// To start with.
    pub(crate) initial: u16,
    /// The largest that can be set.
    pub(crate) max: u16,
    /// The device says an impossible one, which is not used.
    pub(crate) ignored: Option<u16>,
}

impl Mtu {
    /// Returns the MTUs for a device that says `device`, if it does. `large` says whether frames
    /// of any length can be received.
    pub(crate) fn new(device: Option<u16>, large: bool) -> Self {
        let (device, ignored) = match device {
            Some(mtu) if mtu < MIN_MTU => (None, Some(mtu)),
            other => (other, None),
        };
        let max = device.unwrap_or(if large { u16::MAX } else { DEFAULT_MTU });
        Self {
            initial: device.unwrap_or(DEFAULT_MTU),
            max,
            ignored,
        }
    }

    /// Returns the length of the largest frame that the network has, in bytes.
    pub(crate) fn max_frame(self) -> u32 {
        u32::from(self.max) + ETHERNET_HEADER + VLAN_TAG
    }
}

/// The largest number of pairs of queues that a device can have.
#[doc(alias = "VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MAX")]
const MAX_PAIRS: u16 = 0x8000;

/// The pairs of queues of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pairs {
    /// Those of the device. The control queue comes after them.
    pub(crate) of_device: u16,
    /// Those that the driver can use.
    pub(crate) usable: u16,
    /// The device says an impossible number, which is not used.
    pub(crate) ignored: Option<u16>,
}

impl Pairs {
    /// Returns the pairs for a device that says `device`, if it does, and has `queues` queues, on a machine
    /// with so many processors.
    pub(crate) fn new(device: Option<u16>, queues: u16, cpus: u32) -> Self {
        let (of_device, ignored) = match device {
            None => (1, None),
            // There is a control queue, too.
            Some(pairs)
                if (1..=MAX_PAIRS).contains(&pairs) && pairs <= queues.saturating_sub(1) / 2 =>
            {
                (pairs, None)
            }
            Some(pairs) => (1, Some(pairs)),
        };
        let cpus = u16::try_from(cpus).unwrap_or(u16::MAX);
        Self {
            of_device,
            usable: of_device.min(cpus).max(1),
            ignored,
        }
    }
}

/// Speed of a link in Mbit/s, as the device says it.
///
/// covers: NET-11
pub(crate) fn speed(raw: u32) -> Option<u32> {
    (raw <= i32::MAX as u32).then_some(raw)
}

/// Whether a link works in both directions at a time, as the device says it.
pub(crate) fn full_duplex(raw: u8) -> Option<bool> {
    match raw {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(valid_mac([0; 6]), None);
        assert_eq!(valid_mac([0xff; 6]), None);
        assert_eq!(valid_mac([0x01, 0, 0x5e, 0, 0, 1]), None);
        assert!(valid_mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]).is_some());
        assert!(valid_mac([0, 0, 0, 0, 0, 1]).is_some());
    }

    #[test]
    fn impossible_mtu_is_ignored() {
        for mtu in [0, 1, 67] {
            let found = Mtu::new(Some(mtu), false);
            assert_eq!((found.initial, found.max), (1500, 1500));
            assert_eq!(found.ignored, Some(mtu));
        }
        let found = Mtu::new(Some(68), true);
        assert_eq!((found.initial, found.max, found.ignored), (68, 68, None));
    }

    /// covers: NET-08
    #[test]
    fn mtu_is_the_devices() {
        for mtu in [1400, 1500, 9000, 65535] {
            let found = Mtu::new(Some(mtu), false);
            assert_eq!((found.initial, found.max), (mtu, mtu));
            assert_eq!(found.max_frame(), u32::from(mtu) + 18);
        }
    }

    #[test]
    fn largest_mtu_is_what_buffers_hold() {
        assert_eq!(Mtu::new(None, false).max, 1500);
        assert_eq!(Mtu::new(None, true).max, 65535);
    }

    /// covers: NET-80
    #[test]
    fn pairs_of_queues() {
        let pairs = |device, queues, cpus| {
            let found = Pairs::new(device, queues, cpus);
            (found.of_device, found.usable, found.ignored)
        };
        assert_eq!(pairs(None, 2, 8), (1, 1, None));
        assert_eq!(pairs(Some(4), 9, 8), (4, 4, None));
        assert_eq!(pairs(Some(4), 9, 2), (4, 2, None));
        assert_eq!(pairs(Some(4), 64, 0), (4, 1, None));
        // None, more than there are queues for, and more than there can be.
        for (device, queues) in [
            (0, 9),
            (4, 8),
            (1, 2),
            (0x8001, u16::MAX),
            (u16::MAX, u16::MAX),
        ] {
            assert_eq!(pairs(Some(device), queues, 8), (1, 1, Some(device)));
        }
    }

    /// covers: NET-11
    #[test]
    fn unknown_speed_and_duplex() {
        assert_eq!(speed(0), Some(0));
        assert_eq!(speed(0x7fff_ffff), Some(0x7fff_ffff));
        assert_eq!(speed(0x8000_0000), None);
        assert_eq!(speed(u32::MAX), None);
        assert_eq!(full_duplex(0), Some(false));
        assert_eq!(full_duplex(1), Some(true));
        assert_eq!(full_duplex(2), None);
        assert_eq!(full_duplex(0xff), None);
    }
}
