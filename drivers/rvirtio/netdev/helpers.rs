// SPDX-License-Identifier: GPL-2.0

//! What `helpers.c` has, in alphabetical order.

// Some kernel structures are empty in some configurations, which is no trouble behind pointers.
#![allow(improper_ctypes)]

use crate::bindings::{
    dim,
    napi_struct,
    net_device,
    netdev_queue,
    xdp_buff,
    xdp_rxq_info,
    xsk_buff_pool, //
};
use kernel::{
    bindings::{
        bpf_prog,
        device,
        dma_addr_t,
        netdev_features_t,
        netlink_ext_ack,
        page,
        phys_addr_t,
        sk_buff, //
    },
    ffi::{
        c_char,
        c_int,
        c_long,
        c_uint,
        c_void, //
    }, //
};

type NapiPoll = unsafe extern "C" fn(*mut napi_struct, c_int) -> c_int;

extern "C" {
    pub(crate) fn rvirtio_helper_bpf_prog_has_frags(prog: *const bpf_prog) -> bool;
    pub(crate) fn rvirtio_helper_bpf_prog_inc(prog: *mut bpf_prog);
    pub(crate) fn rvirtio_helper_bpf_prog_put(prog: *mut bpf_prog);
    pub(crate) fn rvirtio_helper_bpf_prog_run_xdp(prog: *const bpf_prog, xdp: *mut xdp_buff)
        -> u32;
    pub(crate) fn rvirtio_helper_eth_hw_addr_random(dev: *mut net_device);
    pub(crate) fn rvirtio_helper_eth_hw_addr_set(dev: *mut net_device, addr: *const u8);
    pub(crate) fn rvirtio_helper_napi_schedule_bh(napi: *mut napi_struct);
    pub(crate) fn rvirtio_helper_net_dim(dim: *mut dim, events: u16, packets: u64, bytes: u64);
    pub(crate) fn rvirtio_helper_netdev_assert_locked(dev: *mut net_device);
    pub(crate) fn rvirtio_helper_netdev_lock(dev: *mut net_device);
    pub(crate) fn rvirtio_helper_netdev_tx_completed_queue(
        txq: *mut netdev_queue,
        pkts: c_uint,
        bytes: c_uint,
    );
    pub(crate) fn rvirtio_helper_netdev_tx_reset_queue(txq: *mut netdev_queue);
    pub(crate) fn rvirtio_helper_netdev_tx_sent_queue(
        txq: *mut netdev_queue,
        bytes: c_uint,
    ) -> bool;
    pub(crate) fn rvirtio_helper_netdev_unlock(dev: *mut net_device);
    pub(crate) fn rvirtio_helper_netdev_virt_to_phys(address: *const c_void) -> phys_addr_t;
    pub(crate) fn rvirtio_helper_netdev_xmit_more() -> bool;
    pub(crate) fn rvirtio_helper_netif_napi_add_config(
        dev: *mut net_device,
        napi: *mut napi_struct,
        poll: NapiPoll,
        index: c_int,
    );
    pub(crate) fn rvirtio_helper_netif_needs_gso(
        skb: *mut sk_buff,
        features: netdev_features_t,
    ) -> bool;
    pub(crate) fn rvirtio_helper_netif_tx_lock(txq: *mut netdev_queue);
    pub(crate) fn rvirtio_helper_netif_tx_lock_bh(txq: *mut netdev_queue);
    pub(crate) fn rvirtio_helper_netif_tx_stop_queue(txq: *mut netdev_queue);
    pub(crate) fn rvirtio_helper_netif_tx_trylock(txq: *mut netdev_queue) -> bool;
    pub(crate) fn rvirtio_helper_netif_tx_unlock(txq: *mut netdev_queue);
    pub(crate) fn rvirtio_helper_netif_tx_unlock_bh(txq: *mut netdev_queue);
    pub(crate) fn rvirtio_helper_nl_set_err_msg(extack: *mut netlink_ext_ack, msg: *const c_char);
    pub(crate) fn rvirtio_helper_page_address(page: *mut page) -> *mut c_void;
    pub(crate) fn rvirtio_helper_page_pool_fragment_page(page: *mut page, nr: c_long);
    pub(crate) fn rvirtio_helper_page_pool_get_dma_addr(page: *mut page) -> dma_addr_t;
    pub(crate) fn rvirtio_helper_page_pool_put_refs(page: *mut page, nr: c_long);
    pub(crate) fn rvirtio_helper_page_pool_sync_for_cpu(page: *mut page, offset: u32, len: u32);
    pub(crate) fn rvirtio_helper_netdev_page_to_phys(page: *mut page) -> phys_addr_t;
    pub(crate) fn rvirtio_helper_skb_add_rx_frag(
        skb: *mut sk_buff,
        i: c_int,
        page: *mut page,
        off: c_int,
        size: c_int,
        truesize: c_uint,
    );
    pub(crate) fn rvirtio_helper_skb_set_ip_summed(skb: *mut sk_buff, ip_summed: u8);
    pub(crate) fn rvirtio_helper_trace_xdp_exception(
        dev: *const net_device,
        prog: *const bpf_prog,
        act: u32,
    );
    pub(crate) fn rvirtio_helper_txq_trans_cond_update(txq: *mut netdev_queue);
    pub(crate) fn rvirtio_helper_xdp_buff_add_frag(
        xdp: *mut xdp_buff,
        page: *mut page,
        offset: u32,
        size: u32,
        truesize: u32,
    ) -> bool;
    pub(crate) fn rvirtio_helper_xdp_update_skb_frags_info(
        skb: *mut sk_buff,
        nr_frags: u8,
        flags: u32,
    );
    pub(crate) fn rvirtio_helper_xsk_buff_alloc_batch(
        pool: *mut xsk_buff_pool,
        xdp: *mut *mut xdp_buff,
        max: u32,
    ) -> u32;
    pub(crate) fn rvirtio_helper_xsk_buff_free(xdp: *mut xdp_buff);
    pub(crate) fn rvirtio_helper_xsk_buff_get_dma(xdp: *mut xdp_buff) -> dma_addr_t;
    pub(crate) fn rvirtio_helper_xsk_buff_sync_for_cpu(xdp: *mut xdp_buff, before: u32, len: u32);
    pub(crate) fn rvirtio_helper_xsk_clear_rx_need_wakeup(pool: *mut xsk_buff_pool);
    pub(crate) fn rvirtio_helper_xsk_pool_count_pages(pool: *mut xsk_buff_pool) -> u32;
    pub(crate) fn rvirtio_helper_xsk_pool_dma_map(
        pool: *mut xsk_buff_pool,
        dev: *mut device,
    ) -> c_int;
    pub(crate) fn rvirtio_helper_xsk_pool_dma_unmap(pool: *mut xsk_buff_pool);
    pub(crate) fn rvirtio_helper_xsk_pool_get_page(
        pool: *mut xsk_buff_pool,
        index: u32,
    ) -> *mut page;
    pub(crate) fn rvirtio_helper_xsk_pool_get_page_dma(
        pool: *mut xsk_buff_pool,
        index: u32,
    ) -> dma_addr_t;
    pub(crate) fn rvirtio_helper_xsk_pool_get_rx_frame_size(pool: *mut xsk_buff_pool) -> u32;
    pub(crate) fn rvirtio_helper_xsk_pool_keep_page(pool: *mut xsk_buff_pool, index: u32);
    pub(crate) fn rvirtio_helper_xsk_pool_set_rxq_info(
        pool: *mut xsk_buff_pool,
        rxq: *mut xdp_rxq_info,
    );
    pub(crate) fn rvirtio_helper_xsk_set_rx_need_wakeup(pool: *mut xsk_buff_pool);
    pub(crate) fn rvirtio_helper_xsk_set_tx_need_wakeup(pool: *mut xsk_buff_pool);
    pub(crate) fn rvirtio_helper_xsk_tx_completed(pool: *mut xsk_buff_pool, count: u32);
    pub(crate) fn rvirtio_helper_xsk_tx_desc(
        pool: *mut xsk_buff_pool,
        index: u32,
        addr: *mut dma_addr_t,
        len: *mut u32,
    );
    pub(crate) fn rvirtio_helper_xsk_tx_peek(pool: *mut xsk_buff_pool, max: u32) -> u32;
    pub(crate) fn rvirtio_helper_xsk_uses_need_wakeup(pool: *mut xsk_buff_pool) -> bool;
}
