// SPDX-License-Identifier: GPL-2.0

//! Addresses whose frames are to be received.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::bindings;
use core::marker::PhantomData;

/// Which frames an interface wants to receive, besides its own.
pub struct RxWish<'a> {
    /// All of them.
    pub promisc: bool,
    /// All multicast frames.
    pub allmulti: bool,
    /// Those of these unicast addresses.
    pub unicast: Addresses<'a>,
    /// Those of these multicast addresses.
    pub multicast: Addresses<'a>,
}

/// A list of addresses.
///
/// # Invariants
///
/// `list` is a list of Ethernet addresses that does not change for `'a`.
#[doc(alias = "netdev_hw_addr_list")]
#[derive(Clone, Copy)]
pub struct Addresses<'a> {
    list: *const bindings::netdev_hw_addr_list,
    _list: PhantomData<&'a bindings::netdev_hw_addr_list>,
}

impl<'a> Addresses<'a> {
    /// # Safety
    ///
    /// `list` must be a list of Ethernet addresses that does not change for `'a`.
    pub(crate) unsafe fn new(list: *const bindings::netdev_hw_addr_list) -> Self {
        // INVARIANT: This is the safety requirement.
        Self {
            list,
            _list: PhantomData,
        }
    }

    /// Returns the addresses.
    pub fn iter(self) -> impl Iterator<Item = [u8; 6]> + 'a {
        // SAFETY: The list is valid (type invariant).
        let head = unsafe { &raw const (*self.list).list };
        // SAFETY: The same.
        let mut at = unsafe { (*head).next };
        core::iter::from_fn(move || {
            if core::ptr::eq(at, head) {
                return None;
            }
            // SAFETY: It is not the head, so it is part of an entry (type invariant).
            let entry = unsafe { &*kernel::container_of!(at, bindings::netdev_hw_addr, list) };
            at = entry.list.next;
            entry.addr.first_chunk().copied()
        })
    }

    /// Returns how many there are.
    pub fn count(self) -> usize {
        self.iter().count()
    }
}
