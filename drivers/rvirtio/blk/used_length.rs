// SPDX-License-Identifier: GPL-2.0

//! What the used lengths of a device are worth: a state machine, tested on the host.
//!
//! With each request that it has used, a device says how many bytes it has written. That is the only
//! sign of a read that succeeded without its data, so that the reader would get what was in its
//! memory before. But about half of the devices that are in use get it wrong, in every way that
//! there is: too short, without the status byte, always the same, too long (virtio 1.4, 2.7.8.2).
//!
//! So the length matters for reads only, and only once a device has shown that it knows it. Until
//! then, and if it does not, reads are *prepared*: before the device gets it, the memory is zeroed
//! and has a random mark at its end. A read that succeeds with the mark still there has no data.

use core::sync::atomic::{
    AtomicU8,
    Ordering, //
};

/// What to make of used lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Find out what they are worth.
    Auto,
    /// Prepare all reads, whatever the device says.
    Prepare,
    /// Take every success for one, as C does.
    Trust,
    /// Fail all requests whose length is too small.
    Strict,
}

impl Policy {
    /// All of them, the default first.
    const ALL: [Self; 4] = [Self::Auto, Self::Prepare, Self::Trust, Self::Strict];

    /// Their names, in the same order.
    pub(crate) const WORDS: [&'static str; 4] = ["auto", "prepare", "trust", "strict"];

    /// Returns the policy whose name is at this place of [`Policy::WORDS`].
    pub(crate) fn from_index(index: usize) -> Self {
        Self::ALL.get(index).copied().unwrap_or(Self::Auto)
    }
}

/// What is known about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many of its reads were too short, and none was not: reads are prepared.
    Unknown(u8),
    /// It counts what it writes.
    Counts,
    /// It does not: reads are prepared, and lengths are ignored.
    Sloppy,
    /// It is not asked.
    Fixed(Policy),
}

/// Reads that are too short before a device counts as sloppy.
const MAX_SHORT: u8 = 16;

/// What became of the mark of a read that was prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is still there.
    Kept,
    /// The device has written over it.
    Overwritten,
}

/// A request that succeeded, as the device says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Success {
    /// It reads so many bytes. With what became of its mark, if it was prepared.
    Read(u32, Option<Mark>),
    /// It is any other, and the device has so many bytes to write before the status.
    Other(u32),
}

/// What to do with a request that succeeded, as the device says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It has succeeded.
    Done,
    /// It has failed.
    Failed,
    /// Nobody knows: it is to be done again. That happens at most once to a request, as it is
    /// prepared the next time.
    Again,
}

/// What is new about a device, to be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is sloppy.
    Sloppy,
    /// It said that a read succeeded, but wrote none of the last bytes.
    NotWritten,
    /// A request failed for its length alone.
    TooShort,
}

/// What is known about the used lengths of a device. To be made anew after a reset, as the device
/// may be another one then.
pub(crate) struct UsedLength(AtomicU8);

impl UsedLength {
    pub(crate) fn new(policy: Policy) -> Self {
        let state = match policy {
            Policy::Auto => State::Unknown(0),
            fixed => State::Fixed(fixed),
        };
        Self(AtomicU8::new(state.into_raw()))
    }

    /// Returns whether reads are to be prepared.
    #[inline]
    pub(crate) fn prepares_reads(&self) -> bool {
        self.0.load(Ordering::Relaxed) < TRUSTED
    }

    /// Decides about a request of which the device wrote `written` bytes, and learns from it.
    ///
    /// Need not be called for requests that were not prepared and for which the device reports data
    /// and status: these have succeeded whatever is known.
    pub(crate) fn judge(&self, success: Success, written: u32) -> (Judgement, Option<News>) {
        let mut news = None;
        let learn = |raw| {
            let before = State::from_raw(raw);
            let after = before.after(success, written);
            news = (before != after && after == State::Sloppy).then_some(News::Sloppy);
            Some(after.into_raw())
        };
        let relaxed = Ordering::Relaxed;
        // It is never `Err`: the closure always returns a state.
        let (Ok(raw) | Err(raw)) = self.0.fetch_update(relaxed, relaxed, learn);
        let (judgement, why) = State::from_raw(raw).judge(success, written);
        (judgement, news.or(why))
    }
}

/// States whose representation is smaller have reads prepared.
const TRUSTED: u8 = 0x80;

impl State {
    const fn into_raw(self) -> u8 {
        match self {
            Self::Unknown(short) => short,
            Self::Sloppy => 0x40,
            Self::Fixed(Policy::Prepare | Policy::Auto) => 0x41,
            Self::Counts => TRUSTED,
            Self::Fixed(Policy::Trust) => 0x81,
            Self::Fixed(Policy::Strict) => 0x82,
        }
    }

    const fn from_raw(raw: u8) -> Self {
        match raw {
            0x40 => Self::Sloppy,
            0x41 => Self::Fixed(Policy::Prepare),
            TRUSTED => Self::Counts,
            0x81 => Self::Fixed(Policy::Trust),
            0x82 => Self::Fixed(Policy::Strict),
            short => Self::Unknown(short),
        }
    }

    /// Returns the state after a request.
    fn after(self, success: Success, written: u32) -> Self {
        // A read that is really short says nothing about how the device counts.
        let Success::Read(len, None | Some(Mark::Overwritten)) = success else {
            return self;
        };
        match self {
            Self::Unknown(_) if written >= len => Self::Counts,
            Self::Unknown(short) => match short.saturating_add(1) {
                MAX_SHORT.. => Self::Sloppy,
                short => Self::Unknown(short),
            },
            Self::Counts if written < len => Self::Sloppy,
            known => known,
        }
    }

    /// Decides about a request.
    fn judge(self, success: Success, written: u32) -> (Judgement, Option<News>) {
        match (self, success) {
            (Self::Fixed(Policy::Trust), _) => (Judgement::Done, None),
            (Self::Fixed(Policy::Strict), Success::Read(len, _) | Success::Other(len)) => {
                if written > len {
                    (Judgement::Done, None)
                } else {
                    (Judgement::Failed, Some(News::TooShort))
                }
            }
            (_, Success::Other(_)) => (Judgement::Done, None),
            (_, Success::Read(_, Some(Mark::Kept))) => (Judgement::Failed, Some(News::NotWritten)),
            (_, Success::Read(_, Some(Mark::Overwritten))) => (Judgement::Done, None),
            (_, Success::Read(len, None)) if written >= len => (Judgement::Done, None),
            (_, Success::Read(_, None)) => (Judgement::Again, None),
        }
    }
}

#[cfg(test)]
mod tests;
