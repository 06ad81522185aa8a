// SPDX-License-Identifier: GPL-2.0
/*
 * C inline functions and macros that the device in software needs and neither
 * the kernel crate nor bindgen provides. In alphabetical order; no logic here.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/string.h>
#include <net/netdev_lock.h>

/* InterfaceState in interface.rs. */
struct rvirtio_interface_state {
	u64 rx_packets;
	u64 rx_bytes;
	u64 rx_length_errors;
	u64 tx_packets;
	s32 speed;
	u8 duplex;
	bool carrier;
	u8 address[ETH_ALEN];
	bool is_random;
};

/* InterfaceCoalesce in interface.rs. */
struct rvirtio_interface_coalesce {
	u32 rx[2];
	u32 tx[2];
	bool adaptive;
};

void rvirtio_helper_interface_close(struct net_device *dev);
void rvirtio_helper_interface_close(struct net_device *dev)
{
	rtnl_lock();
	dev_close(dev);
	rtnl_unlock();
}

int rvirtio_helper_interface_coalesce(struct net_device *dev, int queue,
				      struct rvirtio_interface_coalesce *to);
int rvirtio_helper_interface_coalesce(struct net_device *dev, int queue,
				      struct rvirtio_interface_coalesce *to)
{
	const struct ethtool_ops *ops = dev->ethtool_ops;
	struct kernel_ethtool_coalesce more = {};
	struct ethtool_coalesce found = {};
	int err;

	rtnl_lock();
	netdev_lock_ops(dev);
	err = queue < 0 ? ops->get_coalesce(dev, &found, &more, NULL) :
			  ops->get_per_queue_coalesce(dev, queue, &found);
	netdev_unlock_ops(dev);
	rtnl_unlock();
	*to = (struct rvirtio_interface_coalesce) {
		.rx = { found.rx_max_coalesced_frames, found.rx_coalesce_usecs },
		.tx = { found.tx_max_coalesced_frames, found.tx_coalesce_usecs },
		.adaptive = found.use_adaptive_rx_coalesce,
	};
	return err;
}

struct net_device *rvirtio_helper_interface_get(struct device *parent);
struct net_device *rvirtio_helper_interface_get(struct device *parent)
{
	struct net_device *dev, *found = NULL;

	rtnl_lock();
	for_each_netdev(&init_net, dev) {
		if (dev->dev.parent == parent)
			found = dev;
	}
	if (found)
		dev_hold(found);
	rtnl_unlock();
	return found;
}

int rvirtio_helper_interface_open(struct net_device *dev);
int rvirtio_helper_interface_open(struct net_device *dev)
{
	int err;

	rtnl_lock();
	err = dev_open(dev, NULL);
	rtnl_unlock();
	return err;
}

void rvirtio_helper_interface_put(struct net_device *dev);
void rvirtio_helper_interface_put(struct net_device *dev)
{
	dev_put(dev);
}

int rvirtio_helper_interface_send(struct net_device *dev, const void *frame,
				  size_t len);
int rvirtio_helper_interface_send(struct net_device *dev, const void *frame,
				  size_t len)
{
	struct sk_buff *skb = alloc_skb(LL_RESERVED_SPACE(dev) + len, GFP_KERNEL);

	if (!skb)
		return -ENOMEM;
	skb_reserve(skb, LL_RESERVED_SPACE(dev));
	skb_put_data(skb, frame, len);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	skb->protocol = eth_hdr(skb)->h_proto;
	skb->dev = dev;
	return dev_queue_xmit(skb) ? -ENOBUFS : 0;
}

int rvirtio_helper_interface_set_address(struct net_device *dev,
					 const u8 *address);
int rvirtio_helper_interface_set_address(struct net_device *dev,
					 const u8 *address)
{
	struct sockaddr_storage addr = { .ss_family = dev->type };
	int err;

	memcpy(addr.__data, address, ETH_ALEN);
	rtnl_lock();
	err = dev_set_mac_address(dev, &addr, NULL);
	rtnl_unlock();
	return err;
}

int
rvirtio_helper_interface_set_coalesce(struct net_device *dev, int queue,
				      const struct rvirtio_interface_coalesce *from);
int
rvirtio_helper_interface_set_coalesce(struct net_device *dev, int queue,
				      const struct rvirtio_interface_coalesce *from)
{
	const struct ethtool_ops *ops = dev->ethtool_ops;
	struct kernel_ethtool_coalesce more = {};
	struct ethtool_coalesce to = {
		.rx_max_coalesced_frames = from->rx[0],
		.rx_coalesce_usecs = from->rx[1],
		.tx_max_coalesced_frames = from->tx[0],
		.tx_coalesce_usecs = from->tx[1],
		.use_adaptive_rx_coalesce = from->adaptive,
	};
	int err;

	rtnl_lock();
	netdev_lock_ops(dev);
	err = queue < 0 ? ops->set_coalesce(dev, &to, &more, NULL) :
			  ops->set_per_queue_coalesce(dev, queue, &to);
	netdev_unlock_ops(dev);
	rtnl_unlock();
	return err;
}

void rvirtio_helper_interface_state(struct net_device *dev,
				    struct rvirtio_interface_state *state);
void rvirtio_helper_interface_state(struct net_device *dev,
				    struct rvirtio_interface_state *state)
{
	struct ethtool_link_ksettings link = {};
	struct rtnl_link_stats64 stats;

	rtnl_lock();
	netdev_lock_ops(dev);
	dev->ethtool_ops->get_link_ksettings(dev, &link);
	netdev_unlock_ops(dev);
	rtnl_unlock();
	dev_get_stats(dev, &stats);
	*state = (struct rvirtio_interface_state) {
		.rx_packets = stats.rx_packets,
		.rx_bytes = stats.rx_bytes,
		.rx_length_errors = stats.rx_length_errors,
		.tx_packets = stats.tx_packets,
		.speed = link.base.speed,
		.duplex = link.base.duplex,
		.carrier = netif_carrier_ok(dev),
		.is_random = dev->addr_assign_type == NET_ADDR_RANDOM,
	};
	memcpy(state->address, dev->dev_addr, ETH_ALEN);
}

int rvirtio_helper_irq_alloc_descs(unsigned int count);
int rvirtio_helper_irq_alloc_descs(unsigned int count)
{
	return irq_alloc_descs(-1, 1, count, NUMA_NO_NODE);
}

void rvirtio_helper_irq_set_simple(unsigned int irq);
void rvirtio_helper_irq_set_simple(unsigned int irq)
{
	irq_set_chip_and_handler(irq, &dummy_irq_chip, handle_simple_irq);
}

/* Compiled with the checks of KASAN, which a write by a device would not be. */
void rvirtio_helper_memset_phys(phys_addr_t addr, int value, size_t len);
void rvirtio_helper_memset_phys(phys_addr_t addr, int value, size_t len)
{
	memset(phys_to_virt(addr), value, len);
}

bool rvirtio_helper_page_is_in_use(phys_addr_t addr);
bool rvirtio_helper_page_is_in_use(phys_addr_t addr)
{
	return page_count(pfn_to_page(PHYS_PFN(addr))) > 0;
}

void *rvirtio_helper_phys_to_virt(phys_addr_t addr);
void *rvirtio_helper_phys_to_virt(phys_addr_t addr)
{
	return phys_to_virt(addr);
}
