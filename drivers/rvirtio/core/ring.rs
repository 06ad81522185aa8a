// SPDX-License-Identifier: GPL-2.0

//! Virtqueue rings: the memory that driver and device share, and the rules for using it.
//!
//! A ring knows nothing about buffers but their segments: device addresses and lengths. It hands
//! out a [`Token`] for each buffer that it makes available, and gives the token back when the
//! device has used the buffer. Who owns the memory behind the segments, how it is mapped and how
//! the device is notified is decided by the layers above.
//!
//! Nothing that the device can write is trusted. What the driver must remember is kept in
//! driver-private memory ([`Shadow`]); what comes from the device is read once, checked and
//! clamped. A device that breaks the rules makes the ring report a [`Violation`]; from then on the
//! ring takes no buffers and returns none until it is set up anew.
//!
//! # Callbacks
//!
//! A callback is the device's used buffer notification, an interrupt. Callbacks of a ring are
//! enabled when it is set up and after `enable_cb` or `enable_cb_delayed`, until `disable_cb`. The
//! rules are the same for both layouts, with and without `EVENT_IDX` and `IN_ORDER`:
//!
//! - While callbacks are enabled, a callback is armed or a used buffer is pending, after every call.
//!   *Armed*: the device calls for the next buffer that it uses, or, after `enable_cb_delayed`, at
//!   the latest for the last one that it had then. *Pending*: `pop_used` returns it.
//! - So a callback comes for what follows after `pop_used` has returned `None`, and after
//!   `enable_cb` or `enable_cb_delayed` have returned [`More::Nothing`]. Whoever stops popping before
//!   has to come back without one.
//! - A delayed callback stays armed until a buffer is popped. From then on it is the next one again.
//! - While callbacks are disabled none is armed, but with `EVENT_IDX` one that was armed before may
//!   come until `pop_used` has returned `None`.
//!
//! A callback that was not asked for may come at any time.
//!
//! Everything here uses only `core` and has no unsafe code; the same files compile in the kernel
//! and on the host, where they are tested.

#![deny(unsafe_code)]

mod dispatch;
pub mod mem;
pub mod packed;
pub mod segment;
pub mod split;
pub mod violation;

pub use self::{
    dispatch::Ring,
    mem::{
        Barriers,
        Desc,
        UsedElem, //
    },
    segment::{
        Segment,
        Table, //
    },
    violation::Violation, //
};

use crate::spec::feature::{
    self,
    Features, //
};
use core::fmt;

/// The feature bits that the rings implement; no other bit of the ring may be accepted.
#[doc(alias = "vring_transport_features")]
pub const FEATURES: Features = Features::of(&[
    feature::INDIRECT_DESC,
    feature::EVENT_IDX,
    feature::VERSION_1,
    feature::RING_PACKED,
    feature::IN_ORDER,
    feature::ORDER_PLATFORM,
]);

/// The options of a ring that were negotiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `INDIRECT_DESC` was negotiated.
    pub indirect: bool,
    /// `EVENT_IDX` was negotiated.
    pub event_idx: bool,
    /// `IN_ORDER` was negotiated.
    pub in_order: bool,
}

impl Config {
    /// Returns the options that follow from the `accepted` features.
    pub const fn new(accepted: Features) -> Self {
        Self {
            indirect: accepted.contains(feature::INDIRECT_DESC),
            event_idx: accepted.contains(feature::EVENT_IDX),
            in_order: accepted.contains(feature::IN_ORDER),
        }
    }
}

/// What the driver remembers about one descriptor, out of the device's reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shadow {
    /// The length of the writable part of the buffer that starts here, in bytes.
    writable: u32,
    /// The next descriptor of the free list or of the buffer.
    next: u16,
    /// The number of descriptors of the buffer that starts here, 0 if none does.
    count: u16,
}

/// A buffer that the ring holds: the device may use it, now or after the next publication.
///
/// Tokens of buffers that are in a ring at the same time differ, and their
/// [`index`](Token::index) is below the queue size, so it can serve as the index of a table of
/// what belongs to the buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(u16);

impl Token {
    /// Returns a number below the queue size that no other buffer in the ring has.
    #[inline]
    pub const fn index(self) -> u16 {
        self.0
    }
}

/// A buffer that the device has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedBuffer {
    /// Which buffer it is.
    pub token: Token,
    /// How many bytes the device says it has written, from the start of the writable part.
    ///
    /// At most the length of that part. Bytes beyond are not initialised by the device. With
    /// `IN_ORDER` a device need not say it for every buffer; this is the whole length then.
    pub written: u32,
}

/// Whether used buffers are waiting although callbacks were just enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "buffers that are already there may cause no further callback"]
pub enum More {
    /// There is at least one used buffer, for which no callback may come: pop it now.
    Pending,
    /// There was none; a callback will come for the next.
    Nothing,
}

/// Why a ring could not be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupError {
    /// The queue size is 0, more than 32768, or, for a split ring, not a power of two.
    QueueSize(u16),
    /// There are fewer shadow entries than descriptors.
    ShadowTooSmall,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueSize(size) => write!(f, "queue size {size} is not possible"),
            Self::ShadowTooSmall => f.write_str("fewer shadow entries than descriptors"),
        }
    }
}

/// Why a buffer was not taken. The ring is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// There are not enough free descriptors now; there may be once buffers were used.
    Full,
    /// The buffer has more elements than the queue size or the indirect table permits.
    TooManyElements,
    /// The buffer has no element, or an element of length 0.
    Empty,
    /// The elements are longer than 2^32 - 1 bytes together.
    TooLong,
    /// The indirect table has an impossible length, or indirect descriptors were not negotiated.
    BadTable,
    /// The ring was stopped, or the device has broken its rules.
    Broken,
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "not enough free descriptors",
            Self::TooManyElements => "more elements than the queue permits",
            Self::Empty => "no element, or an element of length 0",
            Self::TooLong => "longer than 2^32 - 1 bytes",
            Self::BadTable => "impossible indirect table",
            Self::Broken => "the ring is stopped or broken",
        })
    }
}

/// A used buffer as the device reports it: the last one of a batch, with `IN_ORDER`.
#[derive(Clone, Copy, Debug)]
struct Report {
    /// A valid index of a shadow entry.
    id: u16,
    /// The number of bytes written; not checked.
    len: u32,
}

/// Whether a ring works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Buffers go in and out.
    Live,
    /// The driver has stopped the ring.
    Stopped,
    /// The device has broken the rules.
    Broken(Violation),
}

/// Returns whether an index that moves from `old` to `new` reaches the entry `event`, so that the
/// other side wants a notification.
///
/// All are free-running 16-bit indices; `new` is at most 65535 entries past `old`.
#[doc(alias = "vring_need_event")]
#[inline]
const fn need_event(event: u16, new: u16, old: u16) -> bool {
    // Both sides are distances back from `new`, which is what makes the comparison right across
    // the wrap of the indices.
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}
