// SPDX-License-Identifier: GPL-2.0

//! The host's end of the links: a network namespace, interfaces and servers.

use super::{nic::Nic, traffic::CONNECTION_PORT};
use crate::lab::Lab;
use anyhow::{Context as _, Result, anyhow};
use nix::sched::{CloneFlags, unshare};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Port of iperf3.
const IPERF_PORT: u16 = 5201;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(10);

/// Runs `work` on a thread whose network, and that of all that it starts, is a new one.
///
/// # Errors
///
/// When that takes more rights than we have, and those of `work`.
pub fn isolated<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let alone = || {
        unshare(CloneFlags::CLONE_NEWNET)
            .context("network is measured in a network namespace of its own, which takes root")?;
        work()
    };
    thread::scope(|scope| scope.spawn(alone).join()).map_err(|_| anyhow!("measuring the network panicked"))?
}

/// What serves the guest. Ends when it is dropped.
pub struct Host {
    iperf: Child,
}

impl Host {
    /// Makes the host's ends of the links of `nics` and starts the servers, in this thread's network.
    pub fn start(lab: &Lab, nics: &[Nic], cpus: u32) -> Result<Self> {
        lab.root().ip("link set lo up")?;
        for nic in nics {
            let tap = nic.tap();
            let several = if nic.queues(cpus) > 1 { " multi_queue" } else { "" };
            lab.root().ip(&format!("tuntap add dev {tap} mode tap{several}"))?;
            lab.root().ip(&format!("address add {}/24 dev {tap}", nic.host_address()))?;
            lab.root().ip(&format!("link set {tap} up"))?;
        }
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, CONNECTION_PORT))
            .context("no server of connections can be started")?;
        // Serves until this program ends.
        thread::spawn(move || listener.incoming().flatten().for_each(answer));
        let mut iperf = lab.root().command("iperf3");
        iperf.args(["-s", "-p", &IPERF_PORT.to_string()]);
        let mut iperf = iperf.command()?;
        iperf.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let host = Self { iperf: iperf.spawn().context("bwrap cannot be started")? };
        wait_for_server()?;
        Ok(host)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It has ended by itself, or ends now; there is nothing else to do about it.
        let _ = self.iperf.kill();
        let _ = self.iperf.wait();
    }
}

/// A byte for a byte.
fn answer(mut stream: TcpStream) {
    let mut byte = [0];
    // Whoever asks notices that there is no answer.
    let _ = stream.read_exact(&mut byte).and_then(|()| stream.write_all(&byte));
}

fn wait_for_server() -> Result<()> {
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, IPERF_PORT)).is_err() {
        if started.elapsed() > START {
            return Err(anyhow!("iperf3 does not serve"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
