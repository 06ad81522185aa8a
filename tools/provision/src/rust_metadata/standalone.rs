// SPDX-License-Identifier: GPL-2.0

//! The same on a user's own Debian machine, with its installed packages and for its own kernel.

use super::{Place, Regeneration};
use crate::{Cache, Progress, exec, host, interrupt, kernel::Headers};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

/// Where Debian puts headers and sources.
const USR_SRC: &str = "/usr/src";

/// What building the kernel's Rust crates takes, besides the compiler that the kernel names.
const PACKAGES: [&str; 14] = [
    "make",
    "gcc",
    "bc",
    "bison",
    "flex",
    "libelf-dev",
    "libssl-dev",
    "libdw-dev",
    "pahole",
    "xz-utils",
    "rustc",
    "rust-src",
    "rustfmt",
    "bindgen",
];

/// For which kernel, and where to.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Kernel release; the running kernel when absent.
    pub release: Option<String>,
    /// Where a complete headers directory is made, to be given as `KDIR`. When absent, the
    /// installed `/usr/src/linux-headers-RELEASE` is completed in place, which needs root.
    pub output: Option<PathBuf>,
}

/// Completes kernel headers with Rust metadata, so that `make` builds Rust modules for that kernel.
///
/// # Errors
///
/// When packages are missing, versions differ, the metadata is not the kernel's, or the place
/// cannot be written to; each in one sentence that says what to do.
pub fn run(options: &Options) -> Result<()> {
    let progress = Progress::new();
    let release = match &options.release {
        Some(release) => release.clone(),
        None => rustix::system::uname().release().to_string_lossy().into_owned(),
    };
    let installed = Path::new(USR_SRC).join(format!("linux-headers-{release}"));
    check_target(options.output.as_deref())?;
    let source = check_packages(&release, &installed)?;
    let headers = Headers::open(&installed)?;
    headers.check_rust()?;
    let archive = Path::new(USR_SRC).join(format!("{source}.tar.xz"));

    let _guard = interrupt::Guard::new();
    let step = progress.step(&format!("Rust metadata of {release}"));
    let work = tempfile::Builder::new()
        .prefix("rvirtio-metadata-")
        .tempdir_in(std::env::var_os("TMPDIR").unwrap_or_else(|| "/var/tmp".into()))
        .context("no temporary directory can be made: set TMPDIR to a place with 3 GiB")?;
    let log = Cache::open()?.log(&format!("rust-metadata-{release}"))?;
    let regeneration = Regeneration { place: Place::Here, headers: &headers, log: &log, step: &step };
    let tree = regeneration.run(&archive, work.path())?;
    let kdir = match &options.output {
        Some(output) => {
            let kdir = copy_headers(&headers, output)?;
            regeneration.install(&tree, &kdir, &kdir)?;
            kdir
        }
        None => {
            regeneration.install(&tree, &installed, &headers.common()?)?;
            installed
        }
    };
    step.done();
    match &options.output {
        Some(_) => println!("modules can now be built with: make KDIR={}", kdir.display()),
        None => println!("modules for {release} can now be built with: make"),
    }
    Ok(())
}

fn check_target(output: Option<&Path>) -> Result<()> {
    match output {
        None if !host::is_root() => {
            bail!("writing to {USR_SRC} needs root: run it with sudo, or give --output DIR")
        }
        Some(dir) if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) => {
            bail!("{} is not empty: give --output a new directory", dir.display())
        }
        _ => Ok(()),
    }
}

/// All packages are there and of one version; returns the name of the source package.
fn check_packages(release: &str, installed: &Path) -> Result<String> {
    let headers_package = format!("linux-headers-{release}");
    let source_package = format!("linux-source-{}", series(release)?);
    let compiler =
        Headers::open(installed).ok().and_then(|headers| Some(gcc_package(headers.compiler().ok()?)));
    let mut needed = vec![headers_package.clone(), source_package.clone()];
    needed.extend(PACKAGES.iter().map(|package| (*package).to_owned()).chain(compiler));
    let missing: Vec<String> = needed.into_iter().filter(|package| version(package).is_none()).collect();
    if !missing.is_empty() {
        bail!("packages are missing: run: apt-get install {}", missing.join(" "));
    }
    let (headers, source) = (version(&headers_package), version(&source_package));
    if headers != source {
        bail!(
            "{headers_package} has version {}, but {source_package} has {}: install the same version of both, \
             and boot that kernel",
            headers.unwrap_or_default(),
            source.unwrap_or_default()
        );
    }
    Ok(source_package)
}

/// `7.3` of `7.3.4+deb13-amd64`.
fn series(release: &str) -> Result<String> {
    let mut numbers = release.split(['.', '+', '-']);
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if [major, minor].iter().all(|n| n.parse::<u32>().is_ok()) => {
            Ok(format!("{major}.{minor}"))
        }
        _ => bail!("{release} is no kernel release, such as 7.3.4+deb13-amd64"),
    }
}

/// `gcc-14` of `x86_64-linux-gnu-gcc-14`.
fn gcc_package(compiler: &str) -> String {
    compiler.rfind("gcc").map_or(compiler, |start| &compiler[start..]).to_owned()
}

/// Version of an installed package.
fn version(package: &str) -> Option<String> {
    let text =
        exec::output(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status} ${Version}", package]));
    text.ok()?.strip_prefix("installed ").map(str::to_owned)
}

/// A copy of the headers that the user owns and that works at its place.
fn copy_headers(headers: &Headers, output: &Path) -> Result<PathBuf> {
    fs::create_dir_all(output).with_context(|| format!("{} cannot be made", output.display()))?;
    let output = output.canonicalize()?;
    let copy = |from: &Path, to: &Path| {
        exec::output(Command::new("cp").args(["-R", "-p", "-P", "--no-target-directory"]).arg(from).arg(to))
            .map(drop)
    };
    copy(headers.dir(), &output)?;
    // These lead into the shared kbuild package: the metadata goes beside its scripts, so they
    // are copied; tools are only run.
    let scripts = headers.dir().join("scripts").canonicalize()?;
    fs::remove_file(output.join("scripts"))?;
    copy(&scripts, &output.join("scripts"))?;
    let tools = headers.dir().join("tools").canonicalize()?;
    fs::remove_file(output.join("tools"))?;
    symlink(&tools, output.join("tools"))?;
    Headers::open(&output)?.relocate(&headers.common()?)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_the_release() {
        assert_eq!(series("7.3.4+deb13-cloud-amd64").expect("release"), "7.3");
        assert_eq!(series("7.3-amd64").expect("release"), "7.3");
        assert!(series("latest").is_err() && series("7").is_err() && series("").is_err());
        assert_eq!(gcc_package("x86_64-linux-gnu-gcc-14"), "gcc-14");
    }

    #[test]
    fn output_must_be_new() {
        let dir = tempfile::tempdir().expect("temporary directory");
        check_target(Some(dir.path())).expect("empty is fine");
        check_target(Some(&dir.path().join("new"))).expect("absent is fine");
        fs::write(dir.path().join("file"), "").expect("file");
        assert!(check_target(Some(dir.path())).is_err());
    }

    #[test]
    fn copied_headers_stand_alone() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let (installed, kbuild) = (dir.path().join("headers"), dir.path().join("kbuild"));
        for path in [&installed, &kbuild.join("scripts"), &kbuild.join("tools")] {
            fs::create_dir_all(path).expect("directory");
        }
        fs::write(installed.join(".config"), "CONFIG_RUST=y\n").expect("config");
        fs::write(installed.join("Makefile"), "include /usr/src/common/Makefile\n").expect("Makefile");
        fs::write(kbuild.join("scripts/script"), "").expect("script");
        for name in ["scripts", "tools"] {
            symlink(Path::new("../kbuild").join(name), installed.join(name)).expect("link");
        }
        let headers = Headers::open(&installed).expect("headers");
        let copy = copy_headers(&headers, &dir.path().join("a/copy")).expect("copied");
        fs::write(copy.join("scripts/target.json"), "").expect("own scripts");
        assert!(copy.join("scripts/script").is_file() && !kbuild.join("scripts/target.json").exists());
        assert!(copy.join("tools").is_dir());
        let makefile = fs::read_to_string(copy.join("Makefile")).expect("Makefile");
        assert!(makefile.contains("include /usr/src/common/Makefile"), "{makefile}");
    }
}
