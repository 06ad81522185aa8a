// SPDX-License-Identifier: GPL-2.0

//! The headers directory of a Debian kernel: what `/lib/modules/RELEASE/build` points to.

use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A directory with `.config`, `Module.symvers` and a `Makefile` that leads to the common part.
#[derive(Debug, Clone)]
pub(crate) struct Headers {
    dir: PathBuf,
    config: String,
}

impl Headers {
    /// Opens the headers in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let config = dir.join(".config");
        let config = fs::read_to_string(&config)
            .with_context(|| format!("{} cannot be read: no kernel headers there", config.display()))?;
        Ok(Self { dir: dir.to_owned(), config })
    }

    /// The directory itself.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Value of a configuration variable without quotes; none when it is not set.
    pub(crate) fn config(&self, name: &str) -> Option<&str> {
        self.config
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|v| v.trim_matches('"'))
    }

    /// Stops with a sentence when the kernel was built without Rust.
    pub(crate) fn check_rust(&self) -> Result<()> {
        if self.config("CONFIG_RUST") != Some("y") {
            bail!("the kernel of {} was built without Rust (CONFIG_RUST is not set)", self.dir.display());
        }
        Ok(())
    }

    /// The C compiler that built the kernel, for example `x86_64-linux-gnu-gcc-14`.
    pub(crate) fn compiler(&self) -> Result<&str> {
        self.config("CONFIG_CC_VERSION_TEXT").and_then(|text| text.split_whitespace().next()).with_context(
            || format!("{}/.config does not say which compiler built the kernel", self.dir.display()),
        )
    }

    /// Variables of make: the compiler, and what tells that it is not one for the machine that it runs on.
    pub(crate) fn make_args(&self) -> Result<Vec<String>> {
        let compiler = self.compiler()?;
        let mut args = vec![format!("CC={compiler}")];
        if self.config("CONFIG_ARM64") == Some("y") {
            let prefix = compiler.split_once("gcc").map_or("", |(prefix, _)| prefix);
            args.extend(["ARCH=arm64".to_owned(), format!("CROSS_COMPILE={prefix}")]);
        }
        Ok(args)
    }

    /// Where the part that all flavours share lies: the Makefile here includes the one there.
    pub(crate) fn common(&self) -> Result<PathBuf> {
        let path = self.dir.join("Makefile");
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let include =
            text.lines().find_map(|line| line.strip_prefix("include ")?.trim().strip_suffix("/Makefile"));
        let name =
            include.with_context(|| format!("{} is not that of a Debian headers package", path.display()))?;
        Ok(PathBuf::from(name))
    }

    /// Rewrites the Makefile so that the directory works where it lies, not only below `/usr/src`:
    /// Debian's has absolute paths. `common` is relative to this directory.
    pub(crate) fn relocate(&self, common: &Path) -> Result<()> {
        let text = format!(
            "KBUILD_OUTPUT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))\n\
             include $(KBUILD_OUTPUT)/{}/Makefile\n",
            common.display()
        );
        let path = self.dir.join("Makefile");
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_relocates() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = "CONFIG_RUST=y\nCONFIG_RUST_DEBUG=n\nCONFIG_CC_VERSION_TEXT=\"x86_64-linux-gnu-gcc-14 (Debian) 14.2.0\"\n";
        fs::write(dir.path().join(".config"), config).expect("config");
        fs::write(dir.path().join("Makefile"), "KBUILD_OUTPUT=/usr/src/h\ninclude /usr/src/c/Makefile\n")
            .expect("Makefile");
        let headers = Headers::open(dir.path()).expect("headers");
        headers.check_rust().expect("has Rust");
        assert_eq!(headers.compiler().expect("compiler"), "x86_64-linux-gnu-gcc-14");
        assert_eq!(headers.make_args().expect("arguments"), ["CC=x86_64-linux-gnu-gcc-14"]);
        assert_eq!(headers.common().expect("common"), Path::new("/usr/src/c"));
        headers.relocate(Path::new("../c")).expect("relocated");
        let text = fs::read_to_string(dir.path().join("Makefile")).expect("Makefile");
        assert!(text.ends_with("include $(KBUILD_OUTPUT)/../c/Makefile\n"), "{text}");
    }

    #[test]
    fn other_processor() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = "CONFIG_ARM64=y\nCONFIG_CC_VERSION_TEXT=\"aarch64-linux-gnu-gcc-14 (Debian) 14.2.0\"\n";
        fs::write(dir.path().join(".config"), config).expect("config");
        let args = Headers::open(dir.path()).expect("headers").make_args().expect("arguments");
        assert_eq!(args, ["CC=aarch64-linux-gnu-gcc-14", "ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"]);
    }

    #[test]
    fn without_rust() {
        let dir = tempfile::tempdir().expect("temporary directory");
        fs::write(dir.path().join(".config"), "# CONFIG_RUST is not set\n").expect("config");
        let headers = Headers::open(dir.path()).expect("headers");
        assert!(headers.check_rust().is_err() && headers.compiler().is_err() && headers.common().is_err());
        assert!(Headers::open(Path::new("/nonexistent")).is_err());
    }
}
