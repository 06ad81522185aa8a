// SPDX-License-Identifier: GPL-2.0

//! Boots guests whose virtio devices are driven by rvirtio.

fn main() {}
