// SPDX-License-Identifier: GPL-2.0

//! Programs inside the build root, by bubblewrap: as root, or as an ordinary user in a user
//! namespace. Mounts live and die with the program.

use crate::{exec, host, progress::Step};
use anyhow::{Context as _, Result};
use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Directories that are fresh inside; what is bound below them needs no place in the build root.
const FRESH: [&str; 3] = ["/tmp", "/run", "/var/tmp"];

/// Variables of the caller that mean the same inside. All others are dropped: the host's
/// CARGO_HOME, RUSTUP_TOOLCHAIN or CFLAGS would change what is built.
const KEPT: [&str; 8] =
    ["TERM", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "COLUMNS"];

/// A command that runs inside the build root. The network is the caller's.
///
/// The root is read-only, `/tmp`, `/run` and `/var/tmp` are fresh, `/dev` and `/sys` are the host's.
#[derive(Clone)]
pub struct BwrapCommand {
    root: PathBuf,
    writable_root: bool,
    binds: Vec<(PathBuf, bool)>,
    env: Vec<(OsString, OsString)>,
    dir: PathBuf,
    program: OsString,
    args: Vec<OsString>,
}

impl BwrapCommand {
    pub(crate) fn new(root: &Path, program: &OsStr) -> Self {
        Self {
            root: root.to_owned(),
            writable_root: false,
            binds: Vec::new(),
            env: Vec::new(),
            dir: PathBuf::from("/"),
            program: program.to_owned(),
            args: Vec::new(),
        }
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(&mut self, key: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.env.push((key.into(), value.as_ref().to_owned()));
        self
    }

    /// Where the program starts (a path inside; `/` unless told).
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Self {
        self.dir = dir.as_ref().to_owned();
        self
    }

    /// Shows a host file or directory, read-only, at the same path inside. Later binds cover earlier ones.
    pub fn bind_ro(&mut self, path: impl AsRef<Path>) -> &mut Self {
        self.binds.push((path.as_ref().to_owned(), false));
        self
    }

    /// Shows a host file or directory, writable, at the same path inside.
    pub fn bind_rw(&mut self, path: impl AsRef<Path>) -> &mut Self {
        self.binds.push((path.as_ref().to_owned(), true));
        self
    }

    /// Lets the command change the build root itself, as apt does with its lists.
    pub(crate) fn writable_root(&mut self) -> &mut Self {
        self.writable_root = true;
        self
    }

    /// The `bwrap` command line, for spawning with one's own standard streams.
    ///
    /// Ending the bwrap process ends everything inside.
    ///
    /// # Errors
    ///
    /// When a bound path does not exist, or its place inside cannot be made.
    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new("bwrap");
        command.arg("--die-with-parent").arg("--unshare-pid");
        if !host::is_root() {
            command.args(["--unshare-user", "--uid", "0", "--gid", "0"]);
        }
        command.arg(if self.writable_root { "--bind" } else { "--ro-bind" }).arg(&self.root).arg("/");
        command.args(["--dev-bind", "/dev", "/dev", "--proc", "/proc", "--ro-bind-try", "/sys", "/sys"]);
        for dir in FRESH {
            command.args(["--tmpfs", dir]);
        }
        for file in ["/etc/resolv.conf", "/etc/hosts"] {
            command.args(["--ro-bind-try", file, file]);
        }
        for (path, writable) in &self.binds {
            self.make_place(path)?;
            command.arg(if *writable { "--bind" } else { "--ro-bind" }).arg(path).arg(path);
        }
        command.arg("--chdir").arg(&self.dir).arg("--clearenv");
        for (key, value) in self.environment() {
            command.arg("--setenv").arg(key).arg(value);
        }
        command.arg("--").arg(&self.program).args(&self.args);
        Ok(command)
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let fixed = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/tmp"),
            ("LC_ALL", "C.UTF-8"),
            ("DEBIAN_FRONTEND", "noninteractive"),
        ];
        let fixed = fixed.into_iter().map(|(key, value)| (key.into(), value.into()));
        let kept = KEPT.into_iter().filter_map(|key| Some((key.into(), env::var_os(key)?)));
        fixed.chain(kept).chain(self.env.iter().cloned()).collect()
    }

    /// bwrap cannot make a mount point on a read-only root, so it is made from outside.
    fn make_place(&self, path: &Path) -> Result<()> {
        let is_dir = fs::metadata(path)
            .with_context(|| format!("{} cannot be shown inside the build root", path.display()))?
            .is_dir();
        if FRESH.iter().any(|fresh| path.starts_with(fresh)) {
            return Ok(());
        }
        let place = self.root.join(path.strip_prefix("/").unwrap_or(path));
        let made = if is_dir {
            fs::create_dir_all(&place)
        } else {
            let parent = place.parent().unwrap_or(&self.root);
            fs::create_dir_all(parent)
                .and_then(|()| fs::OpenOptions::new().create(true).append(true).open(&place).map(drop))
        };
        made.with_context(|| format!("{} cannot be made", place.display()))
    }

    /// Runs to the end; on failure the error holds the end of the output.
    pub fn run(&self) -> Result<()> {
        self.output().map(drop)
    }

    /// As [`BwrapCommand::run`], but gives the standard output.
    pub fn output(&self) -> Result<String> {
        exec::output(&mut self.command()?)
            .with_context(|| format!("{} failed in the build root", self.program.to_string_lossy()))
    }

    /// Runs a long command to its end with its output in `log`, shown by `step`.
    pub(crate) fn run_logged(&self, log: &Path, step: &Step) -> Result<()> {
        exec::run(&mut self.command()?, log, step)
    }
}
