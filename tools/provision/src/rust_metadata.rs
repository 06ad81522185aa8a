// SPDX-License-Identifier: GPL-2.0

//! Rust metadata for the headers of a Debian kernel.
//!
//! Debian's `linux-headers` packages lack what rustc needs of the kernel's Rust crates. It is made
//! again from the source of the same version with the same configuration and compilers, and
//! checked: the symbols that the made crates export must be those that the kernel exports.

mod regenerate;
mod symbols;

pub(crate) use regenerate::{KDIR, PROJECT, Regeneration};
