// SPDX-License-Identifier: GPL-2.0

//! QEMU plugin (for TCG): counts how often each block of guest code is executed.
//!
//! ```text
//! -plugin librvirtio_plugin.so,out=FILE[,devices=on]
//! ```
//!
//! Generated code adds to the counters, so the guest stays almost as fast as without. A snapshot of
//! the increments goes to FILE whenever a program in the guest executes the marker instruction
//! ([`code::MARKER`]). With `devices=on` accesses to device memory and I/O ports are counted too, by
//! callbacks, which makes the guest two to three times slower.
//!
//! A block counts in full when it is entered, also when an exception ends it early.

mod api;
pub mod code;
mod counts;
pub mod record;

use api::{Block, RawBlock};
use counts::{Counts, Key};
use record::Kind;
use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    fs::File,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Tells QEMU which interface the plugin expects.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = api::VERSION;

/// Addresses from here on are the guest kernel's. Programs do not reach devices themselves.
const KERNEL: u64 = 1 << 63;

/// Lives as long as QEMU.
struct Plugin {
    counts: Mutex<Counts>,
    devices: bool,
}

impl Plugin {
    /// # Safety
    ///
    /// `userdata` is what `qemu_plugin_install` registered.
    unsafe fn from_userdata(userdata: *mut c_void) -> &'static Self {
        // SAFETY: It points to a leaked `Plugin`, which is only ever shared.
        unsafe { &*userdata.cast::<Self>() }
    }

    /// Nothing panics while it is held and leaves it in pieces.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the user asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options<'a> {
    out: &'a str,
    devices: bool,
}

impl<'a> Options<'a> {
    fn parse(arguments: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let (mut out, mut devices) = (None, false);
        for argument in arguments {
            match argument.split_once('=') {
                Some(("out", file)) => out = Some(file),
                Some(("devices", value @ ("on" | "off"))) => devices = value == "on",
                _ => return Err(format!("{argument} is not known: use out=FILE and devices=on|off")),
            }
        }
        Ok(Self { out: out.ok_or("no out=FILE says where the counts go")?, devices })
    }
}

/// Called by QEMU when it loads the plugin.
///
/// # Safety
///
/// `argv` points to `argc` strings, as QEMU promises.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: u64,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let arguments = (0..usize::try_from(argc).unwrap_or(0)).map(|index| {
        // SAFETY: By the caller's promise; the strings live as long as the plugin.
        unsafe { CStr::from_ptr(*argv.add(index)) }.to_str().unwrap_or("(not UTF-8)")
    });
    let plugin = Options::parse(arguments).and_then(|options| {
        let file = File::create(options.out).map_err(|error| format!("{}: {error}", options.out))?;
        Ok(Plugin { counts: Mutex::new(Counts::new(file)), devices: options.devices })
    });
    match plugin {
        Ok(plugin) => {
            let userdata = Box::into_raw(Box::new(plugin)).cast();
            // SAFETY: A leaked box stays valid.
            unsafe { api::register(id, translated, at_exit, userdata) };
            0
        }
        Err(error) => {
            // The log of QEMU is off unless asked for; this must be seen.
            eprintln!("rvirtio plugin: {error}");
            -1
        }
    }
}

extern "C" fn translated(block: *mut RawBlock, userdata: *mut c_void) {
    // SAFETY: QEMU gives what was registered.
    let plugin = unsafe { Plugin::from_userdata(userdata) };
    // SAFETY: QEMU has just given it, and it is dropped at the end of this callback.
    let block = unsafe { Block::new(block) };
    let mut counts = plugin.counts();

    let key = Key { kind: Kind::Block, address: block.address(), len: block.len() as u32 };
    block.count(counts.counter(key));
    for instruction in block.instructions() {
        if instruction.with_code(code::is_marker) {
            // SAFETY: As for `register`.
            unsafe { instruction.on_execution(marker, userdata) };
        }
        if plugin.devices && block.address() >= KERNEL {
            // SAFETY: As for `register`.
            unsafe { instruction.on_access(accessed, userdata) };
            if instruction.with_code(code::is_port_access) {
                let key = Key { kind: Kind::Port, address: instruction.address(), len: 1 };
                instruction.count(counts.counter(key));
            }
        }
    }
}

extern "C" fn accessed(_cpu: c_uint, info: u32, address: u64, userdata: *mut c_void) {
    // SAFETY: This is a memory callback.
    let Some((address, write)) = (unsafe { api::device_access(info, address) }) else { return };
    // SAFETY: QEMU gives what was registered.
    let plugin = unsafe { Plugin::from_userdata(userdata) };
    let kind = if write { Kind::DeviceWrite } else { Kind::DeviceRead };
    plugin.counts().add(Key { kind, address, len: 1 });
}

extern "C" fn marker(_cpu: c_uint, userdata: *mut c_void) {
    // SAFETY: QEMU gives what was registered.
    snapshot(unsafe { Plugin::from_userdata(userdata) });
}

/// The last snapshot is what came after the last marker.
extern "C" fn at_exit(userdata: *mut c_void) {
    // SAFETY: QEMU gives what was registered.
    snapshot(unsafe { Plugin::from_userdata(userdata) });
}

/// Whoever reads the file finds it cut off when this fails, and takes no number from it.
fn snapshot(plugin: &Plugin) {
    if let Err(error) = plugin.counts().snapshot() {
        eprintln!("rvirtio plugin: the counts cannot be written: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let parse = |words: &[&'static str]| Options::parse(words.iter().copied());
        assert_eq!(parse(&["out=/tmp/x"]), Ok(Options { out: "/tmp/x", devices: false }));
        assert_eq!(parse(&["out=a", "devices=on"]), Ok(Options { out: "a", devices: true }));
        for wrong in [&[][..], &["devices=on"], &["out=a", "devices=maybe"], &["out=a", "in=b"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
