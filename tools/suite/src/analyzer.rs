// SPDX-License-Identifier: GPL-2.0

//! `rust-project.json`, by which editors understand the crates: the kernel's, and ours as they were compiled.

use crate::rustc::{Crate, Modules};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Where rust-analyzer looks, below the source tree.
pub const OUTPUT: &str = "rust-project.json";

/// The last of the kernel's crates that ours use.
const LAST: &str = "kernel";

/// What stands for the compiler's directory, below the source tree, and what rust-analyzer starts there.
const SYSROOT: &str = "tools/target/analyzer";
const SERVER: &str = "libexec/rust-analyzer-proc-macro-srv";

/// Writes it for the tree `repo`.
pub fn make(modules: &Modules<'_>, repo: &Path) -> Result<()> {
    let project = modules.kernel.rust_project(modules.root)?;
    let mut project: Value = serde_json::from_str(&project).context("the kernel's crates cannot be read")?;
    let library = modules.root.path().join("usr/lib/rustlib/src/rust/library");
    let crates = project["crates"].as_array().context("the kernel names no crates")?;
    let mut crates = without(crates, &library.to_string_lossy());
    let last =
        crates.iter().position(|one| one["display_name"] == LAST).context("the kernel names no crate")?;
    crates.truncate(last + 1);
    let cfg = crates[last]["cfg"].clone();
    for one in &modules.crates {
        let entry = entry(one, &crates, &cfg, &modules.out);
        crates.push(entry);
    }
    project["crates"] = Value::Array(crates);
    project["sysroot"] = json!(repo.join(SYSROOT));
    project["sysroot_src"] = json!(library);
    make_server(modules, &repo.join(SYSROOT).join(SERVER))?;
    let file = repo.join(OUTPUT);
    fs::write(&file, format!("{project:#}\n"))
        .with_context(|| format!("{} cannot be written", file.display()))
}

/// The crates but for those in `library`, which rust-analyzer has to find by itself: only then it knows that
/// these are the ones with the methods of integers.
fn without(crates: &[Value], library: &str) -> Vec<Value> {
    let is_ours = |one: &Value| !one["root_module"].as_str().is_some_and(|root| root.starts_with(library));
    let kept: Vec<usize> = (0..crates.len()).filter(|index| is_ours(&crates[*index])).collect();
    let renumbered = |dep: &Value| {
        let old = dep["crate"].as_u64()?;
        let new = kept.iter().position(|index| *index as u64 == old)?;
        Some(json!({ "crate": new, "name": dep["name"] }))
    };
    let with_deps = |index: &usize| {
        let mut one = crates[*index].clone();
        one["deps"] = one["deps"].as_array().into_iter().flatten().filter_map(renumbered).collect();
        one["is_workspace_member"] = json!(false);
        one
    };
    kept.iter().map(with_deps).collect()
}

/// One of our crates; those that it uses are in `crates`.
fn entry(one: &Crate, crates: &[Value], cfg: &Value, out: &Path) -> Value {
    let used = one.flags.windows(2).filter(|pair| pair[0] == "--extern").map(|pair| pair[1].as_str());
    let dep = |name: &str| {
        let index = crates.iter().position(|one| one["display_name"] == name)?;
        Some(json!({ "crate": index, "name": name }))
    };
    let built = out.join("drivers/rvirtio");
    let mut env = json!({ "RVIRTIO_OBJ": built });
    for (key, value) in &one.env {
        env[key] = json!(value);
    }
    json!({
        "display_name": one.name,
        "root_module": one.source,
        "edition": "2021",
        "deps": used.filter_map(dep).collect::<Vec<_>>(),
        "cfg": cfg,
        "env": env,
        "is_workspace_member": true,
        "source": { "include_dirs": [one.source.parent(), built.join(&one.name)], "exclude_dirs": [] },
    })
}

/// A program at `path` that runs the server for procedural macros of the build root: they were compiled
/// there, and only that compiler's server loads them, which may not run on this machine by itself.
fn make_server(modules: &Modules<'_>, path: &Path) -> Result<()> {
    let (root, cache) = (modules.root.path().display(), modules.ctx.cache.root().display());
    let script = format!(
        "#!/bin/sh\nexec bwrap --die-with-parent --ro-bind '{root}' / --dev /dev --proc /proc \
         --ro-bind '{cache}' '{cache}' /usr/{SERVER} \"$@\"\n"
    );
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, script).with_context(|| format!("{} cannot be written", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_know_what_they_use() {
        let crates = [json!({ "display_name": "zerocopy" }), json!({ "display_name": "kernel" })];
        let one = Crate {
            name: "blk".to_owned(),
            source: "/r/blk.rs".into(),
            flags: ["--extern", "kernel", "-L", "x"].map(str::to_owned).to_vec(),
            metadata: None,
            env: vec![("RUST_MODFILE".to_owned(), "m".to_owned())],
        };
        let entry = entry(&one, &crates, &json!(["CONFIG_X"]), Path::new("/o"));
        assert_eq!(entry["deps"], json!([{ "crate": 1, "name": "kernel" }]));
        assert_eq!(entry["env"]["RUST_MODFILE"], "m");
        assert_eq!(entry["source"]["include_dirs"], json!(["/r", "/o/drivers/rvirtio/blk"]));
    }

    #[test]
    fn crates_of_the_compiler_are_left_out() {
        let crates = [
            json!({ "display_name": "core", "root_module": "/lib/core.rs", "deps": [] }),
            json!({ "display_name": "ffi", "root_module": "/k/ffi.rs", "deps": [{ "crate": 0, "name": "core" }] }),
            json!({ "display_name": "kernel", "root_module": "/k/lib.rs",
                    "deps": [{ "crate": 0, "name": "core" }, { "crate": 1, "name": "ffi" }] }),
        ];
        let left = without(&crates, "/lib");
        assert_eq!(left.len(), 2);
        assert_eq!(left[1]["deps"], json!([{ "crate": 0, "name": "ffi" }]));
    }
}
