// SPDX-License-Identifier: GPL-2.0

//! Test scripts of a directory.

use crate::header::Header;
use anyhow::{Context as _, Result};
use std::{fs, path::Path};

/// Names (without `.sh`) and headers of the scripts in `dir`, sorted. Other files are what scripts share.
pub fn all(dir: &Path) -> Result<Vec<(String, Header)>> {
    let entries = fs::read_dir(dir).with_context(|| format!("{} cannot be read", dir.display()))?;
    let mut scripts = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "sh") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            scripts.push((name, Header::read(&path)?));
        }
    }
    scripts.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(scripts)
}
