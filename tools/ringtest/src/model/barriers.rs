// SPDX-License-Identifier: GPL-2.0

//! Barriers that tell a test when they are called.

use crate::ring::Barriers;
use std::cell::RefCell;

/// Which barrier was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// Between all accesses.
    Full,
    /// Between loads.
    Read,
    /// Between stores.
    Write,
}

type Hook = Box<dyn FnMut(Barrier)>;

/// Barriers of a single-threaded test.
///
/// They order nothing, as nothing runs at the same time. A hook can look at memory, or act as the
/// device, at the moment of a barrier.
#[derive(Default)]
pub struct Hooked {
    hook: RefCell<Option<Hook>>,
}

impl Hooked {
    /// Calls `hook` at every barrier from now on.
    pub fn set(&self, hook: impl FnMut(Barrier) + 'static) {
        *self.hook.borrow_mut() = Some(Box::new(hook));
    }

    /// Calls no hook any more.
    pub fn clear(&self) {
        *self.hook.borrow_mut() = None;
    }

    fn call(&self, barrier: Barrier) {
        if let Some(hook) = self.hook.borrow_mut().as_mut() {
            hook(barrier);
        }
    }
}

impl Barriers for Hooked {
    fn mb(&self) {
        self.call(Barrier::Full);
    }

    fn rmb(&self) {
        self.call(Barrier::Read);
    }

    fn wmb(&self) {
        self.call(Barrier::Write);
    }
}
