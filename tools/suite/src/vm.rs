// SPDX-License-Identifier: GPL-2.0

//! Guests as tests declare them, turned into options of `tools/vm exec`.
//!
//! A file `tests/vm/NAME`, named in a test as `@NAME`, holds one thing a line:
//!
//! ```text
//! # a comment
//! disk NAME FORMAT SIZE [DEVICE-OPTIONS]    a scratch disk: an image and a device
//! lun NAME FORMAT SIZE DEVICE-OPTIONS       the same as a unit of a SCSI host
//! qmp                                       QEMU's monitor, at a serial port of the guest
//! trace                                     accesses to registers are traced when the test asks for it
//! other-core                                /host/built has modules of other sources of core
//! selftests                                 /host/selftests has the kernel's tests of network devices
//! net-device                                a network back end, `device`, that does what frames tell it to
//! --smp 4                                   any options; $DIR is a scratch directory of the host
//! ```

use crate::{net_device, registers, selftests};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path};

/// Everything that `tools/vm exec` is told about a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Options, with `$DIR` for the scratch directory, without `--kernel`.
    pub options: Vec<String>,
    /// Argument of `--kernel`, when the test is for a certain one.
    pub kernel: Option<String>,
    /// Scratch disks.
    pub disks: Vec<Disk>,
    /// Accesses to registers are judged when the guest has ended.
    pub trace: bool,
    /// Modules are wanted that are built from other sources of core.
    pub other_core: bool,
    /// A network device of our own is wanted.
    pub net_device: bool,
    /// The kernel's own tests of network devices are wanted.
    pub selftests: bool,
}

/// A scratch disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Disk {
    /// Name of its image, its node, its device and its serial number.
    pub name: String,
    /// Format of the image: `raw` or `qcow2`.
    pub format: String,
    /// Size as `qemu-img` takes it.
    pub size: String,
}

/// QEMU's monitor at a PCI serial port: the guest tells QEMU what to do to it. QEMU is connected to itself.
const QMP: [&str; 12] = [
    "--qemu",
    "-chardev",
    "--qemu",
    "socket,id=qmp-monitor,path=$DIR/qmp,server=on,wait=off",
    "--qemu",
    "-mon",
    "--qemu",
    "chardev=qmp-monitor,mode=control",
    "--qemu",
    "-chardev",
    "--qemu",
    "socket,id=qmp-port,path=$DIR/qmp",
];
const QMP_PORT: [&str; 4] = ["--device", "pci-serial,chardev=qmp-port", "--append", "8250.nr_uarts=8"];

impl Spec {
    /// Puts together what `words` of a test's header say; `dir` holds the files that `@NAME` means.
    pub fn expand(words: &[String], dir: &Path) -> Result<Self> {
        let mut spec = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--kernel" {
                spec.kernel = Some(words.next().context("--kernel names none")?.clone());
                continue;
            }
            match word.strip_prefix('@') {
                Some(name) => {
                    let path = dir.join(name);
                    let text = fs::read_to_string(&path)
                        .with_context(|| format!("{}, which a test names, cannot be read", path.display()))?;
                    spec.read(&text).with_context(|| format!("{} is wrong", path.display()))?;
                }
                None => spec.options.push(word.clone()),
            }
        }
        Ok(spec)
    }

    fn read(&mut self, text: &str) -> Result<()> {
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [] => {}
                [word, ..] if word.starts_with('#') => {}
                ["disk", name, format, size] => self.disk(name, format, size, ""),
                ["disk", name, format, size, options] => self.disk(name, format, size, options),
                ["lun", name, format, size, options] => self.drive("scsi-hd", name, format, size, options),
                ["qmp"] => self.options.extend(QMP.iter().chain(&QMP_PORT).map(|&word| word.to_owned())),
                ["trace"] => {
                    self.trace = true;
                    let log = format!("$DIR/{}", registers::FILE);
                    let words = ["--qemu", "-D", "--qemu", log.as_str()];
                    self.options.extend(words.map(str::to_owned));
                }
                ["other-core"] => {
                    self.other_core = true;
                    self.options.extend(["--copy".to_owned(), "$DIR/built".to_owned()]);
                }
                ["selftests"] => {
                    self.selftests = true;
                    self.options.extend(["--copy".to_owned(), format!("$DIR/{}", selftests::DIRECTORY)]);
                }
                ["net-device"] => {
                    self.net_device = true;
                    self.options.extend(net_device::options());
                }
                [word, ..] if word.starts_with('-') => {
                    self.options.extend(words.iter().map(|&word| word.to_owned()));
                }
                _ => bail!("{line:?} is neither a disk nor another word that is known here"),
            }
        }
        Ok(())
    }

    /// Adds a scratch disk whose device has these options.
    pub fn disk(&mut self, name: &str, format: &str, size: &str, options: &str) {
        self.drive("virtio-blk-pci", name, format, size, options);
    }

    fn drive(&mut self, device: &str, name: &str, format: &str, size: &str, options: &str) {
        let separator = if options.is_empty() { "" } else { "," };
        self.options.extend([
            "--blockdev".to_owned(),
            format!("driver={format},node-name={name},discard=unmap,cache.no-flush=on,file.driver=file,file.filename=$DIR/{name}"),
            "--device".to_owned(),
            // A serial number has 20 bytes.
            format!("{device},drive={name},id={name},serial={name}{separator}{options}"),
        ]);
        self.disks.push(Disk { name: name.to_owned(), format: format.to_owned(), size: size.to_owned() });
    }

    /// The options for a guest whose scratch directory is `dir`.
    pub fn options(&self, dir: &Path) -> Vec<String> {
        self.options.iter().map(|option| option.replace("$DIR", &dir.to_string_lossy())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(file: &str) -> Result<Spec> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("f"), file).unwrap();
        Spec::expand(&["--smp".to_owned(), "1".to_owned(), "@f".to_owned()], dir.path())
    }

    #[test]
    fn disks_become_an_image_and_a_device() {
        let spec = expand("# two\ndisk a raw 64M\n\ndisk b qcow2 1G vectors=0\n").unwrap();
        assert_eq!(spec.disks[1], Disk { name: "b".into(), format: "qcow2".into(), size: "1G".into() });
        let options = spec.options(Path::new("/t"));
        assert_eq!(options[..2], ["--smp", "1"]);
        assert!(options[3].ends_with("file.filename=/t/a"));
        assert_eq!(options[5], "virtio-blk-pci,drive=a,id=a,serial=a");
        assert_eq!(options[9], "virtio-blk-pci,drive=b,id=b,serial=b,vectors=0");
    }

    #[test]
    fn units_of_scsi_hosts_are_disks() {
        let spec = expand("lun a raw 64M bus=s.0,lun=3\n").unwrap();
        assert_eq!(spec.disks.len(), 1);
        assert_eq!(spec.options(Path::new("/t"))[5], "scsi-hd,drive=a,id=a,serial=a,bus=s.0,lun=3");
    }

    #[test]
    fn monitor_uses_one_socket() {
        let options = expand("qmp\n--memory 2G\n").unwrap().options(Path::new("/t"));
        assert_eq!(options.iter().filter(|option| option.contains("path=/t/qmp")).count(), 2);
        assert_eq!(options[options.len() - 2..], ["--memory", "2G"]);
    }

    #[test]
    fn kernel_is_no_option() {
        let words = ["--kernel", "debug", "--smp", "1"].map(str::to_owned);
        let spec = Spec::expand(&words, Path::new("/nonexistent")).unwrap();
        assert_eq!((spec.kernel.as_deref(), spec.options.join(" ").as_str()), (Some("debug"), "--smp 1"));
        assert!(Spec::expand(&words[..1], Path::new("/nonexistent")).is_err());
    }

    #[test]
    fn mistakes_are_reported() {
        assert!(expand("disk a raw\n").is_err());
        assert!(expand("smp 4\n").is_err());
        assert!(Spec::expand(&["@none".to_owned()], Path::new("/nonexistent")).is_err());
    }
}
