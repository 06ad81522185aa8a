// SPDX-License-Identifier: GPL-2.0

//! Which of the archive's kernels is meant.

use crate::Arch;
use anyhow::{Result, bail};

/// The kernel series whose Rust API our modules are written for.
pub(super) const SERIES: &str = "7.3";

/// Releases of the series for `arch` in `packages` (names of the archive), oldest first.
pub(super) fn releases<'a>(packages: impl IntoIterator<Item = &'a str>, arch: Arch) -> Vec<&'a str> {
    let mut releases: Vec<&str> = packages
        .into_iter()
        .filter_map(|package| package.trim().strip_prefix("linux-image-"))
        .filter(|release| release.strip_prefix(SERIES).is_some_and(|rest| rest.starts_with(['.', '+', '-'])))
        .filter(|release| release.strip_suffix(arch.name()).is_some_and(|rest| rest.ends_with('-')))
        .collect();
    releases.sort_by_key(|release| (numbers(release), *release));
    releases.dedup();
    releases
}

/// The release that `kver` names, or the newest cloud kernel.
pub(super) fn choose<'a>(releases: &[&'a str], kver: Option<&str>) -> Result<&'a str> {
    let newest = |wanted| releases.iter().rev().find(|release| flavour(release) == wanted).copied();
    let found = match kver {
        None => newest("cloud"),
        Some(name @ ("cloud" | "generic")) => newest(name),
        Some(name) => releases.iter().find(|release| **release == name).copied(),
    };
    match found {
        Some(release) => Ok(release),
        None if releases.is_empty() => bail!(
            "the Debian archive of this build root has no kernel of the {SERIES} series, which rvirtio is made for"
        ),
        None => bail!(
            "no kernel {}; there are: {} (or say cloud or generic for the newest of these)",
            kver.unwrap_or("cloud"),
            releases.join(", ")
        ),
    }
}

/// What lies between the version and the architecture.
fn flavour(release: &str) -> &str {
    match release.rsplit('-').nth(1) {
        Some(flavour @ ("cloud" | "rt")) => flavour,
        _ => "generic",
    }
}

/// The numbers of a release in their order: `7.3.10+deb13` is newer than `7.3.4+deb13`.
fn numbers(release: &str) -> Vec<u64> {
    release
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGES: [&str; 11] = [
        "linux-image-7.3.10+deb13-amd64",
        "linux-image-7.3.4+deb13-cloud-amd64",
        "linux-image-7.3.10+deb13-cloud-amd64",
        "linux-image-7.3.10+deb13-rt-amd64",
        "linux-image-7.3.4+deb13-amd64",
        "linux-image-7.3.10+deb13-cloud-amd64-dbg",
        "linux-image-7.3.10+deb13-amd64-unsigned",
        "linux-image-7.30.1+deb13-cloud-amd64",
        "linux-image-7.2.12+deb13-cloud-amd64",
        "linux-image-7.3.11+deb13-cloud-arm64",
        "linux-image-7.3.11+deb13-cloud-arm64-dbg",
    ];

    #[test]
    fn newest_by_number_of_the_wanted_flavour() {
        let releases = releases(PACKAGES, Arch::Amd64);
        assert_eq!(releases.len(), 5);
        assert_eq!(choose(&releases, None).expect("cloud"), "7.3.10+deb13-cloud-amd64");
        assert_eq!(choose(&releases, Some("cloud")).expect("cloud"), "7.3.10+deb13-cloud-amd64");
        assert_eq!(choose(&releases, Some("generic")).expect("generic"), "7.3.10+deb13-amd64");
        assert_eq!(choose(&releases, Some("7.3.4+deb13-amd64")).expect("release"), "7.3.4+deb13-amd64");
    }

    #[test]
    fn of_another_processor() {
        assert_eq!(releases(PACKAGES, Arch::Arm64), ["7.3.11+deb13-cloud-arm64"]);
    }

    #[test]
    fn unknown_one_lists_what_there_is() {
        let releases = releases(PACKAGES, Arch::Amd64);
        for wrong in ["7.3.5+deb13-amd64", "7.2.12+deb13-cloud-amd64", "", "7.3.10+deb13-cloud-amd64-dbg"] {
            let message = choose(&releases, Some(wrong)).expect_err(wrong).to_string();
            assert!(releases.iter().all(|release| message.contains(release)), "{message}");
        }
    }

    #[test]
    fn empty_archive_names_the_series() {
        assert!(choose(&[], None).expect_err("must fail").to_string().contains(SERIES));
    }
}
