// SPDX-License-Identifier: GPL-2.0

//! What the device does.

use super::{machine::Buffer, Layout, Machine};

impl Machine {
    pub(super) fn take(&mut self, max: u8) {
        for _ in 0..max {
            match self.device.take(&self.tables).unwrap() {
                Some(chain) => {
                    assert!(self.published > 0, "the device sees what was not published");
                    self.published -= 1;
                    let buffer = self.added.pop_front().unwrap();
                    assert_eq!(chain.elements, buffer.elements);
                    assert_eq!(chain.id, buffer.token.index());
                    self.taken.push((buffer, chain));
                }
                None => {
                    assert_eq!(
                        self.published, 0,
                        "the device does not see what was published"
                    );
                    return;
                }
            }
        }
    }

    /// The device uses buffers; see [`Step::Use`](super::Step::Use). Returns whether it calls.
    pub fn use_buffers(&mut self, count: u8, at: u8, written: u32) -> bool {
        let mut batch = Vec::new();
        let mut passed = 0;
        let count = usize::from(count).min(self.taken.len());
        for left in (0..count).rev() {
            let in_order = self.config.in_order;
            let at = if in_order {
                0
            } else {
                usize::from(at) % self.taken.len()
            };
            let (buffer, chain) = self.taken.remove(at);
            passed += self.steps(&buffer);
            batch.push((chain, written));
            // Of all but the last buffer of a batch nothing is said but that they were used.
            let expected = match in_order && left > 0 {
                true => buffer.writable(),
                false => written.min(buffer.writable()),
            };
            self.used.push_back((buffer, expected));
        }
        let called = self.device.complete(&batch).unwrap();
        if !batch.is_empty() {
            self.check_called(called, passed);
        }
        called
    }

    /// Returns how far the device gets by using all buffers that it has now.
    pub(super) fn available(&self) -> u16 {
        let published = self.added.iter().take(self.published);
        let taken = self.taken.iter().map(|(buffer, _)| buffer);
        published.chain(taken).map(|b| self.steps(b)).sum()
    }

    /// Returns how far the device gets by using a buffer: one element of a used ring, or as many
    /// descriptors of a packed ring as the buffer took.
    pub(super) fn steps(&self, buffer: &Buffer) -> u16 {
        match self.layout {
            Layout::Split => 1,
            Layout::Packed => self.descriptors_used[&buffer.token.index()],
        }
    }
}
