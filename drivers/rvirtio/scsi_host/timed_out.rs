// SPDX-License-Identifier: GPL-2.0

//! Commands that were not completed in time.

use crate::{
    bindings,
    tag::Tag, //
};
use core::sync::atomic::Ordering;

/// What to do about a command that was not completed in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Nothing, it is completed now.
    Completed,
    /// It gets as much time again.
    Extend,
    /// The kernel's error handler takes care of it: it has the driver abort the command, then reset
    /// the logical unit, then the host.
    Escalate,
}

impl Timeout {
    pub(crate) fn into_raw(self) -> bindings::scsi_timeout_action {
        match self {
            Self::Completed => bindings::scsi_timeout_action_SCSI_EH_DONE,
            Self::Extend => bindings::scsi_timeout_action_SCSI_EH_RESET_TIMER,
            Self::Escalate => bindings::scsi_timeout_action_SCSI_EH_NOT_HANDLED,
        }
    }
}

/// A command that was not completed in time. Somebody else owns it, and may complete it at any
/// moment; its tag is not used for another one meanwhile.
pub struct TimedOut<'a, C> {
    tag: &'a Tag<C>,
    host_goes: bool,
}

impl<'a, C> TimedOut<'a, C> {
    pub(crate) fn new(tag: &'a Tag<C>, host_goes: bool) -> Self {
        Self { tag, host_goes }
    }

    /// Returns whether the host is being removed, which waits for the command.
    pub fn host_goes(&self) -> bool {
        self.host_goes
    }

    /// Returns whether the driver owns it no more.
    pub fn is_completed(&self) -> bool {
        !self.tag.is_out()
    }

    /// Returns how often it was late before.
    pub fn times_before(&self) -> u8 {
        let once_more = |late: u8| Some(late.saturating_add(1));
        let late = &self.tag.late;
        late.fetch_update(Ordering::Relaxed, Ordering::Relaxed, once_more)
            .unwrap_or(u8::MAX)
    }
}
