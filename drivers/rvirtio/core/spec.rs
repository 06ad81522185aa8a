// SPDX-License-Identifier: GPL-2.0

//! Names and layouts of the virtio specification.
//!
//! Constants only: what the specification and the C headers in `include/uapi/linux/virtio_*.h`
//! give a name to, restricted to what this driver stack uses. Nothing here has behaviour, so every
//! other module may import it.
//!
//! Specification: [Virtual I/O Device (VIRTIO) Version 1.4][spec].
//!
//! [spec]: https://docs.oasis-open.org/virtio/virtio/v1.4/virtio-v1.4.html

pub mod device_id;
pub mod feature;
pub mod pci;
pub mod ring;
pub mod status;
