// SPDX-License-Identifier: GPL-2.0

//! Which Debian mirrors this machine uses, from its own apt configuration.

mod mirrors;
mod sources;

pub(crate) use mirrors::{Mirrors, SUITE};
