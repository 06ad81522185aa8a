// SPDX-License-Identifier: GPL-2.0

//! `--copy HOST[:GUEST]`.

use std::{
    path::{Component, Path, PathBuf},
    str::FromStr,
};

/// A host file or directory that the guest gets as `/host/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Where it is on the host; exists.
    pub host: PathBuf,
    /// Path below `/host`: plain names only.
    pub guest: PathBuf,
}

impl FromStr for Copy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A colon may belong to the host's name.
        let (host, guest) = match text.rsplit_once(':') {
            Some((host, guest)) if !Path::new(text).exists() => (host, Some(guest)),
            _ => (text, None),
        };
        let host = Path::new(host).canonicalize().map_err(|error| format!("{host}: {error}"))?;
        let guest = match guest {
            Some(guest) => Path::new(guest.strip_prefix("/host/").unwrap_or(guest)),
            None => {
                Path::new(host.file_name().ok_or("the root directory has no name: give one after a colon")?)
            }
        };
        let plain = guest.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || guest.as_os_str().is_empty() {
            return Err(format!("{} is no path below /host", guest.display()));
        }
        Ok(Self { guest: guest.to_owned(), host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let file = dir.join("a:b");
        std::fs::write(&file, "").unwrap();
        let parse = |suffix: &str| format!("{}{suffix}", file.display()).parse::<Copy>();

        assert_eq!(parse("").unwrap(), Copy { host: file.clone(), guest: "a:b".into() });
        assert_eq!(parse(":c/d").unwrap(), Copy { host: file.clone(), guest: "c/d".into() });
        assert_eq!(parse(":/host/c").unwrap(), Copy { host: file.clone(), guest: "c".into() });
        for wrong in [":/etc/passwd", ":../x", ":", "x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!("/".parse::<Copy>().is_err());
    }
}
