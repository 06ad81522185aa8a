// SPDX-License-Identifier: GPL-2.0

//! Kernel packages of the Debian archive, by the build root's apt.

use super::choice;
use crate::{BuildRoot, progress::Step};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// Names of all kernel packages that the build root's apt knows.
pub(super) fn kernels(root: &BuildRoot) -> Result<String> {
    remembered(root, "kernels", || {
        root.command("apt-cache").args(["pkgnames", &format!("linux-image-{}", choice::SERIES)]).output()
    })
}

/// The version of `package` that apt would take.
pub(super) fn newest(root: &BuildRoot, package: &str) -> Result<String> {
    remembered(root, &format!("version-{package}"), || version(root, package))
}

/// An answer of apt, kept beside the root as long as its package lists are: starting apt for it
/// would cost every run a second.
fn remembered(root: &BuildRoot, name: &str, ask: impl FnOnce() -> Result<String>) -> Result<String> {
    let dir = answers(root);
    let file = dir.join(name);
    if let Ok(answer) = fs::read_to_string(&file) {
        return Ok(answer);
    }
    let answer = ask()?;
    let keep = || -> Result<()> {
        fs::create_dir_all(&dir)?;
        // Renamed into place, as another process may read it.
        let mut new = tempfile::NamedTempFile::new_in(&dir)?;
        new.write_all(answer.as_bytes())?;
        new.persist(&file)?;
        Ok(())
    };
    keep().with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(answer)
}

fn answers(root: &BuildRoot) -> PathBuf {
    root.path().with_file_name("answers")
}

/// Asks the mirror for newer package lists.
pub(super) fn refresh(root: &BuildRoot) -> Result<()> {
    root.command("apt-get")
        .args(["-o", "APT::Sandbox::User=root", "-o", "APT::Update::Error-Mode=any", "update"])
        .writable_root()
        .run()?;
    match fs::remove_dir_all(answers(root)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Version of `package` that apt would take.
pub(super) fn version(root: &BuildRoot, package: &str) -> Result<String> {
    let record = root.command("apt-cache").args(["--no-all-versions", "show", package]).output()?;
    let version = record.lines().find_map(|line| line.strip_prefix("Version: "));
    version.map(str::to_owned).with_context(|| format!("apt knows no version of {package}"))
}

/// All versions of `package` that the archive has.
pub(super) fn versions(root: &BuildRoot, package: &str) -> Result<Vec<String>> {
    let table = root.command("apt-cache").args(["madison", package]).output()?;
    Ok(table.lines().filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned())).collect())
}

/// The packages that make up the kernel `release`: image, modules, headers, kbuild. How Debian
/// splits a kernel into packages changes, so their dependencies are followed.
pub(super) fn parts(root: &BuildRoot, release: &str) -> Result<Vec<String>> {
    let mut command = root.command("apt-cache");
    command.args(["depends", "--recurse", "--important"]);
    command.args([format!("linux-image-{release}"), format!("linux-headers-{release}")]);
    let tree = command.output()?;
    let version = release.split('-').next().unwrap_or(release);
    Ok(select_parts(&tree, version))
}

/// Lines of `apt-cache depends` that name packages of the kernel's own version. What there is for the build
/// root's processor too, which is programs, is taken for that.
fn select_parts(tree: &str, version: &str) -> Vec<String> {
    let mut parts: Vec<String> = tree
        .lines()
        .filter(|line| line.starts_with("linux-"))
        .filter(|name| {
            name.split_once(version).is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with(['-', ':']))
        })
        .map(str::to_owned)
        .collect();
    parts.sort();
    parts.dedup();
    let of_both: Vec<String> = parts.iter().map(|part| format!("{part}:")).collect();
    parts.retain(|part| !of_both.iter().any(|both| part.starts_with(both)));
    parts
}

/// Downloads `packages` (`NAME` or `NAME=VERSION`) into `dir` and unpacks them below `tree`.
pub(super) fn unpack(
    root: &BuildRoot,
    packages: &[String],
    dir: &Path,
    tree: &Path,
    log: &Path,
    step: &Step,
) -> Result<()> {
    for path in [dir, tree] {
        fs::create_dir_all(path).with_context(|| format!("{} cannot be made", path.display()))?;
    }
    let mut command = root.command("apt-get");
    command.args(["-o", "APT::Sandbox::User=root", "download"]).args(packages);
    command.bind_rw(dir).current_dir(dir).run_logged(log, step)?;
    let archives: Vec<_> = fs::read_dir(dir)?.flatten().map(|entry| entry.path()).collect();
    if archives.len() < packages.len() {
        bail!("apt-get downloaded {} of {} packages, without saying why", archives.len(), packages.len());
    }
    for archive in archives {
        let mut command = root.command("dpkg-deb");
        command.arg("-x").arg(&archive).arg(tree).bind_ro(dir).bind_rw(tree);
        command.run_logged(log, step)?;
        fs::remove_file(&archive).with_context(|| format!("{} cannot be removed", archive.display()))?;
    }
    Ok(())
}

/// The archive that an unpacked source package holds in `dir`.
pub(super) fn source_tarball(dir: &Path) -> Result<PathBuf> {
    let is_source = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("linux-source-") && name.contains(".tar")
    };
    fs::read_dir(dir)?
        .flatten()
        .map(|entry| entry.path())
        .find(is_source)
        .context("the kernel's source package holds no archive")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_version() {
        let tree = "linux-image-7.3.4+deb13-cloud-amd64\n  Depends: linux-binary-7.3.4+deb13-cloud-amd64\n\
                    linux-binary-7.3.4+deb13-cloud-amd64\nlinux-base\nlinux-kbuild-7.3.4+deb13\n\
                    linux-headers-7.3.4+deb13-common\nlinux-libc-dev\nlinux-image-7.3.4+deb130-amd64\n\
                    linux-kbuild-7.3.4+deb13\nlinux-kbuild-7.3.4+deb13:arm64\n\
                    linux-base-7.3.4+deb13-cloud-arm64:arm64\n";
        assert_eq!(
            select_parts(tree, "7.3.4+deb13"),
            [
                "linux-base-7.3.4+deb13-cloud-arm64:arm64",
                "linux-binary-7.3.4+deb13-cloud-amd64",
                "linux-headers-7.3.4+deb13-common",
                "linux-image-7.3.4+deb13-cloud-amd64",
                "linux-kbuild-7.3.4+deb13",
            ]
        );
    }
}
