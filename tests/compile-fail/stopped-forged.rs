// SPDX-License-Identifier: GPL-2.0

//! A proof that the device has stopped, made by the front end itself.
//!
//! claim: Stopping a device
//! error: E0423

use rvirtio as virtio;

fn forge(queue: &mut virtio::Virtqueue<'_, virtio::In<'_>>, stopped: virtio::Stopped<'_>) {
    #[cfg(not(good))]
    let stopped = virtio::Stopped(queue);
    while queue.detach_unused(&stopped).is_some() {}
}
