// SPDX-License-Identifier: GPL-2.0

//! Somebody who answers the commands in a queue, while a test waits for what the driver does with them.

use crate::{
    device::Device,
    plug::Plugged, //
};
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Completion,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    workqueue, //
};

/// What a device writes as the answer to a command. Returns its length.
pub type Answer = fn(command: &[u8], answer: &mut [u8]) -> usize;

/// Room for a command, and for an answer.
const ROOM: usize = 1024;

#[pin_data]
struct Shared {
    stop: AtomicBool,
    #[pin]
    stopped: Completion,
    /// How each command is answered.
    #[pin]
    answer: Mutex<Answer>,
    #[pin]
    commands: Mutex<KVec<KVec<u8>>>,
}

/// Answers commands until it is dropped.
pub struct Servant(Arc<Shared>);

impl Servant {
    /// Has those of queue `index` answered from now on.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new(device: &Plugged, index: u16, answer: Answer) -> Result<Self> {
        let shared = Arc::pin_init(
            try_pin_init!(Shared {
                stop: AtomicBool::new(false),
                stopped <- Completion::new(),
                answer <- new_mutex!(answer, "mock::Servant::answer"),
                commands <- new_mutex!(KVec::new(), "mock::Servant::commands"),
            }),
            GFP_KERNEL,
        )?;
        let device = device.shared();
        let mut room = KVec::from_elem(0, 2 * ROOM, GFP_KERNEL)?;
        let its = shared.clone();
        workqueue::system_unbound().try_spawn(GFP_KERNEL, move || {
            while !its.stop.load(Ordering::Relaxed) {
                serve(&device, index, &its, &mut room);
                fsleep(Delta::from_micros(200));
            }
            its.stopped.complete_all();
        })?;
        Ok(Self(shared))
    }

    /// Has commands answered otherwise.
    pub fn set_answer(&self, answer: Answer) {
        *self.0.answer.lock() = answer;
    }

    /// Returns the commands since the last time.
    pub fn take_commands(&self) -> KVec<KVec<u8>> {
        core::mem::replace(&mut self.0.commands.lock(), KVec::new())
    }
}

/// Answers the next command, if there is one.
fn serve(device: &Device, index: u16, shared: &Shared, room: &mut [u8]) {
    let Some((command, answer)) = room.split_at_mut_checked(ROOM) else {
        return;
    };
    let Some(len) = device.take_command(index, command) else {
        return;
    };
    let command = &command[..len.min(ROOM)];
    let mut copy = KVec::new();
    if copy.extend_from_slice(command, GFP_KERNEL).is_ok() {
        // Before it is answered, as the test looks after that.
        let _ = shared.commands.lock().push(copy, GFP_KERNEL);
    }
    let how = *shared.answer.lock();
    let len = how(command, answer).min(ROOM);
    device.answer_command(index, &answer[..len]);
}

impl Drop for Servant {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
        self.0.stopped.wait_for_completion();
    }
}
