// SPDX-License-Identifier: GPL-2.0

//! What devices of both layouts have in common.

use super::{require, Breach};
use crate::ring::Desc;
use std::{collections::BTreeMap, rc::Rc};

/// An element of a buffer, as the device finds it in a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Address of the element.
    pub addr: u64,
    /// Length in bytes.
    pub len: u32,
    /// The device may write, else it may read.
    pub writable: bool,
}

/// A buffer that the device has taken from the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// What names the buffer when it is used: head descriptor or buffer id.
    pub id: u16,
    /// The elements in the order of the list.
    pub elements: Vec<Element>,
    /// The descriptors that the buffer has in the ring: index and contents.
    pub(super) descriptors: Vec<(u16, RawDesc)>,
}

/// The 16 bytes of a descriptor: address, length, and the last two fields.
pub(super) type RawDesc = (u64, u32, u32);

pub(super) fn raw(desc: &Desc) -> RawDesc {
    (desc.addr.read(), desc.len.read(), desc.meta.read())
}

/// When the device wants to be notified of available buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// Never. With `EVENT_IDX` in a split ring the device can only ask for later.
    Never,
    /// Of every buffer. With `EVENT_IDX` in a split ring: of the next.
    Always,
    /// When the buffer so many after the last one taken becomes available. Only with `EVENT_IDX`.
    After(u16),
}

/// Guest memory in which indirect tables lie.
#[derive(Default)]
pub struct Tables {
    tables: BTreeMap<u64, Rc<[Desc]>>,
    next: u64,
}

impl Tables {
    /// Makes a table of `len` cells and returns its address.
    pub fn allocate(&mut self, len: u16) -> (u64, Rc<[Desc]>) {
        self.next += 0x10_0000;
        let cells: Rc<[Desc]> = (0..len).map(|_| Desc::default()).collect();
        self.tables.insert(self.next, Rc::clone(&cells));
        (self.next, cells)
    }

    /// Frees the table at `addr`.
    pub fn free(&mut self, addr: u64) {
        self.tables.remove(&addr);
    }

    /// Returns the cells of the table at `addr`.
    pub(super) fn get(&self, addr: u64) -> Option<Rc<[Desc]>> {
        self.tables.get(&addr).cloned()
    }
}

/// The requirements on a list of elements that both layouts share.
pub(super) fn check_elements(
    elements: &[Element],
    size: u16,
    ids: &ElementIds,
) -> Result<(), Breach> {
    require(!elements.is_empty(), ids.count, || "no element".into())?;
    require(elements.len() <= usize::from(size), ids.count, || {
        format!("{} elements in a queue of {size}", elements.len())
    })?;
    let total: u64 = elements.iter().map(|e| u64::from(e.len)).sum();
    require(total <= 1 << 32, ids.total, || format!("{total} bytes"))?;
    require(elements.is_sorted_by_key(|e| e.writable), ids.order, || {
        "readable after writable".into()
    })
}

/// The ids of those requirements in one layout.
pub(super) struct ElementIds {
    pub(super) count: &'static str,
    pub(super) total: &'static str,
    pub(super) order: &'static str,
}

/// The device side of a virtqueue.
pub trait Device {
    /// Takes the next available buffer, if there is one.
    ///
    /// # Errors
    ///
    /// What the driver has done wrong.
    fn take(&mut self, tables: &Tables) -> Result<Option<Chain>, Breach>;

    /// Uses buffers, each with the number of bytes written, and lets the driver see all of them
    /// together. Returns whether the driver wants to be called.
    ///
    /// With `IN_ORDER` they have to be the oldest ones, in order, and are reported as one batch:
    /// the driver is not told how much was written to any but the last.
    ///
    /// # Errors
    ///
    /// What the driver has done wrong.
    fn complete(&mut self, used: &[(Chain, u32)]) -> Result<bool, Breach>;

    /// Says when to be notified.
    fn set_notify(&mut self, notify: Notify);

    /// Returns whether the device is to be notified of what became available since this was last
    /// called, which is when the driver last made the decision: so many descriptors of the ring.
    fn expects_notification(&mut self, descriptors: u32) -> bool;

    /// Returns whether the driver would be called if the device went on by `steps`: elements of a
    /// used ring, or descriptors of a packed ring.
    ///
    /// # Errors
    ///
    /// What the driver has done wrong.
    fn would_call(&self, steps: u32) -> Result<bool, Breach>;

    /// Returns what a notification with `NOTIFICATION_DATA` has to say now.
    fn notification_data(&self) -> u16;
}
