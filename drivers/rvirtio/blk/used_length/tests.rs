// SPDX-License-Identifier: GPL-2.0

//! Tests with models of devices that are in use, and of some others.

use super::*;

/// The result of a read: how many bytes the device reports, and whether it has written the last
/// ones.
type Answer = (u32, bool);

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    done: u32,
    failed: u32,
    /// Reads that were repeated.
    again: u32,
    prepared: u32,
    sloppy: u32,
}

/// Reads `len` bytes from a device `count` times, with `depth` reads in flight.
fn reads(
    policy: Policy,
    count: u32,
    len: u32,
    depth: usize,
    mut device: impl FnMut(u32) -> Answer,
) -> Count {
    let lengths = UsedLength::new(policy);
    let mut result = Count::default();
    let mut number = 0;
    let mut waiting: Vec<bool> = vec![false; count as usize];
    while !waiting.is_empty() {
        let batch = waiting.split_off(waiting.len().saturating_sub(depth));
        let batch: Vec<_> = batch
            .into_iter()
            .map(|is_second| (is_second, lengths.prepares_reads()))
            .collect();
        for (is_second, is_prepared) in batch {
            let (written, has_data) = device(number);
            number += 1;
            let mark = is_prepared.then_some(if has_data {
                Mark::Overwritten
            } else {
                Mark::Kept
            });
            let (judgement, news) = lengths.judge(Success::Read(len, mark), written);
            result.prepared += u32::from(is_prepared);
            result.sloppy += u32::from(news == Some(News::Sloppy));
            match judgement {
                Judgement::Done => result.done += 1,
                Judgement::Failed => result.failed += 1,
                Judgement::Again => {
                    assert!(!is_second, "a read is done at most twice");
                    result.again += 1;
                    waiting.push(true);
                }
            }
        }
    }
    result
}

const LEN: u32 = 4096;
const N: u32 = 1000;

/// Returns a device that always reports the same length, and writes all data.
fn constant(written: u32) -> impl FnMut(u32) -> Answer {
    move |_| (written, true)
}

/// QEMU, crosvm, openvmm, rust-vmm, Firecracker, vdpa_sim: data and status. QEMU up to 2.3, and
/// errors of kvmtool: more than fits, which the ring truncates.
#[test]
fn device_that_counts_is_prepared_for_once() {
    for written in [LEN + 1, LEN + 1000, u32::MAX - 4] {
        let expected = Count {
            done: N,
            prepared: 1,
            ..Count::default()
        };
        assert_eq!(reads(Policy::Auto, N, LEN, 1, constant(written)), expected);
    }
}

/// cloud-hypervisor up to 51, libkrun, kvmtool, Dragonball, old Firecracker.
#[test]
fn status_byte_need_not_be_counted() {
    let expected = Count {
        done: N,
        prepared: 1,
        ..Count::default()
    };
    assert_eq!(reads(Policy::Auto, N, LEN, 1, constant(LEN)), expected);
}

/// bhyve, xhyve, ACRN and QEMU's old vhost-user export say 1, OpenBSD 16, LKL 0.
#[test]
fn device_that_says_nonsense_works_prepared() {
    for written in [0, 1, 16, LEN - 1] {
        for depth in [1, 32] {
            let expected = Count {
                done: N,
                prepared: N,
                sloppy: 1,
                ..Count::default()
            };
            assert_eq!(
                reads(Policy::Auto, N, LEN, depth, constant(written)),
                expected
            );
        }
    }
}

/// A device whose lengths become wrong, for example because the host was updated, or because QEMU
/// up to 2.3 merges requests. Reads that were in flight are repeated once.
#[test]
fn device_that_becomes_sloppy_loses_nothing() {
    for depth in [1, 32] {
        let count = reads(Policy::Auto, N, LEN, depth, |number| {
            (if number < 200 { LEN + 1 } else { 1 }, true)
        });
        assert_eq!((count.done, count.failed, count.sloppy), (N, 0, 1));
        assert!((1..=depth as u32).contains(&count.again));
    }
}

/// A device that does not initialise the lengths.
#[test]
fn random_lengths_work() {
    let count = reads(Policy::Auto, N, LEN, 8, |number| {
        (number.wrapping_mul(2654435761) % (2 * LEN), true)
    });
    assert_eq!((count.done, count.failed), (N, 0));
}

/// An image that is shorter than its disk: success without data at the end, with a correct or a
/// wrong length.
#[test]
fn read_without_data_fails_while_reads_are_prepared() {
    for written in [0, 1, LEN, LEN + 1] {
        let nothing = |_| (written, false);
        assert_eq!(reads(Policy::Auto, N, LEN, 4, nothing).failed, N);
        assert_eq!(reads(Policy::Prepare, N, LEN, 4, nothing).failed, N);
    }
}

/// The same for a device that reports correct lengths: the length shows it, and the second attempt
/// confirms it.
#[test]
fn short_read_of_a_device_that_counts_fails_prepared() {
    let count = reads(Policy::Auto, N, LEN, 1, |number| match number {
        500.. => (0, false),
        _ => (LEN + 1, true),
    });
    assert_eq!((count.done, count.failed, count.again), (500, N - 500, 1));
}

#[test]
fn short_reads_do_not_tell_how_a_device_counts() {
    let count = reads(Policy::Auto, N, LEN, 1, |number| match number {
        0..100 => (0, false),
        _ => (LEN + 1, true),
    });
    assert_eq!((count.failed, count.prepared, count.sloppy), (100, 101, 0));
}

#[test]
fn only_reads_are_looked_at() {
    for policy in [Policy::Auto, Policy::Prepare, Policy::Trust] {
        let lengths = UsedLength::new(policy);
        for written in [0, 1, 16, 20, u32::MAX] {
            // Writes and flushes; GET_ID, which devices answer with 0, 1, 20 or 21.
            for len in [0, 20] {
                let success = Success::Other(len);
                assert_eq!(lengths.judge(success, written), (Judgement::Done, None));
            }
        }
        let fresh = UsedLength::new(policy).prepares_reads();
        assert_eq!(lengths.prepares_reads(), fresh, "they teach nothing");
    }
}

#[test]
fn prepare_trusts_no_length() {
    let count = reads(Policy::Prepare, N, LEN, 1, constant(LEN + 1));
    assert_eq!((count.done, count.prepared), (N, N));
}

#[test]
fn trust_takes_everything() {
    for written in [0, 1, LEN, u32::MAX] {
        let count = reads(Policy::Trust, N, LEN, 1, |_| (written, false));
        assert_eq!((count.done, count.prepared), (N, 0));
    }
}

#[test]
fn strict_wants_data_and_status() {
    for (written, expected) in [(LEN + 1, N), (LEN, 0), (1, 0), (0, 0)] {
        let count = reads(Policy::Strict, N, LEN, 1, constant(written));
        assert_eq!(
            (count.done, count.failed, count.prepared),
            (expected, N - expected, 0)
        );
    }
    let lengths = UsedLength::new(Policy::Strict);
    for (written, expected) in [(1, Judgement::Done), (0, Judgement::Failed)] {
        assert_eq!(lengths.judge(Success::Other(0), written).0, expected);
    }
}
