// SPDX-License-Identifier: GPL-2.0

//! The command as a shell script.

use std::{ffi::OsString, os::unix::ffi::OsStrExt as _};

/// A POSIX shell script that becomes `command`, each argument exactly as given, whatever bytes it holds.
pub fn script(command: &[OsString]) -> Vec<u8> {
    let mut script = b"exec".to_vec();
    for argument in command {
        script.extend_from_slice(b" '");
        for &byte in argument.as_bytes() {
            match byte {
                b'\'' => script.extend_from_slice(b"'\\''"),
                _ => script.push(byte),
            }
        }
        script.push(b'\'');
    }
    script.push(b'\n');
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write as _, os::unix::ffi::OsStringExt as _, process::Command};

    #[test]
    fn arguments_survive_a_shell() {
        let odd = ["", " ", "a b", "'", "''x'", "\"$HOME\" `id` \\ *", "\n\t", "-n", "é~#;&|<>()"];
        let mut command: Vec<OsString> = ["printf", "%s\\0"].iter().chain(&odd).map(OsString::from).collect();
        command.push(OsString::from_vec((1..=255).collect()));

        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&script(&command)).unwrap();
        let output = Command::new("sh").arg(file.path()).output().unwrap();
        let expected: Vec<u8> =
            command[2..].iter().flat_map(|argument| [argument.as_bytes(), b"\0"].concat()).collect();
        assert_eq!(output.stdout, expected);
    }
}
