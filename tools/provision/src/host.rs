// SPDX-License-Identifier: GPL-2.0

//! What the host must have: two packages, and either root or user namespaces.

use crate::{exec, progress::Progress};
use anyhow::{Context as _, Result, bail};
use std::{env, path::PathBuf, process::Command};

/// Programs that we call on the host, and the packages that hold them.
const NEEDED: [(&str, &str); 2] = [("mmdebstrap", "mmdebstrap"), ("bwrap", "bubblewrap")];

/// Whether we run as root (then no user namespaces are needed).
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Finds `program` on the search path.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let found = env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file());
    // Other users' default path leaves out the system directories.
    found.or_else(|| Some(PathBuf::from("/usr/sbin").join(program)).filter(|path| path.is_file()))
}

/// Makes sure that bubblewrap can be used.
pub(crate) fn check_sandbox() -> Result<()> {
    if which("bwrap").is_none() {
        bail!("bwrap is missing: run: {}", install_command(&["bubblewrap"]));
    }
    if !is_root() {
        let probe = Command::new("bwrap").args(["--unshare-user", "--ro-bind", "/", "/", "true"]).output();
        if !probe.is_ok_and(|output| output.status.success()) {
            bail!(
                "this kernel gives ordinary users no user namespaces: run as root, or allow them \
                 (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)"
            );
        }
    }
    Ok(())
}

/// Makes sure that mmdebstrap and bubblewrap are there: root installs what is missing, others are told how.
pub(crate) fn ensure_programs(progress: &Progress) -> Result<()> {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|(program, _)| which(program).is_none()).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        if !is_root() {
            bail!("{} missing on this machine: run: {}", missing.join(" and "), install_command(&missing));
        }
        progress.note(&format!("installing {} by apt-get", missing.join(" and ")));
        install(&missing).with_context(|| {
            format!("{} could not be installed; try: {}", missing.join(" and "), install_command(&missing))
        })?;
    }
    check_sandbox()?;
    if !is_root() {
        check_subordinate_ids()?;
    }
    Ok(())
}

fn install_command(packages: &[&str]) -> String {
    let sudo = if is_root() { "" } else { "sudo " };
    format!("{sudo}apt-get install {}", packages.join(" "))
}

fn install(packages: &[&str]) -> Result<()> {
    let apt = |arguments: &[&str]| {
        exec::output(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
            .map(drop)
    };
    let arguments = [&["install", "-y", "--no-install-recommends"], packages].concat();
    // Package lists may be absent or old: a second try with fresh ones.
    apt(&arguments).or_else(|_| apt(&["update"]).and_then(|()| apt(&arguments)))
}

/// mmdebstrap's unshare mode maps a range of user ids, which newuidmap grants from /etc/subuid.
fn check_subordinate_ids() -> Result<()> {
    if which("newuidmap").is_none() {
        bail!("newuidmap is missing on this machine: run: {}", install_command(&["uidmap"]));
    }
    let user = exec::output(Command::new("id").arg("-un"))?;
    let user = user.trim();
    let uid = rustix::process::geteuid().as_raw().to_string();
    for file in ["/etc/subuid", "/etc/subgid"] {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if !has_range(&text, user, &uid) {
            bail!(
                "{user} has no subordinate ids in {file}: run: \
                 sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}"
            );
        }
    }
    Ok(())
}

/// Whether an /etc/subuid text gives `user` the 65536 ids that a Debian system uses.
fn has_range(text: &str, user: &str, uid: &str) -> bool {
    text.lines().any(|line| {
        let mut fields = line.split(':');
        let owner = fields.next().unwrap_or_default();
        let count: u64 = fields.nth(1).and_then(|count| count.trim().parse().ok()).unwrap_or(0);
        (owner == user || owner == uid) && count >= 65536
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subordinate_ranges() {
        let text = "other:100000:65536\nme:165536:65536\n1001:231072:1000\n";
        assert!(has_range(text, "me", "1000"));
        assert!(!has_range(text, "small", "1001"));
        assert!(!has_range(text, "nobody", "65534"));
        assert!(!has_range("me\nme:x:y\n", "me", "1000"));
    }

    #[test]
    fn finds_programs() {
        assert!(which("sh").is_some());
        assert!(which("surely-no-such-program").is_none());
    }
}
