// SPDX-License-Identifier: GPL-2.0

//! Commands, and answers that are wrong.

use super::*;
use crate::{
    faults::{Faults, Treatment},
    ring::chain::Element,
};

const ROOM: u64 = 0x4000;
const RESPONSE_LEN: u32 = 108;
const FIRST_UNIT: Lun = [1, 0, 0x40, 0, 0, 0, 0, 0];

/// A host with two units, and memory of a guest.
struct Rig {
    host: Host,
    memory: Memory,
    chain: Chain,
}

/// What has become of a command.
#[derive(Debug, PartialEq, Eq)]
struct Response {
    sense_len: u32,
    residual: u32,
    status: u8,
    code: u8,
    /// Key, code and qualifier.
    sense: [u8; 3],
    data: Vec<u8>,
}

impl Rig {
    fn new() -> Self {
        let file = tempfile::tempfile().unwrap();
        file.set_len(0x8000).unwrap();
        let mut memory = Memory::default();
        memory.map(file, 0, 0, 0x8000).unwrap();
        let mut rig =
            Self { host: Host::new(&"t,64K,units=2".parse().unwrap()), memory, chain: Chain::default() };
        // Each was switched on.
        for unit in 0..2 {
            assert_eq!(rig.command(unit, &[0], &[], 0, "").sense, [6, 0x29, 0]);
        }
        rig
    }

    fn serve(&mut self, queue: usize, bytes: &[u8], room: u32, fault: &str) -> Served {
        self.memory.write(0, bytes).unwrap();
        self.memory.write(ROOM, &[0xaa; 0x400]).unwrap();
        let element = |addr, len, writable| Element { addr, len, writable };
        let elements = vec![element(0, bytes.len() as u32, false), element(ROOM, room, true)];
        self.chain = Chain { elements, ..Chain::default() };
        let mut faults = Faults::default();
        if !fault.is_empty() {
            faults.plan(&fault.parse().unwrap());
        }
        let treatment: Treatment = faults.next(Stream::Requests, 0, |_| None).0;
        let (memory, chain, treatment) = (&self.memory, &self.chain, &treatment);
        let request = Request { queue, features: 0, memory, chain, treatment, ended: None };
        self.host.serve(&request, &mut Findings::default()).unwrap()
    }

    fn command(&mut self, unit: u8, cdb: &[u8], out: &[u8], room: u32, fault: &str) -> Response {
        let mut header = [0; 51];
        header[..8].copy_from_slice(&[1, 0, 0x40, unit, 0, 0, 0, 0]);
        header[19..19 + cdb.len()].copy_from_slice(cdb);
        self.serve(FIRST, &[&header, out].concat(), RESPONSE_LEN + room, fault);
        let mut bytes = vec![0; (RESPONSE_LEN + room) as usize];
        self.memory.read(ROOM, &mut bytes).unwrap();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        Response {
            sense_len: word(0),
            residual: word(4),
            status: bytes[10],
            code: bytes[11],
            sense: [bytes[14], bytes[24], bytes[25]],
            data: bytes[RESPONSE_LEN as usize..].to_vec(),
        }
    }

    fn manage(&mut self, function: u8, fault: Mischief) -> (u8, Option<(Scope, u8)>) {
        self.host.mischief(fault);
        let mut bytes = [0; MANAGEMENT];
        bytes[4] = function;
        bytes[8..16].copy_from_slice(&FIRST_UNIT);
        bytes[16] = 7;
        let ends = self.serve(CONTROL, &bytes, 1, "").ends;
        let mut answer = [0];
        self.memory.read(ROOM, &mut answer).unwrap();
        (answer[0], ends)
    }
}

/// Reads or writes the block 3.
const READ: [u8; 10] = [0x28, 0, 0, 0, 0, 3, 0, 0, 1, 0];
const WRITE: [u8; 10] = [0x2a, 0, 0, 0, 0, 3, 0, 0, 1, 0];

#[test]
fn data_is_what_was_written() {
    let mut rig = Rig::new();
    let written = rig.command(1, &WRITE, &[7; 512], 0, "");
    assert_eq!((written.code, written.status, written.residual), (OK, 0, 0));
    assert_eq!(rig.command(1, &READ, &[], 512, "").data, [7; 512]);
    assert_eq!(rig.command(0, &READ, &[], 512, "").data, [0; 512]);
    let far = rig.command(0, &[0x28, 0, 0, 0, 0, 128, 0, 0, 1, 0], &[], 512, "");
    assert_eq!((far.status, far.sense, far.residual), (CHECK_CONDITION, [5, 0x21, 0], 512));
    assert_eq!(rig.command(0, &[0xff], &[], 0, "").sense, [5, 0x20, 0]);
    // A unit that is not there, in a target that is.
    assert_eq!(rig.command(2, &[0], &[], 0, "").sense, [5, 0x25, 0]);
    assert_eq!(rig.command(2, &[unit::INQUIRY], &[], 36, "").data[0], 0x7f);
    rig.host.mischief(Mischief::Hide(1));
    assert_eq!(rig.command(0, &[0xa0], &[], 16, "").data[..4], [0, 0, 0, 8]);
}

#[test]
fn answers_are_as_wrong_as_they_are_told_to_be() {
    let mut rig = Rig::new();
    let mut told = |fault: &str| rig.command(0, &READ, &[], 512, fault);
    assert_eq!(told("sense 0x062900").sense, [6, 0x29, 0]);
    assert_eq!(told("sense-len 99").sense_len, 99);
    assert_eq!(told("residual 99").residual, 99);
    assert_eq!(told("target-status 0x77").status, 0x77);
    assert_eq!(told("status 9").code, 9);
    assert_eq!(told("no-status").code, 0xaa);
    assert_eq!(told("no-data").data[0], 0xaa);
    assert_eq!(told("beyond").data, [BEYOND; 512]);
}

#[test]
fn task_management_ends_what_it_names() {
    let mut rig = Rig::new();
    let command = Scope::Command { lun: FIRST_UNIT, tag: 7 };
    assert_eq!(rig.manage(0, Mischief::NotDone(0)), (OK, Some((command, ABORTED))));
    assert_eq!(rig.manage(5, Mischief::NotDone(0)), (OK, Some((Scope::Unit(FIRST_UNIT), RESET))));
    assert_eq!(rig.manage(4, Mischief::NotDone(0)), (OK, Some((Scope::Target(0), RESET))));
    assert_eq!(rig.manage(7, Mischief::NotDone(0)), (FUNCTION_REJECTED, None));
    assert_eq!(rig.manage(0, Mischief::NotDone(1)), (OK, None));
    assert_eq!(rig.manage(0, Mischief::Answer(9)), (9, None));
    // Both resets.
    assert_eq!(rig.command(1, &[0], &[], 0, "").sense, [6, 0x29, 0]);
    rig.command(0, &[0], &[], 0, "");
    let (chain, memory) = (&rig.chain, &rig.memory);
    assert!(rig.host.is_in(&Scope::Unit(FIRST_UNIT), memory, chain));
    assert!(!rig.host.is_in(&Scope::Unit([1, 0, 0x40, 1, 0, 0, 0, 0]), memory, chain));
    assert!(!rig.host.is_in(&command, memory, chain));
}
