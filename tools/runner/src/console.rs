// SPDX-License-Identifier: GPL-2.0

//! The kernel's console: kept in a file when asked, searched for complaints.

use crate::complaints::is_complaint;
use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
};

/// Lines shown before the first complaint, and kept for reports of other ends.
const BEFORE: usize = 15;
/// Lines shown from the first complaint on.
const AFTER: usize = 60;

/// What the console said.
#[derive(Debug, Default)]
pub struct Console {
    last: VecDeque<String>,
    excerpt: Vec<String>,
    complained: bool,
    panicked: bool,
    /// There is memory for another kernel, which goes on when this one stops. (Without one, it restarts.)
    captured: bool,
}

impl Console {
    /// Reads a console to its end; copies all of it to `log`.
    ///
    /// `on_panic` is called once, when the kernel says that it stops, and there is none that saves its memory.
    ///
    /// # Errors
    ///
    /// When the log cannot be written. A console that breaks off is an end like any other.
    pub fn read(
        source: impl Read,
        mut log: Option<impl Write>,
        mut on_panic: impl FnMut(),
    ) -> io::Result<Self> {
        let mut console = Self::default();
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        let mut result = Ok(());
        let mut stopped = false;
        // After a failed write the rest is still read: a full console would stop the guest.
        while source.read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
            if let (Some(log), Ok(())) = (&mut log, &result) {
                result = log.write_all(&line);
            }
            if console.push(String::from_utf8_lossy(&line).trim_end()) && !stopped {
                stopped = true;
                on_panic();
            }
            line.clear();
        }
        result.map(|()| console)
    }

    /// Returns whether the kernel stops for good with this line.
    fn push(&mut self, line: &str) -> bool {
        let complaint = is_complaint(line);
        let panic = complaint && line.contains("Kernel panic - not syncing");
        self.panicked |= panic;
        // The second line is the first kernel's alone.
        self.captured =
            !line.contains("] Linux version ") && (self.captured || line.contains("] crashkernel reserved:"));
        if complaint && !self.complained {
            self.complained = true;
            self.excerpt.extend(self.last.iter().cloned());
        }
        if self.complained && self.excerpt.len() < BEFORE + AFTER {
            self.excerpt.push(line.to_owned());
        }
        if self.last.len() == BEFORE {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
        panic && !self.captured
    }

    /// The first complaint and what is around it; `None` when the kernel did not complain.
    pub fn complaint(&self) -> Option<String> {
        self.complained.then(|| self.excerpt.join("\n"))
    }

    /// Whether the kernel stopped itself.
    pub fn panicked(&self) -> bool {
        self.panicked
    }

    /// The last lines.
    pub fn tail(&self) -> String {
        self.last.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Console, usize) {
        let mut panics = 0;
        let console = Console::read(text.as_bytes(), None::<Vec<u8>>, || panics += 1).unwrap();
        (console, panics)
    }

    #[test]
    fn quiet() {
        let (console, panics) = read("SeaBIOS\r\n[    0.000000] Linux version 7.3.4\r\n");
        assert_eq!(console.complaint(), None);
        assert_eq!(console.tail(), "SeaBIOS\n[    0.000000] Linux version 7.3.4");
        assert_eq!(panics, 0);
    }

    #[test]
    fn excerpt_is_bounded_and_starts_before_the_complaint() {
        let boot: String =
            (0..100).map(|n| format!("[    0.000000] boot {n}\n")).collect::<Vec<_>>().concat();
        let rest: String =
            (0..100).map(|n| format!("[    2.000000] rest {n}\n")).collect::<Vec<_>>().concat();
        let (console, _) = read(&format!("{boot}[    1.000000] BUG: bad\n{rest}"));
        let excerpt = console.complaint().unwrap();
        assert_eq!(excerpt.lines().count(), BEFORE + AFTER);
        assert!(excerpt.contains("boot 99\n[    1.000000] BUG: bad\n[    2.000000] rest 0\n"));
        assert!(!excerpt.contains("boot 84\n"));
    }

    #[test]
    fn panic_is_reported_once() {
        let line = "[    1.000000] Kernel panic - not syncing: x\n";
        let (console, panics) = read(&format!("{line}{line}"));
        assert!(console.panicked());
        assert_eq!(panics, 1);
    }

    #[test]
    fn a_kernel_that_saves_the_memory_of_another_has_its_time() {
        let first = "[    0.000000] Linux version 7.3.4\n[    0.010000] crashkernel reserved: 0x4f000000 - 0x5f000000 (256 MB)\n";
        let panic = "[    9.000000] Kernel panic - not syncing: x\n";
        let (console, panics) = read(&format!("{first}{panic}"));
        assert!(console.panicked());
        assert_eq!(panics, 0);
        let (_, panics) = read(&format!("{first}{panic}[    0.000000] Linux version 7.3.4\n{panic}"));
        assert_eq!(panics, 1);
    }

    #[test]
    fn log_gets_every_byte() {
        let text = b"a\r\n\xff\x00b";
        let mut log = Vec::new();
        Console::read(&text[..], Some(&mut log), || ()).unwrap();
        assert_eq!(log, text);
    }
}
