// SPDX-License-Identifier: GPL-2.0

//! The Debian archive and its security archive, as this machine reaches them.

use super::sources::{Source, parse_deb822, parse_list};
use crate::exec;
use anyhow::{Result, anyhow, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The release that the build root and the guests are made of.
pub(crate) const SUITE: &str = "trixie";

/// Releases and aliases that only Debian's own archive has.
const DEBIAN_SUITES: [&str; 10] =
    ["bullseye", "bookworm", "trixie", "forky", "duke", "sid", "oldstable", "stable", "testing", "unstable"];

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
        let mut sources = Vec::new();
        if let Some(uri) = variable("RVIRTIO_MIRROR") {
            sources.push(given(uri, SUITE.to_owned()));
            sources.extend(
                variable("RVIRTIO_SECURITY_MIRROR").map(|uri| given(uri, format!("{SUITE}-security"))),
            );
        } else {
            sources = machine_sources()?;
        }
        let mut mirrors = choose(&sources).ok_or_else(|| {
            anyhow!(
                "apt on this machine knows no Debian mirror: set RVIRTIO_MIRROR (and \
                 RVIRTIO_SECURITY_MIRROR) to one's address"
            )
        })?;
        mirrors.keyring = Some(keyring(mirrors.keyring)?);
        Ok(mirrors)
    }

    /// Source lines for `suite` and what belongs to it, with `backports` when wanted.
    pub(crate) fn lines(&self, backports: bool) -> Vec<String> {
        let options = match &self.keyring {
            Some(path) => format!("[signed-by={}] ", path.display()),
            None => String::new(),
        };
        let mut suites = vec![
            (Some(&self.debian), SUITE.to_owned()),
            (Some(&self.debian), format!("{SUITE}-updates")),
            (self.security.as_ref(), format!("{SUITE}-security")),
        ];
        if backports {
            suites.push((Some(&self.debian), format!("{SUITE}-backports")));
        }
        suites
            .into_iter()
            .filter_map(|(uri, suite)| Some(format!("deb {options}{} {suite} main", uri?)))
            .collect()
    }
}

fn given(uri: String, suite: String) -> Source {
    Source { uris: vec![uri], suites: vec![suite], components: vec!["main".to_owned()], signed_by: None }
}

fn machine_sources() -> Result<Vec<Source>> {
    let config = exec::output(Command::new("apt-config").args([
        "shell",
        "LIST",
        "Dir::Etc::sourcelist/f",
        "PARTS",
        "Dir::Etc::sourceparts/d",
    ]))
    .map_err(|error| {
        error.context("apt's configuration cannot be read; this tool needs Debian or a derivative")
    })?;
    let value = |name: &str| {
        config
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix("='")?.strip_suffix('\''))
            .map(PathBuf::from)
    };
    let mut files: Vec<PathBuf> = value("LIST").into_iter().collect();
    if let Some(entries) = value("PARTS").and_then(|parts| fs::read_dir(parts).ok()) {
        let mut parts: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        parts.sort();
        files.extend(parts);
    }
    Ok(files.iter().flat_map(|file| read(file)).collect())
}

/// A file that is missing or cannot be read gives nothing: apt itself goes on then, too.
fn read(file: &Path) -> Vec<Source> {
    let text = fs::read_to_string(file).unwrap_or_default();
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("list") => parse_list(&text),
        Some("sources") => parse_deb822(&text),
        _ => Vec::new(),
    }
}

/// The first Debian archive and security archive; those of our own release before others.
fn choose(sources: &[Source]) -> Option<Mirrors> {
    let mut entries: Vec<(&Source, &str)> = sources
        .iter()
        .filter(|source| source.components.iter().any(|component| component == "main"))
        .flat_map(|source| source.suites.iter().map(move |suite| (source, suite.as_str())))
        .filter(|(_, suite)| DEBIAN_SUITES.contains(&suite.split(['-', '/']).next().unwrap_or_default()))
        .collect();
    entries.sort_by_key(|(_, suite)| !suite.starts_with(SUITE));
    let security = |suite: &str| suite.ends_with("-security") || suite.ends_with("/updates");
    let first = |wanted: bool| {
        entries.iter().find_map(|(source, suite)| {
            let uri =
                (security(suite) == wanted).then(|| source.uris.iter().find_map(|uri| resolve(uri)))??;
            Some((uri, source.signed_by.clone()))
        })
    };
    let (debian, signed_by) = first(false)?;
    let security = first(true).map(|(uri, _)| uri);
    Some(Mirrors { debian, security, keyring: signed_by.map(PathBuf::from) })
}

/// An address that also works outside this machine's file system. Cloud images name their mirror
/// in a file (`mirror+file:/etc/apt/mirrors/debian.list`); installation media are of no use.
fn resolve(uri: &str) -> Option<String> {
    if let Some(path) = uri.strip_prefix("mirror+file:") {
        let list = fs::read_to_string(path).ok()?;
        return list.lines().find_map(|line| resolve(line.split_whitespace().next()?));
    }
    ["http://", "https://"].iter().any(|scheme| uri.starts_with(scheme)).then(|| uri.to_owned())
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

    fn source(uri: &str, suites: &str, components: &str) -> Source {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        Source { uris: words(uri), suites: words(suites), components: words(components), signed_by: None }
    }

    #[test]
    fn older_debian() {
        let mirrors = choose(&[
            source("https://deb.nodesource.example/node", "nodistro", "main"),
            source("http://m/debian", "bookworm bookworm-updates", "main"),
            source("http://m/debian-security", "bookworm-security", "main"),
        ])
        .expect("a mirror");
        assert_eq!(mirrors.debian, "http://m/debian");
        assert_eq!(mirrors.security.as_deref(), Some("http://m/debian-security"));
    }

    #[test]
    fn own_release_first_and_media_skipped() {
        let mirrors = choose(&[
            source("cdrom:[Debian]/", "trixie", "main"),
            source("http://old/debian", "bookworm", "main"),
            source("http://new/debian", "trixie", "contrib main"),
        ])
        .expect("a mirror");
        assert_eq!(mirrors.debian, "http://new/debian");
        assert_eq!(mirrors.security, None);
    }

    #[test]
    fn derivative_has_none() {
        assert_eq!(choose(&[source("http://archive/ubuntu", "noble noble-security", "main")]), None);
        assert_eq!(choose(&[]), None);
    }

    #[test]
    fn mirror_list_file() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let list = dir.path().join("debian.list");
        fs::write(&list, "https://mirror/debian\tpriority:1\n").expect("list");
        assert_eq!(
            resolve(&format!("mirror+file:{}", list.display())).as_deref(),
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
            mirrors.lines(true),
            [
                "deb [signed-by=/k.gpg] http://m/debian trixie main",
                "deb [signed-by=/k.gpg] http://m/debian trixie-updates main",
                "deb [signed-by=/k.gpg] http://s/debian-security trixie-security main",
                "deb [signed-by=/k.gpg] http://m/debian trixie-backports main",
            ]
        );
        assert_eq!(Mirrors { security: None, ..mirrors }.lines(false).len(), 2);
    }
}
