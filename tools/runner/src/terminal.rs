// SPDX-License-Identifier: GPL-2.0

//! The user's terminal as the guest's.

use crate::vm::{Event, Vm};
use anyhow::{Context as _, Result};
use rustix::{
    stdio,
    termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr},
};
use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    sync::mpsc::Sender,
    thread,
};

/// The user's terminal, connected to the guest's second serial port; itself again when dropped.
pub struct Terminal(Termios);

/// Ctrl-A begins a command for us.
const ESCAPE: u8 = 1;

impl Terminal {
    /// Makes the terminal raw and passes everything on, both ways.
    pub fn connect(vm: &mut Vm) -> Result<Self> {
        let before = tcgetattr(stdio::stdin()).context("the terminal cannot be asked for its settings")?;
        let (port, events) = vm.attach(size).context("the guest's terminal is in use")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdio::stdin(), OptionalActions::Flush, &raw).context("the terminal cannot be made raw")?;
        let terminal = Self(before);
        let input = port.try_clone()?;
        thread::spawn(move || pass_input(input, &events));
        thread::spawn(move || pass_output(port));
        Ok(terminal)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Nothing better can be done about a terminal that went away.
        let _ = tcsetattr(stdio::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// Rows and columns; `None` when the terminal does not know.
fn size() -> Option<String> {
    let size = tcgetwinsize(stdio::stdin()).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then(|| format!("{} {}", size.ws_row, size.ws_col))
}

fn pass_output(mut port: UnixStream) {
    let mut buffer = [0; 4096];
    while let Ok(len @ 1..) = port.read(&mut buffer) {
        let mut stdout = io::stdout();
        if stdout.write_all(&buffer[..len]).and_then(|()| stdout.flush()).is_err() {
            return;
        }
    }
}

fn pass_input(mut port: UnixStream, events: &Sender<Event>) {
    let mut keys = Keys::default();
    let mut buffer = [0; 256];
    while let Ok(len @ 1..) = io::stdin().read(&mut buffer) {
        let (bytes, leave) = keys.filter(&buffer[..len]);
        if port.write_all(&bytes).is_err() {
            return;
        }
        if leave {
            break;
        }
    }
    // Also when the terminal hangs up.
    let _ = events.send(Event::Leave);
}

/// Finds Ctrl-A X among the keys; Ctrl-A twice is one Ctrl-A for the guest.
#[derive(Default)]
struct Keys {
    escaped: bool,
}

impl Keys {
    /// What the guest gets, and whether the user leaves.
    fn filter(&mut self, keys: &[u8]) -> (Vec<u8>, bool) {
        let mut bytes = Vec::with_capacity(keys.len());
        for &key in keys {
            match (std::mem::take(&mut self.escaped), key) {
                (false, ESCAPE) => self.escaped = true,
                (true, b'x' | b'X') => return (bytes, true),
                (true, ESCAPE) => bytes.push(ESCAPE),
                (true, key) => bytes.extend([ESCAPE, key]),
                (false, key) => bytes.push(key),
            }
        }
        (bytes, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let filter = |chunks: &[&[u8]]| {
            let mut keys = Keys::default();
            let mut all = Vec::new();
            for chunk in chunks {
                let (bytes, leave) = keys.filter(chunk);
                all.extend(bytes);
                if leave {
                    return (all, true);
                }
            }
            (all, false)
        };
        assert_eq!(filter(&[b"ls\r"]), (b"ls\r".to_vec(), false));
        assert_eq!(filter(&[b"a\x01xb"]), (b"a".to_vec(), true));
        assert_eq!(filter(&[b"\x01", b"X"]), (vec![], true));
        assert_eq!(filter(&[b"\x01\x01x"]), (b"\x01x".to_vec(), false));
        assert_eq!(filter(&[b"\x01b"]), (b"\x01b".to_vec(), false));
    }
}
