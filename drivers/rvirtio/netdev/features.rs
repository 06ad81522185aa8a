// SPDX-License-Identifier: GPL-2.0

//! What network devices can do.
//!
//! C header: [`include/linux/netdev_features.h`](srctree/include/linux/netdev_features.h)

use crate::bindings;
use core::ops::BitAnd;

/// A set of features of a network device.
#[doc(alias = "netdev_features_t")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetFeatures(u64);

macro_rules! net_features {
    ($($(#[$doc:meta])* $name:ident = $raw:ident;)*) => {
        impl NetFeatures {$(
            $(#[$doc])*
            pub const $name: Self = Self(bindings::$raw);
        )*}
    };
}

net_features! {
    /// Frames with fragments can be sent.
    #[doc(alias = "NETIF_F_SG")]
    FRAGMENTS = RVIRTIO_NETIF_F_SG;
    /// Partial checksums of what is sent are completed.
    #[doc(alias = "NETIF_F_HW_CSUM")]
    CSUM = RVIRTIO_NETIF_F_HW_CSUM;
    /// Frames can be in any memory.
    #[doc(alias = "NETIF_F_HIGHDMA")]
    HIGHDMA = RVIRTIO_NETIF_F_HIGHDMA;
    /// TCP over IPv4 is segmented.
    #[doc(alias = "NETIF_F_TSO")]
    TSO4 = RVIRTIO_NETIF_F_TSO;
    /// TCP over IPv6 is segmented.
    #[doc(alias = "NETIF_F_TSO6")]
    TSO6 = RVIRTIO_NETIF_F_TSO6;
    /// TCP with ECN is segmented.
    #[doc(alias = "NETIF_F_TSO_ECN")]
    TSO_ECN = RVIRTIO_NETIF_F_TSO_ECN;
    /// UDP is segmented.
    #[doc(alias = "NETIF_F_GSO_UDP_L4")]
    USO = RVIRTIO_NETIF_F_GSO_UDP_L4;
    /// What is in UDP tunnels is segmented.
    #[doc(alias = "NETIF_F_GSO_UDP_TUNNEL")]
    UDP_TUNNEL = RVIRTIO_NETIF_F_GSO_UDP_TUNNEL;
    /// The same if the tunnel has checksums.
    #[doc(alias = "NETIF_F_GSO_UDP_TUNNEL_CSUM")]
    UDP_TUNNEL_CSUM = RVIRTIO_NETIF_F_GSO_UDP_TUNNEL_CSUM;
    /// Frames of others that are to be segmented need not be checked first.
    #[doc(alias = "NETIF_F_GSO_ROBUST")]
    ROBUST = RVIRTIO_NETIF_F_GSO_ROBUST;
    /// Checksums of what is received are checked.
    #[doc(alias = "NETIF_F_RXCSUM")]
    RX_CSUM = RVIRTIO_NETIF_F_RXCSUM;
    /// Frames that are received have hashes.
    #[doc(alias = "NETIF_F_RXHASH")]
    RX_HASH = RVIRTIO_NETIF_F_RXHASH;
    /// Frames of VLANs are received that were added.
    #[doc(alias = "NETIF_F_HW_VLAN_CTAG_FILTER")]
    VLAN_FILTER = RVIRTIO_NETIF_F_HW_VLAN_CTAG_FILTER;
    /// Frames that are received may have been merged.
    #[doc(alias = "NETIF_F_GRO_HW")]
    GRO_HW = RVIRTIO_NETIF_F_GRO_HW;
}

impl NetFeatures {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Returns the features of both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the features of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    pub(crate) const fn into_raw(self) -> u64 {
        self.0
    }

    /// Returns whether all of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitAnd for NetFeatures {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
