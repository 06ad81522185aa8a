// SPDX-License-Identifier: GPL-2.0

//! How a test in the guest talks with the device: letter by letter, through configuration space.

use std::collections::VecDeque;

/// The longest line.
const LONGEST: usize = 200;

#[derive(Default)]
pub struct Mailbox {
    line: String,
    answer: VecDeque<u8>,
}

impl Mailbox {
    /// Takes a letter. Returns the line that it ends.
    pub fn write(&mut self, letter: u8) -> Option<String> {
        if letter == b'\n' {
            return Some(std::mem::take(&mut self.line));
        }
        if self.line.len() < LONGEST {
            self.line.push(letter.into());
        }
        None
    }

    /// Has an answer read. It replaces the last one.
    pub fn answer(&mut self, text: &str) {
        self.answer = text.bytes().collect();
    }

    /// The next letter of the answer, or 0 at its end.
    pub fn read(&mut self) -> u8 {
        self.answer.pop_front().unwrap_or(0)
    }
}
