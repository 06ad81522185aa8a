// SPDX-License-Identifier: GPL-2.0

//! Do the regenerated crates belong to the kernel? Mangled names hold a hash of each crate and of
//! the compiler, so equal lists of exported symbols tell that they do.

use anyhow::{Context as _, Result, bail};
use std::{collections::BTreeSet, fs, path::Path};

/// How many differing symbols a message names.
const NAMED: usize = 3;

/// Compares what the crates built in `rust` (the source tree's directory) export with `Module.symvers`;
/// returns how many symbols agree.
pub(super) fn check(rust: &Path, symvers: &Path) -> Result<usize> {
    let mut ours = BTreeSet::new();
    for entry in fs::read_dir(rust).with_context(|| format!("{} cannot be read", rust.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("exports_") && name.ends_with("_generated.h") {
            ours.extend(parse_exports(&fs::read_to_string(&path)?));
        }
    }
    let text =
        fs::read_to_string(symvers).with_context(|| format!("{} cannot be read", symvers.display()))?;
    compare(&ours, &parse_symvers(&text))
}

/// `EXPORT_SYMBOL_RUST_GPL(name);` lines of a generated header.
fn parse_exports(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("EXPORT_SYMBOL_RUST_GPL(")?.strip_suffix(");"))
        .map(str::to_owned)
        .collect()
}

/// Symbols that the kernel image exports: all of them, and which are Rust's by their name.
struct Symvers {
    all: BTreeSet<String>,
    rust: BTreeSet<String>,
}

/// Lines of `Module.symvers`: checksum, symbol, module, kind of export, name space.
fn parse_symvers(text: &str) -> Symvers {
    let all: BTreeSet<String> = text
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t').skip(1);
            let symbol = fields.next()?;
            (fields.next()? == "vmlinux").then(|| symbol.to_owned())
        })
        .collect();
    let rust = all
        .iter()
        .filter(|name| name.starts_with("_R") || name.starts_with("rust_helper_"))
        .cloned()
        .collect();
    Symvers { all, rust }
}

fn compare(ours: &BTreeSet<String>, kernel: &Symvers) -> Result<usize> {
    if ours.is_empty() {
        bail!(
            "the regenerated Rust crates export nothing: the kernel's source tree did not build as expected"
        );
    }
    let missing: Vec<&String> = ours.difference(&kernel.all).collect();
    let unknown: Vec<&String> = kernel.rust.difference(ours).collect();
    if missing.is_empty() && unknown.is_empty() {
        return Ok(ours.len());
    }
    let named = |symbols: &[&String]| match symbols {
        [] => String::new(),
        _ => format!(
            " ({}, ...)",
            symbols.iter().take(NAMED).map(|s| s.as_str()).collect::<Vec<_>>().join(", ")
        ),
    };
    bail!(
        "the regenerated Rust metadata is not this kernel's: of {} symbols that it exports the kernel lacks {}{}, \
         and of the kernel's {} it lacks {}{}; was the kernel built with another rustc or bindgen?",
        ours.len(),
        missing.len(),
        named(&missing),
        kernel.rust.len(),
        unknown.len(),
        named(&unknown)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMVERS: &str = "0x00000000\t_RNvCsA_4core3num\tvmlinux\tEXPORT_SYMBOL_GPL\t\n\
                           0x00000000\trust_helper_atomic_read\tvmlinux\tEXPORT_SYMBOL_GPL\t\n\
                           0x00000000\trust_build_error\tvmlinux\tEXPORT_SYMBOL_GPL\t\n\
                           0x00000000\t_RNvCsB_3drm3new\tdrivers/gpu/drm/nova\tEXPORT_SYMBOL_GPL\t\n\
                           0x00000000\tkmalloc\tvmlinux\tEXPORT_SYMBOL\t\n";

    fn exports(names: &[&str]) -> BTreeSet<String> {
        let text: String = names
            .iter()
            .map(|name| format!("EXPORT_SYMBOL_RUST_GPL({name});\n"))
            .collect::<Vec<_>>()
            .concat();
        parse_exports(&text).into_iter().collect()
    }

    #[test]
    fn equal_lists_pass() {
        let ours = exports(&["_RNvCsA_4core3num", "rust_helper_atomic_read", "rust_build_error"]);
        assert_eq!(compare(&ours, &parse_symvers(SYMVERS)).expect("equal"), 3);
    }

    #[test]
    fn both_directions_are_told_with_names_and_counts() {
        let ours = exports(&["_RNvCsX_4core3num", "rust_helper_atomic_read"]);
        let message = compare(&ours, &parse_symvers(SYMVERS)).expect_err("must fail").to_string();
        for part in ["of 2 symbols", "lacks 1 (_RNvCsX_4core3num", "kernel's 2 it lacks 1 (_RNvCsA_4core3num"]
        {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn one_missing_in_the_kernel_alone_fails() {
        let ours = exports(&["_RNvCsA_4core3num", "rust_helper_atomic_read", "_RNew"]);
        assert!(compare(&ours, &parse_symvers(SYMVERS)).is_err());
    }

    #[test]
    fn nothing_exported_fails() {
        assert!(compare(&BTreeSet::new(), &parse_symvers("")).is_err());
    }
}
