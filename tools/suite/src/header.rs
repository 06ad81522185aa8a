// SPDX-License-Identifier: GPL-2.0

//! What a test script says about itself, in the comment at its beginning.
//!
//! ```text
//! #!/bin/sh
//! # SPDX-License-Identifier: GPL-2.0
//! #
//! # A sentence that says what the test shows.
//! #
//! # covers: BLK-07 BLK-16
//! # vm: raw: @disks --image raw
//! # cases: read write
//! # timeout: 60
//! ```

use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path};

/// Seconds that a test gets when it does not say.
const TIMEOUT: u64 = 120;

/// The declarations of one script.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// What the test shows.
    pub about: String,
    /// Ids of requirements (`Documentation/requirements.tsv`) that it tests.
    pub covers: Vec<String>,
    /// Guests that it runs in, one after the other.
    pub vms: Vec<Vm>,
    /// First arguments that it is run with, one after the other; one empty case when it takes none.
    pub cases: Vec<String>,
    /// Seconds until it counts as hanging.
    pub timeout: u64,
    /// It wants a guest for itself.
    pub alone: bool,
    /// It is slow: run only when asked for.
    pub full: bool,
    /// It is run with each combination of the matrix, on a disk of that name.
    pub matrix: bool,
    /// It runs on the debug kernel too, when all tests are to.
    pub debug_kernel: bool,
}

/// A guest that a test runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vm {
    /// Tells the runs apart; empty when there is one.
    pub label: String,
    /// Options of `tools/vm exec`, and `@NAME` for those in `tests/vm/NAME`.
    pub options: Vec<String>,
}

impl Header {
    /// Reads that of the script at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("the header of {} is wrong", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut header = Self {
            about: String::new(),
            covers: Vec::new(),
            vms: Vec::new(),
            cases: Vec::new(),
            timeout: TIMEOUT,
            alone: false,
            full: false,
            matrix: false,
            debug_kernel: true,
        };
        for line in text.lines().map_while(|line| line.strip_prefix('#')) {
            match declaration(line) {
                Some((key, value)) => header.declare(key, value)?,
                None => header.describe(line),
            }
        }
        if header.about.is_empty() {
            bail!("no sentence says what the test shows");
        }
        if header.vms.is_empty() {
            header.vms.push(Vm { label: String::new(), options: Vec::new() });
        }
        if header.cases.is_empty() {
            header.cases.push(String::new());
        }
        Ok(header)
    }

    fn declare(&mut self, key: &str, value: &str) -> Result<()> {
        let words = || value.split_whitespace().map(str::to_owned);
        match key {
            "covers" => self.covers.extend(words()),
            "cases" => self.cases.extend(words()),
            "vm" => self.vms.push(vm(value)),
            "timeout" => self.timeout = value.parse().context("timeout: is not a number of seconds")?,
            "alone" => self.alone = yes(key, value)?,
            "full" => self.full = yes(key, value)?,
            "matrix" => self.matrix = yes(key, value)?,
            "debug-kernel" if value == "no" => self.debug_kernel = false,
            "debug-kernel" => bail!("debug-kernel: takes only no"),
            _ => bail!("{key}: is not known"),
        }
        Ok(())
    }

    /// Everything that is not a declaration describes, up to the first empty line after it.
    fn describe(&mut self, line: &str) {
        let line = line.trim();
        if line.starts_with('!') || line.starts_with("SPDX-") || self.about.ends_with('\n') {
            return;
        }
        match (line.is_empty(), self.about.is_empty()) {
            (true, true) => {}
            (true, false) => self.about.push('\n'),
            (false, true) => self.about.push_str(line),
            (false, false) => {
                self.about.push(' ');
                self.about.push_str(line);
            }
        }
    }
}

/// `key: value` with a key in lower case.
fn declaration(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().split_once(':')?;
    let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    is_key.then(|| (key, value.trim()))
}

fn vm(value: &str) -> Vm {
    let mut words = value.split_whitespace().peekable();
    let label = words.next_if(|word| word.ends_with(':')).map(|word| word.trim_end_matches(':').to_owned());
    Vm { label: label.unwrap_or_default(), options: words.map(str::to_owned).collect() }
}

fn yes(key: &str, value: &str) -> Result<bool> {
    match value {
        "yes" => Ok(true),
        _ => bail!("{key}: takes only yes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0\n#\n# Shows that: it works,\n# always.\n#\n\
        # Further words.\n#\n# covers: A-1 B-2\n# vm: raw: @disks --image raw\n# vm: @disks\n# cases: x y\n\
        # timeout: 9\n# alone: yes\n# debug-kernel: no\n\n# vm: not a header any more\n";

    #[test]
    fn all_declarations() {
        let header = Header::parse(SCRIPT).unwrap();
        assert_eq!(header.about.trim(), "Shows that: it works, always.");
        assert_eq!(header.covers, ["A-1", "B-2"]);
        assert_eq!(header.vms.len(), 2);
        assert_eq!(header.vms[0].label, "raw");
        assert_eq!(header.vms[0].options, ["@disks", "--image", "raw"]);
        assert_eq!(header.vms[1], Vm { label: String::new(), options: vec!["@disks".to_owned()] });
        assert_eq!(header.cases, ["x", "y"]);
        assert_eq!((header.timeout, header.alone, header.full), (9, true, false));
        assert!(!header.debug_kernel);
    }

    #[test]
    fn defaults() {
        let header = Header::parse("#!/bin/sh\n# About.\n").unwrap();
        assert_eq!((header.vms.len(), header.cases.as_slice()), (1, &[String::new()][..]));
        assert_eq!((header.timeout, header.debug_kernel), (TIMEOUT, true));
    }

    #[test]
    fn mistakes_are_reported() {
        for wrong in [
            "#!/bin/sh\n",
            "# A.\n# cover: X\n",
            "# A.\n# timeout: soon\n",
            "# A.\n# alone: no\n",
            "# A.\n# debug-kernel: yes\n",
        ] {
            assert!(Header::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
