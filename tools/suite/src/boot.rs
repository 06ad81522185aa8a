// SPDX-License-Identifier: GPL-2.0

//! Runs tests in a guest, and another when one of them took the guest with it.

use crate::{
    disks,
    frames::{Frame, Frames},
    guest::{self, Boot, Run},
    modules::Builder,
    net_device::NetDevice,
    outcome::{Outcome, tail},
    registers, selftests,
};
use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

/// What the guest gets beyond its tests' time, to boot and to power off.
const BOOT: Duration = Duration::from_secs(180);

/// In the guest each test is ended after its time. This much later it counts as stuck in the kernel.
const STUCK: Duration = Duration::from_secs(30);

/// How often a signal to us is looked for.
const POLL: Duration = Duration::from_millis(500);

/// What `tools/vm exec` exits with when the kernel complained.
const COMPLAINT: i32 = 70;

/// Before each test the kernel's log gets a line with this and the test's number.
const MARK: &str = "rvirtio-test: start ";

/// What is told while tests run.
pub enum Event {
    /// A guest is started, or a test in it.
    Running(String),
    /// A test ended.
    Done(Outcome),
}

/// Where and how guests are run.
pub struct Guests<'a> {
    /// The source tree.
    pub repo: &'a Path,
    /// For modules that only a test wants; its root holds `qemu-img`.
    pub modules: Builder<'a>,
    /// Argument of `--kernel` for guests whose tests name none.
    pub kernel: &'a str,
    /// The kernel's source, if guests want the tests in it.
    pub source: Option<&'a Path>,
    /// Where output and kernel logs are kept.
    pub logs: &'a Path,
    /// Set when the user wants to stop.
    pub interrupted: &'a AtomicBool,
}

impl Guests<'_> {
    /// Argument of `--kernel`.
    pub fn kernel_of<'b>(&'b self, boot: &'b Boot) -> &'b str {
        boot.spec.kernel.as_deref().unwrap_or(self.kernel)
    }

    /// Runs all of `boot` and tells how it goes.
    pub fn run(&self, boot: &Boot, tell: &dyn Fn(Event)) -> Result<()> {
        let mut rest = boot.runs.as_slice();
        while !rest.is_empty() && !self.interrupted.load(Ordering::Relaxed) {
            let mut guest = Guest::start(self, boot, rest)?;
            let ended = guest.watch(self, rest, tell)?;
            if boot.spec.trace {
                let trace = guest.dir.path().join(registers::FILE);
                registers::judge(&trace)?.into_iter().for_each(|outcome| tell(Event::Done(outcome)));
            }
            rest = &rest[ended..];
        }
        Ok(())
    }
}

/// A guest that runs tests.
struct Guest {
    child: Child,
    lines: mpsc::Receiver<Vec<u8>>,
    error_file: PathBuf,
    console: PathBuf,
    output: PathBuf,
    /// Ends with the guest.
    _device: Option<NetDevice>,
    dir: tempfile::TempDir,
}

impl Guest {
    fn start(guests: &Guests<'_>, boot: &Boot, runs: &[Run]) -> Result<Self> {
        let dir = tempfile::tempdir().context("no temporary directory for a guest's disks")?;
        disks::make(guests.modules.root, &boot.spec.disks, dir.path())?;
        if boot.spec.other_core {
            guests.modules.build_other_core(guests.repo, dir.path())?;
        }
        if boot.spec.selftests {
            let source = guests.source.context("the kernel's source was not fetched")?;
            selftests::make(guests.modules.root, source, dir.path())?;
        }
        let device = boot.spec.net_device;
        let device =
            device.then(|| NetDevice::start(guests.modules.root, guests.repo, dir.path())).transpose()?;
        let name = runs[0].name.replace('/', "-");
        let file = |end: &str| guests.logs.join(format!("{name}.{end}"));
        let (console, output) = (file("console"), file("output"));
        let time: Duration = runs.iter().map(|run| Duration::from_secs(run.timeout) + STUCK).sum();
        let error_file = dir.path().join("stderr");

        let mut command = Command::new(guests.repo.join("tools/vm"));
        command.args(["exec", "--kernel", guests.kernel_of(boot)]).args(boot.spec.options(dir.path()));
        command.arg("--timeout").arg((BOOT + time).as_secs().to_string());
        command.arg("--log").arg(&console);
        command.arg("--copy").arg(guest::scripts(guests.repo)).args(["--", "sh", "/host/guest/run"]);
        command.args(runs.iter().map(|run| format!("{} {} {}", run.timeout, run.script, run.case)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&error_file)?);
        let mut child = command.spawn().context("tools/vm cannot be started")?;
        let (sender, lines) = mpsc::channel();
        let stdout = child.stdout.take().context("tools/vm has no output")?;
        let copy = File::create(&output).with_context(|| format!("{} cannot be made", output.display()))?;
        thread::spawn(move || relay(stdout, copy, &sender));
        Ok(Self { child, lines, error_file, console, output, _device: device, dir })
    }

    /// Follows the tests until the guest ends. Returns how many of `runs` ended.
    fn watch(&mut self, guests: &Guests<'_>, runs: &[Run], tell: &dyn Fn(Event)) -> Result<usize> {
        tell(Event::Running(format!("a guest for {}", runs[0].name)));
        let mut frames = Frames::default();
        let mut deadline: Option<Instant> = None;
        let mut stopped = false;
        loop {
            match self.lines.recv_timeout(POLL) {
                Ok(line) => match frames.line(&line) {
                    Some(Frame::Start(index)) => {
                        let run = runs.get(index).context("the guest runs a test that it was not given")?;
                        deadline = Some(Instant::now() + Duration::from_secs(run.timeout) + STUCK);
                        tell(Event::Running(run.name.clone()));
                    }
                    Some(Frame::End { index, status, time, output }) => {
                        let run = runs.get(index).context("the guest ran a test that it was not given")?;
                        deadline = None;
                        let output = if status == 124 {
                            format!("{output}\nnot done after {} s", run.timeout)
                        } else {
                            output
                        };
                        let outcome = Outcome::of_script(&run.name, time, status, &output);
                        tell(Event::Done(outcome.with_log(self.output.clone())));
                    }
                    None => {}
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let late = deadline.is_some_and(|deadline| Instant::now() > deadline);
            if !stopped && (late || guests.interrupted.load(Ordering::Relaxed)) {
                terminate(&self.child);
                stopped = true;
            }
        }
        let status = self.child.wait()?.code().unwrap_or(-1);
        if guests.interrupted.load(Ordering::Relaxed) {
            return Ok(frames.ended());
        }
        Ok(self.judge(runs, frames, status, stopped, tell))
    }

    /// Looks at how the guest ended. What it took with it counts as failed.
    fn judge(&self, runs: &[Run], frames: Frames, status: i32, stopped: bool, tell: &dyn Fn(Event)) -> usize {
        let errors = fs::read_to_string(&self.error_file).unwrap_or_default();
        let mut ended = frames.ended();
        let running = frames.running();
        if status == COMPLAINT && (ended > 0 || running.is_some()) {
            let blamed = self.blame(&errors).and_then(|index| runs.get(index)).unwrap_or(&runs[0]);
            let name = format!("{} (kernel log)", blamed.name);
            let detail = said(&errors);
            tell(Event::Done(Outcome::failed(name, Duration::ZERO, detail).with_log(self.console.clone())));
        }
        if let Some((index, time, output)) = running {
            let why = if stopped { "the guest was stuck and was stopped" } else { "the guest ended" };
            let detail = format!("{}\n{}\n{why} (exit status {status})", tail(&output), tail(&errors));
            let outcome = Outcome::failed(&runs[index].name, time, detail);
            tell(Event::Done(outcome.with_log(self.console.clone())));
            ended = index + 1;
        } else if ended == 0 {
            // Another try would end the same way. The reason is told once.
            let mut detail = format!("its guest did not come up (exit status {status})\n{}", tail(&errors));
            for run in runs {
                let outcome = Outcome::failed(&run.name, Duration::ZERO, detail);
                tell(Event::Done(outcome.with_log(self.console.clone())));
                detail = format!("its guest did not come up: see {}", runs[0].name);
            }
            ended = runs.len();
        } else if !matches!(status, 0 | COMPLAINT) {
            let name = format!("{} (power off)", runs[ended - 1].name);
            let detail = format!("{}\nexit status {status} after the test", tail(&errors));
            tell(Event::Done(Outcome::failed(name, Duration::ZERO, detail).with_log(self.console.clone())));
        }
        ended
    }

    /// Number of the test that ran when the kernel wrote the first line that `errors` quotes.
    fn blame(&self, errors: &str) -> Option<usize> {
        let console = fs::read(&self.console).ok()?;
        let console = String::from_utf8_lossy(&console);
        let first =
            errors.lines().map(str::trim).find(|line| line.starts_with('[') && console.contains(line))?;
        let before = &console[..console.find(first)?];
        let mark = before.rfind(MARK)? + MARK.len();
        before[mark..].lines().next()?.trim().parse().ok()
    }
}

/// Lines of a complaint that are shown: the first say what it is.
const SAID: usize = 25;

/// What the runner said at last, without what it built.
fn said(errors: &str) -> String {
    let lines = errors.lines().skip_while(|line| !line.starts_with("tools/vm: "));
    lines.take(SAID).collect::<Vec<_>>().join("\n")
}

/// Passes on lines, and keeps a copy.
fn relay(stdout: impl std::io::Read, mut copy: File, sender: &Sender<Vec<u8>>) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    // A line can be long when a test prints what it read; cut, it is still shown.
    while reader.by_ref().take(1 << 16).read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
        // Without the copy the tests still count.
        let _ = std::io::Write::write_all(&mut copy, &line);
        if sender.send(std::mem::take(&mut line)).is_err() {
            return;
        }
    }
}

/// Lets the runner end its guest and clean up.
fn terminate(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended by itself, which is as good.
        let _ = kill_process(pid, Signal::TERM);
    }
}
