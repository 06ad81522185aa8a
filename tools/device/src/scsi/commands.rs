// SPDX-License-Identifier: GPL-2.0

//! What a SCSI host does with commands, task management, and buffers for events.

use super::{
    ABORT_TASK, ABORTED, BAD_TARGET, BEYOND, CHECK_CONDITION, EVENT_LEN, FUNCTION_REJECTED, HEADER, Host,
    INCORRECT_LUN, Lun, MANAGEMENT, OK, RESET, RESPONSE, TARGET_RESET, UNIT_RESET, eight,
    unit::{self, Answer, ILLEGAL_REQUEST, Unit},
};
use crate::{
    back_end::{Request, Scope, Served},
    breach::{Breach, require},
    ring::chain::Chain,
};

impl Host {
    pub(super) fn command(&mut self, request: &Request<'_>) -> Result<u32, Breach> {
        let &Request { memory, chain, treatment, ended, .. } = request;
        let bytes = chain.read(memory)?;
        let (lun, tag) = self.check(&bytes, chain)?;
        if let Some(place) = self.in_flight.iter().position(|other| *other == (lun, tag)) {
            self.in_flight.swap_remove(place);
        }
        let (header, out) = bytes.split_at(HEADER + self.cdb_size as usize);
        let cdb = &header[HEADER..];
        let answer = match treatment.sense {
            _ if ended.is_some() => Answer::Good(Vec::new()),
            Some([_, key, code, qualifier]) => Answer::Sense([key, code, qualifier]),
            None if cdb[0] == unit::REPORT_LUNS && lun[1] == 0 => Answer::Good(self.list()),
            None => match self.unit(lun) {
                Some(unit) => unit.execute(cdb, out, treatment.no_data),
                // There is a target without this unit, of which it knows how to tell.
                None if lun[1] == 0 && cdb[0] == unit::INQUIRY => Answer::Good(unit::no_unit()),
                None => Answer::Sense([ILLEGAL_REQUEST, 0x25, 0]),
            },
        };
        let response = ended.unwrap_or(if lun[1] == 0 { OK } else { BAD_TARGET });
        self.respond(request, out.len(), &answer, response)
    }

    /// Writes response, sense data and data.
    fn respond(
        &self,
        request: &Request<'_>,
        out: usize,
        answer: &Answer,
        response: u8,
    ) -> Result<u32, Breach> {
        let &Request { memory, chain, treatment, .. } = request;
        let response_len = RESPONSE as u64 + u64::from(self.sense_size);
        let room = (chain.writable() - response_len) as usize;
        let (data, sense): (&[u8], _) = match answer {
            Answer::Good(data) => (&data[..data.len().min(room)], None),
            Answer::Sense(sense) => (&[], Some(*sense)),
        };
        // What was not transferred: all, if there is sense data.
        let mut residual = (room - data.len()) as u32;
        if sense.is_some() || response != OK {
            residual += out as u32;
        }
        if !treatment.no_data {
            chain.write(memory, response_len, data)?;
        }
        if treatment.beyond {
            chain.write(memory, response_len, &vec![BEYOND; room])?;
        }
        if !treatment.no_status {
            let sense = sense.map(unit::sense_data);
            let len = sense.map_or(0, |sense| sense.len() as u32).min(self.sense_size);
            let status = if sense.is_some() { CHECK_CONDITION } else { 0 };
            let mut head = [0; RESPONSE];
            head[..4].copy_from_slice(&treatment.sense_len.unwrap_or(len).to_le_bytes());
            head[4..8].copy_from_slice(&treatment.residual.unwrap_or(residual).to_le_bytes());
            head[10] = treatment.target_status.unwrap_or(status);
            head[11] = treatment.status.unwrap_or(response);
            chain.write(memory, 0, &head)?;
            if let Some(sense) = sense {
                chain.write(memory, RESPONSE as u64, &sense[..len as usize])?;
            }
        }
        Ok(response_len as u32 + data.len() as u32)
    }

    /// What every command has.
    pub(super) fn check(&self, bytes: &[u8], chain: &Chain) -> Result<(Lun, u64), Breach> {
        let header = HEADER + self.cdb_size as usize;
        let response = RESPONSE as u64 + u64::from(self.sense_size);
        require(bytes.len() >= header && chain.writable() >= response, "SCSI-D1", || {
            format!("{} bytes to read and {} to write", bytes.len(), chain.writable())
        })?;
        Ok((eight(bytes), u64::from_le_bytes(eight(&bytes[8..]))))
    }

    /// What REPORT LUNS answers.
    fn list(&self) -> Vec<u8> {
        let there = (0_u16..).zip(&self.units).filter(|(_, unit)| unit.is_there);
        let mut entries: Vec<u8> =
            there.flat_map(|(number, _)| [number.to_be_bytes()[0], number as u8, 0, 0, 0, 0, 0, 0]).collect();
        let mut len = entries.len() as u32;
        match self.list {
            // Not a whole number of entries; more than there are; of formats that nobody knows.
            Some(0) => len = 13,
            Some(1) => len += 64,
            Some(2) => entries.iter_mut().for_each(|byte| *byte = 0xff),
            _ => {}
        }
        [&len.to_be_bytes()[..], &[0; 4], &entries].concat()
    }

    pub(super) fn manage(&mut self, request: &Request<'_>) -> Result<Served, Breach> {
        let bytes = request.chain.read(request.memory)?;
        let fine = bytes.len() == MANAGEMENT && request.chain.writable() == 1;
        require(fine, "SCSI-D1", || format!("task management of {} bytes", bytes.len()))?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (function, lun) = (word(4), eight(&bytes[8..]));
        if let Some(count) = self.functions.get_mut(function as usize) {
            *count += 1;
        }
        let mut ends = None;
        let response = match function {
            _ if word(0) != 0 => FUNCTION_REJECTED,
            0..8 if self.not_done >> function & 1 != 0 => self.answer,
            ABORT_TASK => {
                let tag = u64::from_le_bytes(eight(&bytes[16..]));
                ends = Some((Scope::Command { lun, tag }, ABORTED));
                OK
            }
            UNIT_RESET => match self.unit(lun) {
                Some(unit) => {
                    unit.was_reset();
                    ends = Some((Scope::Unit(lun), RESET));
                    OK
                }
                None => INCORRECT_LUN,
            },
            TARGET_RESET if lun[1] == 0 => {
                self.units.iter_mut().for_each(Unit::was_reset);
                ends = Some((Scope::Target(0), RESET));
                OK
            }
            TARGET_RESET => BAD_TARGET,
            _ => FUNCTION_REJECTED,
        };
        request.chain.write(request.memory, 0, &[response])?;
        Ok(Served { written: 1, ends })
    }

    pub(super) fn report(&mut self, request: &Request<'_>) -> Result<Served, Breach> {
        let event = self.events.pop_front().unwrap_or_default();
        request.chain.write(request.memory, 0, &event)?;
        Ok(Served { written: EVENT_LEN as u32, ends: None })
    }
}
