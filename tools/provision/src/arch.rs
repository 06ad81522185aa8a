// SPDX-License-Identifier: GPL-2.0

//! Processors that guests can have.

use std::str::FromStr;

/// A processor. The build root's programs are always for the first one, and build for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arch {
    /// x86-64.
    #[default]
    Amd64,
    /// AArch64.
    Arm64,
}

impl Arch {
    /// Debian's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The program that is a machine with it.
    pub fn qemu(self) -> &'static str {
        match self {
            Self::Amd64 => "qemu-system-x86_64",
            Self::Arm64 => "qemu-system-aarch64",
        }
    }
}

impl FromStr for Arch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Amd64, Self::Arm64];
        all.into_iter().find(|arch| arch.name() == text).ok_or_else(|| "neither amd64 nor arm64".to_owned())
    }
}
