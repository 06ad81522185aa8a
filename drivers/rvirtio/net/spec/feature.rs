// SPDX-License-Identifier: GPL-2.0

//! Feature bits (virtio 1.4, 5.1.3).

use rvirtio::Feature;

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $alias:literal;)*) => {
        $(
            $(#[$doc])*
            #[doc(alias = $alias)]
            pub const $name: Feature = Feature::new($bit);
        )*

        /// Every bit with its name, in ascending order.
        pub const NAMES: &[(Feature, &str)] = &[$(($name, stringify!($name)),)*];
    };
}

features! {
    /// The device completes partial checksums of what is sent.
    CSUM = 0, "VIRTIO_NET_F_CSUM";
    /// The driver takes frames with partial or already checked checksums.
    GUEST_CSUM = 1, "VIRTIO_NET_F_GUEST_CSUM";
    /// Receive offloads can be switched while the device runs.
    CTRL_GUEST_OFFLOADS = 2, "VIRTIO_NET_F_CTRL_GUEST_OFFLOADS";
    /// The largest MTU is in the configuration space.
    MTU = 3, "VIRTIO_NET_F_MTU";
    /// The MAC address is in the configuration space.
    MAC = 5, "VIRTIO_NET_F_MAC";
    /// The driver takes TCP over IPv4 that is not segmented.
    GUEST_TSO4 = 7, "VIRTIO_NET_F_GUEST_TSO4";
    /// The driver takes TCP over IPv6 that is not segmented.
    GUEST_TSO6 = 8, "VIRTIO_NET_F_GUEST_TSO6";
    /// The driver takes TCP with ECN that is not segmented.
    GUEST_ECN = 9, "VIRTIO_NET_F_GUEST_ECN";
    /// The driver takes UDP that is not fragmented.
    GUEST_UFO = 10, "VIRTIO_NET_F_GUEST_UFO";
    /// The device segments TCP over IPv4.
    HOST_TSO4 = 11, "VIRTIO_NET_F_HOST_TSO4";
    /// The device segments TCP over IPv6.
    HOST_TSO6 = 12, "VIRTIO_NET_F_HOST_TSO6";
    /// The device segments TCP with ECN.
    HOST_ECN = 13, "VIRTIO_NET_F_HOST_ECN";
    /// The device fragments UDP.
    HOST_UFO = 14, "VIRTIO_NET_F_HOST_UFO";
    /// A received frame can be in several buffers.
    MRG_RXBUF = 15, "VIRTIO_NET_F_MRG_RXBUF";
    /// The link status is in the configuration space.
    STATUS = 16, "VIRTIO_NET_F_STATUS";
    /// There is a control queue.
    CTRL_VQ = 17, "VIRTIO_NET_F_CTRL_VQ";
    /// Commands set the receive mode.
    CTRL_RX = 18, "VIRTIO_NET_F_CTRL_RX";
    /// Commands set the VLAN filter.
    CTRL_VLAN = 19, "VIRTIO_NET_F_CTRL_VLAN";
    /// There are more receive modes.
    CTRL_RX_EXTRA = 20, "VIRTIO_NET_F_CTRL_RX_EXTRA";
    /// The device asks the driver to announce itself.
    GUEST_ANNOUNCE = 21, "VIRTIO_NET_F_GUEST_ANNOUNCE";
    /// There can be several pairs of queues.
    MQ = 22, "VIRTIO_NET_F_MQ";
    /// A command sets the MAC address.
    CTRL_MAC_ADDR = 23, "VIRTIO_NET_F_CTRL_MAC_ADDR";
    /// The device counts.
    DEVICE_STATS = 50, "VIRTIO_NET_F_DEVICE_STATS";
    /// The hash can be that of the inner header of a tunnel.
    HASH_TUNNEL = 51, "VIRTIO_NET_F_HASH_TUNNEL";
    /// Notifications of each queue can be coalesced.
    VQ_NOTF_COAL = 52, "VIRTIO_NET_F_VQ_NOTF_COAL";
    /// Notifications can be coalesced.
    NOTF_COAL = 53, "VIRTIO_NET_F_NOTF_COAL";
    /// The driver takes UDP over IPv4 that is not segmented.
    GUEST_USO4 = 54, "VIRTIO_NET_F_GUEST_USO4";
    /// The driver takes UDP over IPv6 that is not segmented.
    GUEST_USO6 = 55, "VIRTIO_NET_F_GUEST_USO6";
    /// The device segments UDP.
    HOST_USO = 56, "VIRTIO_NET_F_HOST_USO";
    /// The header of a received frame has its hash.
    HASH_REPORT = 57, "VIRTIO_NET_F_HASH_REPORT";
    /// The driver knows how long all headers of a frame are.
    GUEST_HDRLEN = 59, "VIRTIO_NET_F_GUEST_HDRLEN";
    /// The device spreads frames over receive queues by their hash.
    RSS = 60, "VIRTIO_NET_F_RSS";
    /// The device says how many segments it has coalesced.
    RSC_EXT = 61, "VIRTIO_NET_F_RSC_EXT";
    /// The device stands in for another one.
    STANDBY = 62, "VIRTIO_NET_F_STANDBY";
    /// Speed and duplex mode are in the configuration space.
    SPEED_DUPLEX = 63, "VIRTIO_NET_F_SPEED_DUPLEX";
    /// There are several RSS configurations.
    RSS_CONTEXT = 64, "VIRTIO_NET_F_RSS_CONTEXT";
    /// The driver takes UDP tunnels whose contents are not segmented.
    GUEST_UDP_TUNNEL_GSO = 65, "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO";
    /// The same with a partial checksum of the outer header.
    GUEST_UDP_TUNNEL_GSO_CSUM = 66, "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO_CSUM";
    /// The device segments what is in UDP tunnels.
    HOST_UDP_TUNNEL_GSO = 67, "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO";
    /// The same with a partial checksum of the outer header.
    HOST_UDP_TUNNEL_GSO_CSUM = 68, "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO_CSUM";
    /// The driver says where the outer network header is.
    OUT_NET_HEADER = 69, "VIRTIO_NET_F_OUT_NET_HEADER";
    /// The device encrypts and decrypts IPsec.
    IPSEC = 70, "VIRTIO_NET_F_IPSEC";
}

#[cfg(test)]
mod tests {
    use super::NAMES;

    #[test]
    fn bits_ascend() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
