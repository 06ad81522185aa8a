// SPDX-License-Identifier: GPL-2.0

//! A virtio disk of our own, a SCSI host, or a network device. QEMU shows it to the guest as a PCI function, by
//! the protocol vfio-user. It is honest unless a test tells it otherwise, and checks what the driver does.

mod back_end;
mod blk;
mod breach;
mod common;
mod device;
mod faults;
mod interrupts;
mod mailbox;
mod memory;
mod net;
mod pci;
mod ring;
#[path = "../../suite/src/registers/rules.rs"]
mod rules;
mod script;
mod scsi;
mod server;
mod spec;
#[path = "../../suite/src/registers/trace.rs"]
#[allow(dead_code, reason = "traces of QEMU are read elsewhere")]
mod trace;

pub use spec::Spec;

use anyhow::{Context as _, Result, anyhow};
use device::Device;
use server::Shared;
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};
use vfio_user::Server;

/// A device for one guest.
pub struct OwnDevice {
    spec: Spec,
    socket: PathBuf,
    shared: Shared,
}

impl OwnDevice {
    /// Starts a device that QEMU can connect to, with its socket in `dir`.
    ///
    /// # Errors
    ///
    /// When its script is wrong, or the socket cannot be made.
    pub fn start(spec: &Spec, dir: &Path) -> Result<Self> {
        let mut device = Device::new(spec.clone());
        if let Some(path) = &spec.script {
            let text =
                fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            let lines = script::parse(&text).map_err(|why| anyhow!("{}: {why}", path.display()))?;
            lines.iter().for_each(|line| device.plan(line));
        }
        if let Some(seed) = spec.seed {
            device.plan(&script::Line::random(seed));
        }
        let socket = dir.join(format!("{}.own", spec.name));
        let irqs = server::irqs(spec.vectors);
        let server = Server::new(&socket, true, irqs, server::regions())
            .with_context(|| format!("the device {} has no socket", spec.name))?;
        let shared = Shared::new(device);
        let (mut answers, works) = (shared.clone(), shared.clone());
        thread::spawn(move || {
            // It ends with QEMU, whose end is told by others.
            let _ = server.run(&mut answers);
        });
        thread::spawn(move || works.work());
        Ok(Self { spec: spec.clone(), socket, shared })
    }

    /// What QEMU has to be told: its argument `-device`.
    pub fn qemu_device(&self) -> String {
        let path = self.socket.display();
        let mut text = format!(
            r#"{{"driver":"vfio-user-pci","x-msg-timeout":60000,"socket":{{"type":"unix","path":"{path}"}}"#
        );
        for (key, value) in &self.spec.qemu {
            text += &format!(r#","{key}":"{value}""#);
        }
        text + "}"
    }

    /// What the driver did wrong, one line each.
    pub fn findings(&self) -> Vec<String> {
        let name = &self.spec.name;
        match self.shared.lock() {
            Ok(mut device) => {
                device.findings().into_iter().map(|what| format!("device {name}: {what}")).collect()
            }
            Err(error) => vec![format!("device {name}: {error}")],
        }
    }
}

impl Drop for OwnDevice {
    fn drop(&mut self) {
        // A device that has panicked does not work either.
        let _ = self.shared.with(|device| device.ended = true);
    }
}
