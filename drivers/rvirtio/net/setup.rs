// SPDX-License-Identifier: GPL-2.0

//! Setting a device up: queues, then the interface.

use crate::{
    caps::Caps,
    config::NetConfig,
    control::ControlQueue,
    counters::Counters,
    data::{
        Data,
        NetData,
        NetOps, //
    },
    desired::Desired,
    features::{
        offloads,
        Offload, //
    },
    limits::{
        valid_mac,
        Mac,
        Mtu,
        Pairs,
        MIN_MTU, //
    },
    module_parameters,
    rings::Rings,
    rss::Rss,
    rx::Rx,
    rx_mode::RxMode,
    spec::{
        header::Layout,
        queue, //
    },
    tx::{
        takes_fragments,
        Tx, //
    },
    xsk, //
};
use kernel::{
    cpu::nr_cpu_ids,
    device::Bound,
    prelude::*, //
};
use netdev::{
    NetDev,
    NetDevConfig,
    NetFeatures,
    PairInit,
    SHARED_INFO_SIZE, //
};
use rvirtio::{
    Affinity,
    Callback,
    Configured,
    Device,
    Negotiated,
    VqInfo, //
};

/// Creates a device's queues and its interface.
///
/// # Errors
///
/// What core, network stack and allocators return.
pub(crate) fn set_up(init: Negotiated<'_>) -> Result<Data<'_>> {
    let config = NetConfig::new(init.config(), init.features());
    let caps = Caps::new(init.features());
    let mtu = mtu(init.device(), &config, &caps)?;
    let mac = mac(init.device(), &config)?;
    let mode = RxMode::new(&caps, mtu, SHARED_INFO_SIZE);
    let count = count_pairs(init.device(), &config, init.num_queues())?;
    let rss = rss(init.device(), &config)?;
    let configured = find_queues(init, count, caps.control.queue)?;
    let dma = configured.dma();

    let (mut pairs, mut rings) = (KVec::new(), Rings::new(dma));
    for index in 0..count.usable {
        let pair = create_pair(&configured, index, mode, caps.layout)?;
        rings.add(pair.rx.ring(), pair.tx.ring())?;
        pairs.push(pair, GFP_KERNEL)?;
    }
    let rx_size = pairs
        .iter()
        .map(|pair| pair.rx.vq.size())
        .max()
        .unwrap_or(0);
    let fragments = pairs.iter().all(|pair| takes_fragments(&pair.tx.vq));
    let reports_hashes = caps.control.hash && rss.is_some();
    let features = net_features(&caps, fragments, reports_hashes);

    let net_config = NetDevConfig {
        mac,
        mtu: mtu.initial,
        min_mtu: MIN_MTU,
        max_mtu: mtu.max,
        features,
        off: off_at_first(),
        // CAST: It is clamped.
        napi_weight: module_parameters::napi_weight.value().clamp(1, 64) as u8,
        switchable: switchable(&caps, features),
        in_tunnels: in_tunnels(features),
        filters_unicast: caps.control.rx,
        adapts: caps.control.coalesce.single,
        sends_fragments: fragments,
        zero_copy: xsk::can_bind(&caps) && rings.can_reset(),
        // CAST: At most 24.
        needed_headroom: caps.layout.len() as u16,
        page_orders: mode.page_orders(),
        rx_size,
    };
    let control = queue::control(count.of_device);
    let queue = if caps.control.queue {
        Some(ControlQueue::new(&configured, control)?)
    } else {
        None
    };
    let desired = Desired::new(queue, caps.control, mac, rss, pairs.len())?;
    let data = NetData::new(configured.device(), config, caps, desired, rings, control)?;
    let netdev = NetDev::new(dma, &net_config, data, pairs)?;
    netdev.data().desired().set_mac(netdev.address())?;
    Ok(Data { netdev })
}

/// Returns the indices of the queues of a pair.
pub(crate) fn queues_of(pair: u16) -> [u16; 2] {
    [queue::receive(pair), queue::transmit(pair)]
}

/// Returns the MAC address that the device has, if it can be used.
fn mac(dev: &Device<Bound>, config: &NetConfig<'_>) -> Result<Option<Mac>> {
    let Some(mac) = config.mac()? else {
        return Ok(None);
    };
    let valid = valid_mac(mac);
    if valid.is_none() {
        dev_warn!(dev, "invalid MAC address {mac:02x?}, using a random one\n");
    }
    Ok(valid)
}

fn mtu(dev: &Device<Bound>, config: &NetConfig<'_>, caps: &Caps) -> Result<Mtu> {
    let large = caps.mergeable || caps.rx.has_gso();
    let mtu = Mtu::new(config.mtu()?, large);
    if let Some(ignored) = mtu.ignored {
        dev_warn!(dev, "invalid MTU {ignored}, using {}\n", mtu.initial);
    }
    Ok(mtu)
}

fn count_pairs(dev: &Device<Bound>, config: &NetConfig<'_>, queues: u16) -> Result<Pairs> {
    let pairs = Pairs::new(config.max_pairs()?, queues, nr_cpu_ids());
    if let Some(ignored) = pairs.ignored {
        dev_warn!(
            dev,
            "invalid number of pairs of queues {ignored}, using 1\n"
        );
    }
    Ok(pairs)
}

/// Returns how hashes of received frames are made at first, and frames spread over queues by them, if the
/// device can do that.
#[doc(alias = "virtnet_init_default_rss")]
fn rss(dev: &Device<Bound>, config: &NetConfig<'_>) -> Result<Option<Rss>> {
    let Some((max_key, hashes)) = config.hash_limits()? else {
        return Ok(None);
    };
    let max_table = config.max_table()?;
    let rss = Rss::new(max_key, max_table, hashes, netdev::rss_key());
    if rss.is_none() {
        let max_table = max_table.unwrap_or(0);
        dev_warn!(
            dev,
            "invalid sizes of RSS key {max_key} and table {max_table}, not using it\n"
        );
    }
    Ok(rss)
}

/// Has interrupt vectors allocated for all queues that are used.
#[doc(alias = "virtnet_find_vqs")]
fn find_queues(init: Negotiated<'_>, pairs: Pairs, control: bool) -> Result<Configured<'_>> {
    let mut queues = KVec::new();
    for index in 0..pairs.usable {
        for name in [c"input", c"output"] {
            let queue = VqInfo::numbered(name, index, Callback::Yes);
            queues.push(queue, GFP_KERNEL)?;
        }
    }
    if control {
        for index in pairs.usable..pairs.of_device {
            for _ in queues_of(index) {
                queues.push(VqInfo::new(c"unused", Callback::No), GFP_KERNEL)?;
            }
        }
        // It is looked at while a command is waited for.
        queues.push(VqInfo::new(c"control", Callback::No), GFP_KERNEL)?;
    }
    init.find_vqs(&queues, Affinity::Free)
}

fn create_pair<'bound>(
    configured: &Configured<'bound>,
    index: u16,
    mode: RxMode,
    layout: Layout,
) -> Result<PairInit<NetOps<'bound>>> {
    // As large as the device wants them.
    let rx = configured.virtqueue(queue::receive(index), u16::MAX)?;
    let tx = configured.virtqueue(queue::transmit(index), u16::MAX)?;
    Ok(PairInit {
        rx: Rx::new(rx, mode),
        tx: Tx::new(tx, configured.dma(), layout)?,
        shared: Counters::default(),
    })
}

/// What can be switched on and off while the device runs: it does as the header of each frame says.
const SWITCHABLE: NetFeatures = NetFeatures::FRAGMENTS
    .with(NetFeatures::CSUM)
    .with(NetFeatures::TSO4)
    .with(NetFeatures::TSO6)
    .with(NetFeatures::TSO_ECN)
    .with(NetFeatures::USO)
    .with(NetFeatures::UDP_TUNNEL)
    .with(NetFeatures::UDP_TUNNEL_CSUM);

/// Returns what is to be off until a user switches it on.
fn off_at_first() -> NetFeatures {
    let segmentation = NetFeatures::TSO4
        .with(NetFeatures::TSO6)
        .with(NetFeatures::TSO_ECN);
    // As in C.
    let mut off = NetFeatures::RX_HASH;
    if module_parameters::csum.value() == 0 {
        // Nothing can be segmented then.
        off = off.with(SWITCHABLE);
    }
    if module_parameters::gso.value() == 0 {
        off = off.with(segmentation);
    }
    off
}

/// Returns what of `features` can be switched.
fn switchable(caps: &Caps, features: NetFeatures) -> NetFeatures {
    let commanded = if caps.control.offloads {
        NetFeatures::RX_HASH.with(NetFeatures::GRO_HW)
    } else {
        NetFeatures::RX_HASH
    };
    features & SWITCHABLE.with(commanded)
}

/// Returns what of `features` frames in UDP tunnels can have.
fn in_tunnels(features: NetFeatures) -> NetFeatures {
    if features.contains(NetFeatures::UDP_TUNNEL) {
        features & SWITCHABLE
    } else {
        NetFeatures::NONE
    }
}

/// Returns what the stack may make use of. Without `fragments` frames have to be linear, and the
/// stack leaves out what needs them.
fn net_features(caps: &Caps, fragments: bool, reports_hashes: bool) -> NetFeatures {
    let mut features = NetFeatures::HIGHDMA;
    for offload in offloads(caps.tx) {
        features = features.with(match offload {
            Offload::Csum if fragments => NetFeatures::CSUM.with(NetFeatures::FRAGMENTS),
            Offload::Csum => NetFeatures::CSUM,
            Offload::Tso4 => NetFeatures::TSO4,
            Offload::Tso6 => NetFeatures::TSO6,
            Offload::TsoEcn => NetFeatures::TSO_ECN,
            Offload::Uso => NetFeatures::USO,
            Offload::Tunnel => NetFeatures::UDP_TUNNEL,
            Offload::TunnelCsum => NetFeatures::UDP_TUNNEL_CSUM,
            Offload::Robust => NetFeatures::ROBUST,
        });
    }
    if caps.rx.csum {
        features = features.with(NetFeatures::RX_CSUM);
    }
    if caps.rx.has_gso() {
        features = features.with(NetFeatures::GRO_HW);
    }
    if reports_hashes {
        features = features.with(NetFeatures::RX_HASH);
    }
    if caps.control.vlan {
        features = features.with(NetFeatures::VLAN_FILTER);
    }
    features
}
