// SPDX-License-Identifier: GPL-2.0

//! Programs inside the build root.

use std::{ffi::OsStr, path::Path, process::Command};

/// A command that runs inside the build root by bubblewrap.
pub struct BwrapCommand {}

impl BwrapCommand {
    /// Adds an argument.
    pub fn arg(&mut self, _arg: impl AsRef<OsStr>) -> &mut Self {
        todo!()
    }

    /// Adds arguments.
    pub fn args(&mut self, _args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        todo!()
    }

    /// Sets an environment variable.
    pub fn env(&mut self, _key: &str, _value: impl AsRef<OsStr>) -> &mut Self {
        todo!()
    }

    /// Where the program starts (a path inside).
    pub fn current_dir(&mut self, _dir: impl AsRef<Path>) -> &mut Self {
        todo!()
    }

    /// Shows a host path, read-only, at the same path inside.
    pub fn bind_ro(&mut self, _path: impl AsRef<Path>) -> &mut Self {
        todo!()
    }

    /// Shows a host path, writable, at the same path inside.
    pub fn bind_rw(&mut self, _path: impl AsRef<Path>) -> &mut Self {
        todo!()
    }

    /// The `bwrap` command line, for spawning with own stdio.
    pub fn command(&self) -> Command {
        todo!()
    }

    /// Runs to the end with its output captured; on failure the error holds the end of the output.
    pub fn run(&self) -> anyhow::Result<()> {
        todo!()
    }

    /// As [`BwrapCommand::run`], but gives the standard output.
    pub fn output(&self) -> anyhow::Result<String> {
        todo!()
    }
}
