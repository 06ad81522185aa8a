// SPDX-License-Identifier: GPL-2.0

//! `exec` and `run`.

use crate::{
    accel::Accel,
    boot::{Boot, Mode},
    cli::{Drivers, GuestOptions, KernelChoice, KernelOptions},
    links,
    terminal::Terminal,
    verdict::verdict,
    vm::Vm,
};
use anyhow::{Result, bail};
use rvirtio_provision::{Arch, BuildRoot, Context, GuestImage, Kernel, build_modules};
use std::{ffi::OsString, io::IsTerminal as _, path::PathBuf, time::Duration};

/// Finds or makes the kernel that was asked for.
pub fn kernel(ctx: &Context, root: &BuildRoot, options: &KernelOptions) -> Result<Kernel> {
    match &options.kernel {
        KernelChoice::Stock => Kernel::stock(ctx, root, options.kver.as_deref()),
        _ if options.arch != Arch::Amd64 => bail!("only stock kernels are for {}", options.arch.name()),
        KernelChoice::Debug => Kernel::debug(ctx, root),
        KernelChoice::Builtin => Kernel::builtin(ctx, root),
        KernelChoice::Tree(dir) => Kernel::from_build_tree(ctx, root, dir),
    }
}

/// Builds our drivers for the kernel that was asked for: the directory of the modules, or the kernel
/// that has them built in.
pub fn build(ctx: &Context, root: &BuildRoot, options: &KernelOptions) -> Result<PathBuf> {
    let kernel = kernel(ctx, root, options)?;
    match options.kernel {
        KernelChoice::Builtin => Ok(kernel.vmlinuz),
        _ => build_modules(ctx, root, &kernel),
    }
}

/// Runs `command`; returns the status to exit with.
pub fn exec(ctx: &Context, options: &GuestOptions, command: Vec<OsString>) -> Result<u8> {
    let (vm, accel) = start(ctx, options, Mode::Command(command))?;
    finish(vm, options, Some(timeout(options, accel)))
}

/// The host as a network, without any rights there, and an echo service in it.
const USER_NETWORK: &str = "user,id=user,guestfwd=tcp:10.0.2.100:7-cmd:/bin/cat";

/// Shows the devices, then gives a shell, or without a terminal checks the root disk.
pub fn run(ctx: &Context, options: &GuestOptions) -> Result<u8> {
    let mut options = options.clone();
    options.devices.push("virtio-rng-pci".to_owned());
    if options.netdevs.is_empty() && options.links == 0 {
        options.netdevs.push(USER_NETWORK.to_owned());
        options.devices.push("virtio-net-pci,netdev=user".to_owned());
    }
    options.devices.push("virtio-scsi-pci".to_owned());
    if std::io::stdin().is_terminal() {
        return shell(ctx, &options);
    }
    let script = "/usr/bin/python3 /run/rvirtio/devices && echo && /bin/sh /run/rvirtio/check-disk && \
                  exec /bin/sh /run/rvirtio/network check";
    exec(ctx, &options, ["/bin/sh", "-c", script].map(OsString::from).to_vec())
}

fn shell(ctx: &Context, options: &GuestOptions) -> Result<u8> {
    let terminal = std::env::var("TERM").unwrap_or_else(|_| "vt100".to_owned());
    let (mut vm, _) = start(ctx, options, Mode::Shell { terminal })?;
    eprintln!("tools/vm: Ctrl-A X leaves the guest");
    let _terminal = Terminal::connect(&mut vm)?;
    finish(vm, options, options.timeout.map(Duration::from_secs))
}

fn start(ctx: &Context, options: &GuestOptions, mode: Mode) -> Result<(Vm, Accel)> {
    let root = BuildRoot::ensure_for(ctx, options.kernel.arch)?;
    let kernel = kernel(ctx, &root, &options.kernel)?;
    let image = GuestImage::ensure(ctx, &root, &kernel)?;
    let (accel, why) = Accel::choose(options.accel, ctx, &root, &kernel)?;
    let boot = Boot { ctx, root: &root, kernel: &kernel, image: Some(&image), options, accel, mode };
    let prepared = boot.prepare()?;
    let drivers = if options.drivers == Drivers::Rust { "rvirtio" } else { "in-tree C" };
    ctx.progress.note(&format!("guest: {}, {drivers} drivers, {} ({why})", kernel.release, accel.name()));
    links::make(&root, options.links, options.link_queues)?;
    let mut vm = prepared.start()?;
    if let Some(log) = &options.log {
        vm.log_to(log)?;
    }
    Ok((vm, accel))
}

fn finish(vm: Vm, options: &GuestOptions, timeout: Option<Duration>) -> Result<u8> {
    let outcome = vm.run(timeout)?;
    let (status, text) = verdict(&outcome, options.kernel.kernel.is_checked());
    if let Some(text) = text {
        eprintln!("tools/vm: {text}");
    }
    Ok(status)
}

fn timeout(options: &GuestOptions, accel: Accel) -> Duration {
    Duration::from_secs(options.timeout.unwrap_or(match accel {
        Accel::Kvm => 120,
        Accel::Tcg if options.kernel.kernel.is_checked() => 1800,
        Accel::Tcg => 600,
    }))
}
