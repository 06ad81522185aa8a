// SPDX-License-Identifier: GPL-2.0

//! Long commands: output to a log file, its last line beside the spinner, and on failure an error
//! that says the likely cause in one sentence where we know it.

use crate::{interrupt, progress::Step};
use anyhow::{Context as _, Error, Result, anyhow, bail};
use rustix::process::Pid;
use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

/// How often a running command is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Lines of output that an error without a known cause shows.
const TAIL: usize = 15;

const DISK_FULL: &str = "the disk that holds the cache (or its quota) is full: free some space, \
                         or set XDG_CACHE_HOME to a directory on a larger disk";

/// Texts in the output of apt, what they say of the mirror, and what to do.
const CAUSES: [(&[&str], &str, &str); 3] = [
    (
        &[
            "Temporary failure resolving",
            "Could not resolve",
            "Could not connect",
            "Unable to connect",
            "Connection timed out",
            "Connection refused",
            "Connection failed",
            "Network is unreachable",
        ],
        " cannot be reached",
        "check the network, the mirror in apt's sources and its proxy",
    ),
    (
        &["does not have a Release file", "404  Not Found", "403  Forbidden", "Unable to locate package"],
        " does not have what is asked for",
        "check the mirror in apt's sources",
    ),
    (
        &["NO_PUBKEY", "is not signed", "signatures were invalid"],
        "'s signature cannot be checked",
        "check that apt's sources name a Debian mirror, and update the package debian-archive-keyring",
    ),
];

/// Less than this many MiB left is as good as none.
const FULL: u64 = 32;

/// Runs `command` to its end with its output in `log` (appended), shown by `step`.
pub(crate) fn run(command: &mut Command, log: &Path, step: &Step) -> Result<()> {
    let start = fs::metadata(log).map_or(0, |metadata| metadata.len());
    let status = status(command, log, step)?;
    if status.success() {
        return Ok(());
    }
    let output = fs::read(log).with_context(|| format!("the log {} cannot be read", log.display()))?;
    let output = String::from_utf8_lossy(output.get(start as usize..).unwrap_or_default()).into_owned();
    Err(failure(&command.get_program().to_string_lossy(), status, &output, Some(log)))
}

/// As [`run`], for callers who look at the output of a failed command themselves.
pub(crate) fn status(command: &mut Command, log: &Path, step: &Step) -> Result<ExitStatus> {
    let program = command.get_program().to_string_lossy().into_owned();
    let file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("the log {} cannot be written", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let mut child = command.spawn().with_context(|| format!("{program} cannot be started"))?;
    wait(&mut child, log, step)
}

/// Runs a short command and gives its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("{program} cannot be started"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    if interrupt::stopped() {
        bail!("interrupted");
    }
    let text = [output.stdout, output.stderr].concat();
    Err(failure(&program, output.status, &String::from_utf8_lossy(&text), None))
}

/// Waits for the end; on a signal to us, ends the command first.
fn wait(child: &mut Child, log: &Path, step: &Step) -> Result<ExitStatus> {
    let mut reader = File::open(log)?;
    let mut seen = String::new();
    loop {
        if let Some(status) = child.try_wait()? {
            if interrupt::stopped() {
                bail!("interrupted");
            }
            return Ok(status);
        }
        if interrupt::stopped() {
            terminate(child);
        }
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        seen.push_str(&String::from_utf8_lossy(&bytes));
        if let Some(end) = seen.rfind('\n') {
            step.message(seen[..end].rsplit('\n').next().unwrap_or_default());
            seen.drain(..=end);
        }
        thread::sleep(POLL);
    }
}

/// SIGTERM, so that the command can clean up after itself (mmdebstrap unmounts what it mounted).
fn terminate(child: &Child) {
    // It may have ended by itself, which is as good.
    let _ = rustix::process::kill_process(Pid::from_child(child), rustix::process::Signal::TERM);
}

fn failure(program: &str, status: ExitStatus, output: &str, log: Option<&Path>) -> Error {
    // A full disk also swallows the message that says so, when the log is on it.
    if log.is_some_and(disk_is_full) {
        return anyhow!("{DISK_FULL}");
    }
    if let Some(cause) = cause(output) {
        return anyhow!("{cause}");
    }
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n  ");
    let log = log.map(|log| format!(" (all of its output: {})", log.display())).unwrap_or_default();
    anyhow!("{program} failed, {status}{log}:\n  {tail}")
}

fn disk_is_full(file: &Path) -> bool {
    let Some(dir) = file.parent() else { return false };
    rustix::fs::statvfs(dir).is_ok_and(|stat| stat.f_bavail.saturating_mul(stat.f_frsize) >> 20 < FULL)
}

/// What usually went wrong when this is in the output.
fn cause(output: &str) -> Option<String> {
    let line_with = |texts: &[&str]| {
        output.lines().find(|line| texts.iter().any(|text| line.contains(text))).map(str::trim)
    };
    if line_with(&["No space left on device", "enough free space"]).is_some() {
        return Some(DISK_FULL.to_owned());
    }
    CAUSES.iter().find_map(|(texts, what, advice)| {
        let line = line_with(texts)?.trim_start_matches("E: ").trim_start_matches("W: ");
        Some(format!("the Debian mirror{what} ({line}): {advice}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Progress;

    #[test]
    fn known_causes_are_one_sentence() {
        for (output, expected) in [
            ("tar: x: Cannot write: No space left on device", "free some space"),
            ("E: Failed to fetch http://m/x  Temporary failure resolving 'm'", "check the network"),
            (
                "E: The repository 'http://m trixie Release' does not have a Release file.",
                "the mirror in apt's sources",
            ),
            ("W: GPG error: NO_PUBKEY 6ED0E7B82643E131", "debian-archive-keyring"),
        ] {
            let text = cause(output).expect(output);
            assert!(text.contains(expected) && !text.contains('\n'), "{text}");
        }
        assert_eq!(cause("error: expected `;`"), None);
    }

    #[test]
    fn failure_shows_this_commands_output_only() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let log = dir.path().join("log");
        fs::write(&log, "older\n").expect("log");
        let step = Progress::new().step("test");
        let error = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), &log, &step)
            .expect_err("must fail")
            .to_string();
        assert!(error.contains("exit status: 3") && error.contains("out\n  err"), "{error}");
        assert!(!error.contains("older"), "{error}");
        run(&mut Command::new("true"), &log, &step).expect("true succeeds");
        step.done();
    }

    #[test]
    fn output_is_standard_output() {
        assert_eq!(output(Command::new("sh").args(["-c", "echo a; echo b >&2"])).expect("runs"), "a\n");
        let error = output(&mut Command::new("/nonexistent")).expect_err("must fail").to_string();
        assert_eq!(error, "/nonexistent cannot be started");
    }
}
