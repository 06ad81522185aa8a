// SPDX-License-Identifier: GPL-2.0

//! The file that the plugin writes: snapshots, one after the other, each with what was counted since
//! the one before. All numbers are little-endian.
//!
//! ```text
//! snapshot  u32 MAGIC, u32 number of entries, entries
//! entry     u64 address, u64 count, u32 length, u32 kind
//! ```

use std::io::{self, Read, Write};

const MAGIC: u32 = 0x4e53_5652;
const ENTRY: usize = 24;

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Kind {
    /// Entries into a block of guest code.
    Block = 0,
    /// Reads of device memory.
    DeviceRead = 1,
    /// Writes to device memory.
    DeviceWrite = 2,
    /// Executions of an instruction that accesses an I/O port.
    Port = 3,
}

/// One counter's increment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What was counted.
    pub kind: Kind,
    /// Guest virtual address of the code; guest physical address of device memory.
    pub address: u64,
    /// Instructions in the block; 1 for all else.
    pub len: u32,
    /// How often.
    pub count: u64,
}

/// What was counted between two markers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// In no particular order; nothing occurs twice.
    pub entries: Vec<Entry>,
}

impl Snapshot {
    /// Appends it to `out` in one write.
    ///
    /// # Errors
    ///
    /// Those of writing.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(8 + self.entries.len() * ENTRY);
        bytes.extend(MAGIC.to_le_bytes());
        bytes.extend((self.entries.len() as u32).to_le_bytes());
        for entry in &self.entries {
            bytes.extend(entry.address.to_le_bytes());
            bytes.extend(entry.count.to_le_bytes());
            bytes.extend(entry.len.to_le_bytes());
            bytes.extend((entry.kind as u32).to_le_bytes());
        }
        out.write_all(&bytes)
    }

    /// Reads the next one; `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// Those of reading; `InvalidData` or `UnexpectedEof` when the file is not one of ours or was cut off.
    pub fn read(input: &mut impl Read) -> io::Result<Option<Self>> {
        let mut magic = [0; 4];
        match input.read(&mut magic[..1])? {
            0 => return Ok(None),
            _ => input.read_exact(&mut magic[1..])?,
        }
        if u32::from_le_bytes(magic) != MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no snapshot of the plugin"));
        }
        let mut len = [0; 4];
        input.read_exact(&mut len)?;
        let mut bytes = vec![0; u32::from_le_bytes(len) as usize * ENTRY];
        input.read_exact(&mut bytes)?;
        let entries = bytes.chunks_exact(ENTRY).map(parse).collect::<io::Result<_>>()?;
        Ok(Some(Self { entries }))
    }
}

fn parse(bytes: &[u8]) -> io::Result<Entry> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let kind = match word(20) {
        0 => Kind::Block,
        1 => Kind::DeviceRead,
        2 => Kind::DeviceWrite,
        3 => Kind::Port,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "an unknown kind of counter")),
    };
    Ok(Entry { kind, address: long(0), len: word(16), count: long(8) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<Snapshot> {
        let block = Entry { kind: Kind::Block, address: 0xffff_ffff_8100_0000, len: 7, count: u64::MAX };
        let write = Entry { kind: Kind::DeviceWrite, address: 0xfe00_3000, len: 1, count: 3 };
        vec![Snapshot { entries: vec![block, write] }, Snapshot::default()]
    }

    fn read_all(mut bytes: &[u8]) -> io::Result<Vec<Snapshot>> {
        std::iter::from_fn(|| Snapshot::read(&mut bytes).transpose()).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let mut file = Vec::new();
        for snapshot in two() {
            snapshot.write(&mut file).unwrap();
        }
        assert_eq!(read_all(&file).unwrap(), two());
    }

    #[test]
    fn a_file_that_was_cut_off_is_no_result() {
        let mut file = Vec::new();
        two()[0].write(&mut file).unwrap();
        for len in 1..file.len() {
            assert!(read_all(&file[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn other_files_are_refused() {
        assert!(read_all(b"\x7fELF\0\0\0\0").is_err());
        let mut file = Vec::new();
        two()[0].write(&mut file).unwrap();
        *file.last_mut().unwrap() = 0xff;
        assert!(read_all(&file).is_err(), "unknown kind");
    }
}
