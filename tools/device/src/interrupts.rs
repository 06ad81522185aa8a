// SPDX-License-Identifier: GPL-2.0

//! Interrupts: one eventfd for each vector, or one for the line.

use std::{fs::File, io::Write as _};

/// Bits of the ISR register.
pub const QUEUE: u8 = 1;
pub const CONFIG: u8 = 2;

pub const NO_VECTOR: u16 = 0xffff;

#[derive(Default)]
pub struct Interrupts {
    vectors: Vec<Option<File>>,
    line: Option<File>,
    /// The line was raised, and is silent until QEMU has unmasked it.
    masked: bool,
    /// The driver has enabled MSI-X.
    pub has_vectors: bool,
    isr: u8,
    pub sent: u64,
}

impl Interrupts {
    pub fn new(vectors: u16) -> Self {
        let vectors = (0..vectors).map(|_| None).collect();
        Self { vectors, ..Self::default() }
    }

    pub fn vector_count(&self) -> u16 {
        self.vectors.len() as u16
    }

    /// Sets the eventfds of `count` vectors; none takes them away.
    pub fn set_vectors(&mut self, start: u32, count: u32, files: Vec<File>) {
        let mut files = files.into_iter();
        let range = self.vectors.iter_mut().skip(start as usize).take(count as usize);
        range.for_each(|vector| *vector = files.next());
    }

    pub fn set_line(&mut self, file: Option<File>) {
        self.line = file;
        self.masked = false;
    }

    pub fn mask_line(&mut self, masked: bool) {
        self.masked = masked;
        if self.isr != 0 {
            self.raise_line();
        }
    }

    /// Reads and clears the register.
    pub fn take_isr(&mut self) -> u8 {
        std::mem::take(&mut self.isr)
    }

    /// The device is reset.
    pub fn reset(&mut self) {
        self.isr = 0;
    }

    /// Raises one of `cause`, which has the vector `vector`.
    pub fn raise(&mut self, cause: u8, vector: u16) {
        self.sent += 1;
        if self.has_vectors {
            if let Some(Some(file)) = self.vectors.get(usize::from(vector)) {
                signal(file);
            }
        } else {
            self.isr |= cause;
            self.raise_line();
        }
    }

    fn raise_line(&mut self) {
        if let (false, false, Some(line)) = (self.has_vectors, self.masked, &self.line) {
            signal(line);
            self.masked = true;
        }
    }
}

fn signal(mut file: &File) {
    // It is lost when QEMU is gone.
    let _ = file.write_all(&1_u64.to_ne_bytes());
}
