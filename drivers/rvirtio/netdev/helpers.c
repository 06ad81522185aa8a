// SPDX-License-Identifier: GPL-2.0
/*
 * C inline functions and macros that the netdev crate needs and neither the
 * kernel crate nor bindgen provides. In alphabetical order; no logic here.
 */
#include <linux/bottom_half.h>
#include <linux/bpf_trace.h>
#include <linux/dim.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/netlink.h>
#include <linux/skbuff.h>
#include <net/netdev_lock.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <net/xdp_sock_drv.h>

bool rvirtio_helper_bpf_prog_has_frags(const struct bpf_prog *prog);
bool rvirtio_helper_bpf_prog_has_frags(const struct bpf_prog *prog)
{
	return prog->aux->xdp_has_frags;
}

void rvirtio_helper_bpf_prog_inc(struct bpf_prog *prog);
void rvirtio_helper_bpf_prog_inc(struct bpf_prog *prog)
{
	bpf_prog_inc(prog);
}

void rvirtio_helper_bpf_prog_put(struct bpf_prog *prog);
void rvirtio_helper_bpf_prog_put(struct bpf_prog *prog)
{
	bpf_prog_put(prog);
}

u32 rvirtio_helper_bpf_prog_run_xdp(const struct bpf_prog *prog,
				    struct xdp_buff *xdp);
u32 rvirtio_helper_bpf_prog_run_xdp(const struct bpf_prog *prog,
				    struct xdp_buff *xdp)
{
	return bpf_prog_run_xdp(prog, xdp);
}

void rvirtio_helper_eth_hw_addr_random(struct net_device *dev);
void rvirtio_helper_eth_hw_addr_random(struct net_device *dev)
{
	eth_hw_addr_random(dev);
}

void rvirtio_helper_eth_hw_addr_set(struct net_device *dev, const u8 *addr);
void rvirtio_helper_eth_hw_addr_set(struct net_device *dev, const u8 *addr)
{
	eth_hw_addr_set(dev, addr);
}

void rvirtio_helper_napi_schedule_bh(struct napi_struct *napi);
void rvirtio_helper_napi_schedule_bh(struct napi_struct *napi)
{
	local_bh_disable();
	napi_schedule(napi);
	local_bh_enable();
}

void rvirtio_helper_net_dim(struct dim *dim, u16 events, u64 packets, u64 bytes);
void rvirtio_helper_net_dim(struct dim *dim, u16 events, u64 packets, u64 bytes)
{
	struct dim_sample sample = {};

	dim_update_sample(events, packets, bytes, &sample);
	net_dim(dim, &sample);
}

void rvirtio_helper_netdev_assert_locked(struct net_device *dev);
void rvirtio_helper_netdev_assert_locked(struct net_device *dev)
{
	netdev_assert_locked(dev);
}

void rvirtio_helper_netdev_lock(struct net_device *dev);
void rvirtio_helper_netdev_lock(struct net_device *dev)
{
	netdev_lock(dev);
}

void rvirtio_helper_netdev_tx_completed_queue(struct netdev_queue *txq,
					      unsigned int pkts,
					      unsigned int bytes);
void rvirtio_helper_netdev_tx_completed_queue(struct netdev_queue *txq,
					      unsigned int pkts,
					      unsigned int bytes)
{
	netdev_tx_completed_queue(txq, pkts, bytes);
}

void rvirtio_helper_netdev_tx_reset_queue(struct netdev_queue *txq);
void rvirtio_helper_netdev_tx_reset_queue(struct netdev_queue *txq)
{
	netdev_tx_reset_queue(txq);
}

bool rvirtio_helper_netdev_tx_sent_queue(struct netdev_queue *txq,
					 unsigned int bytes);
bool rvirtio_helper_netdev_tx_sent_queue(struct netdev_queue *txq,
					 unsigned int bytes)
{
	return __netdev_tx_sent_queue(txq, bytes, netdev_xmit_more());
}

void rvirtio_helper_netdev_unlock(struct net_device *dev);
void rvirtio_helper_netdev_unlock(struct net_device *dev)
{
	netdev_unlock(dev);
}

phys_addr_t rvirtio_helper_netdev_virt_to_phys(const void *address);
phys_addr_t rvirtio_helper_netdev_virt_to_phys(const void *address)
{
	return virt_to_phys((void *)address);
}

bool rvirtio_helper_netdev_xmit_more(void);
bool rvirtio_helper_netdev_xmit_more(void)
{
	return netdev_xmit_more();
}

void rvirtio_helper_netif_napi_add_config(struct net_device *dev,
					  struct napi_struct *napi,
					  int (*poll)(struct napi_struct *, int),
					  int index);
void rvirtio_helper_netif_napi_add_config(struct net_device *dev,
					  struct napi_struct *napi,
					  int (*poll)(struct napi_struct *, int),
					  int index)
{
	netif_napi_add_config(dev, napi, poll, index);
}

bool rvirtio_helper_netif_needs_gso(struct sk_buff *skb,
				    netdev_features_t features);
bool rvirtio_helper_netif_needs_gso(struct sk_buff *skb,
				    netdev_features_t features)
{
	return netif_needs_gso(skb, features);
}

void rvirtio_helper_netif_tx_lock(struct netdev_queue *txq);
void rvirtio_helper_netif_tx_lock(struct netdev_queue *txq)
{
	__netif_tx_lock(txq, raw_smp_processor_id());
}

void rvirtio_helper_netif_tx_lock_bh(struct netdev_queue *txq);
void rvirtio_helper_netif_tx_lock_bh(struct netdev_queue *txq)
{
	__netif_tx_lock_bh(txq);
}

void rvirtio_helper_netif_tx_stop_queue(struct netdev_queue *txq);
void rvirtio_helper_netif_tx_stop_queue(struct netdev_queue *txq)
{
	netif_tx_stop_queue(txq);
}

bool rvirtio_helper_netif_tx_trylock(struct netdev_queue *txq);
bool rvirtio_helper_netif_tx_trylock(struct netdev_queue *txq)
{
	return __netif_tx_trylock(txq);
}

void rvirtio_helper_netif_tx_unlock(struct netdev_queue *txq);
void rvirtio_helper_netif_tx_unlock(struct netdev_queue *txq)
{
	__netif_tx_unlock(txq);
}

void rvirtio_helper_netif_tx_unlock_bh(struct netdev_queue *txq);
void rvirtio_helper_netif_tx_unlock_bh(struct netdev_queue *txq)
{
	__netif_tx_unlock_bh(txq);
}

void rvirtio_helper_nl_set_err_msg(struct netlink_ext_ack *extack,
				   const char *msg);
void rvirtio_helper_nl_set_err_msg(struct netlink_ext_ack *extack,
				   const char *msg)
{
	do_trace_netlink_extack(msg);
	if (extack)
		extack->_msg = msg;
}

void *rvirtio_helper_page_address(struct page *page);
void *rvirtio_helper_page_address(struct page *page)
{
	return page_address(page);
}

void rvirtio_helper_page_pool_fragment_page(struct page *page, long nr);
void rvirtio_helper_page_pool_fragment_page(struct page *page, long nr)
{
	page_pool_fragment_page(page, nr);
}

dma_addr_t rvirtio_helper_page_pool_get_dma_addr(struct page *page);
dma_addr_t rvirtio_helper_page_pool_get_dma_addr(struct page *page)
{
	return page_pool_get_dma_addr(page);
}

void rvirtio_helper_page_pool_put_refs(struct page *page, long nr);
void rvirtio_helper_page_pool_put_refs(struct page *page, long nr)
{
	netmem_ref netmem = page_to_netmem(page);

	if (page_pool_unref_netmem(netmem, nr) == 0)
		page_pool_put_unrefed_netmem(netmem_get_pp(netmem), netmem, -1,
					     false);
}

void rvirtio_helper_page_pool_sync_for_cpu(struct page *page, u32 offset,
					   u32 len);
void rvirtio_helper_page_pool_sync_for_cpu(struct page *page, u32 offset,
					   u32 len)
{
	page_pool_dma_sync_for_cpu(pp_page_to_nmdesc(page)->pp, page, offset,
				   len);
}

phys_addr_t rvirtio_helper_netdev_page_to_phys(struct page *page);
phys_addr_t rvirtio_helper_netdev_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}

void rvirtio_helper_skb_add_rx_frag(struct sk_buff *skb, int i,
				    struct page *page, int off, int size,
				    unsigned int truesize);
void rvirtio_helper_skb_add_rx_frag(struct sk_buff *skb, int i,
				    struct page *page, int off, int size,
				    unsigned int truesize)
{
	skb_add_rx_frag(skb, i, page, off, size, truesize);
}

void rvirtio_helper_skb_set_ip_summed(struct sk_buff *skb, u8 ip_summed);
void rvirtio_helper_skb_set_ip_summed(struct sk_buff *skb, u8 ip_summed)
{
	skb->ip_summed = ip_summed;
}

void rvirtio_helper_trace_xdp_exception(const struct net_device *dev,
					const struct bpf_prog *prog, u32 act);
void rvirtio_helper_trace_xdp_exception(const struct net_device *dev,
					const struct bpf_prog *prog, u32 act)
{
	trace_xdp_exception(dev, prog, act);
}

void rvirtio_helper_txq_trans_cond_update(struct netdev_queue *txq);
void rvirtio_helper_txq_trans_cond_update(struct netdev_queue *txq)
{
	txq_trans_cond_update(txq);
}

bool rvirtio_helper_xdp_buff_add_frag(struct xdp_buff *xdp, struct page *page,
				      u32 offset, u32 size, u32 truesize);
bool rvirtio_helper_xdp_buff_add_frag(struct xdp_buff *xdp, struct page *page,
				      u32 offset, u32 size, u32 truesize)
{
	return xdp_buff_add_frag(xdp, page_to_netmem(page), offset, size,
				 truesize);
}

void rvirtio_helper_xdp_update_skb_frags_info(struct sk_buff *skb, u8 nr_frags,
					      u32 flags);
void rvirtio_helper_xdp_update_skb_frags_info(struct sk_buff *skb, u8 nr_frags,
					      u32 flags)
{
	struct skb_shared_info *sinfo = skb_shinfo(skb);

	xdp_update_skb_frags_info(skb, nr_frags, sinfo->xdp_frags_size,
				  sinfo->xdp_frags_truesize, flags);
}

u32 rvirtio_helper_xsk_buff_alloc_batch(struct xsk_buff_pool *pool,
					struct xdp_buff **xdp, u32 max);
u32 rvirtio_helper_xsk_buff_alloc_batch(struct xsk_buff_pool *pool,
					struct xdp_buff **xdp, u32 max)
{
	return xsk_buff_alloc_batch(pool, xdp, max);
}

void rvirtio_helper_xsk_buff_free(struct xdp_buff *xdp);
void rvirtio_helper_xsk_buff_free(struct xdp_buff *xdp)
{
	xsk_buff_free(xdp);
}

dma_addr_t rvirtio_helper_xsk_buff_get_dma(struct xdp_buff *xdp);
dma_addr_t rvirtio_helper_xsk_buff_get_dma(struct xdp_buff *xdp)
{
	return xsk_buff_xdp_get_dma(xdp);
}

/* xsk_buff_dma_sync_for_cpu() leaves out what is before the frame. */
void rvirtio_helper_xsk_buff_sync_for_cpu(struct xdp_buff *xdp, u32 before,
					  u32 len);
void rvirtio_helper_xsk_buff_sync_for_cpu(struct xdp_buff *xdp, u32 before,
					  u32 len)
{
	struct xdp_buff_xsk *xskb = container_of(xdp, struct xdp_buff_xsk, xdp);

	dma_sync_single_for_cpu(xskb->pool->dev, xskb->dma - before, len,
				DMA_BIDIRECTIONAL);
}

u32 rvirtio_helper_xsk_pool_count_pages(struct xsk_buff_pool *pool);
u32 rvirtio_helper_xsk_pool_count_pages(struct xsk_buff_pool *pool)
{
	return pool->dma_pages_cnt;
}

int rvirtio_helper_xsk_pool_dma_map(struct xsk_buff_pool *pool,
				    struct device *dev);
int rvirtio_helper_xsk_pool_dma_map(struct xsk_buff_pool *pool,
				    struct device *dev)
{
	return xsk_pool_dma_map(pool, dev, 0);
}

void rvirtio_helper_xsk_pool_dma_unmap(struct xsk_buff_pool *pool);
void rvirtio_helper_xsk_pool_dma_unmap(struct xsk_buff_pool *pool)
{
	xsk_pool_dma_unmap(pool, 0);
}

struct page *rvirtio_helper_xsk_pool_get_page(struct xsk_buff_pool *pool,
					      u32 index);
struct page *rvirtio_helper_xsk_pool_get_page(struct xsk_buff_pool *pool,
					      u32 index)
{
	return pool->umem->pgs[index];
}

dma_addr_t rvirtio_helper_xsk_pool_get_page_dma(struct xsk_buff_pool *pool,
						u32 index);
dma_addr_t rvirtio_helper_xsk_pool_get_page_dma(struct xsk_buff_pool *pool,
						u32 index)
{
	return pool->dma_pages[index] & ~XSK_NEXT_PG_CONTIG_MASK;
}

u32 rvirtio_helper_xsk_pool_get_rx_frame_size(struct xsk_buff_pool *pool);
u32 rvirtio_helper_xsk_pool_get_rx_frame_size(struct xsk_buff_pool *pool)
{
	return xsk_pool_get_rx_frame_size(pool);
}

void rvirtio_helper_xsk_pool_keep_page(struct xsk_buff_pool *pool, u32 index);
void rvirtio_helper_xsk_pool_keep_page(struct xsk_buff_pool *pool, u32 index)
{
	get_page(pool->umem->pgs[index]);
}

void rvirtio_helper_xsk_pool_set_rxq_info(struct xsk_buff_pool *pool,
					  struct xdp_rxq_info *rxq);
void rvirtio_helper_xsk_pool_set_rxq_info(struct xsk_buff_pool *pool,
					  struct xdp_rxq_info *rxq)
{
	xsk_pool_set_rxq_info(pool, rxq);
}

void rvirtio_helper_xsk_clear_rx_need_wakeup(struct xsk_buff_pool *pool);
void rvirtio_helper_xsk_clear_rx_need_wakeup(struct xsk_buff_pool *pool)
{
	xsk_clear_rx_need_wakeup(pool);
}

void rvirtio_helper_xsk_set_rx_need_wakeup(struct xsk_buff_pool *pool);
void rvirtio_helper_xsk_set_rx_need_wakeup(struct xsk_buff_pool *pool)
{
	xsk_set_rx_need_wakeup(pool);
}

void rvirtio_helper_xsk_set_tx_need_wakeup(struct xsk_buff_pool *pool);
void rvirtio_helper_xsk_set_tx_need_wakeup(struct xsk_buff_pool *pool)
{
	xsk_set_tx_need_wakeup(pool);
}

void rvirtio_helper_xsk_tx_completed(struct xsk_buff_pool *pool, u32 count);
void rvirtio_helper_xsk_tx_completed(struct xsk_buff_pool *pool, u32 count)
{
	xsk_tx_completed(pool, count);
}

void rvirtio_helper_xsk_tx_desc(struct xsk_buff_pool *pool, u32 index,
				dma_addr_t *addr, u32 *len);
void rvirtio_helper_xsk_tx_desc(struct xsk_buff_pool *pool, u32 index,
				dma_addr_t *addr, u32 *len)
{
	*addr = xsk_buff_raw_get_dma(pool, pool->tx_descs[index].addr);
	*len = pool->tx_descs[index].len;
	xsk_buff_raw_dma_sync_for_device(pool, *addr, *len);
}

u32 rvirtio_helper_xsk_tx_peek(struct xsk_buff_pool *pool, u32 max);
u32 rvirtio_helper_xsk_tx_peek(struct xsk_buff_pool *pool, u32 max)
{
	return xsk_tx_peek_release_desc_batch(pool, max);
}

bool rvirtio_helper_xsk_uses_need_wakeup(struct xsk_buff_pool *pool);
bool rvirtio_helper_xsk_uses_need_wakeup(struct xsk_buff_pool *pool)
{
	return xsk_uses_need_wakeup(pool);
}
