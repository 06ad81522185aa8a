// SPDX-License-Identifier: GPL-2.0

//! The control queue.

use crate::spec::control::{
    Command,
    OK, //
};
use kernel::{
    device::Bound,
    prelude::*,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    }, //
};
use rvirtio::{
    virtqueue::InOut,
    Buffer,
    Configured,
    Device,
    Start,
    Stopped,
    Virtqueue, //
};

/// Room for a command with its data and what the device writes, in bytes.
const ROOM: u32 = 8192;

/// Room for its data, in bytes: what comes before is two bytes, and what comes after at most one.
pub(crate) const DATA_ROOM: usize = ROOM as usize - 3;

/// Descriptors of a command: one that the device reads, and one that it writes.
const DESCRIPTORS: u16 = 2;

/// How long a device has time for a command. The network's configuration waits for it.
const PATIENCE: Delta = Delta::from_secs(2);

/// A queue of commands, of which there is one at a time.
///
/// A device that does not answer gets no more of them until it was reset: each would have to be waited
/// for.
pub(crate) struct ControlQueue<'bound> {
    dev: &'bound Device<Bound>,
    vq: Virtqueue<'bound, InOut<'bound>>,
    /// `None` while the device has it, and for good once it has not answered in time.
    buffer: Option<Buffer<'bound>>,
}

impl<'bound> ControlQueue<'bound> {
    pub(crate) fn new(configured: &Configured<'bound>, index: u16) -> Result<Self> {
        Ok(Self {
            dev: configured.device(),
            vq: configured.virtqueue(index, DESCRIPTORS)?,
            buffer: Some(Buffer::new(configured.dma(), ROOM)?),
        })
    }

    pub(crate) fn start(&mut self, start: &mut Start<'_>) -> Result {
        start.enable(&mut self.vq)?;
        self.vq.disable_cb();
        Ok(())
    }

    pub(crate) fn reclaim(&mut self, stopped: &Stopped<'_>) {
        while let Some(unused) = self.vq.detach_unused(stopped) {
            self.buffer = Some(unused.into_buffer());
        }
    }

    /// Has the device do something. Sleeps until it has, or has refused it, for at most two seconds.
    ///
    /// # Errors
    ///
    /// [`EIO`] if it refuses, was stopped, or has not answered earlier; [`ETIMEDOUT`] if it does not
    /// answer; [`EINVAL`] if there is too much data.
    #[doc(alias = "virtnet_send_command")]
    pub(crate) fn send(&mut self, command: Command, data: &[u8]) -> Result {
        let mut buffer = self.buffer.take().ok_or(EIO)?;
        let head = [command.class, command.code];
        let answer = head.len() + data.len();
        let whole = answer < ROOM as usize
            && buffer.write(&head) == head.len()
            && buffer.write_at(head.len(), data) == data.len()
            && buffer.write_at(answer, &[!OK]) == 1;
        if !whole {
            self.buffer = Some(buffer);
            return Err(EINVAL);
        }
        // CAST: It is less than `ROOM`.
        let request = InOut::new(buffer, answer as u32, 1);
        if let Err(rejected) = self.vq.add(request) {
            self.buffer = Some(rejected.value.into_buffer());
            return Err(EIO);
        }
        if let Some(kick) = self.vq.kick_prepare() {
            kick.notify();
        }
        let buffer = self.wait(command)?;
        let mut ack = [!OK];
        buffer.read(answer, &mut ack);
        self.buffer = Some(buffer);
        if ack == [OK] {
            Ok(())
        } else {
            Err(EIO)
        }
    }

    /// Waits for the answer. Most devices have it by the time they were notified.
    fn wait(&mut self, command: Command) -> Result<Buffer<'bound>> {
        let since: Instant<Monotonic> = Instant::now();
        let mut nap = 20;
        loop {
            // Before the look, after which it may sleep for long.
            let late = since.elapsed() > PATIENCE;
            if let Some(used) = self.vq.pop_used() {
                return Ok(used.data.into_buffer());
            }
            if self.vq.is_broken() {
                return Err(EIO);
            }
            if late {
                let Command { class, code } = command;
                dev_err!(
                    self.dev,
                    "control: no answer to command {class}.{code}, sending no more of them\n"
                );
                return Err(ETIMEDOUT);
            }
            fsleep(Delta::from_micros(nap));
            nap = (2 * nap).min(1000);
        }
    }
}
