// SPDX-License-Identifier: GPL-2.0

//! A running guest, from QEMU's start to its end.

use crate::{
    channels::{Channels, QemuEnds},
    console::Console,
    control::Message,
    signals,
};
use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use rvirtio_device::OwnDevice;
use rvirtio_provision::Scratch;
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Write},
    os::unix::{net::UnixStream, process::CommandExt as _},
    path::Path,
    process::{Child, Command, ExitStatus},
    sync::mpsc::{self, Receiver, Sender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a guest may take to power off once its command ended.
const POWER_OFF: Duration = Duration::from_secs(120);
/// How long QEMU may take to end once the guest's kernel stopped.
const AFTER_PANIC: Duration = Duration::from_secs(20);

/// How long output is collected before it is passed on: nobody sees it, and 100 kB/s fit into the buffers.
const COALESCE: Duration = Duration::from_millis(2);

/// Why a guest ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The command ended with this status, and the guest powered off.
    Exit(u8),
    /// The guest could not do what was asked.
    Failed(String),
    /// It took too long; the command's status when that had ended.
    TimedOut(Option<u8>),
    /// A signal ended us.
    Interrupted(i32),
    /// The user left.
    Left,
    /// QEMU ended, and the guest had not said why.
    Died,
}

/// What happened.
pub struct Outcome {
    pub end: End,
    /// What the guest did last, in a word.
    pub stage: String,
    /// Whether lockdep was still at work at the end; `None` without lockdep.
    pub lockdep: Option<bool>,
    pub console: Console,
    /// QEMU's own messages and status.
    pub qemu_said: String,
    pub qemu_status: Option<ExitStatus>,
    /// What disks of our own say that the drivers did wrong.
    pub findings: Vec<String>,
}

/// What the threads that watch a guest report.
pub enum Event {
    Message(Message),
    Panicked,
    Ended(io::Result<ExitStatus>),
    Signal(i32),
    /// The size of the user's terminal changed.
    Resized,
    /// The user wants to leave.
    Leave,
}

/// A guest that runs. Dropped, it is ended and its files are removed.
pub struct Vm {
    pid: Pid,
    events: Receiver<Event>,
    sender: Sender<Event>,
    control: UnixStream,
    output: Option<UnixStream>,
    error: Option<UnixStream>,
    console: UnixStream,
    qemu_said: JoinHandle<String>,
    log: Option<File>,
    on_shell: Option<Box<dyn FnMut() -> Option<String>>>,
    own_devices: Vec<OwnDevice>,
    _files: Scratch,
}

impl Vm {
    /// Starts QEMU. SIGINT, SIGTERM, SIGHUP and SIGWINCH are events from now on.
    pub(crate) fn start(
        mut command: Command,
        channels: Channels,
        ends: QemuEnds,
        own_devices: Vec<OwnDevice>,
        files: Scratch,
    ) -> Result<Self> {
        let (sender, events) = mpsc::channel();
        signals::watch(sender.clone())?;
        // Out of the terminal's way: ^C is for us, and we end QEMU.
        let mut child = command.process_group(0).spawn().context("bwrap cannot be run")?;
        drop(ends);
        let pid = Pid::from_child(&child);
        let qemu_said = collect_stderr(&mut child);
        let ended = sender.clone();
        thread::spawn(move || {
            // Nobody listens any more when the guest was given up.
            let _ = ended.send(Event::Ended(child.wait()));
        });
        Ok(Self {
            pid,
            events,
            sender,
            control: channels.control,
            output: Some(channels.output),
            error: Some(channels.error),
            console: channels.console,
            qemu_said,
            log: None,
            on_shell: None,
            own_devices,
            _files: files,
        })
    }

    /// Writes the console to `path`, which is made anew.
    pub fn log_to(&mut self, path: &Path) -> Result<()> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        self.log = Some(file);
        Ok(())
    }

    /// Takes the second serial port away from the output, for a terminal. `size` gives the terminal's
    /// rows and columns, when the guest is ready and whenever they change. Events go to the sender.
    pub fn attach(
        &mut self,
        size: impl FnMut() -> Option<String> + 'static,
    ) -> Option<(UnixStream, Sender<Event>)> {
        self.on_shell = Some(Box::new(size));
        Some((self.output.take()?, self.sender.clone()))
    }

    /// Passes the guest's output on until it ends; no end of time without `timeout`.
    pub fn run(mut self, timeout: Option<Duration>) -> Result<Outcome> {
        let output = self.output.take().map(|source| pass_on(source, io::stdout()));
        let error = self.error.take().map(|source| pass_on(source, io::stderr()));
        watch_control(&self.control, self.sender.clone())?;
        let console = watch_console(self.console.try_clone()?, self.log.take(), self.sender.clone());

        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut watch = Watch { deadline, stage: "boot".to_owned(), ..Watch::default() };
        while watch.qemu.is_none() {
            match self.next_event(watch.deadline) {
                Some(event) => self.handle(event, &mut watch),
                None => {
                    watch.deadline = None;
                    watch.end.get_or_insert(End::TimedOut(watch.status));
                    self.kill();
                }
            }
        }
        // QEMU is gone, so all of these have come to their end.
        for pump in [output, error].into_iter().flatten() {
            let _ = pump.join();
        }
        let console =
            console.join().unwrap_or_else(|_| Ok(Console::default())).context("the log cannot be written")?;
        // The last words may have come after QEMU's end.
        while let Ok(event) = self.events.try_recv() {
            self.handle(event, &mut watch);
        }
        let end = watch.end.unwrap_or_else(|| watch.status.map_or(End::Died, End::Exit));
        let qemu_said =
            std::mem::replace(&mut self.qemu_said, thread::spawn(String::new)).join().unwrap_or_default();
        Ok(Outcome {
            end,
            stage: watch.stage,
            lockdep: watch.lockdep,
            console,
            qemu_said,
            qemu_status: watch.qemu.and_then(Result::ok),
            findings: self.own_devices.iter().flat_map(OwnDevice::findings).collect(),
        })
    }

    fn next_event(&self, deadline: Option<Instant>) -> Option<Event> {
        match deadline {
            Some(deadline) => {
                self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
            }
            // We hold a sender ourselves, so the channel stays open.
            None => self.events.recv().ok(),
        }
    }

    fn handle(&mut self, event: Event, watch: &mut Watch) {
        match event {
            Event::Message(Message::Stage(stage)) => watch.stage = stage,
            Event::Message(Message::Note(note)) => eprintln!("tools/vm: {note}"),
            Event::Message(Message::Lockdep(works)) => watch.lockdep = Some(works),
            Event::Message(Message::Shell) | Event::Resized => self.send_size(),
            Event::Message(Message::Exit(status)) => {
                watch.status = Some(status);
                watch.not_after(POWER_OFF);
            }
            Event::Message(Message::Fail(why)) => {
                watch.end.get_or_insert(End::Failed(why));
                watch.not_after(AFTER_PANIC);
            }
            Event::Panicked => watch.not_after(AFTER_PANIC),
            Event::Ended(status) => watch.qemu = Some(status),
            Event::Signal(signal) => {
                watch.end.get_or_insert(End::Interrupted(signal));
                self.kill();
            }
            Event::Leave => {
                watch.end.get_or_insert(End::Left);
                self.kill();
            }
        }
    }

    fn send_size(&mut self) {
        if let Some(size) = self.on_shell.as_mut().and_then(|size| size()) {
            // A guest that ends meanwhile needs no size.
            let _ = self.control.write_all(format!("winsize {size}\n").as_bytes());
        }
    }

    fn kill(&self) {
        // It may have ended by itself.
        let _ = kill_process(self.pid, Signal::KILL);
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What is known about the guest's end so far.
#[derive(Default)]
struct Watch {
    deadline: Option<Instant>,
    stage: String,
    lockdep: Option<bool>,
    status: Option<u8>,
    end: Option<End>,
    qemu: Option<io::Result<ExitStatus>>,
}

impl Watch {
    /// The guest must end within `time`.
    fn not_after(&mut self, time: Duration) {
        let latest = Instant::now() + time;
        self.deadline = Some(self.deadline.map_or(latest, |deadline| deadline.min(latest)));
    }
}

/// Copies as the bytes come. A reader that went away does not stop the guest.
fn pass_on(mut source: UnixStream, mut sink: impl Write + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        let mut open = true;
        while let Ok(len @ 1..) = source.read(&mut buffer) {
            open = open && sink.write_all(&buffer[..len]).and_then(|()| sink.flush()).is_ok();
            // A serial port sends byte by byte: together they cost less than one by one.
            thread::sleep(COALESCE);
        }
    })
}

fn watch_control(control: &UnixStream, sender: Sender<Event>) -> Result<()> {
    let source = BufReader::new(control.try_clone()?);
    thread::spawn(move || {
        for line in source.split(b'\n').map_while(Result::ok) {
            if let Some(message) = Message::parse(&String::from_utf8_lossy(&line)) {
                let _ = sender.send(Event::Message(message));
            }
        }
    });
    Ok(())
}

fn watch_console(
    source: UnixStream,
    log: Option<File>,
    sender: Sender<Event>,
) -> JoinHandle<io::Result<Console>> {
    thread::spawn(move || {
        Console::read(source, log, || {
            let _ = sender.send(Event::Panicked);
        })
    })
}

/// QEMU says little; what it says is shown when it is of use.
fn collect_stderr(child: &mut Child) -> JoinHandle<String> {
    let stderr = child.stderr.take();
    thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let _ = stderr.take(64 << 10).read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).trim().to_owned()
    })
}
