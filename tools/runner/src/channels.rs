// SPDX-License-Identifier: GPL-2.0

//! The four serial ports of a guest, each a pair of connected sockets.

use anyhow::{Context as _, Result};
use rustix::io::{FdFlags, fcntl_setfd};
use rvirtio_provision::Arch;
use std::os::{
    fd::{AsRawFd as _, OwnedFd},
    unix::net::UnixStream,
};

/// I/O address and interrupt of each port on x86-64. The usual two interrupts for four ports would be shared,
/// which ISA's edges do not allow.
const PORTS: [(&str, u8); 4] = [("0x3f8", 4), ("0x2f8", 3), ("0x3e8", 6), ("0x2e8", 7)];

/// On arm64 the console is the machine's own port. The others are those of a card, of which the first is
/// unused, so that they have the same names.
const CARD: &str =
    "pci-serial-4x,addr=0x1f,chardev2=rvirtio-serial1,chardev3=rvirtio-serial2,chardev4=rvirtio-serial3";

/// Our ends.
pub struct Channels {
    /// The kernel's console, from the guest only.
    pub console: UnixStream,
    /// The command's standard output, or both ways a shell.
    pub output: UnixStream,
    /// The command's standard error, from the guest only.
    pub error: UnixStream,
    /// Messages, one line each.
    pub control: UnixStream,
}

/// QEMU's ends. To be dropped when QEMU runs: we see its end only when it holds the last ones.
pub struct QemuEnds(Vec<OwnedFd>);

impl Channels {
    /// Makes all four.
    ///
    /// # Errors
    ///
    /// When the process may not open more files.
    pub fn new() -> Result<(Self, QemuEnds)> {
        let mut theirs = Vec::new();
        let mut pair = || -> Result<UnixStream> {
            let (our, their) = UnixStream::pair().context("no sockets for the guest's serial ports")?;
            // QEMU inherits it.
            fcntl_setfd(&their, FdFlags::empty()).context("a socket cannot be handed to QEMU")?;
            theirs.push(their.into());
            Ok(our)
        };
        let channels = Self { console: pair()?, output: pair()?, error: pair()?, control: pair()? };
        Ok((channels, QemuEnds(theirs)))
    }
}

impl QemuEnds {
    /// QEMU arguments that make the ports.
    pub fn arguments(&self, arch: Arch) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut add = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
        for (index, fd) in self.0.iter().enumerate() {
            add("-chardev", format!("socket,id=rvirtio-serial{index},fd={}", fd.as_raw_fd()));
        }
        match arch {
            Arch::Amd64 => {
                for (index, (address, irq)) in PORTS.iter().enumerate() {
                    let place = format!("index={index},iobase={address},irq={irq}");
                    add("-device", format!("isa-serial,{place},chardev=rvirtio-serial{index}"));
                }
            }
            Arch::Arm64 => {
                add("-serial", "chardev:rvirtio-serial0".to_owned());
                add("-device", CARD.to_owned());
            }
        }
        arguments
    }
}
