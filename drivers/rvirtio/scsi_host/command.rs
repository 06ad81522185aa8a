// SPDX-License-Identifier: GPL-2.0

//! Commands that the driver owns.
//!
//! C header: [`include/scsi/scsi_cmnd.h`](srctree/include/scsi/scsi_cmnd.h)

use crate::{
    address::Address,
    bindings,
    outcome::{
        HostByte,
        Outcome, //
    },
    segments::Segments,
    tag::{
        Tag,
        TagId, //
    }, //
};
use core::{
    mem,
    ptr::NonNull, //
};
use kernel::sync::rcu;
use rvirtio::dma::Direction;

/// The driver's memory for a command in flight.
///
/// It belongs to a driver tag, and is used for one command after the other.
pub trait Memory: Send {
    /// Releases all that belongs to the command rather than to the tag, such as mappings of its
    /// data. It is called before the command is returned to the kernel in any way.
    fn release(&mut self);
}

/// The length of the largest command descriptor block (CDB).
pub const CDB_LEN: usize = 32;

/// A command that was not started, because there is no room for it now.
pub struct Busy<C: Memory>(pub Command<C>);

/// Data would have to be transferred in both directions.
pub struct Bidirectional;

/// A command that the driver owns.
///
/// There is no second value for the same command, and it cannot be copied. If it is dropped, the
/// command ends with an error.
///
/// # Invariants
///
/// - `tag` is a tag that was taken, and this value owns it.
/// - The command in it is valid, and neither its data nor its list of segments changes: the kernel
///   waits until the tag was released before it does anything with a command. But it may write the
///   result, as it does not wait for that.
#[doc(alias = "scsi_cmnd")]
pub struct Command<C: Memory> {
    tag: NonNull<Tag<C>>,
}

// SAFETY: A command can be handled and ended by any thread, and the driver's memory is `Send`.
unsafe impl<C: Memory> Send for Command<C> {}

impl<C: Memory> Command<C> {
    /// Takes the ownership of a command.
    ///
    /// # Safety
    ///
    /// The caller must have taken `tag` just now, for the command that has this driver tag, whose
    /// ownership the kernel transfers to the driver. The tag must outlive the value.
    #[inline]
    pub(crate) unsafe fn new(tag: &Tag<C>, sc: *mut bindings::scsi_cmnd) -> Self {
        // SAFETY: The caller owns the tag (safety requirement).
        unsafe { *tag.sc.get() = sc };
        // INVARIANT: The tag was taken, and its ownership moves to this value (safety requirement).
        Self {
            tag: NonNull::from(tag),
        }
    }

    /// Transfers the ownership to the pointer, without ending the command.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<Tag<C>> {
        let tag = self.tag;
        mem::forget(self);
        tag
    }

    /// # Safety
    ///
    /// `tag` must come from [`Command::into_raw`], and the caller must own it.
    #[inline]
    pub(crate) unsafe fn from_raw(tag: NonNull<Tag<C>>) -> Self {
        // INVARIANT: It came from such a value, whose ownership is transferred (safety requirement).
        Self { tag }
    }

    #[inline]
    fn tag(&self) -> &Tag<C> {
        // SAFETY: The tag is valid (type invariant).
        unsafe { self.tag.as_ref() }
    }

    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::scsi_cmnd {
        // SAFETY: This value owns the tag (type invariant).
        unsafe { *self.tag().sc.get() }
    }

    /// Returns the driver's memory for this command. It still has what an earlier one has left.
    #[inline]
    pub(crate) fn memory_mut(&mut self) -> &mut C {
        // SAFETY: This value owns the tag (type invariant), and is borrowed exclusively.
        unsafe { &mut *self.tag().memory.get() }
    }

    /// Returns the driver's memory for this command, for reading.
    #[inline]
    pub(crate) fn memory(&self) -> &C {
        // SAFETY: This value owns the tag (type invariant), and is borrowed.
        unsafe { &*self.tag().memory.get() }
    }

    /// Returns the number of its driver tag.
    #[inline]
    pub fn id(&self) -> TagId {
        self.tag().id
    }

    /// Returns the logical unit that it is for.
    #[inline]
    pub fn address(&self) -> Address {
        // SAFETY: The command is valid (type invariant), and so is its device.
        unsafe { Address::of((*self.as_raw()).device) }
    }

    /// Returns the CDB, with zeroes after its end.
    #[inline]
    pub fn cdb(&self) -> &[u8; CDB_LEN] {
        // SAFETY: The command is valid, and its CDB does not change (type invariant).
        unsafe { &(*self.as_raw()).cmnd }
    }

    /// Returns the direction of the data, or `None` without data.
    ///
    /// # Errors
    ///
    /// If it is both.
    #[inline]
    pub fn direction(&self) -> Result<Option<Direction>, Bidirectional> {
        use kernel::bindings::dma_data_direction as direction;
        // SAFETY: The command is valid (type invariant).
        match unsafe { (*self.as_raw()).sc_data_direction } {
            direction::DMA_FROM_DEVICE => Ok(Some(Direction::FromDevice)),
            direction::DMA_TO_DEVICE => Ok(Some(Direction::ToDevice)),
            direction::DMA_NONE => Ok(None),
            _ => Err(Bidirectional),
        }
    }

    /// Returns the length of the data in bytes.
    #[doc(alias = "scsi_bufflen")]
    #[inline]
    pub fn data_len(&self) -> u32 {
        // SAFETY: The command is valid (type invariant).
        unsafe { (*self.as_raw()).sdb.length }
    }

    /// Returns the number of bytes below which the transfer is an error.
    #[inline]
    pub fn underflow(&self) -> u32 {
        // SAFETY: The command is valid (type invariant).
        unsafe { (*self.as_raw()).underflow }
    }

    /// Returns the segments of the data.
    #[inline]
    pub(crate) fn segments(&self) -> Segments<'_> {
        // SAFETY: The command is valid, and its list does not change while the driver owns it (type
        // invariant), which includes the lifetime of the borrow.
        unsafe { Segments::new(&(*self.as_raw()).sdb) }
    }

    /// Makes the sense data that of a failure of the target's hardware, and returns the outcome. The
    /// kernel does not try such a command on another path.
    #[doc(alias = "scsi_build_sense")]
    #[cold]
    pub fn target_failure(&mut self) -> Outcome {
        const HARDWARE_ERROR: u8 = 4;
        const INTERNAL_TARGET_FAILURE: u8 = 0x44;
        // SAFETY: The command is valid (type invariant). Others only read its sense data after it
        // has ended.
        unsafe {
            bindings::scsi_build_sense(self.as_raw(), 0, HARDWARE_ERROR, INTERNAL_TARGET_FAILURE, 0)
        };
        Outcome {
            host: HostByte::OK,
            status: 2,
            residual: 0,
        }
    }

    /// Ends the command. A residual that is larger than the data is that of all of it.
    #[doc(alias = "scsi_done")]
    #[inline]
    pub fn complete(self, outcome: Outcome) {
        let guard = rcu::read_lock();
        self.complete_with(outcome, &guard);
    }

    /// Ends the command like [`Command::complete`].
    ///
    /// As soon as the tag is released, the error handler may take the command for given up. It waits
    /// for the end of `_guard` before it does anything with it.
    #[inline]
    pub(crate) fn complete_with(mut self, outcome: Outcome, _guard: &rcu::Guard) {
        self.memory_mut().release();
        let sc = self.as_raw();
        let tag = self.into_raw();
        // SAFETY: The command is valid, and was owned by this value (type invariant). If the error
        // handler has it, C may write the result too; either is right, and both are words. The tag
        // outlives the command.
        unsafe {
            (*sc).resid_len = outcome.residual.min((*sc).sdb.length);
            (&raw mut (*sc).result).write_volatile(outcome.result());
            tag.as_ref().release();
            bindings::scsi_done(sc);
        }
    }

    /// Returns the command to the kernel, which was told so in another way.
    pub(crate) fn give_back(mut self) {
        self.memory_mut().release();
        let tag = self.into_raw();
        // SAFETY: The tag outlives the command, and was owned by this value (type invariant).
        unsafe { tag.as_ref().release() };
    }
}

impl<C: Memory> Drop for Command<C> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: This value owns the tag, and is not used after this.
        let again = unsafe { Self::from_raw(self.tag) };
        again.complete(Outcome::of_host(HostByte::ERROR));
    }
}
