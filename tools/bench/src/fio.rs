// SPDX-License-Identifier: GPL-2.0

//! fio's report.

use crate::{outcome::Found, workload::Length};
use anyhow::{Context as _, Error, Result, bail};
use serde_json::Value;

/// Result of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Done {
    /// Interrupts of the disk.
    pub interrupts: u64,
    /// Accesses per second.
    pub iops: f64,
}

/// Reads what was found of a run that was to last `length`.
///
/// # Errors
///
/// When fio failed, or did not do what it was told.
pub fn done(found: &Found, length: Length) -> Result<Done> {
    // Warnings of fio come before the report.
    let report = &found.said[found.said.find('{').context("fio made no report")?..];
    let report: Value = serde_json::from_str(report).context("fio's report cannot be read")?;
    let job = &report["jobs"][0];
    let number = |value: &Value| value.as_f64().context("fio's report lacks a number");
    let error = number(&job["error"])?;
    if error != 0.0 {
        bail!("fio ended with error {error}");
    }
    let sum = |name: &str| Ok::<_, Error>(number(&job["read"][name])? + number(&job["write"][name])?);
    let operations = sum("total_ios")? as u64;
    if matches!(length, Length::Operations(wanted) if wanted != operations) || operations == 0 {
        bail!("fio did {operations} accesses instead of {length:?}");
    }
    Ok(Done { interrupts: found.interrupts, iops: sum("iops")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(error: u32, operations: u64) -> Found {
        let said = format!(
            "fio: a warning\n{{\"jobs\": [{{\"error\": {error},\n\"read\": {{\"iops\": 1000.5, \"total_ios\": {operations}}},\n\
             \"write\": {{\"iops\": 0.0, \"total_ios\": 0}}}}]}}\n"
        );
        Found { interrupts: 17, packets: None, said }
    }

    #[test]
    fn reads_the_report() {
        let length = Length::Operations(500);
        assert_eq!(done(&found(0, 500), length).unwrap(), Done { interrupts: 17, iops: 1000.5 });
        assert!(done(&found(0, 7), Length::Seconds(1)).is_ok());
    }

    #[test]
    fn a_failed_run_gives_no_number() {
        let length = Length::Operations(500);
        assert!(done(&found(5, 500), length).is_err(), "error of fio");
        assert!(done(&found(0, 499), length).is_err(), "too few accesses");
        assert!(done(&found(0, 0), Length::Seconds(1)).is_err(), "no access");
        assert!(
            done(&Found { interrupts: 0, packets: None, said: String::new() }, length).is_err(),
            "no report"
        );
    }
}
