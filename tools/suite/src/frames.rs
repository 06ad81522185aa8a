// SPDX-License-Identifier: GPL-2.0

//! The guest's output, taken apart into tests: `tests/guest/run` marks where each starts and ends.

use std::time::{Duration, Instant};

/// Begins a line that is not a test's own output.
const MARK: &[u8] = b"\x1e";

/// Parses lines of output.
#[derive(Default)]
pub struct Frames {
    current: Option<Current>,
    ended: usize,
}

struct Current {
    index: usize,
    since: Instant,
    output: String,
}

/// A test started or ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// The test with this number.
    Start(usize),
    /// The test that had started.
    End {
        /// Its number.
        index: usize,
        /// Its exit status.
        status: i32,
        /// How long it took.
        time: Duration,
        /// What it printed.
        output: String,
    },
}

impl Frames {
    /// Takes the next line.
    pub fn line(&mut self, line: &[u8]) -> Option<Frame> {
        let Some(mark) = line.strip_prefix(MARK) else {
            if let Some(current) = &mut self.current {
                current.output.push_str(&String::from_utf8_lossy(line));
            }
            return None;
        };
        let text = String::from_utf8_lossy(mark);
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            ["start", index] => {
                let index = index.parse().ok()?;
                self.current = Some(Current { index, since: Instant::now(), output: String::new() });
                Some(Frame::Start(index))
            }
            ["end", status] => {
                let status = status.parse().ok()?;
                let Current { index, since, output } = self.current.take()?;
                self.ended = index + 1;
                Some(Frame::End { index, status, time: since.elapsed(), output })
            }
            _ => None,
        }
    }

    /// How many tests ended. They run in order.
    pub fn ended(&self) -> usize {
        self.ended
    }

    /// The test that started and did not end: its number, its time so far, its output.
    pub fn running(self) -> Option<(usize, Duration, String)> {
        self.current.map(|current| (current.index, current.since.elapsed(), current.output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> (Vec<Frame>, Frames) {
        let mut frames = Frames::default();
        let found = text.split_inclusive('\n').filter_map(|line| frames.line(line.as_bytes())).collect();
        (found, frames)
    }

    #[test]
    fn tests_and_their_output() {
        let (found, frames) = all("noise\n\x1estart 0\na\nend 0\n\x1eend 77\nnoise\n\x1estart 1\nb");
        assert_eq!(found[0], Frame::Start(0));
        assert!(
            matches!(&found[1], Frame::End { index: 0, status: 77, output, .. } if output == "a\nend 0\n")
        );
        assert_eq!((found.len(), frames.ended()), (3, 1));
        let (index, _, output) = frames.running().unwrap();
        assert_eq!((index, output.as_str()), (1, "b"));
    }

    #[test]
    fn broken_marks_are_no_marks() {
        let (found, frames) = all("\x1eend 0\n\x1estart x\n\x1e\n");
        assert!(found.is_empty() && frames.running().is_none());
    }
}
