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
        self.ask(command, data, &mut []).map(|_| ())
    }

    /// Has the device do something that has a result, which is copied to `result`. Returns its length.
    ///
    /// # Errors
    ///
    /// Those of [`ControlQueue::send`].
    #[doc(alias = "virtnet_send_command_reply")]
    pub(crate) fn ask(
        &mut self,
        command: Command,
        data: &[u8],
        result: &mut [u8],
    ) -> Result<usize> {
        let mut buffer = self.buffer.take().ok_or(EIO)?;
        let head = [command.class, command.code];
        let answer = head.len() + data.len();
        let writable = 1 + result.len();
        let whole = answer + writable <= ROOM as usize
            && buffer.write(&head) == head.len()
            && buffer.write_at(head.len(), data) == data.len()
            && buffer.write_at(answer, &[!OK]) == 1;
        if !whole {
            self.buffer = Some(buffer);
            return Err(EINVAL);
        }
        // CAST: Both are less than `ROOM`.
        let request = InOut::new(buffer, answer as u32, writable as u32);
        if let Err(rejected) = self.vq.add(request) {
            self.buffer = Some(rejected.value.into_buffer());
            return Err(EIO);
        }
        if let Some(kick) = self.vq.kick_prepare() {
            kick.notify();
        }
        let (buffer, written) = self.wait(command)?;
        let mut ack = [!OK];
        buffer.read(answer, &mut ack);
        // What was not written is of another command.
        let len = result.len().min((written as usize).saturating_sub(1));
        let (result, _) = result.split_at_mut(len);
        buffer.read(answer + 1, result);
        self.buffer = Some(buffer);
        if ack == [OK] {
            Ok(len)
        } else {
            Err(EIO)
        }
    }

    /// Waits for the answer, and returns how long the device says it is. Most devices have it by the time they
    /// were notified.
    fn wait(&mut self, command: Command) -> Result<(Buffer<'bound>, u32)> {
        let since: Instant<Monotonic> = Instant::now();
        let mut nap = 20;
        loop {
            // Before the look, after which it may sleep for long.
            let late = since.elapsed() > PATIENCE;
            if let Some(used) = self.vq.pop_used() {
                return Ok((used.data.into_buffer(), used.written));
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
