// SPDX-License-Identifier: GPL-2.0

//! One type for the rings of both layouts.

use super::{
    packed,
    split,
    AddError,
    Desc,
    More,
    Segment,
    Shadow,
    Table,
    Token,
    UsedBuffer,
    Violation, //
};
use core::ops::DerefMut;

/// The driver's side of a virtqueue, in the layout that was negotiated.
///
/// The set of layouts is closed, so that a call is a comparison and not an indirect jump. `P` and
/// `Q` are the memory of a split and of a packed ring.
pub enum Ring<P, Q, S> {
    /// Without `RING_PACKED`.
    Split(split::Ring<P, S>),
    /// With `RING_PACKED`.
    Packed(packed::Ring<Q, S>),
}

/// Calls a method of the ring, whichever it is.
macro_rules! dispatch {
    ($self:ident.$method:ident($($arg:expr),*)) => {
        match $self {
            Self::Split(ring) => ring.$method($($arg),*),
            Self::Packed(ring) => ring.$method($($arg),*),
        }
    };
}

impl<P, Q, S> Ring<P, Q, S>
where
    P: split::Memory,
    Q: packed::Memory,
    S: DerefMut<Target = [Shadow]>,
{
    /// See [`split::Ring::add_direct`].
    #[inline]
    pub fn add_direct(
        &mut self,
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Token, AddError> {
        dispatch!(self.add_direct(readable, writable))
    }

    /// See [`split::fill_table`].
    #[inline]
    pub fn fill_table(
        &self,
        cells: &[Desc],
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Table, AddError> {
        match self {
            Self::Split(ring) => split::fill_table(cells, ring.size(), readable, writable),
            Self::Packed(ring) => packed::fill_table(cells, ring.size(), readable, writable),
        }
    }

    /// See [`split::Ring::add_indirect`].
    #[inline]
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

    /// See [`split::Ring::more_used`].
    #[inline]
    pub fn more_used(&self) -> bool {
        dispatch!(self.more_used())
    }

    /// See [`split::Ring::disable_cb`].
    #[inline]
    pub fn disable_cb(&mut self) {
        dispatch!(self.disable_cb())
    }

    /// See [`split::Ring::enable_cb`].
    #[inline]
    pub fn enable_cb(&mut self) -> More {
        dispatch!(self.enable_cb())
    }

    /// See [`split::Ring::enable_cb_delayed`] and [`packed::Ring::enable_cb_delayed`].
    pub fn enable_cb_delayed(&mut self) -> More {
        dispatch!(self.enable_cb_delayed())
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

    /// See [`split::Ring::broken`].
    pub fn broken(&self) -> Option<Violation> {
        dispatch!(self.broken())
    }
}
