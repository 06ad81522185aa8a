// SPDX-License-Identifier: GPL-2.0

//! Host files that QEMU arguments name.

use std::path::{Path, PathBuf};

/// Absolute paths in a QEMU argument that QEMU must be able to reach: existing files and directories,
/// and the directory of a socket or file that is to be made.
///
/// QEMU runs in the build root, where the host's files are only seen when they are shown.
pub fn in_argument(argument: &str) -> Vec<PathBuf> {
    argument
        .split([',', '=', '"', ':', ' '])
        .filter(|word| word.starts_with('/') && word.len() > 1)
        .filter_map(|word| reachable(Path::new(word)))
        .collect()
}

fn reachable(path: &Path) -> Option<PathBuf> {
    // The host's devices are there anyway, its processes are not for QEMU.
    if path.starts_with("/dev") || path.starts_with("/proc") || path.starts_with("/sys") {
        return None;
    }
    if path.exists() {
        return Some(path.to_owned());
    }
    let parent = path.parent()?;
    (parent != Path::new("/") && parent.is_dir()).then(|| parent.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_exists() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let file = dir.join("disk.img");
        std::fs::write(&file, "").unwrap();
        let (file_text, dir_text) = (file.display(), dir.display());

        assert_eq!(
            in_argument(&format!("driver=raw,node-name=d,file.filename={file_text}")),
            std::slice::from_ref(&file)
        );
        assert_eq!(in_argument(&format!("{{\"filename\":\"{file_text}\"}}")), [file]);
        assert_eq!(in_argument(&format!("unix:{dir_text}/qmp.sock,server=on")), [dir]);
        assert!(in_argument("filename=/no/such/thing").is_empty());
        assert!(in_argument("path=/dev/null,x=/").is_empty());
    }
}
