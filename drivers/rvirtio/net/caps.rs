// SPDX-License-Identifier: GPL-2.0

//! What driver and device have agreed on, as far as frames and their headers are concerned.

use super::{
    coalesce::Can,
    spec::{
        control::offloads,
        feature,
        header::Layout, //
    }, //
};
use rvirtio::{
    Feature,
    Features, //
};

/// What was negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caps {
    /// The header.
    pub(crate) layout: Layout,
    /// A received frame can be in several buffers.
    pub(crate) mergeable: bool,
    /// What a device may do with frames that it passes.
    pub(crate) rx: RxCaps,
    /// What a device does with frames that it takes.
    pub(crate) tx: TxCaps,
    /// What it can be told.
    pub(crate) control: ControlCaps,
}

/// Commands that a device takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ControlCaps {
    /// There is a queue for them.
    pub(crate) queue: bool,
    pub(crate) rx: bool,
    pub(crate) rx_extra: bool,
    pub(crate) vlan: bool,
    pub(crate) mac: bool,
    pub(crate) announce: bool,
    pub(crate) offloads: bool,
    pub(crate) pairs: bool,
    /// It reports the hashes of received frames.
    pub(crate) hash: bool,
    /// It counts.
    pub(crate) stats: bool,
    /// Its queues wait before they interrupt.
    pub(crate) coalesce: Can,
}

/// What headers of received frames may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RxCaps {
    pub(crate) csum: bool,
    pub(crate) tso4: bool,
    pub(crate) tso6: bool,
    pub(crate) ecn: bool,
    pub(crate) ufo: bool,
    pub(crate) uso4: bool,
    pub(crate) uso6: bool,
    pub(crate) tunnel: bool,
    pub(crate) tunnel_csum: bool,
}

/// What headers of frames to send may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TxCaps {
    pub(crate) csum: bool,
    pub(crate) tso4: bool,
    pub(crate) tso6: bool,
    pub(crate) ecn: bool,
    pub(crate) uso: bool,
    pub(crate) tunnel: bool,
    pub(crate) tunnel_csum: bool,
    /// The device wants the exact length of headers.
    pub(crate) exact_hdr_len: bool,
}

impl Caps {
    pub(crate) fn new(features: Features) -> Self {
        let has = |feature: Feature| features.contains(feature);
        let tunnel = feature::GUEST_UDP_TUNNEL_GSO;
        let layout = if has(tunnel) || has(feature::HOST_UDP_TUNNEL_GSO) {
            Layout::Tunnel
        } else if has(feature::HASH_REPORT) {
            Layout::Hash
        } else {
            Layout::Basic
        };
        Self {
            layout,
            mergeable: has(feature::MRG_RXBUF),
            rx: RxCaps {
                csum: has(feature::GUEST_CSUM),
                tso4: has(feature::GUEST_TSO4),
                tso6: has(feature::GUEST_TSO6),
                ecn: has(feature::GUEST_ECN),
                ufo: has(feature::GUEST_UFO),
                uso4: has(feature::GUEST_USO4),
                uso6: has(feature::GUEST_USO6),
                tunnel: has(tunnel),
                tunnel_csum: has(feature::GUEST_UDP_TUNNEL_GSO_CSUM),
            },
            tx: TxCaps {
                csum: has(feature::CSUM),
                tso4: has(feature::HOST_TSO4),
                tso6: has(feature::HOST_TSO6),
                ecn: has(feature::HOST_ECN),
                uso: has(feature::HOST_USO),
                tunnel: has(feature::HOST_UDP_TUNNEL_GSO),
                tunnel_csum: has(feature::HOST_UDP_TUNNEL_GSO_CSUM),
                exact_hdr_len: has(feature::GUEST_HDRLEN),
            },
            control: ControlCaps {
                queue: has(feature::CTRL_VQ),
                rx: has(feature::CTRL_RX),
                rx_extra: has(feature::CTRL_RX_EXTRA),
                vlan: has(feature::CTRL_VLAN),
                mac: has(feature::CTRL_MAC_ADDR),
                announce: has(feature::GUEST_ANNOUNCE),
                offloads: has(feature::CTRL_GUEST_OFFLOADS),
                pairs: has(feature::MQ),
                hash: has(feature::HASH_REPORT),
                stats: has(feature::DEVICE_STATS),
                coalesce: Can {
                    all: has(feature::NOTF_COAL),
                    single: has(feature::VQ_NOTF_COAL),
                },
            },
        }
    }
}

impl RxCaps {
    /// Returns whether frames can be larger than the MTU.
    pub(crate) fn has_gso(&self) -> bool {
        self.tso4 || self.tso6 || self.ufo || self.uso4 || self.uso6 || self.tunnel
    }

    /// Returns the bits of a command that switches all of them on, or all but those by which frames can
    /// be larger than the MTU.
    ///
    /// covers: NET-88
    pub(crate) fn offloads(&self, with_gso: bool) -> u64 {
        let bit = |feature: Feature| 1_u64.checked_shl(feature.bit().into()).unwrap_or(0);
        [
            (self.csum, bit(feature::GUEST_CSUM)),
            (self.tso4 && with_gso, bit(feature::GUEST_TSO4)),
            (self.tso6 && with_gso, bit(feature::GUEST_TSO6)),
            (self.ecn && with_gso, bit(feature::GUEST_ECN)),
            (self.ufo && with_gso, bit(feature::GUEST_UFO)),
            (self.uso4 && with_gso, bit(feature::GUEST_USO4)),
            (self.uso6 && with_gso, bit(feature::GUEST_USO6)),
            (self.tunnel && with_gso, 1 << offloads::UDP_TUNNEL_GSO),
            (
                self.tunnel_csum && with_gso,
                1 << offloads::UDP_TUNNEL_GSO_CSUM,
            ),
        ]
        .into_iter()
        .fold(0, |bits, (on, bit)| if on { bits | bit } else { bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: NET-15 NET-58
    #[test]
    fn header_is_as_long_as_either_direction_needs() {
        for (features, layout) in [
            (&[][..], Layout::Basic),
            (&[feature::MRG_RXBUF], Layout::Basic),
            (&[feature::HASH_REPORT], Layout::Hash),
            (&[feature::GUEST_UDP_TUNNEL_GSO], Layout::Tunnel),
            (&[feature::HOST_UDP_TUNNEL_GSO], Layout::Tunnel),
            (
                &[feature::HASH_REPORT, feature::HOST_UDP_TUNNEL_GSO],
                Layout::Tunnel,
            ),
        ] {
            assert_eq!(Caps::new(Features::of(features)).layout, layout);
        }
    }

    /// covers: NET-88
    #[test]
    fn only_offloads_that_were_agreed_on_are_switched() {
        let offloads = |features: &[Feature]| {
            let rx = Caps::new(Features::of(features)).rx;
            (rx.offloads(true), rx.offloads(false))
        };
        assert_eq!(offloads(&[]), (0, 0));
        assert_eq!(offloads(&[feature::CSUM, feature::HOST_TSO4]), (0, 0));
        assert_eq!(offloads(&[feature::GUEST_CSUM]), (2, 2));
        for (feature, bit) in [
            (feature::GUEST_TSO4, 7),
            (feature::GUEST_TSO6, 8),
            (feature::GUEST_ECN, 9),
            (feature::GUEST_UFO, 10),
            (feature::GUEST_USO4, 54),
            (feature::GUEST_USO6, 55),
            (feature::GUEST_UDP_TUNNEL_GSO, 46),
            (feature::GUEST_UDP_TUNNEL_GSO_CSUM, 47),
        ] {
            let found = offloads(&[feature::GUEST_CSUM, feature]);
            assert_eq!(found, (2 | 1 << bit, 2), "{feature:?}");
        }
    }

    #[test]
    fn each_receive_offload_makes_frames_large() {
        for (feature, large) in [
            (feature::GUEST_CSUM, false),
            (feature::GUEST_ECN, false),
            (feature::GUEST_TSO4, true),
            (feature::GUEST_TSO6, true),
            (feature::GUEST_UFO, true),
            (feature::GUEST_USO4, true),
            (feature::GUEST_USO6, true),
            (feature::GUEST_UDP_TUNNEL_GSO, true),
        ] {
            let caps = Caps::new(Features::of(&[feature]));
            assert_eq!(caps.rx.has_gso(), large, "{feature:?}");
        }
    }
}
