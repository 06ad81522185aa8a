// SPDX-License-Identifier: GPL-2.0

//! How the kernel's build calls rustc for our crates, from the `.cmd` files that it leaves behind.

use anyhow::{Result, bail};
use rvirtio_provision::{BuildRoot, BwrapCommand, Context, Kernel, build_modules, files_below};
use std::{fs, path::PathBuf};

/// The modules, built.
pub struct Modules<'a> {
    /// Knows the cache.
    pub ctx: &'a Context,
    /// Has the compilers.
    pub root: &'a BuildRoot,
    /// What they were built for.
    pub kernel: &'a Kernel,
    /// Where.
    pub out: PathBuf,
    /// Their crates: each after those that it uses.
    pub crates: Vec<Crate>,
}

impl<'a> Modules<'a> {
    /// Builds what has changed.
    pub fn build(ctx: &'a Context, root: &'a BuildRoot, kernel: &'a Kernel) -> Result<Self> {
        let out = build_modules(ctx, root, kernel)?;
        let mut crates = Vec::new();
        for file in files_below(&out, |name| name.ends_with(".o.cmd"))? {
            let text = fs::read_to_string(&file)?;
            let found = Crate::parse(text.lines().next().unwrap_or_default());
            crates.extend(found.filter(|found| found.source.is_file()));
        }
        crates.sort_by_key(|one| {
            (one.flags.iter().filter(|flag| *flag == "--extern").count(), one.name.clone())
        });
        if crates.is_empty() {
            bail!("{} has no crate that was compiled", out.display());
        }
        Ok(Self { ctx, root, kernel, out, crates })
    }

    /// Runs `program`, rustc or rustdoc, as the crate was compiled.
    pub fn command(&self, program: &str, like: &Crate) -> BwrapCommand {
        let mut command = self.root.command(program);
        command.bind_ro(self.ctx.cache.root()).bind_ro(&self.kernel.kdir).bind_ro(&self.ctx.repo);
        command.bind_ro(&self.out).current_dir(&self.out);
        for (key, value) in &like.env {
            command.env(key, value);
        }
        // The Makefile exports it: it is where generated bindings are.
        command.env("RVIRTIO_OBJ", self.out.join("drivers/rvirtio"));
        // For the kernel's own use of unstable features, which the flags name.
        command.env("RUSTC_BOOTSTRAP", "1").args(&like.flags);
        command
    }
}

/// A crate of the drivers as it was compiled.
pub struct Crate {
    /// Its name, which is that of its root's file.
    pub name: String,
    /// The root.
    pub source: PathBuf,
    /// Flags, but for those that say what is made and where.
    pub flags: Vec<String>,
    /// What others compile against, if they do, relative to where the modules were built.
    pub metadata: Option<PathBuf>,
    /// Variables that it was compiled with.
    pub env: Vec<(String, String)>,
}

impl Crate {
    /// Of `savedcmd_X := VARIABLE=VALUE... rustc FLAG... X.rs`.
    fn parse(line: &str) -> Option<Self> {
        let mut words = shlex::split(line.strip_prefix("savedcmd_")?.split_once(" := ")?.1)?.into_iter();
        let is_rustc = |word: &str| word == "rustc" || word.ends_with("/rustc");
        let mut env: Vec<_> = words.by_ref().take_while(|word| !is_rustc(word)).collect();
        let mut words: Vec<String> = words.collect();
        let source = PathBuf::from(words.pop().filter(|last| last.ends_with(".rs"))?);
        let metadata = words.iter().find_map(|word| word.strip_prefix("--emit=metadata=")).map(PathBuf::from);
        let mut flags = Vec::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--out-dir" => drop(words.next()),
                word if word.starts_with("--emit=") => {}
                _ => flags.push(word),
            }
        }
        let pair = |word: String| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        let env = env.drain(..).filter_map(pair).collect();
        Some(Self { name: source.file_stem()?.to_str()?.to_owned(), source, flags, metadata, env })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn commands_become_crates() {
        let of = |line| Crate::parse(line);
        let line = "savedcmd_a/b.o := OBJTREE=/k RUST_MODFILE=m rustc --edition=2021 -Zcrate-attr='feature(x, y)' \
                    -L a/core  --extern rvirtio --emit=metadata=a/libb.rmeta --out-dir a/ --emit=obj=a/b.o /r/a/b.rs  ";
        let found = of(line).unwrap();
        assert_eq!((found.name.as_str(), found.source.as_path()), ("b", Path::new("/r/a/b.rs")));
        assert_eq!(found.metadata.unwrap(), Path::new("a/libb.rmeta"));
        assert_eq!(
            found.flags,
            ["--edition=2021", "-Zcrate-attr=feature(x, y)", "-L", "a/core", "--extern", "rvirtio"]
        );
        assert_eq!(found.env[1], ("RUST_MODFILE".to_owned(), "m".to_owned()));
        assert!(of("savedcmd_a.o := gcc -c a.c").is_none());
        assert!(of("savedcmd_a.o := ld -r -o a.o @a.mod").is_none());
    }
}
