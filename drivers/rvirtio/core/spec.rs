// SPDX-License-Identifier: GPL-2.0

//! Names and layouts of the virtio specification.
//!
//! The constants of the specification that are used here, with the names that the specification or
//! the C headers in `include/uapi/linux/virtio_*.h` give them. This module depends on nothing else,
//! so all other modules may import it.
//!
//! Specification: [Virtual I/O Device (VIRTIO) Version 1.4][spec].
//!
//! [spec]: https://docs.oasis-open.org/virtio/virtio/v1.4/virtio-v1.4.html

pub mod device_id;
pub mod feature;
pub mod pci;
pub mod ring;
pub mod status;
