// SPDX-License-Identifier: GPL-2.0

//! What the guest's start-up scripts tell us, one line each on the fourth serial port.

/// A message from the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// What it begins to do.
    Stage(String),
    /// Something the user should see.
    Note(String),
    /// The shell's terminal is ready.
    Shell,
    /// Whether lockdep still checks (at the end of the command).
    Lockdep(bool),
    /// Status of the command; the guest goes on to power off.
    Exit(u8),
    /// It cannot do what was asked, and powers off.
    Fail(String),
}

impl Message {
    /// `None` for anything else: early noise on the port.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "stage" => Some(Self::Stage(rest.to_owned())),
            "note" => Some(Self::Note(rest.to_owned())),
            "shell" => Some(Self::Shell),
            "lockdep" => Some(Self::Lockdep(rest == "1")),
            "exit" => rest.parse().ok().map(Self::Exit),
            "fail" => Some(Self::Fail(rest.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        assert_eq!(Message::parse("stage root"), Some(Message::Stage("root".into())));
        assert_eq!(Message::parse("exit 3\r"), Some(Message::Exit(3)));
        assert_eq!(Message::parse("fail no disk: vda"), Some(Message::Fail("no disk: vda".into())));
        assert_eq!(Message::parse("lockdep 1"), Some(Message::Lockdep(true)));
        assert_eq!(Message::parse("lockdep 0"), Some(Message::Lockdep(false)));
        for noise in ["", "exit", "exit 256", "exit -1", "something"] {
            assert_eq!(Message::parse(noise), None, "{noise}");
        }
    }
}
