// SPDX-License-Identifier: GPL-2.0

//! A network device in a program of its own (`tests/device/net.py`), which QEMU shows to the guest: it does
//! what a test tells it to, right or wrong.

use anyhow::{Context as _, Result, bail};
use rvirtio_provision::BuildRoot;
use std::{
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The program, below the repository.
const PROGRAM: &str = "tests/device/net.py";

/// Its socket, in the guest's scratch directory.
const SOCKET: &str = "net-device";

/// How long it may take to start.
const START: Duration = Duration::from_secs(30);

/// The guest's memory in MiB, all of which the device sees.
const MEMORY: u32 = 1024;

/// Options of `tools/vm exec`, with `$DIR` for the scratch directory. The network back end is `device`.
pub fn options() -> Vec<String> {
    let memory = MEMORY.to_string();
    let socket = format!("socket,id=device,path=$DIR/{SOCKET}");
    let object = format!("memory-backend-memfd,id=ram,size={memory}M,share=on");
    let mut options = vec!["--memory".to_owned(), memory];
    let qemu = ["-chardev", &socket, "-object", &object, "-machine", "memory-backend=ram"];
    options.extend(qemu.iter().flat_map(|&word| ["--qemu".to_owned(), word.to_owned()]));
    options.extend(["--netdev", "vhost-user,id=device,chardev=device"].map(str::to_owned));
    options
}

/// The device. It serves one guest, and ends when this is dropped.
pub struct NetDevice(Child);

impl NetDevice {
    /// Starts it with its socket in `dir`.
    pub fn start(root: &BuildRoot, repo: &Path, dir: &Path) -> Result<Self> {
        let program = repo.join(PROGRAM);
        let mut command = root.command("python3");
        command.arg(&program).arg(dir.join(SOCKET)).bind_ro(&program).bind_rw(dir);
        let child = command.command()?.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut device = Self(child.context("the network device cannot be started")?);
        let end = Instant::now() + START;
        while !dir.join(SOCKET).exists() {
            if device.0.try_wait()?.is_some() || Instant::now() > end {
                bail!("the network device, {}, did not come up", program.display());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(device)
    }
}

impl Drop for NetDevice {
    fn drop(&mut self) {
        // It may have ended with the guest.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_sees_all_of_the_memory() {
        let options = options().join(" ");
        assert!(options.contains("--memory 1024 "));
        assert!(options.contains("size=1024M,share=on"));
    }
}
