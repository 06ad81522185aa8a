// SPDX-License-Identifier: GPL-2.0

//! Lists of commands, linked through the memory of their tags.

use crate::{
    command::{
        Command,
        Memory, //
    },
    outcome::Outcome,
    tag::Tag, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::sync::rcu;

/// A list of commands that the driver owns. Those that are left when it is dropped end with an
/// error.
///
/// # Invariants
///
/// The tags from `head` on, of which `tail` is the last, are owned by the list. They are linked by
/// `next`.
pub struct CommandList<C: Memory> {
    head: *const Tag<C>,
    tail: *const Tag<C>,
}

impl<C: Memory> CommandList<C> {
    /// Returns an empty list.
    #[inline]
    #[allow(clippy::new_without_default, reason = "there is no use for a default")]
    pub const fn new() -> Self {
        // INVARIANT: It is empty.
        Self {
            head: ptr::null(),
            tail: ptr::null(),
        }
    }

    /// Returns whether it is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Adds a command at the end.
    #[inline]
    pub fn push_back(&mut self, command: Command<C>) {
        // INVARIANT: The list owns the tag now, and its last one is linked to it.
        let tag = command.into_raw();
        // SAFETY: The list owns both tags (type invariant).
        unsafe {
            *tag.as_ref().next.get() = ptr::null();
            if self.head.is_null() {
                self.head = tag.as_ptr();
            } else {
                *(*self.tail).next.get() = tag.as_ptr();
            }
        }
        self.tail = tag.as_ptr();
    }

    /// Removes the first command.
    #[inline]
    pub fn pop_front(&mut self) -> Option<Command<C>> {
        let tag = NonNull::new(self.head.cast_mut())?;
        // INVARIANT: The first tag is not owned by the list any more.
        // SAFETY: The list owns the tag (type invariant), and transfers it to the command.
        unsafe {
            self.head = *tag.as_ref().next.get();
            Some(Command::from_raw(tag))
        }
    }

    /// Ends all commands, each with what `outcome` returns for it.
    #[inline]
    pub fn end(&mut self, mut outcome: impl FnMut(&mut Command<C>) -> Outcome) {
        let guard = rcu::read_lock();
        while let Some(mut command) = self.pop_front() {
            let outcome = outcome(&mut command);
            command.complete_with(outcome, &guard);
        }
    }
}

impl<C: Memory> Drop for CommandList<C> {
    #[inline]
    fn drop(&mut self) {
        while let Some(command) = self.pop_front() {
            drop(command);
        }
    }
}
