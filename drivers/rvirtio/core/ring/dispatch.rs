// SPDX-License-Identifier: GPL-2.0

//! A type for rings of both layouts.

use super::{
    buffer::{
        Shadow,
        Token,
        UsedBuffer, //
    },
    event::{
        Arm,
        More, //
    },
    packed,
    segment::{
        Access,
        Elements,
        Segment, //
    },
    snapshot::Snapshot,
    split,
    state::AddError,
    violation::Violation, //
};
use core::ops::DerefMut;

/// The driver's side of a virtqueue, in the layout that was negotiated.
///
/// It is an enum, so a call is a comparison rather than an indirect jump. `P` and `Q` are the
/// memory of a split and of a packed ring.
pub enum Ring<P, Q, S> {
    /// Without `RING_PACKED`.
    Split(split::Ring<P, S>),
    /// With `RING_PACKED`.
    Packed(packed::Ring<Q, S>),
}

/// Calls a method of the ring of either layout.
macro_rules! dispatch {
    ($self:ident.$method:ident($($arg:expr),*)) => {
        match $self {
            Self::Split(ring) => ring.$method($($arg),*),
            Self::Packed(ring) => ring.$method($($arg),*),
        }
    };
}

/// Functions that add a buffer leave the ring unchanged if they return an error. The buffer is visible
/// to the device after the next [`publish`](Self::publish) or [`kick_prepare`](Self::kick_prepare).
impl<P, Q, S> Ring<P, Q, S>
where
    P: split::Memory,
    Q: packed::Memory,
    S: DerefMut<Target = [Shadow]>,
{
    /// Empties the ring, and makes it live again; see [`split::Ring::restart`].
    pub fn restart(&mut self) {
        dispatch!(self.restart())
    }

    /// Adds a buffer of one element.
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[doc(alias = "virtqueue_add_inbuf")]
    #[doc(alias = "virtqueue_add_outbuf")]
    #[inline(always)]
    pub fn add_one(&mut self, segment: Segment, access: Access) -> Result<Token, AddError> {
        dispatch!(self.add_one(segment, access))
    }

    /// Adds a buffer as a chain of descriptors: the device reads the `readable` segments and
    /// writes the `writable` ones.
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[inline]
    pub fn add_chain(
        &mut self,
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Token, AddError> {
        dispatch!(self.add_chain(readable, writable))
    }

    /// Adds a buffer like [`add_chain`](Self::add_chain), without iterators.
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[inline]
    pub fn add_elements(&mut self, elements: &impl Elements) -> Result<Token, AddError> {
        dispatch!(self.add_elements(elements))
    }

    /// Adds a buffer as one descriptor that points to an indirect table.
    ///
    /// `table` describes the table: `addr` is the address of cells that [`split::fill_table`] or
    /// [`packed::fill_table`] has filled, `len` the size of the filled cells in bytes.
    /// `writable_len` is the total length of the writable elements that it returned. The table must
    /// not be accessed until the buffer is used.
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[inline(always)]
    pub fn add_indirect(&mut self, table: Segment, writable_len: u32) -> Result<Token, AddError> {
        dispatch!(self.add_indirect(table, writable_len))
    }

    /// See [`split::Ring::publish`].
    #[inline]
    pub fn publish(&mut self) {
        dispatch!(self.publish())
    }

    /// See [`split::Ring::kick_prepare`].
    #[inline]
    pub fn kick_prepare(&mut self) -> bool {
        dispatch!(self.kick_prepare())
    }

    /// See [`split::Ring::has_all_been_seen`] and [`packed::Ring::has_all_been_seen`].
    pub fn has_all_been_seen(&self) -> bool {
        dispatch!(self.has_all_been_seen())
    }

    /// See [`split::Ring::notification_data`] and [`packed::Ring::notification_data`].
    #[inline]
    pub fn notification_data(&self) -> u16 {
        dispatch!(self.notification_data())
    }

    /// See [`split::Ring::pop_used`] and [`packed::Ring::pop_used`].
    #[inline]
    pub fn pop_used(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        dispatch!(self.pop_used())
    }

    /// See [`split::Ring::take_used`] and [`packed::Ring::take_used`].
    #[inline(always)]
    pub fn take_used(&mut self, each: impl FnMut(UsedBuffer)) -> Result<(), Violation> {
        dispatch!(self.take_used(each))
    }

    /// See [`split::Ring::has_used`] and [`packed::Ring::has_used`].
    #[inline]
    pub fn has_used(&self) -> bool {
        dispatch!(self.has_used())
    }

    /// See [`split::Ring::peek`] and [`packed::Ring::peek`].
    #[inline(always)]
    pub fn peek(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        dispatch!(self.peek())
    }

    /// See [`split::Ring::take`] and [`packed::Ring::take`].
    #[inline]
    pub fn take(&mut self, token: Token) {
        dispatch!(self.take(token))
    }

    /// See [`split::Ring::again`] and [`packed::Ring::again`].
    #[inline(always)]
    pub fn again(&mut self, token: Token, segment: Segment, access: Access) -> bool {
        dispatch!(self.again(token, segment, access))
    }

    /// See [`split::Ring::disable_cb`].
    #[inline]
    pub fn disable_cb(&mut self) {
        dispatch!(self.disable_cb())
    }

    /// See [`split::Ring::silence`].
    #[inline]
    pub fn silence(&mut self) {
        dispatch!(self.silence())
    }

    /// See [`split::Ring::arm`] and [`packed::Ring::arm`].
    #[inline]
    pub fn arm(&mut self, arm: Arm) -> More {
        dispatch!(self.arm(arm))
    }

    /// See [`split::Ring::is_armed`].
    #[inline]
    pub fn is_armed(&self) -> bool {
        dispatch!(self.is_armed())
    }

    /// See [`split::Ring::num_free`].
    #[inline]
    pub fn num_free(&self) -> u16 {
        dispatch!(self.num_free())
    }

    /// See [`split::Ring::in_flight`].
    #[inline]
    pub fn in_flight(&self) -> u16 {
        dispatch!(self.in_flight())
    }

    /// See [`split::Ring::undecided`] and [`packed::Ring::undecided`].
    #[inline]
    pub fn undecided(&self) -> u32 {
        dispatch!(self.undecided())
    }

    /// See [`split::Ring::size`].
    #[inline]
    pub fn size(&self) -> u16 {
        dispatch!(self.size())
    }

    /// See [`split::Ring::capacity`] and [`packed::Ring::capacity`].
    #[inline]
    pub fn capacity(&self) -> u16 {
        dispatch!(self.capacity())
    }

    /// See [`split::Ring::stop`].
    pub fn stop(&mut self) {
        dispatch!(self.stop())
    }

    /// See [`split::Ring::detach_unused`].
    pub fn detach_unused(&mut self) -> Option<Token> {
        dispatch!(self.detach_unused())
    }

    /// See [`split::Ring::snapshot`].
    pub fn snapshot(&self) -> Snapshot {
        dispatch!(self.snapshot())
    }

    /// See [`split::Ring::broken`].
    pub fn broken(&self) -> Option<Violation> {
        dispatch!(self.broken())
    }
}
