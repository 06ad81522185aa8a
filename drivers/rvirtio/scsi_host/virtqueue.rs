// SPDX-License-Identifier: GPL-2.0

//! Commands as buffers of virtqueues.
//!
//! A driver whose [`Operations::Command`](crate::Operations::Command) is an [`Exchange`] can prepare
//! its [`Command`]s and put them into a [`Virtqueue`](rvirtio::Virtqueue).

use crate::command::{
    Command,
    Memory, //
};
use core::ops::Deref;
use kernel::{
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};
use rvirtio::{
    virtqueue::{
        exchange::{
            Exchange,
            Place, //
        },
        FilledTable, //
    },
    Buffers,
    Segment, //
};

impl<H, S, P> Memory for Exchange<'_, H, S, (), P> {
    #[inline]
    fn release(&mut self) {
        Exchange::release(self);
    }
}

/// A command that is ready for a virtqueue.
///
/// Dereferences to [`Command`], but only for reading, because the device may have it. It is
/// converted to a [`Command`] to end it.
///
/// # Invariants
///
/// The exchange was prepared with the data of this command, and not changed since.
#[repr(transparent)]
pub struct Prepared<C: Memory>(Command<C>);

/// A command that could not be prepared, and the error.
pub struct Unprepared<C: Memory> {
    /// The command.
    pub command: Command<C>,
    /// [`ENOMEM`] when the data cannot be mapped now, anything else when it never can.
    pub error: Error,
}

/// A command that was prepared, or could not be prepared.
pub type PrepareResult<C> = Result<Prepared<C>, Unprepared<C>>;

impl<'bound, H, S, P> Command<Exchange<'bound, H, S, (), P>>
where
    H: AsBytes,
    S: FromBytes + AsBytes,
    P: Place,
{
    /// Gets the command ready for a virtqueue. `status` is what [`Command::device_status`] returns if
    /// the device does not write one.
    ///
    /// # Errors
    ///
    /// [`Unprepared`] with the same command. [`EOPNOTSUPP`] for data in both directions.
    // Always inlined, as its result would go through memory.
    #[inline(always)]
    pub fn prepare(mut self, header: H, status: S) -> PrepareResult<Exchange<'bound, H, S, (), P>> {
        match self.fill_exchange(header, status) {
            // INVARIANT: It was prepared just now.
            Ok(()) => Ok(Prepared(self)),
            Err(error) => Err(Unprepared {
                command: self,
                error,
            }),
        }
    }

    #[inline(always)]
    fn fill_exchange(&mut self, header: H, status: S) -> Result {
        let direction = self.direction().map_err(|_| EOPNOTSUPP)?;
        let sc = self.as_raw();
        // The exchange belongs to the tag, not to the command, so that it can be changed while that
        // is looked at.
        // SAFETY: We own the command, so it is valid and its list does not change (type invariant of
        // `Command`).
        let segments = || unsafe { crate::segments::Segments::new(&(*sc).sdb) };
        self.memory_mut()
            .prepare(header, status, (), direction, segments)
    }

    /// Returns the status that the device, or else [`Command::prepare`], has written.
    #[inline]
    pub fn device_status(&self) -> S {
        self.memory().status()
    }

    /// Makes the first `len` bytes that the device has written after the status the sense data, as
    /// far as there is room, and returns whether that is sense data at all.
    #[cold]
    pub fn take_sense(&mut self, len: u32) -> bool {
        const SIZE: usize = crate::bindings::SCSI_SENSE_BUFFERSIZE as usize;
        let mut sense = [0; SIZE];
        let len = (len as usize).min(SIZE).min(P::TAIL);
        self.memory().read_tail(&mut sense[..len]);
        // SAFETY: The command is valid (type invariant of `Command`), and its buffer for sense data
        // has this size. Others only read it after the command has ended.
        unsafe { core::ptr::copy(sense.as_ptr(), (*self.as_raw()).sense_buffer, SIZE) };
        len > 0 && sense[0] & 0x70 == 0x70
    }
}

impl<C: Memory> Deref for Prepared<C> {
    type Target = Command<C>;

    #[inline]
    fn deref(&self) -> &Command<C> {
        &self.0
    }
}

impl<C: Memory> From<Prepared<C>> for Command<C> {
    /// Converts the command back. The caller owns it, so the device does not have it.
    #[inline]
    fn from(prepared: Prepared<C>) -> Self {
        prepared.0
    }
}

// SAFETY:
// - Header, status and table belong to the exchange of the command, and the table describes its data
//   (type invariant). The exchange can only be changed or dropped after this value was converted to
//   a `Command`: a shared reference to a command only allows reading.
// - The kernel does not access the data while the driver owns the command, and Rust code has no
//   references to it. Others can write page cache and user pages while the device reads them, which
//   is part of the interface. Mappings exist until the exchange is released.
// - All of this is accessed through a pointer, so moving the value does not change it.
unsafe impl<H, S, P> Buffers for Prepared<Exchange<'_, H, S, (), P>>
where
    H: AsBytes,
    S: FromBytes + AsBytes,
    P: Place,
{
    #[inline]
    fn readable(&self) -> impl Iterator<Item = Segment> {
        self.0.memory().readable(self.0.segments())
    }

    #[inline]
    fn writable(&self) -> impl Iterator<Item = Segment> {
        self.0.memory().writable(self.0.segments())
    }

    #[inline]
    fn for_each_readable(&self, each: impl FnMut(Segment)) {
        let data = || self.0.segments();
        self.0.memory().for_each_readable(data, each);
    }

    #[inline]
    fn for_each_writable(&self, each: impl FnMut(Segment)) {
        let data = || self.0.segments();
        self.0.memory().for_each_writable(data, each);
    }

    #[inline]
    fn table(&self) -> Option<FilledTable> {
        self.0.memory().table()
    }

    /// Returns the command, which has to end even if the device still accesses its data; the data
    /// does not belong to the driver. The memory of the exchange is not freed, and only contains
    /// data that is shared with the device.
    fn abandon(self) -> Option<Self> {
        Some(self)
    }
}
