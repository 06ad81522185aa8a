/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads for the netdev crate. The lists of what it takes from
 * here are in bindgen_parameters.
 */
#include <linux/bpf.h>
#include <linux/dim.h>
#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/gro.h>
#include <net/netdev_lock.h>
#include <net/netdev_queues.h>
#include <net/netdev_rx_queue.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>

/* Macros with casts, which bindgen does not see. */
const netdev_features_t RVIRTIO_NETIF_F_SG = NETIF_F_SG;
const netdev_features_t RVIRTIO_NETIF_F_HW_CSUM = NETIF_F_HW_CSUM;
const netdev_features_t RVIRTIO_NETIF_F_HIGHDMA = NETIF_F_HIGHDMA;
const netdev_features_t RVIRTIO_NETIF_F_TSO = NETIF_F_TSO;
const netdev_features_t RVIRTIO_NETIF_F_TSO6 = NETIF_F_TSO6;
const netdev_features_t RVIRTIO_NETIF_F_TSO_ECN = NETIF_F_TSO_ECN;
const netdev_features_t RVIRTIO_NETIF_F_GSO_UDP_L4 = NETIF_F_GSO_UDP_L4;
const netdev_features_t RVIRTIO_NETIF_F_GSO_UDP_TUNNEL = NETIF_F_GSO_UDP_TUNNEL;
const netdev_features_t RVIRTIO_NETIF_F_GSO_UDP_TUNNEL_CSUM =
	NETIF_F_GSO_UDP_TUNNEL_CSUM;
const netdev_features_t RVIRTIO_NETIF_F_GSO_ROBUST = NETIF_F_GSO_ROBUST;
const netdev_features_t RVIRTIO_NETIF_F_CSUM_MASK = NETIF_F_CSUM_MASK;
const netdev_features_t RVIRTIO_NETIF_F_RXCSUM = NETIF_F_RXCSUM;
const netdev_features_t RVIRTIO_NETIF_F_RXHASH = NETIF_F_RXHASH;
const netdev_features_t RVIRTIO_NETIF_F_HW_VLAN_CTAG_FILTER =
	NETIF_F_HW_VLAN_CTAG_FILTER;
const netdev_features_t RVIRTIO_NETIF_F_GRO_HW = NETIF_F_GRO_HW;
const unsigned int RVIRTIO_NETREG_REGISTERED = NETREG_REGISTERED;
const unsigned int RVIRTIO_IFF_PROMISC = IFF_PROMISC;
const unsigned int RVIRTIO_IFF_ALLMULTI = IFF_ALLMULTI;
const u32 RVIRTIO_DIM_COALESCE = DIM_COALESCE_USEC | DIM_COALESCE_PKTS;
const u32 RVIRTIO_DIM_PROFILE_RX = DIM_PROFILE_RX;
const u32 RVIRTIO_ETHTOOL_COALESCE = ETHTOOL_COALESCE_MAX_FRAMES |
	ETHTOOL_COALESCE_USECS | ETHTOOL_COALESCE_USE_ADAPTIVE_RX;
const u32 RVIRTIO_ETHTOOL_OP_NEEDS_RTNL_GLINK = ETHTOOL_OP_NEEDS_RTNL_GLINK;
const u32 RVIRTIO_ETHTOOL_OP_NEEDS_RTNL_SCHANNELS =
	ETHTOOL_OP_NEEDS_RTNL_SCHANNELS;
const u32 RVIRTIO_ETHTOOL_OP_NEEDS_RTNL_SCOALESCE =
	ETHTOOL_OP_NEEDS_RTNL_SCOALESCE;
const u32 RVIRTIO_RXH_ADDRESSES = RXH_IP_SRC | RXH_IP_DST;
const u32 RVIRTIO_RXH_PORTS = RXH_L4_B_0_1 | RXH_L4_B_2_3;
const u32 RVIRTIO_RXH_DISCARD = RXH_DISCARD;
const u8 RVIRTIO_ETH_RSS_HASH_TOP = ETH_RSS_HASH_TOP;
const unsigned int RVIRTIO_NETDEV_PRIV_OFFSET = offsetof(struct net_device, priv);
const unsigned int RVIRTIO_PP_FLAG_DMA_MAP = PP_FLAG_DMA_MAP;
const unsigned int RVIRTIO_PP_FLAG_DMA_SYNC_DEV = PP_FLAG_DMA_SYNC_DEV;
const unsigned int RVIRTIO_SHARED_INFO_SIZE =
	SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
const u32 RVIRTIO_XDP_PACKET_HEADROOM = XDP_PACKET_HEADROOM;
const u32 RVIRTIO_XDP_FEATURES = NETDEV_XDP_ACT_BASIC |
	NETDEV_XDP_ACT_REDIRECT | NETDEV_XDP_ACT_NDO_XMIT |
	NETDEV_XDP_ACT_RX_SG;
const u32 RVIRTIO_XDP_ZERO_COPY = IS_ENABLED(CONFIG_XDP_SOCKETS) ?
	NETDEV_XDP_ACT_XSK_ZEROCOPY : 0;
const u32 RVIRTIO_NETDEV_XDP_ACT_NDO_XMIT_SG = NETDEV_XDP_ACT_NDO_XMIT_SG;
const u32 RVIRTIO_XDP_XMIT_FLUSH = XDP_XMIT_FLUSH;
