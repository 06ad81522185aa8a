// SPDX-License-Identifier: GPL-2.0

//! What kind of network device is wanted: features of virtio 1.4, 5.1.3, and options.

use super::{Kind, Spec, Switch, Word};

pub const CSUM: u32 = 0;
pub const GUEST_CSUM: u32 = 1;
pub const CTRL_GUEST_OFFLOADS: u32 = 2;
pub const MTU: u32 = 3;
pub const MAC: u32 = 5;
pub const GUEST_TSO4: u32 = 7;
pub const GUEST_TSO6: u32 = 8;
pub const GUEST_ECN: u32 = 9;
pub const HOST_TSO4: u32 = 11;
pub const HOST_TSO6: u32 = 12;
pub const HOST_ECN: u32 = 13;
pub const MRG_RXBUF: u32 = 15;
pub const STATUS: u32 = 16;
pub const CTRL_VQ: u32 = 17;
pub const CTRL_RX: u32 = 18;
pub const CTRL_VLAN: u32 = 19;
pub const CTRL_RX_EXTRA: u32 = 20;
pub const GUEST_ANNOUNCE: u32 = 21;
pub const MQ: u32 = 22;
pub const CTRL_MAC_ADDR: u32 = 23;
pub const DEVICE_STATS: u32 = 50;
pub const VQ_NOTF_COAL: u32 = 52;
pub const NOTF_COAL: u32 = 53;
pub const GUEST_USO4: u32 = 54;
pub const GUEST_USO6: u32 = 55;
pub const HOST_USO: u32 = 56;
pub const HASH_REPORT: u32 = 57;
pub const GUEST_HDRLEN: u32 = 59;
pub const RSS: u32 = 60;
pub const SPEED_DUPLEX: u32 = 63;

/// Options that are features. The last three are only ours.
const SWITCHES: [Switch; 27] = [
    ("csum", CSUM, true),
    ("guest_csum", GUEST_CSUM, true),
    ("ctrl_guest_offloads", CTRL_GUEST_OFFLOADS, true),
    ("guest_tso4", GUEST_TSO4, true),
    ("guest_tso6", GUEST_TSO6, true),
    ("guest_ecn", GUEST_ECN, true),
    ("guest_uso4", GUEST_USO4, true),
    ("guest_uso6", GUEST_USO6, true),
    ("host_tso4", HOST_TSO4, true),
    ("host_tso6", HOST_TSO6, true),
    ("host_ecn", HOST_ECN, true),
    ("host_uso", HOST_USO, true),
    ("mrg_rxbuf", MRG_RXBUF, true),
    ("status", STATUS, true),
    ("ctrl_vq", CTRL_VQ, true),
    ("ctrl_rx", CTRL_RX, true),
    ("ctrl_vlan", CTRL_VLAN, true),
    ("ctrl_rx_extra", CTRL_RX_EXTRA, true),
    ("guest_announce", GUEST_ANNOUNCE, true),
    ("ctrl_mac_addr", CTRL_MAC_ADDR, true),
    ("hash", HASH_REPORT, false),
    ("rss", RSS, false),
    ("guest_hdrlen", GUEST_HDRLEN, true),
    ("speed_duplex", SPEED_DUPLEX, true),
    ("notf_coal", NOTF_COAL, true),
    ("vq_notf_coal", VQ_NOTF_COAL, true),
    ("device_stats", DEVICE_STATS, true),
];

/// Features, each with a set of which it needs one (5.1.3.1).
const NEEDS: [(u32, u128); 26] = [
    (GUEST_TSO4, 1 << GUEST_CSUM),
    (GUEST_TSO6, 1 << GUEST_CSUM),
    (GUEST_USO4, 1 << GUEST_CSUM),
    (GUEST_USO6, 1 << GUEST_CSUM),
    (GUEST_ECN, 1 << GUEST_TSO4 | 1 << GUEST_TSO6),
    (HOST_TSO4, 1 << CSUM),
    (HOST_TSO6, 1 << CSUM),
    (HOST_USO, 1 << CSUM),
    (HOST_ECN, 1 << HOST_TSO4 | 1 << HOST_TSO6),
    (CTRL_GUEST_OFFLOADS, 1 << CTRL_VQ),
    (CTRL_RX, 1 << CTRL_VQ),
    (CTRL_VLAN, 1 << CTRL_VQ),
    (CTRL_RX_EXTRA, 1 << CTRL_VQ),
    (GUEST_ANNOUNCE, 1 << CTRL_VQ),
    (MQ, 1 << CTRL_VQ),
    (CTRL_MAC_ADDR, 1 << CTRL_VQ),
    (DEVICE_STATS, 1 << CTRL_VQ),
    (VQ_NOTF_COAL, 1 << CTRL_VQ),
    (NOTF_COAL, 1 << CTRL_VQ),
    (HASH_REPORT, 1 << CTRL_VQ),
    (RSS, 1 << CTRL_VQ),
    // Not in the table, but without these there is nothing that they could be about.
    (CTRL_RX_EXTRA, 1 << CTRL_RX),
    (GUEST_ANNOUNCE, 1 << STATUS),
    (CTRL_GUEST_OFFLOADS, 1 << GUEST_CSUM),
    (SPEED_DUPLEX, 1 << STATUS),
    (CTRL_MAC_ADDR, 1 << MAC),
];

/// How many of them are in the specification.
const SPECIFIED: usize = 21;

/// The features of a set that need others of it.
pub fn lacking(features: u128) -> u128 {
    lacks(&NEEDS[..SPECIFIED], features)
}

fn lacks(needs: &[(u32, u128)], features: u128) -> u128 {
    let lacking = needs.iter().filter(|(_, needs)| features & needs == 0);
    lacking.fold(0, |set, (bit, _)| set | 1 << bit) & features
}

impl Spec {
    /// A network device, as the words `NAME[,OPTION=VALUE]...` describe it.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub fn net(text: &str) -> Result<Self, String> {
        let mut words = text.split(',');
        let mut spec = Self::new(Kind::Net, words.next().unwrap_or_default(), &SWITCHES)?;
        spec.features |= 1 << MAC;
        spec.queue_size = 256;
        let mut vectors = None;
        for word in words {
            let word = Word::parse(word)?;
            match word.key {
                "pairs" => {
                    spec.queues = word.number::<u16>()?.clamp(1, 64);
                    spec.features |= 1 << MQ;
                }
                "mtu" => {
                    spec.mtu = Some(word.number()?);
                    spec.features |= 1 << MTU;
                }
                _ => spec.set(&word, &SWITCHES, &mut vectors)?,
            }
        }
        while lacks(&NEEDS, spec.features) != 0 {
            spec.features &= !lacks(&NEEDS, spec.features);
        }
        spec.vectors = vectors.unwrap_or(spec.all_queues() + 1);
        Ok(spec)
    }

    /// The address of a network device: that of its name.
    pub(crate) fn mac(&self) -> [u8; 6] {
        let sum = self.name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let [a, b, c, _] = sum.to_le_bytes();
        [0x52, 0x54, 0, a, b, c]
    }
}
