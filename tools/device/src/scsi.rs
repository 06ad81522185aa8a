// SPDX-License-Identifier: GPL-2.0

//! The SCSI host: its queues (virtio 1.4, 5.6.6). All of its units are in target 0.

mod commands;
#[cfg(test)]
mod tests;
mod unit;

use self::unit::Unit;
use crate::{
    back_end::{BackEnd, Request, Role, Scope, Served},
    breach::{Breach, Findings, require},
    memory::Memory,
    ring::chain::Chain,
    script::{Action, Fault, Mischief, Stream},
    spec::Spec,
};
use std::collections::VecDeque;

/// Queues, and the first one with commands.
const CONTROL: usize = 0;
const EVENT: usize = 1;
pub const FIRST: usize = 2;

/// Offsets of fields that the driver may write, and what is in them after a reset.
const SENSE_SIZE_AT: u64 = 20;
const CDB_SIZE_AT: u64 = 24;
pub const SENSE_SIZE: u32 = 96;
pub const CDB_SIZE: u32 = 32;

const COMMANDS_PER_UNIT: u32 = 16;
const MAX_TARGET: u16 = 3;
const MAX_LUN: u32 = 16383;

/// Of a command: LUN, tag, attribute, priority, CRN; of its response; of task management; of an event.
const HEADER: usize = 19;
const RESPONSE: usize = 12;
const MANAGEMENT: usize = 24;
const EVENT_LEN: usize = 16;

/// Responses.
const OK: u8 = 0;
const ABORTED: u8 = 2;
const BAD_TARGET: u8 = 3;
const RESET: u8 = 4;
const FUNCTION_REJECTED: u8 = 11;
const INCORRECT_LUN: u8 = 12;

const CHECK_CONDITION: u8 = 2;

/// Functions of task management.
const ABORT_TASK: u32 = 0;
const TARGET_RESET: u32 = 4;
const UNIT_RESET: u32 = 5;

/// What a device that writes more than it says writes there.
const BEYOND: u8 = 0xee;

/// The answer to task management that is none.
const MUTE: u8 = 0xff;

type Lun = [u8; 8];

pub struct Host {
    units: Vec<Unit>,
    /// Commands in flight: unit and tag.
    in_flight: Vec<(Lun, u64)>,
    events: VecDeque<[u8; EVENT_LEN]>,
    sense_size: u32,
    cdb_size: u32,
    /// Both after a reset.
    sizes: [u32; 2],
    /// Functions that are not done, as a set of their numbers, and what the driver is told instead.
    not_done: u8,
    answer: u8,
    /// How a list of units is wrong.
    list: Option<u8>,
    /// How often each function was asked for.
    functions: [u64; 8],
}

impl Host {
    pub fn new(spec: &Spec) -> Self {
        Self {
            units: (0..spec.units).map(|number| Unit::new(&spec.name, number, spec.size)).collect(),
            in_flight: Vec::new(),
            events: VecDeque::new(),
            sense_size: spec.sizes[0],
            cdb_size: spec.sizes[1],
            sizes: spec.sizes,
            not_done: 0,
            answer: OK,
            list: None,
            functions: [0; 8],
        }
    }

    /// The unit that an address names, if it is there.
    fn unit(&mut self, lun: Lun) -> Option<&mut Unit> {
        let [1, 0, high, low, 0, 0, 0, 0] = lun else { return None };
        let number = match high >> 6 {
            0 if high == 0 => usize::from(low),
            1 => usize::from(u16::from_be_bytes([high & 0x3f, low])),
            _ => return None,
        };
        self.units.get_mut(number).filter(|unit| unit.is_there)
    }
}

impl BackEnd for Host {
    fn configure(&self, spec: &Spec, space: &mut [u8]) {
        let fields = [
            spec.queues.into(),
            u32::from(spec.queue_size.saturating_sub(2).max(1)),
            0xffff,
            COMMANDS_PER_UNIT,
            EVENT_LEN as u32,
            self.sense_size,
            self.cdb_size,
            u32::from(MAX_TARGET) << 16,
            MAX_LUN,
        ];
        let bytes = fields.map(u32::to_le_bytes).concat();
        space[..bytes.len()].copy_from_slice(&bytes);
    }

    fn written(&mut self, at: u64, value: u64, findings: &mut Findings) {
        match at {
            SENSE_SIZE_AT => self.sense_size = value as u32,
            CDB_SIZE_AT => self.cdb_size = value as u32,
            _ => {
                findings.check(require(false, "SCSI-01", || format!("a write at {at}")));
            }
        }
    }

    fn role(&self, queue: usize) -> Role {
        match queue {
            CONTROL => Role::Control { answers: self.answer != MUTE },
            EVENT => Role::Events,
            _ => Role::Requests,
        }
    }

    fn ready(&mut self, _: usize, _: &[u64]) -> usize {
        self.events.len()
    }

    fn taken(&mut self, queue: usize, memory: &Memory, chain: &Chain, findings: &mut Findings) {
        let Ok(bytes) = chain.read(memory) else { return };
        match queue {
            CONTROL => {}
            EVENT => {
                let room = chain.writable();
                findings.check(require(bytes.is_empty(), "SCSI-07", || "an event is to be read".into()));
                let fine = room >= EVENT_LEN as u64;
                findings.check(require(fine, "SCSI-09", || format!("{room} bytes for an event")));
            }
            _ => {
                let Ok((lun, tag)) = self.check(&bytes, chain) else { return };
                let fine = matches!(lun, [1, _, 0..0x80, _, 0, 0, 0, 0] | [1, _, 0xc1, 1, 0, 0, 0, 0]);
                findings.check(require(fine, "SCSI-D1", || format!("the address {lun:x?}")));
                let rest = &bytes[16..HEADER];
                findings
                    .check(require(rest == [0; 3], "SCSI-04", || format!("attribute and so on {rest:x?}")));
                self.in_flight.push((lun, tag));
                let count = self.in_flight.iter().filter(|(other, _)| *other == lun).count() as u32;
                let fine = count <= COMMANDS_PER_UNIT;
                findings.check(require(fine, "SCSI-02", || format!("{count} commands for a unit")));
            }
        }
    }

    fn serve(&mut self, request: &Request<'_>, _: &mut Findings) -> Result<Served, Breach> {
        match request.queue {
            CONTROL => self.manage(request),
            EVENT => self.report(request),
            _ => Ok(Served { written: self.command(request)?, ends: None }),
        }
    }

    fn is_in(&self, scope: &Scope, memory: &Memory, chain: &Chain) -> bool {
        let command = chain.read(memory).and_then(|bytes| self.check(&bytes, chain));
        command.is_ok_and(|(lun, tag)| match *scope {
            Scope::Command { lun: wanted, tag: of } => lun == wanted && tag == of,
            Scope::Unit(wanted) => lun == wanted,
            Scope::Target(target) => lun[1] == target,
        })
    }

    fn count(&self, word: &str) -> Option<u64> {
        match word {
            "aborts" => Some(self.functions[ABORT_TASK as usize]),
            "unit-resets" => Some(self.functions[UNIT_RESET as usize]),
            "target-resets" => Some(self.functions[TARGET_RESET as usize]),
            "flushes" => Some(self.units.iter().map(|unit| unit.flushes).sum()),
            "events" => Some(self.events.len() as u64),
            _ => None,
        }
    }

    fn mischief(&mut self, what: Mischief) -> bool {
        match what {
            Mischief::NotDone(functions) => self.not_done = functions,
            Mischief::Answer(answer) => self.answer = answer,
            Mischief::Capacity(blocks) => self.units.iter_mut().for_each(|unit| unit.capacity = blocks),
            Mischief::List(how) => self.list = Some(how),
            Mischief::Hide(unit) | Mischief::Show(unit) => {
                if let Some(unit) = self.units.get_mut(usize::from(unit)) {
                    unit.is_there = what == Mischief::Show(unit.number);
                }
            }
            Mischief::Event(value) => {
                let [a, b, c, d, reason, second, target, unit] = value.to_le_bytes();
                let lun = [1, target, 0x40, unit, 0, 0, 0, 0];
                let mut event = [0; EVENT_LEN];
                event[..4].copy_from_slice(&[a, b, c, d]);
                event[4..12].copy_from_slice(&lun);
                event[12..14].copy_from_slice(&[reason, second]);
                self.events.push_back(event);
            }
            _ => {}
        }
        false
    }

    fn random(&self, _: Stream, value: u64) -> Option<Action> {
        let [what, byte, a, b, c, d, ..] = value.to_le_bytes();
        let number = u32::from_le_bytes([a, b, c, d]);
        Some(match what % 16 {
            0 => Action::Request(Fault::Sense(number)),
            1 => Action::Request(Fault::SenseLen(number)),
            2 => Action::Request(Fault::Residual(number)),
            3 => Action::Request(Fault::TargetStatus(byte)),
            4 => Action::Device(Mischief::NotDone(byte)),
            5 => Action::Device(Mischief::Answer(byte & 0xf)),
            6 => Action::Device(Mischief::Event(u64::from(number) << 32 | u64::from(byte % 4) | 1 << 31)),
            _ => return None,
        })
    }

    fn be_honest(&mut self) -> bool {
        (self.not_done, self.answer, self.list) = (0, OK, None);
        self.units.iter_mut().for_each(Unit::be_honest);
        self.events.clear();
        false
    }

    fn reset(&mut self) {
        self.in_flight.clear();
        [self.sense_size, self.cdb_size] = self.sizes;
    }
}

/// The first eight bytes. There must be as many.
fn eight(bytes: &[u8]) -> [u8; 8] {
    bytes[..8].try_into().expect("eight bytes")
}
