// SPDX-License-Identifier: GPL-2.0

//! KVM or TCG.

use crate::{
    boot::{Boot, Mode},
    cli::{AccelChoice, Drivers, GuestOptions, Root},
    vm::End,
};
use anyhow::{Result, bail};
use rvirtio_provision::{Arch, BuildRoot, Context, Kernel};
use std::{fs, time::Duration};

/// How the guest's instructions are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accel {
    Kvm,
    Tcg,
}

/// How long a trial boot may take. With a KVM that works it takes 2 s.
const TRIAL: Duration = Duration::from_secs(20);

impl Accel {
    /// Finds out what `choice` means on this machine; the second value says why.
    ///
    /// # Errors
    ///
    /// When KVM was demanded and does not work.
    pub fn choose(
        choice: AccelChoice,
        ctx: &Context,
        root: &BuildRoot,
        kernel: &Kernel,
    ) -> Result<(Self, &'static str)> {
        if choice == AccelChoice::Tcg {
            return Ok((Self::Tcg, "as asked"));
        }
        match why_not_kvm(ctx, root, kernel)? {
            None => Ok((Self::Kvm, "a trial boot succeeded")),
            Some(why) if choice == AccelChoice::Kvm => bail!("KVM cannot be used: {why}; try --accel tcg"),
            Some(why) => Ok((Self::Tcg, why)),
        }
    }

    /// The name people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "KVM",
            Self::Tcg => "TCG",
        }
    }
}

/// `/dev/kvm` alone proves nothing: where it is emulated in software, a guest takes minutes to boot or dies.
fn why_not_kvm(ctx: &Context, root: &BuildRoot, kernel: &Kernel) -> Result<Option<&'static str>> {
    if root.arch() != Arch::Amd64 {
        return Ok(Some("the guest's processor is not this machine's"));
    }
    if !has_virtualization(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()) {
        return Ok(Some("/proc/cpuinfo shows neither vmx nor svm"));
    }
    if fs::File::options().read(true).write(true).open("/dev/kvm").is_err() {
        return Ok(Some("/dev/kvm cannot be opened"));
    }
    // The answer holds until the host boots again; without a place for it the trial is made each time.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let memo = ctx.cache.root().join(format!("kvm-{}", boot.trim()));
    let works = match fs::read_to_string(&memo).as_deref() {
        Ok("works\n") => true,
        Ok("fails\n") => false,
        _ => {
            let works = trial(ctx, root, kernel)?;
            let _ = fs::write(memo, if works { "works\n" } else { "fails\n" });
            works
        }
    };
    Ok((!works).then_some("a trial boot with KVM failed"))
}

fn has_virtualization(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm")
}

fn trial(ctx: &Context, root: &BuildRoot, kernel: &Kernel) -> Result<bool> {
    let options = GuestOptions { drivers: Drivers::C, root: Root::Ram, ..GuestOptions::defaults() };
    let boot =
        Boot { ctx, root, kernel, image: None, options: &options, accel: Accel::Kvm, mode: Mode::Trial };
    let outcome = boot.prepare()?.start()?.run(Some(TRIAL))?;
    Ok(matches!(outcome.end, End::Exit(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtualization_is_a_flag_of_its_own() {
        assert!(has_virtualization("processor : 0\nflags\t\t: fpu vmx sse2\n"));
        assert!(has_virtualization("flags\t\t: svm\n"));
        assert!(!has_virtualization("flags\t\t: fpu svm_lock sse2\nvmx flags\t: ept\n"));
        assert!(!has_virtualization(""));
    }
}
