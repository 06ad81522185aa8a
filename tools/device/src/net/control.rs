// SPDX-License-Identifier: GPL-2.0

//! Commands (virtio 1.4, 5.1.6.5): what the driver sets, and the rules for it.

use super::{
    queues::{Queues, length},
    stats::Stats,
    steer::Steering,
};
use crate::{
    breach::{Breach, require},
    spec::net::{
        CTRL_GUEST_OFFLOADS, CTRL_MAC_ADDR, CTRL_RX, CTRL_RX_EXTRA, CTRL_VLAN, DEVICE_STATS, GUEST_ANNOUNCE,
        GUEST_CSUM, GUEST_ECN, GUEST_TSO4, GUEST_TSO6, GUEST_USO4, GUEST_USO6, HASH_REPORT, MQ, NOTF_COAL,
        RSS, VQ_NOTF_COAL,
    },
};
use std::collections::BTreeSet;

pub type Mac = [u8; 6];

/// What a device passes, by the number of the command.
pub mod mode {
    pub const PROMISC: usize = 0;
    pub const ALLMULTI: usize = 1;
    pub const ALLUNI: usize = 2;
    pub const NOMULTI: usize = 3;
    pub const NOUNI: usize = 4;
    pub const NOBCAST: usize = 5;
}

/// Offloads of what is received.
const OFFLOADS: [u32; 6] = [GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, GUEST_USO4, GUEST_USO6];

/// Those of a set of features.
fn offloads(features: u128) -> u64 {
    OFFLOADS.iter().fold(0, |set, bit| set | 1 << bit) & features as u64
}

/// What commands have set.
pub struct Control {
    features: u128,
    pub mac: Mac,
    pub modes: [bool; 6],
    pub table: Vec<Mac>,
    pub vlans: BTreeSet<u16>,
    pub offloads: u64,
    /// The pairs that are used.
    pub pairs: u16,
    pub steering: Steering,
    pub stats: Stats,
    /// The driver is to announce itself.
    pub announce: bool,
}

impl Control {
    pub fn new(mac: Mac) -> Self {
        Self {
            features: 0,
            mac,
            modes: [false; 6],
            table: Vec::new(),
            vlans: BTreeSet::new(),
            offloads: 0,
            pairs: 1,
            steering: Steering::default(),
            stats: Stats::default(),
            announce: false,
        }
    }

    pub fn negotiated(&mut self, features: u128) {
        self.features = features;
        self.offloads = offloads(features);
    }

    /// All is as `new` has it, but for what was counted.
    pub fn reset(&mut self, mac: Mac) {
        let stats = std::mem::take(&mut self.stats);
        *self = Self { stats, ..Self::new(mac) };
        self.stats.reset();
    }

    pub fn has(&self, bit: u32) -> bool {
        self.features >> bit & 1 != 0
    }

    pub fn offloads(&self, bit: u32) -> bool {
        self.offloads >> bit & 1 != 0
    }

    /// Does what a command says, with an answer for which there is `room`. After a breach nothing has changed.
    pub fn command(&mut self, bytes: &[u8], room: usize, queues: &mut Queues) -> Result<Vec<u8>, Breach> {
        let (head, data) = bytes.split_at_checked(2).ok_or_else(|| length(bytes))?;
        let (feature, id) = match (head[0], head[1]) {
            (0, 0 | 1) => (CTRL_RX, "NET-71"),
            (0, 2..6) => (CTRL_RX_EXTRA, "NET-72"),
            (1, 0) => (CTRL_RX, "NET-73"),
            (1, 1) => (CTRL_MAC_ADDR, "NET-D4"),
            (2, 0 | 1) => (CTRL_VLAN, "NET-D4"),
            (3, 0) => (GUEST_ANNOUNCE, "NET-D4"),
            (4, 0) => (MQ, "NET-D4"),
            (4, 1) => (RSS, "NET-83"),
            (4, 2) => (HASH_REPORT, "NET-D4"),
            (5, 0) => (CTRL_GUEST_OFFLOADS, "NET-D4"),
            (6, 0 | 1) => (NOTF_COAL, "NET-90"),
            (6, 2 | 3) => (VQ_NOTF_COAL, "NET-91"),
            (8, 0 | 1) => (DEVICE_STATS, "NET-D4"),
            (class, code) => {
                return Err(Breach { id: "NET-D4", what: format!("there is no command {class}.{code}") });
            }
        };
        require(self.has(feature), id, || format!("command {head:?} without feature {feature}"))?;
        match (head[0], head[1]) {
            (0, code) => self.set_mode(code.into(), data)?,
            (1, 0) => self.table = table(data)?,
            (1, _) => {
                let mac: Mac = data.try_into().map_err(|_| length(data))?;
                require(mac[0] & 1 == 0, "NET-D4", || format!("the address {mac:x?}"))?;
                self.mac = mac;
            }
            (2, code) => self.set_vlan(code == 0, data)?,
            (3, _) => {
                require(data.is_empty() && self.announce, "NET-78", || {
                    "an announcement nobody wants".into()
                })?;
                self.announce = false;
            }
            (4, 0) => {
                let pairs = u16::from_le_bytes(data.try_into().map_err(|_| length(data))?);
                self.use_pairs(pairs, queues)?;
            }
            (4, 1) => {
                let pairs = self.steering.spread(data, queues)?;
                self.use_pairs(pairs, queues)?;
            }
            (4, _) => self.steering.hash(data)?,
            (5, _) => {
                let wanted = u64::from_le_bytes(data.try_into().map_err(|_| length(data))?);
                let more = wanted & !offloads(self.features);
                require(more == 0, "NET-88", || format!("offloads {more:#x}"))?;
                self.offloads = wanted;
            }
            (6, code @ (0 | 1)) => return queues.coalesce(code == 0, data),
            (6, code) => return queues.coalesce_one(code == 2, data),
            (_, 0) => return Ok(self.stats.query(self.features)),
            (_, _) => return self.stats.get(data, room, self.features, queues),
        }
        Ok(Vec::new())
    }

    fn set_mode(&mut self, mode: usize, data: &[u8]) -> Result<(), Breach> {
        let [on @ (0 | 1)] = *data else { return Err(length(data)) };
        self.modes[mode] = on != 0;
        Ok(())
    }

    fn set_vlan(&mut self, on: bool, data: &[u8]) -> Result<(), Breach> {
        let vlan = u16::from_le_bytes(data.try_into().map_err(|_| length(data))?);
        require(vlan < 4096, "NET-D4", || format!("VLAN {vlan}"))?;
        if on {
            self.vlans.insert(vlan);
        } else {
            self.vlans.remove(&vlan);
        }
        Ok(())
    }

    fn use_pairs(&mut self, pairs: u16, queues: &Queues) -> Result<(), Breach> {
        require((1..=queues.pairs).contains(&pairs), "NET-80", || {
            format!("{pairs} pairs of {}", queues.pairs)
        })?;
        require(queues.has_pairs(pairs), "NET-79", || format!("not all of {pairs} pairs are enabled"))?;
        self.pairs = pairs;
        Ok(())
    }

    /// Whether frames with this receiver and VLAN are passed.
    pub fn passes(&self, target: Mac, vlan: Option<u16>) -> bool {
        if self.modes[mode::PROMISC] {
            return true;
        }
        let known = !self.has(CTRL_VLAN) || vlan.is_none_or(|vlan| vlan == 0 || self.vlans.contains(&vlan));
        let listed = self.table.contains(&target);
        // Without commands for it there is no filter.
        known
            && match target {
                _ if !self.has(CTRL_RX) => true,
                [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => !self.modes[mode::NOBCAST],
                [first, ..] if first & 1 != 0 => {
                    !self.modes[mode::NOMULTI] && (listed || self.modes[mode::ALLMULTI])
                }
                _ => !self.modes[mode::NOUNI] && (listed || target == self.mac || self.modes[mode::ALLUNI]),
            }
    }
}

/// Addresses: unicast ones, and multicast ones.
fn table(data: &[u8]) -> Result<Vec<Mac>, Breach> {
    let mut rest = data;
    let mut table = Vec::new();
    for multicast in [false, true] {
        let wrong = || Breach { id: "NET-75", what: format!("a table of addresses of {} bytes", data.len()) };
        let (count, after) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let len = (u32::from_le_bytes(*count) as usize).saturating_mul(6);
        let (list, after) = after.split_at_checked(len).ok_or_else(wrong)?;
        let list = list.chunks_exact(6).map(|mac| Mac::try_from(mac).expect("six bytes"));
        let sorted = list.clone().all(|mac| (mac[0] & 1 != 0) == multicast);
        require(sorted, "NET-75", || "a multicast address among others, or the other way round".into())?;
        table.extend(list);
        rest = after;
    }
    require(rest.is_empty(), "NET-75", || format!("{} bytes after a table of addresses", rest.len()))?;
    Ok(table)
}
