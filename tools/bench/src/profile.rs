// SPDX-License-Identifier: GPL-2.0

//! Instructions per operation, by function.

use crate::{
    layer::{DRIVER, Layer},
    symbols::Symbols,
};
use rvirtio_plugin::record::{Kind, Snapshot};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// One function's share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Its name, as in the source.
    pub function: String,
    /// Its module, when it is not part of the kernel itself.
    pub module: Option<String>,
    /// Where it belongs.
    pub layer: Layer,
    /// Instructions per operation.
    pub instructions: f64,
}

/// What one operation costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Functions of the kernel and its modules, the dearest first.
    pub shares: Vec<Share>,
    /// Instructions of programs per operation.
    pub user: f64,
}

impl Profile {
    /// From the counts of two runs that differ only by `operations`: start and end of the program,
    /// which they have in common, cancel out.
    pub fn slope(short: &Snapshot, long: &Snapshot, operations: u64, symbols: &Symbols) -> Self {
        let mut by_function = HashMap::new();
        let mut user = 0.0;
        for (snapshot, sign) in [(long, 1.0), (short, -1.0)] {
            for entry in snapshot.entries.iter().filter(|entry| entry.kind == Kind::Block) {
                let instructions = sign * entry.count as f64 * f64::from(entry.len) / operations as f64;
                match symbols.find(entry.address) {
                    Some(symbol) => {
                        by_function.entry(std::ptr::from_ref(symbol)).or_insert((symbol, 0.0)).1 +=
                            instructions;
                    }
                    None => user += instructions,
                }
            }
        }
        let mut shares: Vec<Share> = by_function
            .into_values()
            .map(|(symbol, instructions)| Share {
                function: symbol.name.clone(),
                module: symbol.module.clone(),
                layer: symbol.layer,
                instructions,
            })
            .collect();
        shares.sort_by(|a, b| {
            b.instructions.total_cmp(&a.instructions).then_with(|| a.function.cmp(&b.function))
        });
        Self { shares, user }
    }

    /// The whole kernel.
    pub fn kernel(&self) -> f64 {
        self.shares.iter().map(|share| share.instructions).sum()
    }

    /// From the block layer down to the device, and interrupts. What is above has its share of programs
    /// that start and end, which two runs do not quite have in common.
    pub fn below_files(&self) -> f64 {
        let layers = self.layers();
        let below = DRIVER.iter().chain(&[Layer::Block, Layer::Interrupt]);
        below.filter_map(|layer| layers.get(layer)).sum()
    }

    /// Driver, ring, and what they call.
    pub fn driver(&self) -> f64 {
        let layers = self.layers();
        DRIVER.iter().filter_map(|layer| layers.get(layer)).sum()
    }

    /// Functions of [`Profile::driver`], the dearest first.
    pub fn driver_shares(&self) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(|share| DRIVER.contains(&share.layer))
    }

    /// Sums by layer.
    pub fn layers(&self) -> BTreeMap<Layer, f64> {
        let mut layers = BTreeMap::from([(Layer::User, self.user)]);
        for share in &self.shares {
            *layers.entry(share.layer).or_default() += share.instructions;
        }
        layers
    }

    /// Without functions of less than half an instruction per operation.
    pub fn trimmed(mut self) -> Self {
        self.shares.retain(|share| share.instructions.abs() >= 0.5);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rvirtio_plugin::record::Entry;

    fn block(address: u64, len: u32, count: u64) -> Entry {
        Entry { kind: Kind::Block, address, len, count }
    }

    #[test]
    fn what_both_runs_have_cancels_out() {
        let symbols = Symbols::parse(
            "ffffffff81000000 T virtqueue_add_split\nffffffff81001000 T do_sys_open\nffffffff81002000 T blk_mq_submit_bio",
        );
        let start_up = block(0xffff_ffff_8100_1000, 50, 7);
        let short = Snapshot {
            entries: vec![start_up, block(0xffff_ffff_8100_0000, 10, 100), block(0x1000, 3, 100)],
        };
        let long = Snapshot {
            entries: vec![
                start_up,
                block(0xffff_ffff_8100_0000, 10, 300),
                block(0xffff_ffff_8100_0020, 2, 50),
                block(0x1000, 3, 300),
                Entry { kind: Kind::DeviceWrite, address: 0xffff_ffff_8100_0000, len: 1, count: 999 },
            ],
        };
        let profile = Profile::slope(&short, &long, 200, &symbols);
        assert_eq!(profile.kernel(), 10.5);
        assert_eq!(profile.driver(), 10.5);
        assert_eq!(profile.user, 3.0);
        assert_eq!(profile.shares[0].function, "virtqueue_add_split");
        assert_eq!(profile.trimmed().shares.len(), 1);
    }
}
