// SPDX-License-Identifier: GPL-2.0

//! Links between the interfaces of a guest, and to the host.
//!
//! As root they are taps on a bridge, in a network namespace of this program's own, which is gone
//! with the guest: frames cross it as the guest sends them, not segmented and with partial
//! checksums. Without rights they are ports of a hub in QEMU, which knows of none of that.

use anyhow::{Context as _, Result};
use nix::sched::{CloneFlags, unshare};
use rustix::process::geteuid;
use rvirtio_provision::BuildRoot;

/// The host's own addresses on the bridge.
const ADDRESSES: [&str; 2] = ["10.77.0.1/24", "fd77::1/64"];

/// Arguments of QEMU's `-netdev` for `count` links: `link0`, `link1` and so on, with so many pairs of queues.
pub fn netdevs(count: u8, queues: u8) -> Vec<String> {
    let more = if queues > 1 { format!(",queues={queues}") } else { String::new() };
    let netdev = |number| {
        if geteuid().is_root() {
            format!("tap,id=link{number},ifname=link{number},script=no,downscript=no{more}")
        } else {
            format!("hubport,id=link{number},hubid=0")
        }
    };
    (0..count).map(netdev).collect()
}

/// Makes `count` links. What this thread starts from now on is in the network namespace that has
/// them, and so is what runs in this thread: nothing else is in there.
///
/// # Errors
///
/// When the host's kernel has no taps or no bridge.
pub fn make(root: &BuildRoot, count: u8, queues: u8) -> Result<()> {
    if count == 0 || !geteuid().is_root() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWNET).context("no network namespace can be made")?;
    root.ip("link set lo up")?;
    root.ip("link add links type bridge mcast_snooping 0 forward_delay 0")?;
    for address in ADDRESSES {
        let duplicates = if address.contains(':') { " nodad" } else { "" };
        root.ip(&format!("address add {address} dev links{duplicates}"))?;
    }
    root.ip("link set links up")?;
    let more = if queues > 1 { " multi_queue" } else { "" };
    for number in 0..count {
        root.ip(&format!("tuntap add dev link{number} mode tap vnet_hdr{more}"))?;
        root.ip(&format!("link set link{number} master links mtu 9000 up"))?;
    }
    root.ip("link set links mtu 9000")
}

#[cfg(test)]
mod tests {
    use super::netdevs;

    #[test]
    fn links_have_numbers() {
        let all = netdevs(2, 1);
        assert_eq!(all.len(), 2);
        assert!(all[1].contains("id=link1"));
        assert!(netdevs(0, 1).is_empty());
    }
}
