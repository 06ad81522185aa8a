// SPDX-License-Identifier: GPL-2.0

//! What is wrong with the device at the moment.

use crate::script::{Action, Fault, Line, Mischief, Stream};
use std::time::{Duration, Instant};

/// How a request is treated.
#[derive(Clone, Debug, Default)]
pub struct Treatment {
    pub lose: bool,
    pub delay: Duration,
    pub silent: bool,
    pub length: Option<u32>,
    pub id: Option<u32>,
    pub twice: bool,
    pub skip: u16,
    pub status: Option<u8>,
    pub no_status: bool,
    pub no_data: bool,
    pub beyond: bool,
    pub partial: bool,
    /// Of a response of a SCSI host.
    pub sense: Option<[u8; 4]>,
    pub sense_len: Option<u32>,
    pub residual: Option<u32>,
    pub target_status: Option<u8>,
    /// Of the header of a frame.
    pub header: Option<u64>,
    pub buffers: Option<u16>,
}

impl Treatment {
    fn add(&mut self, fault: Fault) {
        match fault {
            Fault::Lose => self.lose = true,
            Fault::Delay(time) => self.delay = Duration::from_millis(time),
            Fault::Silent => self.silent = true,
            Fault::Length(length) => self.length = Some(length),
            Fault::Id(id) => self.id = Some(id),
            Fault::Twice => self.twice = true,
            Fault::Skip(count) => self.skip = count,
            Fault::Status(status) => self.status = Some(status),
            Fault::NoStatus => self.no_status = true,
            Fault::NoData => self.no_data = true,
            Fault::Beyond => self.beyond = true,
            Fault::Partial => self.partial = true,
            Fault::Sense(sense) => self.sense = Some(sense.to_be_bytes()),
            Fault::SenseLen(len) => self.sense_len = Some(len),
            Fault::Residual(residual) => self.residual = Some(residual),
            Fault::TargetStatus(status) => self.target_status = Some(status),
            Fault::Header(header) => self.header = Some(header),
            Fault::Buffers(count) => self.buffers = Some(count),
        }
    }

    /// The ring is wrong from here on.
    pub fn taints(&self) -> bool {
        self.id.is_some() || self.twice || self.skip > 0
    }
}

/// An action, and the buffers with which it is due.
struct Due {
    of: Stream,
    first: u64,
    last: u64,
    action: Action,
}

/// A time that may never come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Time(Instant),
    Never,
}

impl Until {
    pub fn of(milliseconds: Option<u64>, now: Instant) -> Self {
        milliseconds.map_or(Self::Never, |time| Self::Time(now + Duration::from_millis(time)))
    }

    pub fn is_over(self, now: Instant) -> bool {
        matches!(self, Self::Time(time) if time <= now)
    }
}

#[derive(Default)]
pub struct Faults {
    due: Vec<Due>,
    /// How many buffers of each stream there were.
    seen: [u64; 3],
    random: Option<Random>,
    pub stalled: Option<Until>,
    /// How long a reset takes.
    pub keep_reset: Option<Option<u64>>,
    pub refuse: u32,
    pub churn: bool,
    pub deaf: u32,
    pub vanished: bool,
    /// How much was wrong so far.
    pub done: u64,
}

impl Faults {
    /// Takes a line. Returns what has to be done at once.
    pub fn plan(&mut self, line: &Line) -> Option<Mischief> {
        match (line.at, line.action) {
            (None, Action::Device(mischief)) => {
                self.done += 1;
                return Some(mischief);
            }
            (at, action) => {
                let first = self.seen[line.of as usize] + at.unwrap_or(1);
                self.due.push(Due { of: line.of, first, last: first + line.times.max(1) - 1, action });
            }
        }
        None
    }

    /// The next buffer of a stream: how to treat it, and what to do to the device. At random something is wrong
    /// with one of `odds`, or none, if that is 0; `more` is what else that can be.
    pub fn next(
        &mut self,
        of: Stream,
        odds: u64,
        more: impl Fn(u64) -> Option<Action>,
    ) -> (Treatment, Vec<Mischief>) {
        let seen = &mut self.seen[of as usize];
        *seen += 1;
        let now = *seen;
        self.due.retain(|due| due.of != of || due.last >= now);
        let due = self.due.iter().filter(|due| due.of == of && due.first <= now);
        let mut actions: Vec<Action> = due.map(|due| due.action).collect();
        let random = self.random.as_mut().filter(|_| odds > 0);
        actions.extend(random.and_then(|random| random.action(odds, more)));
        self.done += actions.len() as u64;
        let mut treatment = Treatment::default();
        let mut mischief = Vec::new();
        for action in actions {
            match action {
                Action::Request(fault) => treatment.add(fault),
                Action::Device(what) => mischief.push(what),
            }
        }
        (treatment, mischief)
    }

    pub fn random(&mut self, seed: u64) {
        self.random = Some(Random(seed));
    }

    /// Random bytes.
    pub fn bytes(&mut self, buffer: &mut [u8]) {
        let random = self.random.get_or_insert(Random(0));
        buffer.iter_mut().for_each(|byte| *byte = random.next() as u8);
    }

    /// Ends all of it.
    pub fn end(&mut self) {
        *self = Self { seen: self.seen, done: self.done, ..Self::default() };
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn action(&mut self, odds: u64, more: impl Fn(u64) -> Option<Action>) -> Option<Action> {
        if self.below(odds) != 0 {
            return None;
        }
        let value = self.next();
        if let Some(action) = more(value) {
            return Some(action);
        }
        Some(match self.below(18) {
            0 => Action::Request(Fault::Lose),
            1 => Action::Request(Fault::Delay(value % 3000)),
            2 => Action::Request(Fault::Silent),
            3 => Action::Request(Fault::Length(value as u32)),
            4 => Action::Request(Fault::Length(value as u32 % 4097)),
            5 => Action::Request(Fault::Id(value as u32)),
            6 => Action::Request(Fault::Id(value as u32 % 128)),
            7 => Action::Request(Fault::Twice),
            8 => Action::Request(Fault::Skip(1 + value as u16 % 300)),
            9 => Action::Request(Fault::Status(value as u8)),
            10 => Action::Request(Fault::NoStatus),
            11 => Action::Request(Fault::Beyond),
            12 => Action::Device(Mischief::Scribble),
            13 => Action::Device(Mischief::NeedsReset),
            14 => Action::Device(Mischief::Drop),
            15 => Action::Device(Mischief::Deaf(1)),
            16 => Action::Request(Fault::Partial),
            _ => Action::Device(Mischief::Stall(Some(value % 3000))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: u64) -> Option<Action> {
        None
    }

    fn request(faults: &mut Faults) -> (Treatment, Vec<Mischief>) {
        faults.next(Stream::Requests, 12, none)
    }

    #[test]
    fn requests_are_counted_from_the_line_on() {
        let mut faults = Faults::default();
        request(&mut faults);
        assert_eq!(faults.plan(&"at 2 times 2 lose".parse().unwrap()), None);
        let lost: Vec<bool> = (0..4).map(|_| request(&mut faults).0.lose).collect();
        assert_eq!(lost, [false, true, true, false]);
        assert_eq!(faults.plan(&"churn".parse().unwrap()), Some(Mischief::Churn));
        faults.plan(&"at 1 drop".parse().unwrap());
        assert_eq!(request(&mut faults).1, [Mischief::Drop]);
        assert_eq!(faults.done, 4);
        faults.plan(&"control lose".parse().unwrap());
        assert!(!request(&mut faults).0.lose);
        assert!(faults.next(Stream::Control, 0, none).0.lose);
    }

    #[test]
    fn a_seed_says_what_happens() {
        let run = |seed| {
            let mut random = Random(seed);
            (0..200).map(|_| random.action(12, none)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!(run(1).iter().flatten().count() > 5);
    }
}
