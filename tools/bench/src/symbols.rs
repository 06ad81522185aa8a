// SPDX-License-Identifier: GPL-2.0

//! Names of the guest kernel's code, from its /proc/kallsyms.

use crate::layer::Layer;

/// Addresses from here on are the kernel's.
const KERNEL: u64 = 1 << 63;

/// A function of the kernel or of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    address: u64,
    /// As in the source; Rust names demangled, without the hashes of their crates.
    pub name: String,
    /// The module, none for the kernel itself.
    pub module: Option<String>,
    /// Where it belongs.
    pub layer: Layer,
}

/// All functions, by address.
#[derive(Debug, Default)]
pub struct Symbols(Vec<Symbol>);

impl Symbols {
    /// Reads lines of /proc/kallsyms; data symbols are left out.
    pub fn parse(text: &str) -> Self {
        let mut symbols: Vec<Symbol> = text.lines().filter_map(parse_line).collect();
        symbols.sort_by_key(|symbol| symbol.address);
        Self(symbols)
    }

    /// The function that contains `address`; none for user programs.
    pub fn find(&self, address: u64) -> Option<&Symbol> {
        if address < KERNEL {
            return None;
        }
        let after = self.0.partition_point(|symbol| symbol.address <= address);
        self.0.get(after.checked_sub(1)?)
    }
}

/// Address, type, name, and in brackets the module, if any.
fn parse_line(line: &str) -> Option<Symbol> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    if !matches!(words.next()?, "t" | "T" | "w" | "W") {
        return None;
    }
    let name = format!("{:#}", rustc_demangle::demangle(words.next()?));
    let module = words.next().map(|word| word.trim_matches(['[', ']']).to_owned());
    let layer = Layer::of(&name, module.as_deref());
    Some(Symbol { address, name, module, layer })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
ffffffff81000000 T _stext
ffffffff81002000 t do_syscall_64
ffffffff82000000 D jiffies
ffffffffc0400010 t virtblk_done\t[virtio_blk]
ffffffffc0500000 t _RNvMs_NtCsPfsBWwA54b_7rvirtio3irqNtB4_3Irq7request\t[rvirtio]
";

    #[test]
    fn finds_the_function_around_an_address() {
        let symbols = Symbols::parse(TEXT);
        let name = |address| symbols.find(address).map(|symbol| symbol.name.as_str());
        assert_eq!(name(0xffff_ffff_8100_0000), Some("_stext"));
        assert_eq!(name(0xffff_ffff_8100_1fff), Some("_stext"));
        assert_eq!(name(0xffff_ffff_8100_2000), Some("do_syscall_64"));
        assert_eq!(name(0xffff_ffff_8200_0010), Some("do_syscall_64"), "data is no function");
        assert_eq!(name(0x40_0000), None, "user program");
        assert_eq!(name(0xffff_8000_0000_0000), None, "below all functions");
    }

    #[test]
    fn modules_and_rust_names() {
        let symbols = Symbols::parse(TEXT);
        let done = symbols.find(0xffff_ffff_c040_0020).unwrap();
        assert_eq!((done.name.as_str(), done.module.as_deref()), ("virtblk_done", Some("virtio_blk")));
        let request = symbols.find(0xffff_ffff_c050_0020).unwrap();
        assert_eq!(request.name, "<rvirtio::irq::Irq>::request");
    }
}
