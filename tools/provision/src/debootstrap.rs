// SPDX-License-Identifier: GPL-2.0

//! Debian userlands, made by the host's mmdebstrap.

use crate::{
    apt::{Mirrors, Origin, SUITE},
    exec, host,
    progress::Step,
};
use anyhow::{Context as _, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Settings of the machine's apt that decide whether a mirror can be reached and is believed.
const INHERITED: [&str; 4] =
    ["Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date"];

/// Which userland to make.
pub(crate) struct Debootstrap<'a> {
    pub(crate) mirrors: &'a Mirrors,
    /// mmdebstrap's variant: `apt`, `minbase`, or `extract`, which runs no program of the packages.
    pub(crate) variant: &'a str,
    /// Debian's names of the processors that packages are for, with commas: its own, then others.
    pub(crate) architectures: &'a str,
    /// Their names, with spaces.
    pub(crate) packages: &'a str,
    pub(crate) origin: Origin,
    /// Further mmdebstrap options.
    pub(crate) options: &'a [&'a str],
}

impl Debootstrap<'_> {
    /// Makes it as a directory. For an ordinary user all files in it belong to that user.
    pub(crate) fn directory(&self, dir: &Path, log: &Path, step: &Step) -> Result<()> {
        if host::is_root() {
            return self.run("directory", dir, log, step);
        }
        // Left by unshare mode as they are, the files would belong to subordinate ids, and their
        // user could not even delete them.
        let tar = dir.with_extension("tar");
        self.run("tar", &tar, log, step)?;
        fs::create_dir(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        step.message("unpacking");
        let unpack = exec::run(
            Command::new("tar")
                .args(["--no-same-owner", "--exclude=./dev/*", "-xf"])
                .arg(&tar)
                .arg("-C")
                .arg(dir),
            log,
            step,
        );
        fs::remove_file(&tar).with_context(|| format!("{} cannot be removed", tar.display()))?;
        unpack
    }

    /// Makes it as a tar archive, with the owners that it has inside.
    pub(crate) fn tar(&self, file: &Path, log: &Path, step: &Step) -> Result<()> {
        self.run("tar", file, log, step)
    }

    fn run(&self, format: &str, target: &Path, log: &Path, step: &Step) -> Result<()> {
        let mut command = Command::new("mmdebstrap");
        command
            .arg(if host::is_root() { "--mode=root" } else { "--mode=unshare" })
            .arg(format!("--variant={}", self.variant))
            .arg(format!("--format={format}"))
            .arg(format!("--architectures={}", self.architectures))
            .arg("--dpkgopt=force-unsafe-io")
            .arg("--aptopt=APT::Install-Recommends \"false\"")
            .arg(format!("--include={}", self.packages.replace(' ', ",")))
            .args(inherited_options()?)
            .args(self.options);
        if let Origin::Backports(packages) = self.origin {
            let pin = preferences(packages);
            command.arg(format!("--setup-hook=printf %s '{pin}' > \"$1/etc/apt/preferences.d/rvirtio\""));
        }
        if let Some(keyring) = self.own_keyring() {
            let path = keyring.display();
            command.arg(format!("--customize-hook=install -D -m 644 '{path}' \"$1/{path}\""));
        }
        command.arg(self.origin.suite()).arg(target).args(self.mirrors.lines(self.origin));
        // A path of the host's user means nothing to the programs inside; and a build must not
        // depend on the host's language.
        command.env("LC_ALL", "C.UTF-8").env_remove("LANGUAGE");
        if let Some(dir) = scratch(target) {
            command.env("TMPDIR", dir);
        }
        exec::run(&mut command, log, step)
    }

    /// A keyring that Debian itself does not install inside.
    fn own_keyring(&self) -> Option<&PathBuf> {
        let own = |path: &&PathBuf| path.file_stem().is_none_or(|stem| stem != "debian-archive-keyring");
        self.mirrors.keyring.as_ref().filter(own)
    }
}

/// Where mmdebstrap keeps the tree while it makes an archive of it: beside the archive, so that
/// it is removed with it. But subordinate users cannot enter a private home, and `/tmp` may be
/// a small one in memory.
fn scratch(target: &Path) -> Option<PathBuf> {
    match (host::is_root(), env::var_os("TMPDIR")) {
        (true, _) => target.parent().map(Path::to_owned),
        (false, Some(_)) => None,
        (false, None) => Some(PathBuf::from("/var/tmp")),
    }
}

/// apt_preferences(5) text that takes `packages` from backports, where others stay in the release.
fn preferences(packages: &str) -> String {
    format!("Package: {packages}\nPin: release n={}-backports\nPin-Priority: 600\n", SUITE)
}

/// mmdebstrap starts apt with a configuration of its own: hand on what the machine needs.
fn inherited_options() -> Result<Vec<String>> {
    let dump = exec::output(Command::new("apt-config").arg("dump"))?;
    Ok(inherit(&dump))
}

fn inherit(dump: &str) -> Vec<String> {
    dump.lines()
        .filter(|line| line.split_whitespace().next().is_some_and(|name| INHERITED.contains(&name)))
        .filter(|line| !line.ends_with("\"\";"))
        .map(|line| format!("--aptopt={}", line.trim_end_matches(';')))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reaches_the_mirror_is_inherited() {
        let dump = "APT \"\";\nAcquire::http \"\";\nAcquire::http::Proxy \"http://proxy:3128\";\n\
                    Acquire::https::Proxy \"\";\nAcquire::Check-Date \"false\";\nDir::Etc \"etc/apt\";\n";
        assert_eq!(
            inherit(dump),
            ["--aptopt=Acquire::http::Proxy \"http://proxy:3128\"", "--aptopt=Acquire::Check-Date \"false\""]
        );
    }
}
