// SPDX-License-Identifier: GPL-2.0

//! Entropy device (virtio 1.4, 5.4 Entropy Device).
//!
//! The device has no feature bits and no configuration space. The driver gives it device-writable
//! buffers, the device fills each with at least one random byte.

/// Index of the only queue.
pub const REQUESTQ: u16 = 0;
