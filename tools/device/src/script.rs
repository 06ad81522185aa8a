// SPDX-License-Identifier: GPL-2.0

//! What a device is told to do wrong: one thing a line.
//!
//! ```text
//! # a comment
//! at 3 times 2 lose     the third request from now on and the one after it are never completed
//! twice                 the next request is completed twice
//! needs-reset           at once, as it is not about a request
//! at 5 needs-reset      with the fifth request
//! control status 1      the next buffer of a queue that is not for requests but for control
//! report at 2 length 0  the one after the next buffer with which the device reports something
//! honest                ends all of it
//! ```

use std::str::FromStr;

/// Something that is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// What is about a request.
    Request(Fault),
    /// What is about the device.
    Device(Mischief),
}

/// Buffers that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Requests,
    /// What is about requests, or the device.
    Control,
    /// What the device reports, such as a frame that it has received.
    Reports,
}

/// What can be wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is never completed.
    Lose,
    /// So many milliseconds later.
    Delay(u64),
    /// Without an interrupt.
    Silent,
    /// The number of bytes written.
    Length(u32),
    /// The id in the used ring.
    Id(u32),
    /// It is used twice.
    Twice,
    /// The used index goes on by more.
    Skip(u16),
    /// The status byte.
    Status(u8),
    /// No status is written.
    NoStatus,
    /// No data is written.
    NoData,
    /// More is written than is said.
    Beyond,
    /// A request that names ranges of sectors fails after the first half of them.
    Partial,
    /// A command to a SCSI host fails with this sense key, code and qualifier.
    Sense(u32),
    /// Fields of the response to a command: length of sense data, residual, status of the target.
    SenseLen(u32),
    Residual(u32),
    TargetStatus(u8),
    /// Fields of the header of a frame: the first eight bytes, and the number of buffers.
    Header(u64),
    Buffers(u16),
}

/// What can be wrong with the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// It does nothing, for so many milliseconds or for ever.
    Stall(Option<u64>),
    /// It writes at random to where its part of the ring is.
    Scribble,
    NeedsReset,
    /// DRIVER_OK is not set any more.
    Drop,
    /// Nothing answers, as if it were unplugged; and it is back.
    Vanish,
    Return,
    /// So many interrupts without a cause.
    Storm(u32),
    /// Another capacity in sectors.
    Capacity(u64),
    /// It takes so many milliseconds to reset, or for ever.
    KeepReset(Option<u64>),
    /// It clears FEATURES_OK so many times.
    Refuse(u32),
    /// Its configuration changes whenever it is read.
    Churn,
    /// It misses so many notifications.
    Deaf(u32),
    /// It does not offer a feature any more.
    Withhold(u32),
    /// Reports of zones are wrong: 0 and 1, their number; 2 to 6, start, capacity, write pointer, type and
    /// state of the second one.
    Zones(u8),
    /// A SCSI host does not do these functions of task management, a set of their numbers, but answers this;
    /// to 255 that no function is answered.
    NotDone(u8),
    Answer(u8),
    /// Its list of units is wrong: 0, of odd length; 1, too long; 2, with unknown addresses.
    List(u8),
    /// It has a unit no more, and has it again.
    Hide(u16),
    Show(u16),
    /// It reports an event: 32 bits of the event, 16 of its reason, 8 of the target, 8 of the unit.
    Event(u64),
    /// There is a link, or none.
    Link(u8),
    /// The driver is to announce itself.
    Announce,
    /// Statistics are wrong: 0 and 1, their length; 2, their queue; 3, their type; 4, there are none.
    Stats(u8),
    /// Something is wrong now and then.
    Random(u64),
    Honest,
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub of: Stream,
    /// With which request from now on; 1 is the next.
    pub at: Option<u64>,
    /// With how many requests.
    pub times: u64,
    pub action: Action,
}

impl Line {
    fn now(action: Action) -> Self {
        Self { of: Stream::Requests, at: None, times: 1, action }
    }

    /// Something is wrong now and then.
    pub fn random(seed: u64) -> Self {
        Self::now(Action::Device(Mischief::Random(seed)))
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace().peekable();
        let of = match words.peek() {
            Some(&"control") => Stream::Control,
            Some(&"report") => Stream::Reports,
            _ => Stream::Requests,
        };
        if of != Stream::Requests {
            words.next();
        }
        let mut leading = |name: &str| match words.next_if_eq(&name) {
            Some(_) => number(words.next()).map(Some),
            None => Ok(None),
        };
        let at = leading("at")?;
        let times = leading("times")?.unwrap_or(1);
        let name = words.next().ok_or("no action")?;
        let action = action(name, words.next())?;
        match words.next() {
            Some(word) => Err(format!("{word:?} is too much")),
            None if at == Some(0) => Err("the next request is 1".to_owned()),
            None => Ok(Self { of, at, times, action }),
        }
    }
}

fn action(name: &str, word: Option<&str>) -> Result<Action, String> {
    let argument = || number(word);
    let small = || u32::try_from(number(word)?).map_err(|_| "the number is too large".to_owned());
    let optional = || word.map(|word| number(Some(word))).transpose();
    Ok(match name {
        "lose" => Action::Request(Fault::Lose),
        "delay" => Action::Request(Fault::Delay(argument()?)),
        "silent" => Action::Request(Fault::Silent),
        "length" => Action::Request(Fault::Length(small()?)),
        "id" => Action::Request(Fault::Id(small()?)),
        "twice" => Action::Request(Fault::Twice),
        "skip" => Action::Request(Fault::Skip(small()? as u16)),
        "status" => Action::Request(Fault::Status(small()? as u8)),
        "no-status" => Action::Request(Fault::NoStatus),
        "no-data" => Action::Request(Fault::NoData),
        "beyond" => Action::Request(Fault::Beyond),
        "partial" => Action::Request(Fault::Partial),
        "sense" => Action::Request(Fault::Sense(small()?)),
        "sense-len" => Action::Request(Fault::SenseLen(small()?)),
        "residual" => Action::Request(Fault::Residual(small()?)),
        "target-status" => Action::Request(Fault::TargetStatus(small()? as u8)),
        "header" => Action::Request(Fault::Header(argument()?)),
        "buffers" => Action::Request(Fault::Buffers(small()? as u16)),
        "stall" => Action::Device(Mischief::Stall(optional()?)),
        "scribble" => Action::Device(Mischief::Scribble),
        "needs-reset" => Action::Device(Mischief::NeedsReset),
        "drop" => Action::Device(Mischief::Drop),
        "vanish" => Action::Device(Mischief::Vanish),
        "return" => Action::Device(Mischief::Return),
        "storm" => Action::Device(Mischief::Storm(small()?)),
        "capacity" => Action::Device(Mischief::Capacity(argument()?)),
        "keep-reset" => Action::Device(Mischief::KeepReset(optional()?)),
        "refuse" => Action::Device(Mischief::Refuse(small()?)),
        "churn" => Action::Device(Mischief::Churn),
        "deaf" => Action::Device(Mischief::Deaf(small()?)),
        "withhold" => Action::Device(Mischief::Withhold(small()?)),
        "zones" => Action::Device(Mischief::Zones(small()? as u8)),
        "not-done" => Action::Device(Mischief::NotDone(small()? as u8)),
        "answer" => Action::Device(Mischief::Answer(small()? as u8)),
        "list" => Action::Device(Mischief::List(small()? as u8)),
        "hide" => Action::Device(Mischief::Hide(small()? as u16)),
        "show" => Action::Device(Mischief::Show(small()? as u16)),
        "event" => Action::Device(Mischief::Event(argument()?)),
        "link" => Action::Device(Mischief::Link(small()? as u8)),
        "announce" => Action::Device(Mischief::Announce),
        "stats" => Action::Device(Mischief::Stats(small()? as u8)),
        "random" => Action::Device(Mischief::Random(argument()?)),
        "honest" => Action::Device(Mischief::Honest),
        _ => return Err(format!("{name:?} is no action")),
    })
}

fn number(word: Option<&str>) -> Result<u64, String> {
    let word = word.ok_or("a number is missing")?;
    let value = match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => word.parse(),
    };
    value.map_err(|_| format!("{word:?} is no number"))
}

/// All lines of a file.
pub fn parse(text: &str) -> Result<Vec<Line>, String> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(|line| line.parse::<Line>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_when_and_what() {
        let lines = parse("# two\n\nat 3 times 2 lose # for ever\nstatus 0xff\n").unwrap();
        let lose = Line::now(Action::Request(Fault::Lose));
        assert_eq!(lines[0], Line { at: Some(3), times: 2, ..lose });
        assert_eq!(lines[1], Line::now(Action::Request(Fault::Status(255))));
        let of = parse("control at 2 lose\nreport lose").unwrap();
        assert_eq!(of[0], Line { of: Stream::Control, at: Some(2), ..lose });
        assert_eq!(of[1], Line { of: Stream::Reports, ..lose });
        let stall = |time| Line::now(Action::Device(Mischief::Stall(time)));
        assert_eq!(parse("stall\nstall 10").unwrap(), [stall(None), stall(Some(10))]);
    }

    #[test]
    fn mistakes_are_reported() {
        for wrong in ["at lose", "at 0 lose", "loose", "delay", "delay x", "lose 1 2", "at 1"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
