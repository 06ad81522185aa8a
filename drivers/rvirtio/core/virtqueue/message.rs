// SPDX-License-Identifier: GPL-2.0

//! Messages to a device, which consist of a header and a status.

use super::{
    buffers::{
        Buffers,
        FilledTable, //
    },
    exchange::Exchange, //
};
use crate::{
    dma::Dma,
    ring::Segment,
    spec::feature::Features, //
};
use core::iter;
use kernel::{
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};

/// A message without data: the device reads a header `H`, and writes a status `S`. `N` is a note of
/// the driver about it, which the device cannot access.
pub struct Message<'bound, H, S, N = ()>(Exchange<'bound, H, S, N>);

impl<'bound, H: AsBytes, S: FromBytes + AsBytes, N> Message<'bound, H, S, N> {
    /// Allocates `count` messages; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn allocate(dma: Dma<'bound>, features: Features, count: u16) -> Result<KVVec<Self>>
    where
        N: Default,
    {
        let exchanges = Exchange::allocate(dma, features, count, 0)?;
        let mut messages = KVVec::with_capacity(exchanges.len(), GFP_KERNEL)?;
        for exchange in exchanges {
            messages.push(Self(exchange), GFP_KERNEL)?;
        }
        Ok(messages)
    }

    /// Sets header and note. [`Message::status`] returns `status` if the device does not write one.
    ///
    /// # Errors
    ///
    /// [`EINVAL`]; not for types of this size.
    pub fn prepare(&mut self, header: H, status: S, note: N) -> Result {
        self.0.prepare(header, status, note, None, iter::empty)
    }

    /// Returns the status that the device, or else [`Message::prepare`], has written.
    pub fn status(&self) -> S {
        self.0.status()
    }

    /// Returns the note that was passed to [`Message::prepare`].
    pub fn note(&self) -> &N {
        self.0.note()
    }
}

// SAFETY: Header, status and table belong to the exchange, which can only be changed through an
// exclusive reference to this value. They are in memory of their own, which does not move with it,
// and the table was filled with them by `prepare`, as there is no data.
unsafe impl<H, S, N: Send> Buffers for Message<'_, H, S, N>
where
    H: AsBytes,
    S: FromBytes + AsBytes,
{
    fn readable(&self) -> impl Iterator<Item = Segment> {
        self.0.readable(iter::empty())
    }

    fn writable(&self) -> impl Iterator<Item = Segment> {
        self.0.writable(iter::empty())
    }

    fn table(&self) -> Option<FilledTable> {
        self.0.table()
    }

    /// Returns the message: its memory is not freed while a device may use it, and is only accessed
    /// like memory that is shared with one.
    fn abandon(self) -> Option<Self> {
        Some(self)
    }
}
