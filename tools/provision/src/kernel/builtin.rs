// SPDX-License-Identifier: GPL-2.0

//! A kernel with our drivers built in, and none in C for the same devices; else the debug kernel, most of
//! which is then built already.

use super::{Kernel, debug, own::Recipe};
use crate::{BuildRoot, Context, cache::Key, files_below};
use anyhow::{Context as _, Result};
use std::{fs, path::Path};

/// What is set beyond the checks of the debug kernel.
const BUILT_IN: &str = include_str!("../../../kconfig/builtin.config");

/// What is put into the kernel's source tree, and what does that, below the repository.
const SOURCES: [&str; 2] = ["drivers", "samples"];
const GRAFT: &str = "tools/graft";

/// When the drivers change, only they and what is linked of them are built again.
pub(super) fn ensure(ctx: &Context, root: &BuildRoot) -> Result<Kernel> {
    let graft = ctx.repo.join(GRAFT);
    let recipe = Recipe {
        name: "builtin",
        title: "kernel with the drivers built in",
        configuration: format!("{}{BUILT_IN}", debug::CONFIGURATION),
        prepare: Some(&graft),
        key: with_drivers(Key::new(1), &ctx.repo)?,
    };
    recipe.ensure(ctx, root)
}

/// Adds all that the drivers are built from.
fn with_drivers(mut key: Key, repo: &Path) -> Result<Key> {
    let mut files = vec![repo.join(GRAFT)];
    for directory in SOURCES {
        files.extend(files_below(&repo.join(directory), is_source)?);
    }
    files.sort();
    for file in files {
        let contents = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let name = file.strip_prefix(repo).unwrap_or(&file);
        key = key.with(&name.to_string_lossy(), contents);
    }
    Ok(key)
}

/// In the sense of [`GRAFT`]: modules may have been built among the sources.
fn is_source(name: &str) -> bool {
    let source = [".rs", ".c", ".h"].iter().any(|end| name.ends_with(end));
    let made = name.contains("_generated.") || name.ends_with(".mod.c");
    (source && !made) || matches!(name, "Makefile" | "Kconfig" | "bindgen_parameters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_in_the_key() {
        let repo = tempfile::tempdir().expect("temporary directory");
        for file in ["drivers/a/Kconfig", "drivers/b/Kconfig", "samples/s.rs", GRAFT] {
            let path = repo.path().join(file);
            fs::create_dir_all(path.parent().expect("parent")).expect("directory");
            fs::write(path, "1").expect("file");
        }
        let id = || with_drivers(Key::new(1), repo.path()).expect("key").id();
        let mut ids = vec![id()];
        for file in
            ["drivers/a/Kconfig", "samples/s.rs", GRAFT, "drivers/a/new.rs", "drivers/b/bindgen_parameters"]
        {
            fs::write(repo.path().join(file), "2").expect("file");
            assert!(!ids.contains(&id()), "{file} is not in the key");
            ids.push(id());
        }
        for file in ["drivers/a/x.o", "drivers/a/x.mod.c", "drivers/a/bindings_generated.rs"] {
            fs::write(repo.path().join(file), "built").expect("file");
            assert!(ids.contains(&id()), "{file} is in the key");
        }
    }
}
