// SPDX-License-Identifier: GPL-2.0

//! Complaints of the kernel: which lines of its log mean that something went wrong.
//!
//! Every pattern is tied to where the kernel puts the words, for boot messages name sanitizers and
//! warnings too (`kasan: KernelAddressSanitizer initialized`, `Spectre V2 : WARNING: ...`).

/// Complaints at the beginning of a message.
const STARTS: [&str; 20] = [
    "WARNING: ",
    // lockdep, atomic sleep, page faults, KASAN, KFENCE; slub leaves out the colon.
    "BUG: ",
    "BUG ",
    "kernel BUG at ",
    "Oops: ",
    "general protection fault",
    "UBSAN: ",
    "KASAN: ",
    "KCSAN: ",
    "Kernel panic - not syncing",
    "Call Trace:",
    "------------[ cut here ]------------",
    "INFO: possible ",
    "INFO: trying to register non-static key",
    "INFO: lockdep is turned off",
    "INFO: inconsistent ",
    "INFO: suspicious ",
    "watchdog: BUG: ",
    "watchdog: Watchdog detected ",
    "rust_kernel: panicked at ",
];

/// Complaints that name their subject first: all parts must follow each other.
const SEQUENCES: [&[&str]; 7] = [
    &["INFO: task ", " blocked for more than "],
    &["INFO: task ", " blocked in I/O wait for more than "],
    &["INFO: rcu", "detected", " stall"],
    &["rcu: INFO: ", "detected", " stall"],
    &["irq ", ": nobody cared"],
    &["kmemleak: ", " new suspected memory leaks"],
    &["refcount_t: ", "."],
];

/// Whether a line of the console is a complaint.
///
/// Only what the kernel itself logs counts, that is lines with a time stamp.
pub fn is_complaint(line: &str) -> bool {
    let Some(message) = message(line) else { return false };
    STARTS.iter().any(|start| message.starts_with(start))
        || SEQUENCES.iter().any(|parts| follows(message, parts))
}

/// The message of a log line: without `[   12.345678]` and without the caller, `[    T1]` or `[    C0]`.
fn message(line: &str) -> Option<&str> {
    let (stamp, rest) = line.strip_prefix('[')?.split_once(']')?;
    let (seconds, fraction) = stamp.trim_start().split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || fraction.len() != 6 || !digits(fraction) {
        return None;
    }
    let caller = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).filter(|(caller, _)| {
        let caller = caller.trim_start();
        caller.strip_prefix(['T', 'C']).is_some_and(digits)
    });
    let message = caller.map_or(rest, |(_, message)| message);
    Some(message.trim_start())
}

/// Whether `text` begins with the first part and holds the others after it, in order.
fn follows(text: &str, parts: &[&str]) -> bool {
    let Some((first, others)) = parts.split_first() else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    others.iter().all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kernels wrote them.
    const COMPLAINTS: &[&str] = &[
        "[    3.141592] WARNING: kernel/dma/debug.c:1106 at check_unmap+0x8c8/0xa50, CPU#1: kworker/1:1/41",
        "[    3.141592] WARNING: CPU: 0 PID: 112 at fs/proc/generic.c:719 remove_proc_entry+0x1a1/0x1c0",
        "[   10.000001][    T1] WARNING: possible circular locking dependency detected",
        "[   10.000001][  T112] WARNING: inconsistent lock state",
        "[   10.000001][    C0] WARNING: suspicious RCU usage",
        "[   10.000001] WARNING: bad unlock balance detected!",
        "[    9.876543] BUG: KASAN: slab-use-after-free in _R_probe+0x1b/0x2a [rvirtio_test]",
        "[    9.876543][  T99] BUG: KFENCE: out-of-bounds read in test_out_of_bounds_read+0xa6/0x234",
        "[    9.876543] BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "[    9.876543] BUG: unable to handle page fault for address: ffffc90000a3f000",
        "[    9.876543] BUG: sleeping function called from invalid context at mm/slab.h:413",
        "[    9.876543] BUG: scheduling while atomic: swapper/0/0/0x00000002",
        "[    9.876543] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 45s!",
        "[    9.876543] BUG kmalloc-64 (Not tainted): Poison overwritten",
        "[    9.876543] kernel BUG at block/blk-mq.c:1234!",
        "[    9.876543] Oops: Oops: 0000 [#1] SMP NOPTI",
        "[    9.876543] Oops: general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1]",
        "[    9.876543] general protection fault, probably for non-canonical address 0xdffffc0000000000: 0000 [#1]",
        "[    9.876543] KASAN: null-ptr-deref in range [0x0000000000000000-0x0000000000000007]",
        "[    9.876543] UBSAN: array-index-out-of-bounds in drivers/net/x.c:12:3",
        "[    9.876543] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
        "[    9.876543] Call Trace:",
        "[    9.876543] ------------[ cut here ]------------",
        "[    9.876543] INFO: trying to register non-static key.",
        "[    9.876543] INFO: lockdep is turned off.",
        "[  243.000002] INFO: task fio:312 blocked for more than 120 seconds.",
        "[  243.000002] INFO: task jbd2/vda-8:88 blocked in I/O wait for more than 120 seconds.",
        "[   90.000002] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [fio:312]",
        "[   90.000002] watchdog: Watchdog detected hard LOCKUP on cpu 1",
        "[   90.000002] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
        "[   90.000002] rcu: INFO: rcu_preempt self-detected stall on CPU",
        "[   90.000002] rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-...D } 6400 jiffies",
        "[   90.000002] INFO: rcu_tasks detected stalls on tasks:",
        "[   90.000002] irq 10: nobody cared (try booting with the \"irqpoll\" option)",
        "[   90.000002] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
        "[   90.000002] refcount_t: underflow; use-after-free.",
        "[   90.000002] rust_kernel: panicked at drivers/rvirtio/core/ring.rs:10:5:",
    ];

    /// What healthy kernels write, and what is not from the kernel.
    const FINE: &[&str] = &[
        "",
        "[",
        "WARNING: written by a program",
        "BUG: written by a program",
        "[x] BUG: written by a program",
        "[  0.5] BUG: no time stamp of the kernel's",
        "[ 1.234567",
        "[    0.000000] Linux version 7.3.4+deb13-cloud-amd64 (debian-kernel@lists.debian.org)",
        "[    0.000000] kasan: KernelAddressSanitizer initialized (generic)",
        "[    0.000000] kfence: initialized - using 2097152 bytes for 255 objects at 0x(____ptrval____)",
        "[    0.000000] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar",
        "[    0.000000] [Firmware Bug]: TSC doesn't count with P0 frequency!",
        "[    0.012345] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible!",
        "[    0.012345] rcu: Hierarchical RCU implementation.",
        "[    0.012345] rcu: \tRCU debug extended QS entry/exit.",
        "[    0.012345] rcu: INFO: nothing of that kind",
        "[    0.012345] DMA-API: preallocated 65536 debug entries",
        "[    0.012345] DMA-API: debugging enabled by kernel config",
        "[    0.012345] kmemleak: Kernel memory leak detector initialized (mem pool available: 15780)",
        "[    0.012345] NMI watchdog: Perf NMI watchdog permanently disabled",
        "[    0.012345] INFO: NMI handler (perf_event_nmi_handler) took too long to run: 1.234 msecs",
        "[    0.012345] clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable",
        "[    0.012345] hrtimer: interrupt took 5512345 ns",
        "[    0.012345] workqueue: blk_mq_run_work_fn hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND",
        "[    0.012345] I/O error, dev vda, sector 2048 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2",
        "[    0.012345] Debug: BUG: only at the beginning",
        "[    0.012345] rvirtio_test: loading out-of-tree module taints kernel.",
        "[    0.012345] irq 10: all is well",
        "[    0.012345] INFO: task migration is on",
    ];

    #[test]
    fn finds_complaints() {
        for line in COMPLAINTS {
            assert!(is_complaint(line), "missed: {line}");
        }
    }

    #[test]
    fn leaves_the_rest_alone() {
        for line in FINE {
            assert!(!is_complaint(line), "wrongly taken for a complaint: {line}");
        }
    }

    #[test]
    fn finds_them_whoever_called_printk() {
        for line in COMPLAINTS.iter().filter_map(|line| message(line)) {
            for head in ["[    0.000000]", "[12345.678901][    C1]", "[  0.000001][T12345]"] {
                assert!(is_complaint(&format!("{head} {line}")), "missed: {head} {line}");
            }
        }
    }
}
