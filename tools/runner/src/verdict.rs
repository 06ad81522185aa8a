// SPDX-License-Identifier: GPL-2.0

//! From what happened to an exit status and a sentence.

use crate::vm::{End, Outcome};

/// The kernel complained (`EX_SOFTWARE`).
pub const COMPLAINT: u8 = 70;
/// The guest took too long, as `timeout` has it.
pub const TIMEOUT: u8 = 124;
/// The guest could not be run, as `timeout` and `env` have it for themselves.
pub const FAILURE: u8 = 125;

/// Exit status, and what the user should be told.
pub fn verdict(outcome: &Outcome, lockdep_expected: bool) -> (u8, Option<String>) {
    if let End::Interrupted(signal) = outcome.end {
        return (128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)), None);
    }
    if outcome.end == End::Left {
        return (0, None);
    }
    if let Some(excerpt) = outcome.console.complaint() {
        let what = match outcome.end {
            _ if outcome.console.panicked() => "the guest's kernel panicked".to_owned(),
            End::TimedOut(_) => {
                format!(
                    "the guest's kernel complained, then the guest was stopped on time-out (it was in: {})",
                    outcome.stage
                )
            }
            End::Exit(status) => format!("the guest's kernel complained (the command's status was {status})"),
            _ => "the guest's kernel complained".to_owned(),
        };
        return (COMPLAINT, Some(format!("{what}:\n{excerpt}")));
    }
    match &outcome.end {
        End::TimedOut(None) => (
            TIMEOUT,
            Some(format!(
                "the guest was stopped on time-out (it was in: {}; --timeout gives it longer); its console ended with:\n{}",
                outcome.stage,
                outcome.console.tail()
            )),
        ),
        End::TimedOut(Some(status)) => (
            TIMEOUT,
            Some(format!(
                "the command ended with status {status}, but the guest did not power off; its console ended with:\n{}",
                outcome.console.tail()
            )),
        ),
        End::Failed(why) => {
            (FAILURE, Some(format!("the guest says: {why}; its console ended with:\n{}", outcome.console.tail())))
        }
        End::Exit(_) if outcome.lockdep == Some(false) => {
            (COMPLAINT, Some("lock debugging went off in the guest (/proc/lockdep_stats: debug_locks: 0), so a clean log proves nothing".to_owned()))
        }
        End::Exit(_) if lockdep_expected && outcome.lockdep.is_none() => {
            (COMPLAINT, Some("the kernel has no /proc/lockdep_stats, so a clean log proves nothing".to_owned()))
        }
        End::Exit(status) if outcome.findings.is_empty() => (*status, None),
        End::Exit(status) => {
            let findings = outcome.findings.join("\n");
            (COMPLAINT, Some(format!("the driver is at fault (the command's status was {status}):\n{findings}")))
        }
        End::Died => (FAILURE, Some(died(outcome))),
        End::Interrupted(_) | End::Left => unreachable!("handled above"),
    }
}

fn died(outcome: &Outcome) -> String {
    let status = outcome.qemu_status.map_or("an unknown status".to_owned(), |status| status.to_string());
    let said = if outcome.qemu_said.is_empty() { "nothing" } else { &outcome.qemu_said };
    let tail = outcome.console.tail();
    if tail.is_empty() {
        format!("QEMU did not run the guest; it ended with {status} and said:\n{said}")
    } else {
        format!(
            "QEMU ended with {status} while the guest was in: {}; it said:\n{said}\nthe console ended with:\n{tail}",
            outcome.stage
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Console;

    fn outcome(end: End, console: &str) -> Outcome {
        Outcome {
            end,
            stage: "command".to_owned(),
            lockdep: None,
            console: Console::read(console.as_bytes(), None::<Vec<u8>>, || ()).unwrap(),
            qemu_said: "no such device".to_owned(),
            qemu_status: None,
            findings: Vec::new(),
        }
    }

    const WARNING: &str = "[    1.000000] WARNING: kernel/x.c:1 at f+0x1/0x2, CPU#0: sh/1\n";
    const PANIC: &str = "[    1.000000] Kernel panic - not syncing: sysrq triggered crash\n";

    #[test]
    fn status_of_the_command() {
        for status in [0, 3, 70, 137, 255] {
            assert_eq!(verdict(&outcome(End::Exit(status), "fine\n"), false), (status, None));
        }
    }

    #[test]
    fn complaints_win() {
        for end in [End::Exit(0), End::Exit(3), End::TimedOut(None), End::Died, End::Failed("x".into())] {
            let (status, text) = verdict(&outcome(end, WARNING), false);
            assert_eq!(status, COMPLAINT);
            assert!(text.unwrap().contains("kernel/x.c:1"));
        }
        let (status, text) = verdict(&outcome(End::Died, PANIC), false);
        assert_eq!(status, COMPLAINT);
        assert!(text.unwrap().contains("panicked"));
    }

    #[test]
    fn what_own_devices_found_counts() {
        let with = |end| Outcome { findings: vec!["disk a: INIT-01: x".into()], ..outcome(end, "") };
        let (status, text) = verdict(&with(End::Exit(0)), false);
        assert_eq!(status, COMPLAINT);
        assert!(text.unwrap().contains("INIT-01"));
        assert_eq!(verdict(&with(End::TimedOut(None)), false).0, TIMEOUT);
    }

    #[test]
    fn time_out_and_failures() {
        assert_eq!(verdict(&outcome(End::TimedOut(None), ""), false).0, TIMEOUT);
        assert_eq!(verdict(&outcome(End::TimedOut(Some(0)), ""), false).0, TIMEOUT);
        assert_eq!(verdict(&outcome(End::Failed("no disk".into()), ""), false).0, FAILURE);
        let (status, text) = verdict(&outcome(End::Died, ""), false);
        assert_eq!(status, FAILURE);
        assert!(text.unwrap().contains("no such device"));
        assert_eq!(verdict(&outcome(End::Interrupted(2), WARNING), false).0, 130);
        assert_eq!(verdict(&outcome(End::Left, ""), false), (0, None));
    }

    #[test]
    fn clean_log_without_lockdep_proves_nothing() {
        assert_eq!(verdict(&outcome(End::Exit(0), ""), true).0, COMPLAINT);
        let with = |works| Outcome { lockdep: Some(works), ..outcome(End::Exit(0), "") };
        assert_eq!(verdict(&with(false), true).0, COMPLAINT);
        assert_eq!(verdict(&with(false), false).0, COMPLAINT);
        assert_eq!(verdict(&with(true), true).0, 0);
    }
}
