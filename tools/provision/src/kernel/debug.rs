// SPDX-License-Identifier: GPL-2.0

//! The kernel that tests run on: sanitizers, lock checking, KUnit. Built here, as nobody ships one
//! with Rust and KASAN.

use super::{Kernel, own::Recipe};
use crate::{BuildRoot, Context, cache::Key};
use anyhow::Result;

/// What is set beyond `tinyconfig`.
pub(super) const CONFIGURATION: &str =
    concat!(include_str!("../../../kconfig/guest.config"), include_str!("../../../kconfig/debug.config"));

/// The C drivers, as modules.
const IN_TREE: &str = include_str!("../../../kconfig/in-tree.config");

pub(super) fn ensure(ctx: &Context, root: &BuildRoot) -> Result<Kernel> {
    let recipe = Recipe {
        name: "debug",
        title: "debug kernel (takes half an hour on two cores)",
        configuration: format!("{CONFIGURATION}{IN_TREE}"),
        prepare: None,
        key: Key::new(1),
    };
    recipe.ensure(ctx, root)
}
