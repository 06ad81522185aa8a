// SPDX-License-Identifier: GPL-2.0

//! Which features the driver accepts, and what the network stack may do with them.

use super::{
    caps::TxCaps,
    spec::feature::*, //
};
use rvirtio::{
    Dependency,
    Feature,
    Features, //
};

/// What is implemented.
pub(crate) const FEATURES: &[Feature] = &[
    CSUM,
    GUEST_CSUM,
    CTRL_GUEST_OFFLOADS,
    MTU,
    MAC,
    GUEST_TSO4,
    GUEST_TSO6,
    GUEST_ECN,
    GUEST_UFO,
    HOST_TSO4,
    HOST_TSO6,
    HOST_ECN,
    MRG_RXBUF,
    STATUS,
    CTRL_VQ,
    CTRL_RX,
    CTRL_VLAN,
    CTRL_RX_EXTRA,
    GUEST_ANNOUNCE,
    MQ,
    CTRL_MAC_ADDR,
    DEVICE_STATS,
    VQ_NOTF_COAL,
    NOTF_COAL,
    GUEST_USO4,
    GUEST_USO6,
    HOST_USO,
    HASH_REPORT,
    GUEST_HDRLEN,
    RSS,
    SPEED_DUPLEX,
    GUEST_UDP_TUNNEL_GSO,
    GUEST_UDP_TUNNEL_GSO_CSUM,
    HOST_UDP_TUNNEL_GSO,
    HOST_UDP_TUNNEL_GSO_CSUM,
];

/// The prerequisites of virtio 1.4, 5.1.3.1, of all features that there are.
#[doc(alias = "virtnet_validate_features")]
pub(crate) const DEPENDENCIES: &[Dependency] = &[
    Dependency::new(GUEST_TSO4, GUEST_CSUM),
    Dependency::new(GUEST_TSO6, GUEST_CSUM),
    Dependency::any(GUEST_ECN, Features::of(&[GUEST_TSO4, GUEST_TSO6])),
    Dependency::new(GUEST_UFO, GUEST_CSUM),
    Dependency::new(GUEST_USO4, GUEST_CSUM),
    Dependency::new(GUEST_USO6, GUEST_CSUM),
    Dependency::new(GUEST_UDP_TUNNEL_GSO, GUEST_TSO4),
    Dependency::new(GUEST_UDP_TUNNEL_GSO, GUEST_TSO6),
    Dependency::new(GUEST_UDP_TUNNEL_GSO, GUEST_USO4),
    Dependency::new(GUEST_UDP_TUNNEL_GSO, GUEST_USO6),
    Dependency::new(GUEST_UDP_TUNNEL_GSO_CSUM, GUEST_UDP_TUNNEL_GSO),
    Dependency::new(HOST_TSO4, CSUM),
    Dependency::new(HOST_TSO6, CSUM),
    Dependency::any(HOST_ECN, Features::of(&[HOST_TSO4, HOST_TSO6])),
    Dependency::new(HOST_UFO, CSUM),
    Dependency::new(HOST_USO, CSUM),
    Dependency::new(HOST_UDP_TUNNEL_GSO, HOST_TSO4),
    Dependency::new(HOST_UDP_TUNNEL_GSO, HOST_TSO6),
    Dependency::new(HOST_UDP_TUNNEL_GSO, HOST_USO),
    Dependency::new(HOST_UDP_TUNNEL_GSO_CSUM, HOST_UDP_TUNNEL_GSO),
    Dependency::new(CTRL_GUEST_OFFLOADS, CTRL_VQ),
    Dependency::new(CTRL_RX, CTRL_VQ),
    Dependency::new(CTRL_VLAN, CTRL_VQ),
    Dependency::new(CTRL_RX_EXTRA, CTRL_VQ),
    Dependency::new(GUEST_ANNOUNCE, CTRL_VQ),
    Dependency::new(MQ, CTRL_VQ),
    Dependency::new(CTRL_MAC_ADDR, CTRL_VQ),
    Dependency::new(DEVICE_STATS, CTRL_VQ),
    Dependency::new(NOTF_COAL, CTRL_VQ),
    Dependency::new(VQ_NOTF_COAL, CTRL_VQ),
    Dependency::new(RSS, CTRL_VQ),
    Dependency::new(HASH_REPORT, CTRL_VQ),
    Dependency::new(HASH_TUNNEL, CTRL_VQ),
    Dependency::any(HASH_TUNNEL, Features::of(&[RSS, HASH_REPORT])),
    Dependency::any(RSC_EXT, Features::of(&[HOST_TSO4, HOST_TSO6])),
    Dependency::new(RSS_CONTEXT, CTRL_VQ),
    Dependency::new(RSS_CONTEXT, RSS),
];

/// An offload that the stack can make use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offload {
    /// Partial checksums of what is sent, and fragments, which go with them.
    Csum,
    Tso4,
    Tso6,
    TsoEcn,
    Uso,
    Tunnel,
    TunnelCsum,
    /// The stack need not check segmented frames of others before it passes them on.
    Robust,
}

/// Returns the offloads of what is sent.
pub(crate) fn offloads(caps: TxCaps) -> impl Iterator<Item = Offload> {
    let has_gso = caps.tso4 || caps.tso6 || caps.uso;
    [
        (caps.csum, Offload::Csum),
        (caps.tso4, Offload::Tso4),
        (caps.tso6, Offload::Tso6),
        (caps.ecn, Offload::TsoEcn),
        (caps.uso, Offload::Uso),
        (caps.tunnel, Offload::Tunnel),
        (caps.tunnel_csum, Offload::TunnelCsum),
        (has_gso, Offload::Robust),
    ]
    .into_iter()
    .filter_map(|(negotiated, offload)| negotiated.then_some(offload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rvirtio::negotiate::close;

    fn accepted(offered: Features) -> Features {
        close(offered.intersect(Features::of(FEATURES)), DEPENDENCIES)
    }

    /// covers: NET-51
    #[test]
    fn everything_is_accepted_together() {
        let all = Features::of(FEATURES);
        assert_eq!(accepted(Features::range(0, 127)), all);
    }

    /// covers: NET-13 NET-14 NET-D1
    #[test]
    fn nothing_is_accepted_without_what_it_needs() {
        let all = Features::range(0, 127);
        let without = |feature: Feature| close(all.without(feature), DEPENDENCIES);
        for (missing, dropped) in [
            (
                CSUM,
                &[HOST_TSO4, HOST_TSO6, HOST_ECN, HOST_USO, HOST_UFO][..],
            ),
            (CSUM, &[HOST_UDP_TUNNEL_GSO, HOST_UDP_TUNNEL_GSO_CSUM]),
            (GUEST_CSUM, &[GUEST_TSO4, GUEST_TSO6, GUEST_ECN, GUEST_UFO]),
            (GUEST_CSUM, &[GUEST_USO4, GUEST_USO6, GUEST_UDP_TUNNEL_GSO]),
            (GUEST_USO6, &[GUEST_UDP_TUNNEL_GSO]),
            (HOST_TSO6, &[HOST_UDP_TUNNEL_GSO]),
            (CTRL_VQ, &[CTRL_RX, CTRL_VLAN, CTRL_RX_EXTRA, MQ, RSS]),
            (CTRL_VQ, &[GUEST_ANNOUNCE, CTRL_MAC_ADDR, DEVICE_STATS]),
            (CTRL_VQ, &[NOTF_COAL, VQ_NOTF_COAL, CTRL_GUEST_OFFLOADS]),
            (CTRL_VQ, &[HASH_REPORT, HASH_TUNNEL, RSS_CONTEXT]),
            (RSS, &[RSS_CONTEXT]),
        ] {
            for feature in dropped {
                assert!(!without(missing).contains(*feature), "{feature:?}");
            }
        }
        // One of two is enough.
        assert!(without(HOST_TSO4).contains(HOST_ECN));
        assert!(without(GUEST_TSO6).contains(GUEST_ECN));
        assert!(without(RSS).contains(HASH_TUNNEL));
        let neither = all.without(HOST_TSO4).without(HOST_TSO6);
        assert!(!close(neither, DEPENDENCIES).contains(HOST_ECN));
    }

    #[test]
    fn offloads_are_those_of_the_negotiation() {
        assert_eq!(offloads(TxCaps::default()).count(), 0);
        let caps = TxCaps {
            csum: true,
            tso6: true,
            ..TxCaps::default()
        };
        let found: Vec<_> = offloads(caps).collect();
        assert_eq!(found, [Offload::Csum, Offload::Tso6, Offload::Robust]);
    }
}
