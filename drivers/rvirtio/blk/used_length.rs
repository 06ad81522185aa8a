// SPDX-License-Identifier: GPL-2.0

//! A state machine that determines whether the used lengths of a device are reliable. Tested on the
//! host.
//!
//! For each used request, a device reports how many bytes it has written. Nothing else shows that a
//! read succeeded without writing its data, so that the reader would get the previous content of
//! the memory. But about half of the devices in use report wrong lengths, in various ways: too
//! short, without the status byte, always the same, or too long (virtio 1.4, 2.7.8.2).
//!
//! So the length is only used for reads, and only after the device has reported a correct one.
//! Until then, and if the device reports wrong lengths, reads are *prepared*: their memory is
//! zeroed, and a random mark is written to its end, before the device gets it. If a read succeeds
//! but has not overwritten the mark, it has no data.

use core::sync::atomic::{
    AtomicU8,
    Ordering, //
};

/// How to use used lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Detect whether they are reliable.
    Auto,
    /// Prepare all reads, and ignore the lengths.
    Prepare,
    /// Accept every request that the device reports as successful, as C does.
    Trust,
    /// Fail every request whose length is too small.
    Strict,
}

impl Policy {
    /// All policies, the default first.
    const ALL: [Self; 4] = [Self::Auto, Self::Prepare, Self::Trust, Self::Strict];

    /// The names of the policies, in the same order.
    pub(crate) const WORDS: [&'static str; 4] = ["auto", "prepare", "trust", "strict"];

    /// Returns the policy whose name is at `index` in [`Policy::WORDS`].
    pub(crate) fn from_index(index: usize) -> Self {
        Self::ALL.get(index).copied().unwrap_or(Self::Auto)
    }
}

/// What is known about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The lengths of this many reads were too small, and none was sufficient: reads are prepared.
    Unknown(u8),
    /// The device reports the bytes that it writes.
    Counts,
    /// The device reports wrong lengths: reads are prepared, and lengths are ignored.
    Sloppy,
    /// The policy is not [`Policy::Auto`], and does not depend on the device.
    Fixed(Policy),
}

/// The number of reads with a length that is too small after which a device is considered sloppy.
const MAX_SHORT: u8 = 16;

/// The mark of a prepared read after the read has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The mark was not overwritten.
    Kept,
    /// The device has overwritten the mark.
    Overwritten,
}

/// A request that the device reports as successful.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Success {
    /// A read of this many bytes, with its mark if it was prepared.
    Read(u32, Option<Mark>),
    /// Any other request, for which the device has to write this many bytes before the status.
    Other(u32),
}

/// The verdict on a request that the device reports as successful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The request has succeeded.
    Done,
    /// The request has failed.
    Failed,
    /// It is unknown, so the request has to be repeated. This happens at most once per request,
    /// because the second attempt is prepared.
    Again,
}

/// Something that has to be logged about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The device reports wrong lengths.
    Sloppy,
    /// A read succeeded, but the device has not written the last bytes.
    NotWritten,
    /// A request failed only because its length is too small.
    TooShort,
}

/// The state of a device's used lengths. It has to be created again after a reset, because the
/// implementation of the device may have changed.
pub(crate) struct UsedLength(AtomicU8);

impl UsedLength {
    pub(crate) fn new(policy: Policy) -> Self {
        let state = match policy {
            Policy::Auto => State::Unknown(0),
            fixed => State::Fixed(fixed),
        };
        Self(AtomicU8::new(state.into_raw()))
    }

    /// Returns whether reads have to be prepared.
    #[inline]
    pub(crate) fn prepares_reads(&self) -> bool {
        self.0.load(Ordering::Relaxed) < TRUSTED
    }

    /// Judges a request for which the device reports `written` bytes, and updates the state.
    ///
    /// This need not be called for requests that were not prepared and for which the device reports
    /// data and status: these have succeeded in any state.
    pub(crate) fn judge(&self, success: Success, written: u32) -> (Judgement, Option<News>) {
        let mut news = None;
        let learn = |raw| {
            let before = State::from_raw(raw);
            let after = before.after(success, written);
            news = (before != after && after == State::Sloppy).then_some(News::Sloppy);
            Some(after.into_raw())
        };
        let relaxed = Ordering::Relaxed;
        // This is never `Err`, because the closure always returns a state.
        let (Ok(raw) | Err(raw)) = self.0.fetch_update(relaxed, relaxed, learn);
        let (judgement, why) = State::from_raw(raw).judge(success, written);
        (judgement, news.or(why))
    }
}

/// In states with a smaller representation, reads are prepared.
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
        // A read without its data does not show whether the device reports correct lengths.
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

    /// Judges a request.
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
