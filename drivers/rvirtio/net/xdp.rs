// SPDX-License-Identifier: GPL-2.0

//! Programs that look at received frames: attaching them, and taking them off.
//!
//! A program needs no buffers of another kind, and no queues of its own. It wants frames as the network has
//! them, though, so the device is told neither to merge them nor to leave out checksums.

use crate::{
    caps::Caps,
    data::NetOps,
    pairs::run_from,
    spec::ETHERNET_HEADER, //
};
use kernel::prelude::*;
use netdev::{
    Held,
    XdpProg,
    XdpRefused,
    XDP_MAX_FRAME, //
};

/// The largest MTU with which all frames fit into what a program looks at that takes no fragments.
const MAX_MTU: u32 = XDP_MAX_FRAME - ETHERNET_HEADER;

/// Why nothing can be attached to a device.
const OFFLOADS: XdpRefused = XdpRefused {
    error: EOPNOTSUPP,
    text:
        c"rvirtio_net: the device merges frames or leaves out checksums, and cannot be told not to",
};

/// The device has not done what it was told.
const COMMAND: XdpRefused = XdpRefused {
    error: EIO,
    text: c"rvirtio_net: the device refuses to receive frames as the network has them",
};

/// Frames could be too long.
const MTU: XdpRefused = XdpRefused {
    error: EINVAL,
    text: c"rvirtio_net: the MTU is larger than a program without fragments can look at",
};

const MEMORY: XdpRefused = XdpRefused {
    error: ENOMEM,
    text: c"rvirtio_net: no memory for frames that a program looks at",
};

/// Has a program look at received frames, or none.
///
/// # Errors
///
/// What is wrong with the device, or the program; everything is as before then. None if there is to be no
/// program.
#[doc(alias = "virtnet_xdp_set")]
pub(crate) fn set(
    held: &mut Held<'_, NetOps<'_>>,
    prog: Option<XdpProg>,
) -> Result<(), XdpRefused> {
    let data = held.data();
    let all = data.caps.rx.offloads(true);
    match prog {
        Some(prog) => {
            if !can_attach(&data.caps) {
                return Err(OFFLOADS);
            }
            let max_mtu = match prog.takes_fragments() {
                true => u32::MAX,
                false => MAX_MTU,
            };
            if held.mtu() > max_mtu {
                return Err(MTU);
            }
            let queues = held.xdp_queues(prog).map_err(|_| MEMORY)?;
            data.desired().set_xdp(true, all).map_err(|_| COMMAND)?;
            held.set_xdp(Some(queues));
            data.set_max_mtu_for_xdp(max_mtu);
        }
        None => {
            held.set_xdp(None);
            data.set_max_mtu_for_xdp(u32::MAX);
            if let Err(error) = data.desired().set_xdp(false, all) {
                dev_warn!(data.dev, "offloads could not be restored: {error:?}\n");
            }
        }
    }
    if held.is_open() && !data.is_paused() {
        run_from(held, 0);
    }
    Ok(())
}

/// Returns whether the device can pass frames as the network has them.
fn can_attach(caps: &Caps) -> bool {
    caps.control.offloads || caps.rx.offloads(true) == 0
}
