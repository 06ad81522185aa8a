// SPDX-License-Identifier: GPL-2.0

//! The kernel's own tests of network devices, with all that they need, for guests.

use anyhow::{Context as _, Result};
use rvirtio_provision::BuildRoot;
use std::{fs, path::Path};

/// Its place in the guest's scratch directory, and below `/host`.
pub const DIRECTORY: &str = "selftests";

/// What is copied of the kernel's source. The tests find each other, and what reads netlink's
/// specifications, by their places there.
const COPIED: [&str; 12] = [
    "Documentation/netlink/specs",
    "tools/net/ynl/pyynl",
    "tools/testing/selftests/drivers/net/gro.py",
    "tools/testing/selftests/drivers/net/hw/csum.py",
    "tools/testing/selftests/drivers/net/hw/lib/py",
    "tools/testing/selftests/drivers/net/hw/uso.py",
    "tools/testing/selftests/drivers/net/lib/py",
    "tools/testing/selftests/drivers/net/napi_id.py",
    "tools/testing/selftests/drivers/net/ping.py",
    "tools/testing/selftests/drivers/net/queues.py",
    "tools/testing/selftests/drivers/net/stats.py",
    "tools/testing/selftests/net/lib/py",
];

/// Where their programs are, of which each is one file in C.
const TESTS: &str = "tools/testing/selftests";
const PROGRAMS: [&str; 7] = [
    "drivers/net/napi_id_helper",
    "net/lib/csum",
    "net/lib/gro",
    "net/lib/xdp_helper",
    "net/msg_zerocopy",
    "net/udpgso_bench_rx",
    "net/udpgso_bench_tx",
];

/// A program for XDP.
const XDP: &str = "net/lib/xdp_dummy.bpf";

/// Takes them out of the kernel's `source`, and puts them into `dir`, compiled.
pub fn make(root: &BuildRoot, source: &Path, dir: &Path) -> Result<()> {
    let out = dir.join(DIRECTORY);
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let command = |program: &str| {
        let mut command = root.command(program);
        command.bind_ro(source).bind_rw(dir).current_dir(source);
        command
    };
    command("cp").args(["-r", "--parents"]).args(COPIED).arg(&out).run()?;
    for program in PROGRAMS {
        let mut gcc = command("gcc");
        gcc.args(["-O2", "-I", TESTS, "-I", &format!("{TESTS}/net/lib"), "-o"]);
        gcc.arg(out.join(TESTS).join(program)).arg(format!("{TESTS}/{program}.c")).run()?;
    }
    let header =
        command("scripts/bpf_doc.py").args(["--header", "--file", "include/uapi/linux/bpf.h"]).output()?;
    let file = dir.join("bpf_helper_defs.h");
    fs::write(&file, header).with_context(|| format!("{} cannot be written", file.display()))?;
    let mut clang = command("clang");
    clang.args(["-target", "bpf", "-g", "-O2", "-I", "tools/lib", "-I"]).arg(dir);
    clang.args(["-I", "/usr/include/x86_64-linux-gnu", "-c", &format!("{TESTS}/{XDP}.c"), "-o"]);
    clang.arg(out.join(TESTS).join(format!("{XDP}.o"))).run()
}
