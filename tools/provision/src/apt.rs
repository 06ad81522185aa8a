// SPDX-License-Identifier: GPL-2.0

//! The Debian archive and its security archive, as this machine reaches them.

use crate::exec;
use anyhow::{Context as _, Result, anyhow, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The release that the build root and the guests are made of.
pub(crate) const SUITE: &str = "trixie";

/// Where Debian's newest packages are.
const NEWEST: &str = "sid";

/// Releases and aliases that only Debian's own archive has.
const DEBIAN_SUITES: [&str; 10] =
    ["bullseye", "bookworm", "trixie", "forky", "duke", "sid", "oldstable", "stable", "testing", "unstable"];

/// Where packages come from.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    /// The release.
    Release,
    /// The release, but these (names or patterns of apt_preferences(5)) from its backports.
    Backports(&'static str),
    /// The newest that Debian has.
    Newest,
}

impl Origin {
    /// The suite that most packages are from.
    pub(crate) fn suite(self) -> &'static str {
        if let Self::Newest = self { NEWEST } else { SUITE }
    }
}

/// Addresses of the two archives, and the keyring that vouches for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mirrors {
    pub(crate) debian: String,
    /// None when the machine uses no security archive (a mirror of the main one only).
    pub(crate) security: Option<String>,
    /// A path that exists on this machine; none for apt's default keys.
    pub(crate) keyring: Option<PathBuf>,
}

impl Mirrors {
    /// Reads the machine's apt configuration (as `APT_CONFIG` and apt.conf direct).
    ///
    /// `RVIRTIO_MIRROR` and `RVIRTIO_SECURITY_MIRROR` take precedence, for machines whose own
    /// archive is not Debian's.
    pub(crate) fn of_this_machine() -> Result<Self> {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let mut mirrors = match variable("RVIRTIO_MIRROR") {
            Some(debian) => Self { debian, security: variable("RVIRTIO_SECURITY_MIRROR"), keyring: None },
            None => choose(&targets()?).ok_or_else(|| {
                anyhow!(
                    "apt on this machine knows no Debian mirror: set RVIRTIO_MIRROR (and \
                     RVIRTIO_SECURITY_MIRROR) to one's address"
                )
            })?,
        };
        mirrors.keyring = Some(keyring(signed_by(&mirrors.debian)?)?);
        Ok(mirrors)
    }

    /// Source lines for the suite of `origin` and what belongs to it.
    pub(crate) fn lines(&self, origin: Origin) -> Vec<String> {
        let options = match &self.keyring {
            Some(path) => format!("[signed-by={}] ", path.display()),
            None => String::new(),
        };
        let mut suites = vec![(Some(&self.debian), origin.suite().to_owned())];
        if !matches!(origin, Origin::Newest) {
            suites.push((Some(&self.debian), format!("{SUITE}-updates")));
            suites.push((self.security.as_ref(), format!("{SUITE}-security")));
        }
        if let Origin::Backports(_) = origin {
            suites.push((Some(&self.debian), format!("{SUITE}-backports")));
        }
        suites
            .into_iter()
            .filter_map(|(uri, suite)| Some(format!("deb {options}{} {suite} main", uri?)))
            .collect()
    }
}

/// Address, suite and component of all lists of packages that apt knows, separated by spaces.
fn targets() -> Result<String> {
    let format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "--no-release-info", "--format", format, "Created-By: Packages"]);
    exec::output(&mut apt)
        .context("apt's configuration cannot be read; this tool needs Debian or a derivative")
}

/// The first Debian archive and security archive; those of our own release before others.
fn choose(targets: &str) -> Option<Mirrors> {
    let mut entries: Vec<(&str, &str)> = targets
        .lines()
        .filter_map(|line| line.strip_suffix(" main")?.rsplit_once(' '))
        .filter(|(_, suite)| DEBIAN_SUITES.contains(&suite.split(['-', '/']).next().unwrap_or_default()))
        .collect();
    entries.sort_by_key(|(_, suite)| !suite.starts_with(SUITE));
    let security = |suite: &str| suite.ends_with("-security") || suite.ends_with("/updates");
    let first = |wanted: bool| {
        let mut of_kind = entries.iter().filter(|(_, suite)| security(suite) == wanted);
        of_kind.find_map(|(uri, _)| resolve(uri))
    };
    Some(Mirrors { debian: first(false)?, security: first(true), keyring: None })
}

/// An address that also works outside this machine's file system. Cloud images name their mirror
/// in a file (`mirror+file:/etc/apt/mirrors/debian.list`); installation media are of no use.
fn resolve(uri: &str) -> Option<String> {
    let uri = uri.trim_end_matches('/');
    if let Some(path) = uri.strip_prefix("mirror+file:") {
        let list = fs::read_to_string(path).ok()?;
        return list.lines().find_map(|line| resolve(line.split_whitespace().next()?));
    }
    ["http://", "https://"].iter().any(|scheme| uri.starts_with(scheme)).then(|| uri.to_owned())
}

/// The keyring that apt's sources name in the file with the address `uri`. They may hold fingerprints or a
/// whole key instead, which only apt can use.
fn signed_by(uri: &str) -> Result<Option<PathBuf>> {
    let files = "eval \"$(apt-config shell F Dir::Etc::sourcelist/f D Dir::Etc::sourceparts/d)\" && \
                 grep -rlsF -e \"$1\" \"$F\" \"$D\" | xargs -rd '\\n' grep -hi signed-by || true";
    let lines = exec::output(Command::new("sh").args(["-c", files, "sh", uri]))?;
    let mut words = lines.split([' ', '=', ',', ']', '\n']);
    Ok(words.find(|word| word.starts_with('/')).map(PathBuf::from))
}

/// The keyring of the mirror; Debian's own must be new enough to hold our release's keys.
fn keyring(of_mirror: Option<PathBuf>) -> Result<PathBuf> {
    const DIR: &str = "/usr/share/keyrings";
    if let Some(path) = of_mirror.filter(|path| !path.to_string_lossy().contains("debian-archive")) {
        if path.is_file() {
            return Ok(path);
        }
        bail!("the keyring {} that apt's sources name is missing", path.display());
    }
    let exists = |stem: &str| {
        ["pgp", "gpg"]
            .iter()
            .map(|end| Path::new(DIR).join(format!("{stem}.{end}")))
            .find(|path| path.is_file())
    };
    match (exists(&format!("debian-archive-{SUITE}-automatic")), exists("debian-archive-keyring")) {
        // Inside a trixie system the keyring has the same path, under either ending.
        (Some(_), Some(keyring)) => Ok(keyring),
        _ => bail!(
            "the keys of Debian {SUITE} are missing: install or update the package debian-archive-keyring (2023.3 or newer)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_debian() {
        let mirrors = choose(
            "https://deb.nodesource.example/node/ nodistro main\n\
             http://m/debian/ bookworm main\nhttp://m/debian/ bookworm-updates main\n\
             http://m/debian-security/ bookworm-security main\n",
        );
        let mirrors = mirrors.expect("a mirror");
        assert_eq!(mirrors.debian, "http://m/debian");
        assert_eq!(mirrors.security.as_deref(), Some("http://m/debian-security"));
    }

    #[test]
    fn own_release_first_and_media_skipped() {
        let mirrors = choose(
            "cdrom:[Debian 13]/ trixie main\nhttp://old/debian/ bookworm main\n\
             http://new/debian/ trixie contrib\nhttp://new/debian/ trixie main\n",
        );
        let mirrors = mirrors.expect("a mirror");
        assert_eq!(mirrors.debian, "http://new/debian");
        assert_eq!(mirrors.security, None);
    }

    #[test]
    fn derivative_has_none() {
        assert_eq!(
            choose("http://archive/ubuntu/ noble main\nhttp://archive/ubuntu/ noble-security main\n"),
            None
        );
    }

    #[test]
    fn mirror_list_file() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let list = dir.path().join("debian.list");
        fs::write(&list, "https://mirror/debian\tpriority:1\n").expect("list");
        assert_eq!(
            resolve(&format!("mirror+file:{}/", list.display())).as_deref(),
            Some("https://mirror/debian")
        );
        assert_eq!(resolve("mirror+file:/nonexistent"), None);
    }

    #[test]
    fn source_lines() {
        let mirrors = Mirrors {
            debian: "http://m/debian".to_owned(),
            security: Some("http://s/debian-security".to_owned()),
            keyring: Some(PathBuf::from("/k.gpg")),
        };
        assert_eq!(
            mirrors.lines(Origin::Backports("")),
            [
                "deb [signed-by=/k.gpg] http://m/debian trixie main",
                "deb [signed-by=/k.gpg] http://m/debian trixie-updates main",
                "deb [signed-by=/k.gpg] http://s/debian-security trixie-security main",
                "deb [signed-by=/k.gpg] http://m/debian trixie-backports main",
            ]
        );
        assert_eq!(mirrors.lines(Origin::Newest), ["deb [signed-by=/k.gpg] http://m/debian sid main"]);
        assert_eq!(Mirrors { security: None, ..mirrors }.lines(Origin::Release).len(), 2);
    }
}
