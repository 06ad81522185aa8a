// SPDX-License-Identifier: GPL-2.0

//! What was asked for, and running it.

use crate::{
    analyzer,
    boot::{Event, Guests},
    cargo::{Cargo, UNITS, Unit},
    check::{Check, Sources},
    cli::{Cli, What},
    compile_fail::{self, Program},
    conformance,
    guest::{self, Boot, Wanted},
    host::{self, HostTest},
    kunit,
    modules::Builder,
    outcome::{Outcome, tail},
    report::Report,
    rustc::Modules,
    rustdoc,
};
use anyhow::{Context as _, Result, bail};
use rvirtio_provision::{BuildRoot, Context, Kernel};
use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{Mutex, atomic::Ordering, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Everything that is to be run.
pub struct Suite {
    repo: PathBuf,
    jobs: u8,
    kernel: String,
    kunit: bool,
    what: What,
    units: Vec<&'static Unit>,
    checks: Vec<&'static Check>,
    programs: Vec<Program>,
    host: Vec<HostTest>,
    boots: Vec<Boot>,
}

impl Suite {
    /// Finds what the command line selects.
    pub fn new(cli: &Cli) -> Result<Self> {
        let repo =
            cli.repo.canonicalize().with_context(|| format!("{} cannot be read", cli.repo.display()))?;
        if !repo.join("tools/vm").is_file() {
            bail!(
                "{} is not rvirtio's source tree: start this in it, or name it with --repo",
                repo.display()
            );
        }
        let wanted = Wanted {
            filter: &cli.filter,
            full: cli.full,
            debug_kernel: cli.kernel == "debug",
            matrix: cli.matrix,
        };
        let mut suite = Self {
            repo,
            jobs: cli.jobs,
            kernel: cli.kernel.clone(),
            kunit: cli.what == What::Kunit || cli.what.tests() && wanted.name(kunit::NAME),
            what: cli.what,
            units: Vec::new(),
            checks: Vec::new(),
            programs: Vec::new(),
            host: Vec::new(),
            boots: Vec::new(),
        };
        if cli.what.checks() {
            suite.checks = crate::check::ALL.iter().filter(|check| wanted.name(check.name)).collect();
        }
        if cli.what.tests() {
            suite.units = UNITS.iter().filter(|unit| wanted.name(unit.name)).collect();
            suite.programs = compile_fail::programs(&suite.repo)?;
            suite.programs.retain(|program| wanted.name(&program.name));
            suite.host = host::tests(&suite.repo, wanted)?;
            suite.boots = guest::boots(&suite.repo, wanted)?;
        }
        Ok(suite)
    }

    /// Prints the names and what they show.
    pub fn list(&self) {
        let line = |name: &str, about: &str| println!("{name:<44} {about}");
        self.checks.iter().for_each(|check| line(check.name, check.about));
        self.units.iter().for_each(|unit| line(unit.name, unit.about));
        self.programs.iter().for_each(|program| line(&program.name, &program.about));
        self.kunit.then(|| line(kunit::NAME, kunit::ABOUT));
        self.host.iter().for_each(|test| line(&test.name, &test.about));
        self.boots.iter().flat_map(|boot| &boot.runs).for_each(|run| line(&run.name, &run.about));
    }

    /// Runs all, quick things first.
    pub fn run(&self, report: &mut Report) -> Result<()> {
        let ctx = Context::new(&self.repo)?;
        let root = BuildRoot::ensure(&ctx)?;
        let logs = ctx.cache.root().join("logs/tests");
        fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))?;
        let kernel = Kernel::stock(&ctx, &root, None)?;
        let modules = Builder { root: &root, kernel: &kernel, cache: &ctx.cache };
        let cargo = Cargo { repo: &self.repo, root: &root, cache: &ctx.cache };
        let interrupted = report.interrupted();
        let stop = || interrupted.load(Ordering::Relaxed);

        let started = Instant::now();
        let made = match self.what {
            What::Conformance => {
                let (page, findings) = conformance::page(&Sources::find(&ctx, modules, &cargo)?)?;
                fs::write(self.repo.join(conformance::PAGE), page)
                    .with_context(|| format!("{} cannot be written", conformance::PAGE))?;
                Some((conformance::PAGE, findings))
            }
            What::Rustdoc => {
                let modules = Modules::build(&ctx, &root, &kernel)?;
                Some((rustdoc::OUTPUT, rustdoc::make(&modules, &self.repo.join(rustdoc::OUTPUT))?))
            }
            What::RustAnalyzer => {
                let modules = Modules::build(&ctx, &root, &kernel)?;
                analyzer::make(&modules, &self.repo)?;
                Some((analyzer::OUTPUT, Vec::new()))
            }
            _ => None,
        };
        if let Some((name, findings)) = made {
            report.add(match findings.is_empty() {
                true => Outcome::passed(name, started.elapsed()),
                false => Outcome::failed(name, started.elapsed(), findings.join("\n")),
            });
        }
        if !self.checks.is_empty() {
            let sources = Sources::find(&ctx, modules, &cargo)?;
            for check in self.checks.iter().take_while(|_| !stop()) {
                report.running(check.name);
                report.add(check.run(&sources)?);
            }
        }
        for unit in self.units.iter().take_while(|_| !stop()) {
            report.running(unit.name);
            report.add(cargo.run(unit, logs.join(format!("{}.output", unit.name.replace('/', "-"))))?);
        }
        self.compile(&ctx, &root, &kernel, report)?;
        for test in self.host.iter().take_while(|_| !stop()) {
            report.running(&test.name);
            report.add(test.run(&self.repo, &logs)?);
        }
        let source = self.boots.iter().any(|boot| boot.spec.selftests);
        let source = source.then(|| Kernel::debug_source(&ctx, &root)).transpose()?;
        let guests = Guests {
            repo: &self.repo,
            modules,
            source: source.as_deref(),
            kernel: &self.kernel,
            logs: &logs,
            interrupted: &interrupted,
        };
        for kernel in self.kernels(&guests) {
            let boots: Vec<_> = self.boots.iter().filter(|boot| guests.kernel_of(boot) == kernel).collect();
            let kunit = self.kunit && kernel == kunit::KERNEL;
            if boots.is_empty() && !kunit || stop() {
                continue;
            }
            report.running(&format!("building the drivers for the kernel {kernel}"));
            if let Some(failure) = self.build(&ctx, &root, kernel)? {
                report.add(failure);
                continue;
            }
            if kunit {
                report.running(kunit::NAME);
                kunit::run(&ctx, &root, &self.repo, &logs)?
                    .into_iter()
                    .for_each(|outcome| report.add(outcome));
            }
            self.run_guests(&boots, &guests, report)?;
        }
        Ok(())
    }

    /// Compiles what must not compile.
    fn compile(&self, ctx: &Context, root: &BuildRoot, kernel: &Kernel, report: &mut Report) -> Result<()> {
        if self.programs.is_empty() {
            return Ok(());
        }
        report.running("compile-fail");
        let modules = Modules::build(ctx, root, kernel)?;
        for program in &self.programs {
            report.add(program.try_out(&self.repo, &modules)?);
        }
        Ok(())
    }

    /// The kernels that guests want: first what most of them run on, at last what takes longest.
    fn kernels<'a>(&'a self, guests: &'a Guests<'_>) -> Vec<&'a str> {
        let mut kernels = vec![guests.kernel];
        for kernel in self.boots.iter().map(|boot| guests.kernel_of(boot)).chain([kunit::KERNEL]) {
            if !kernels.contains(&kernel) {
                kernels.push(kernel);
            }
        }
        kernels[1..].sort_by_key(|kernel| *kernel == kunit::KERNEL);
        kernels
    }

    /// Builds kernel and drivers once, so that an error there is not told for every guest.
    fn build(&self, ctx: &Context, root: &BuildRoot, kernel: &str) -> Result<Option<Outcome>> {
        let started = Instant::now();
        let name = format!("guest/build-{kernel}");
        // Here, as it can take long and shows how far it is.
        let made = match kernel {
            "debug" => Kernel::debug(ctx, root).map(drop),
            "builtin" => Kernel::builtin(ctx, root).map(drop),
            _ => Ok(()),
        };
        if let Err(error) = made {
            return Ok(Some(Outcome::failed(name, started.elapsed(), format!("{error:#}"))));
        }
        let mut command = Command::new(self.repo.join("tools/vm"));
        command.args(["build", "--kernel", kernel]);
        let output = command.output().context("tools/vm cannot be started")?;
        let text = String::from_utf8_lossy(&output.stderr);
        Ok((!output.status.success()).then(|| Outcome::failed(name, started.elapsed(), tail(&text))))
    }

    /// Runs `boots`, [`Cli::jobs`] at the same time.
    fn run_guests(&self, boots: &[&Boot], guests: &Guests<'_>, report: &mut Report) -> Result<()> {
        let queue = Mutex::new(boots.iter().copied());
        let (sender, events) = mpsc::channel();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.jobs)
                .map(|_| {
                    let (sender, queue) = (sender.clone(), &queue);
                    scope.spawn(move || {
                        // The receiver outlives the workers.
                        let tell = |event| drop(sender.send(event));
                        while let Some(boot) = next(queue) {
                            guests.run(boot, &tell)?;
                        }
                        anyhow::Ok(())
                    })
                })
                .collect();
            drop(sender);
            for event in events {
                match event {
                    Event::Running(name) => report.running(&name),
                    Event::Done(outcome) => report.add(outcome),
                }
            }
            for worker in workers {
                if let Ok(Err(error)) = worker.join() {
                    report.add(Outcome::failed("guest", Duration::ZERO, format!("{error:#}")));
                }
            }
        });
        Ok(())
    }
}

fn next<'a>(queue: &Mutex<impl Iterator<Item = &'a Boot>>) -> Option<&'a Boot> {
    queue.lock().ok()?.next()
}
