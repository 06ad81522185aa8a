// SPDX-License-Identifier: GPL-2.0

//! Opening, closing and polling of an interface.

use crate::{
    coalesce::{
        Limits,
        Refused,
        Setting, //
    },
    counters::Counters,
    data::{
        NetData,
        NetOps, //
    },
    device_stats::Side,
    limits::Mac,
    pairs,
    receive::receive,
    refill,
    resize,
    rss::{
        Fields,
        Flow,
        KEY, //
    },
    rx::Rx,
    stats,
    tx::{
        self,
        Tx, //
    },
    watch::Remedy,
    xdp,
    xdp_rx,
    xdp_tx,
    xsk,
    xsk_tx, //
};
use kernel::prelude::*;
use netdev::{
    Addresses,
    Coalesce,
    Done,
    ExtAck,
    Free,
    Held,
    LinkStats,
    Moderation,
    NetFeatures,
    Operations,
    Pair,
    Polled,
    RingSizes,
    Rtnl,
    RxFields,
    RxFlow,
    RxQueueStats,
    RxWish,
    TxGuard,
    TxQueueStats,
    TxSkb,
    XdpFrames,
    XdpProg,
    XdpRefused,
    XskPool, //
};
use rvirtio::More as MoreUsed;

fn to_flow(flow: RxFlow) -> Flow {
    match flow {
        RxFlow::IpV4 => Flow::IpV4,
        RxFlow::TcpV4 => Flow::TcpV4,
        RxFlow::UdpV4 => Flow::UdpV4,
        RxFlow::IpV6 => Flow::IpV6,
        RxFlow::TcpV6 => Flow::TcpV6,
        RxFlow::UdpV6 => Flow::UdpV6,
    }
}

fn to_limits(from: Moderation) -> Limits {
    Limits {
        frames: from.frames,
        usecs: from.usecs,
    }
}

fn from_limits(from: Limits) -> Moderation {
    Moderation {
        frames: from.frames,
        usecs: from.usecs,
    }
}

/// Returns the error for that, and what the user is told.
fn refusal(why: Refused) -> (Error, &'static CStr) {
    match why {
        Refused::Never => (
            EOPNOTSUPP,
            c"the device does not coalesce notifications (NOTF_COAL)",
        ),
        Refused::Single => (
            EOPNOTSUPP,
            c"the device does not coalesce notifications of single queues (VQ_NOTF_COAL)",
        ),
        Refused::Adaptive => (
            EOPNOTSUPP,
            c"adaptive-rx takes a device that coalesces notifications of single queues (VQ_NOTF_COAL)",
        ),
        Refused::Adapted => (
            EINVAL,
            c"rx-usecs and rx-frames cannot be set while adaptive-rx is on",
        ),
        Refused::Frames => (ERANGE, c"more frames than a queue has descriptors"),
        Refused::Usecs => (ERANGE, c"more than a second"),
    }
}

/// Copies addresses.
fn collect(list: Addresses<'_>) -> Result<KVVec<Mac>> {
    let mut found = KVVec::with_capacity(list.count(), GFP_KERNEL)?;
    for address in list.iter() {
        found.push(address, GFP_KERNEL)?;
    }
    Ok(found)
}

/// Frees what was sent, in the middle of anything: another poll, too.
#[doc(alias = "netpoll")]
#[cold]
fn poll_anywhere(polled: Polled<'_, NetOps<'_>>) -> Done {
    if let Some(mut tx) = polled.tx() {
        let alone = !polled.pair().polling.is_set();
        if tx::poll(&mut tx, Free::Anywhere, alone) == MoreUsed::Pending && alone {
            polled.pair().schedule();
        }
    }
    polled.again()
}

/// Has the limits of the receive queue follow what it receives.
#[doc(alias = "virtnet_rx_dim_update")]
#[cold]
fn adapt(polled: &mut Polled<'_, NetOps<'_>>) {
    let (_, mut napi) = polled.parts();
    let counters = &napi.pair().rx;
    napi.adapt(counters.packets.get(), counters.bytes.get());
}

impl<'bound> Operations for NetOps<'bound> {
    type Device = NetData<'bound>;
    type Pair = Counters;
    type Rx = Rx<'bound>;
    type Tx = Tx<'bound>;

    const NAME: &'static CStr = c"rvirtio_net";

    // Names and order are those of C, where the meaning is.
    const RX_COUNTERS: &'static [&'static str] = &[
        "drops",
        "xdp_packets",
        "xdp_tx",
        "xdp_redirects",
        "xdp_drops",
        "kicks",
        "length_errors",
        "frame_errors",
        "alloc_fail",
        "hw_packets",
        "hw_bytes",
        "hw_notifications",
        "hw_interrupts",
        "hw_needs_csum",
        "hw_ratelimit_bytes",
    ];
    const TX_COUNTERS: &'static [&'static str] = &[
        "xdp_tx",
        "xdp_tx_drops",
        "kicks",
        "tx_timeouts",
        "drops",
        "hw_packets",
        "hw_bytes",
        "hw_notifications",
        "hw_interrupts",
        "hw_gso_packets_noseg",
        "hw_gso_bytes_noseg",
        "hw_ratelimit_bytes",
    ];
    const CONTROL_COUNTERS: &'static [&'static str] = &["hw_command_num", "hw_ok_num"];

    fn has_rx_counter(device: &Self::Device, name: &str) -> bool {
        stats::has(device, Side::Rx, name)
    }

    fn has_tx_counter(device: &Self::Device, name: &str) -> bool {
        stats::has(device, Side::Tx, name)
    }

    fn has_control_counter(device: &Self::Device, name: &str) -> bool {
        stats::has(device, Side::Control, name)
    }

    fn refresh(device: &Self::Device, pairs: &[Pair<Self>], commands: bool) {
        stats::refresh(device, pairs, commands);
    }

    fn rx_counter(pair: &Pair<Self>, name: &str) -> u64 {
        stats::rx_counter(pair, name)
    }

    fn tx_counter(pair: &Pair<Self>, name: &str) -> u64 {
        stats::tx_counter(pair, name)
    }

    fn control_counter(device: &Self::Device, name: &str) -> u64 {
        stats::control_counter(device, name)
    }

    #[doc(alias = "virtnet_open")]
    fn open(held: &mut Held<'_, Self>) -> Result {
        if held.data().is_paused() {
            // The device is started in a moment, and the interface with it.
            return Ok(());
        }
        for index in 0..usize::from(held.data().used_pairs()) {
            let Some((rx, mut pools)) = held.rx(index) else {
                continue;
            };
            if rx.vq.is_broken() {
                return Err(EIO);
            }
            refill::fill(rx, &mut pools);
            if rx.vq.in_flight() == 0 && !rx.may_be_empty() {
                return Err(ENOMEM);
            }
        }
        pairs::run(held);
        Ok(())
    }

    #[doc(alias = "virtnet_close")]
    fn stop(held: &mut Held<'_, Self>) {
        pairs::halt(held);
    }

    #[inline]
    fn start_xmit(tx: &mut TxGuard<'_, Self>, skb: TxSkb) {
        tx::send(tx, skb);
    }

    #[doc(alias = "virtnet_poll")]
    fn poll(mut polled: Polled<'_, Self>) -> Done {
        let budget = polled.budget();
        if budget == 0 {
            return poll_anywhere(polled);
        }
        polled.pair().polling.set();
        let (rx, mut napi) = polled.parts();
        let received = if napi.has_xdp() {
            xdp_rx::receive(rx, &mut napi, budget)
        } else {
            receive(rx, &mut napi, budget)
        };
        // Frames that were sent meanwhile, such as acknowledgements, may be done by now.
        let last = received < budget;
        let sent = match polled.tx() {
            Some(mut tx) => {
                let last = last && !xsk_tx::send(&mut tx, budget);
                tx::poll(&mut tx, Free::Softirq, last)
            }
            None => MoreUsed::Pending,
        };
        let (rx, _) = polled.parts();
        if last && sent == MoreUsed::Nothing && rx.can_wait() {
            if received != 0 && polled.pair().is_adaptive() {
                adapt(&mut polled);
            }
            polled.complete(received)
        } else {
            polled.again()
        }
    }

    #[doc(alias = "virtnet_tx_timeout")]
    fn tx_timeout(pair: &Pair<Self>) {
        if pair.device().is_paused() {
            return;
        }
        let (dev, index) = (pair.device().dev, pair.index());
        dev.counters().timeouts.add(1);
        pair.tx.timeouts.add(1);
        match pair.watch.remedy(pair.tx.packets.get()) {
            Remedy::Look => {
                dev_warn!(dev, "output.{index}: nothing was sent for long\n");
                // The device may have sent it without an interrupt.
                pair.schedule();
            }
            Remedy::Reset => {
                dev_err!(dev, "output.{index}: nothing is sent\n");
                dev.request_reset();
            }
            Remedy::Wait => (),
        }
    }

    fn stats(_device: &Self::Device, pairs: &[Pair<Self>]) -> LinkStats {
        let mut stats = LinkStats::default();
        for pair in pairs {
            pair.add_to(&mut stats);
        }
        stats
    }

    fn rx_stats(pair: &Pair<Self>) -> RxQueueStats {
        stats::rx(pair)
    }

    fn tx_stats(pair: &Pair<Self>) -> TxQueueStats {
        stats::tx(pair)
    }

    fn set_mac(held: &mut Held<'_, Self>, address: Mac) -> Result {
        held.data().desired().set_mac(address)
    }

    fn set_rx_mode(held: &mut Held<'_, Self>, wish: RxWish<'_>) -> Result {
        let unicast = collect(wish.unicast)?;
        let multicast = collect(wish.multicast)?;
        let modes = (wish.promisc, wish.allmulti);
        let mut desired = held.data().desired();
        desired.set_filter(modes, &unicast, &multicast)
    }

    fn vlan_add(device: &Self::Device, vlan: u16) -> Result {
        device.desired().set_vlan(vlan, true)
    }

    fn vlan_remove(device: &Self::Device, vlan: u16) -> Result {
        device.desired().set_vlan(vlan, false)
    }

    fn set_features(held: &mut Held<'_, Self>, from: NetFeatures, to: NetFeatures) -> Result {
        let data = held.data();
        let changes = |feature| from & feature != to & feature;
        let (gro, hash) = (NetFeatures::GRO_HW, NetFeatures::RX_HASH);
        if changes(gro) {
            let bits = data.caps.rx.offloads(to.contains(gro));
            let mut desired = data.desired();
            if desired.has_xdp() {
                return Err(EBUSY);
            }
            desired.set_offloads(bits)?;
        }
        if changes(hash) {
            let told = data.change_rss(|rss| {
                rss.set_reports(to.contains(hash));
                true
            });
            if let Err(error) = told {
                if changes(gro) {
                    let bits = data.caps.rx.offloads(from.contains(gro));
                    let _ = data.desired().set_offloads(bits);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn set_pairs(held: &mut Held<'_, Self>, rtnl: &Rtnl<'_>, count: u16) -> Result {
        pairs::set(held, rtnl, count)
    }

    fn rss_sizes(device: &Self::Device) -> (u32, u32) {
        let desired = device.desired();
        // CAST: At most 128, and 40.
        desired
            .rss()
            .map_or((0, 0), |rss| (rss.table().len() as u32, KEY as u32))
    }

    fn rss(device: &Self::Device, table: &mut [u32], key: &mut [u8]) {
        let desired = device.desired();
        let Some(rss) = desired.rss() else { return };
        for (to, from) in table.iter_mut().zip(rss.table()) {
            *to = (*from).into();
        }
        for (to, from) in key.iter_mut().zip(rss.key()) {
            *to = *from;
        }
    }

    fn set_rss(held: &mut Held<'_, Self>, table: Option<&[u32]>, key: Option<&[u8]>) -> Result {
        held.data().change_rss(|rss| {
            if let Some(table) = table {
                // CAST: The stack has compared them with the number of queues.
                rss.set_table(table.iter().map(|queue| *queue as u16));
            }
            match key.map(|key| key.first_chunk()) {
                None => true,
                Some(None) => false,
                Some(Some(key)) => {
                    rss.set_key(*key);
                    true
                }
            }
        })
    }

    fn rss_fields(device: &Self::Device, flow: RxFlow) -> RxFields {
        let desired = device.desired();
        match desired.rss().map(|rss| rss.fields(to_flow(flow))) {
            None | Some(Fields::None) => RxFields::None,
            Some(Fields::Addresses) => RxFields::Addresses,
            Some(Fields::AddressesAndPorts) => RxFields::AddressesAndPorts,
        }
    }

    fn set_rss_fields(held: &mut Held<'_, Self>, flow: RxFlow, fields: RxFields) -> Result {
        let fields = match fields {
            RxFields::None => Fields::None,
            RxFields::Addresses => Fields::Addresses,
            RxFields::AddressesAndPorts => Fields::AddressesAndPorts,
        };
        held.data()
            .change_rss(|rss| rss.set_fields(to_flow(flow), fields))
    }

    fn coalesce(device: &Self::Device, pair: Option<u16>) -> Coalesce {
        let Setting { rx, tx, adaptive } = device.desired().coalescing().shown(pair);
        Coalesce {
            rx: from_limits(rx),
            tx: from_limits(tx),
            adaptive_rx: adaptive,
        }
    }

    fn set_coalesce(
        held: &mut Held<'_, Self>,
        pair: Option<u16>,
        to: Coalesce,
        ack: &mut ExtAck<'_>,
    ) -> Result {
        let data = held.data();
        let to = Setting {
            rx: to_limits(to.rx),
            tx: to_limits(to.tx),
            adaptive: to.adaptive_rx,
        };
        let (_, sizes) = data.rings.sizes();
        let mut desired = data.desired();
        if let Err(why) = desired.coalescing().check(pair, to, (sizes.rx, sizes.tx)) {
            let (error, why) = refusal(why);
            ack.say(why);
            return Err(error);
        }
        desired.set_coalescing(pair, to)?;
        let all = held.pairs().iter();
        all.filter(|one| pair.is_none_or(|pair| pair == one.index()))
            .for_each(|one| one.set_adaptive(to.adaptive));
        Ok(())
    }

    /// With small rings the device interrupts before it has no buffers any more.
    fn adapt(pair: &Pair<Self>, to: Moderation) {
        let device = pair.device();
        let (_, sizes) = device.rings.sizes();
        let frames = to.frames.min(sizes.rx.into());
        let to = Limits {
            frames,
            ..to_limits(to)
        };
        // One that refuses is told again after the next measurement.
        let _ = device.desired().adapt(pair.index(), to);
    }

    fn ring_sizes(held: &Held<'_, Self>) -> (RingSizes, RingSizes) {
        held.data().rings.sizes()
    }

    fn set_ring_sizes(held: &mut Held<'_, Self>, sizes: RingSizes, ack: &mut ExtAck<'_>) -> Result {
        resize::resize(held, sizes, ack)
    }

    fn link(device: &Self::Device) -> (Option<u32>, Option<bool>) {
        device.link()
    }

    fn set_link(device: &Self::Device, speed: Option<u32>, full_duplex: Option<bool>) {
        device.set_link(speed, full_duplex);
    }

    fn set_mtu(held: &mut Held<'_, Self>, mtu: u32) -> Result {
        let data = held.data();
        let lent = (0..held.pairs().len()).filter_map(|index| held.xsk_frame_size(index));
        let mut limits = lent.map(|size| xsk::max_mtu(&data.caps, size));
        if mtu > data.max_mtu_for_xdp() || limits.any(|limit| mtu > limit) {
            return Err(EINVAL);
        }
        Ok(())
    }

    fn set_xdp(held: &mut Held<'_, Self>, prog: Option<XdpProg>) -> Result<(), XdpRefused> {
        xdp::set(held, prog)
    }

    fn set_xsk(held: &mut Held<'_, Self>, index: u16, pool: Option<XskPool<'_>>) -> Result {
        xsk::set(held, index, pool)
    }

    fn xdp_send(pairs: &[Pair<Self>], frames: &mut XdpFrames<'_>, flush: bool) {
        xdp_tx::send(pairs, frames, flush);
    }
}
