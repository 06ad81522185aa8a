// SPDX-License-Identifier: GPL-2.0

//! Buffers as tests have them: lists of elements that are counted only when they are added.

use crate::ring::{packed, split, AddError, Ring, Segment, Shadow, Token};
use std::ops::DerefMut;

/// A ring to which lists can be added.
pub trait AddList {
    /// Adds a buffer by a chain of descriptors.
    ///
    /// # Errors
    ///
    /// Those of the ring's `add_chain`.
    fn add_list(
        &mut self,
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Token, AddError> {
        let readable: Vec<Segment> = readable.into_iter().collect();
        let writable: Vec<Segment> = writable.into_iter().collect();
        let count = (readable.len() + writable.len()) as u16;
        self.add(count, readable, writable)
    }

    /// Adds a buffer that is said to have `count` elements.
    ///
    /// # Errors
    ///
    /// Those of the ring's `add_chain`.
    fn add(
        &mut self,
        count: u16,
        readable: Vec<Segment>,
        writable: Vec<Segment>,
    ) -> Result<Token, AddError>;
}

macro_rules! add_list {
    ($(($ring:ty, $($param:ident: $bound:path),+)),+) => { $(
        impl<$($param: $bound,)+ S: DerefMut<Target = [Shadow]>> AddList for $ring {
            fn add(
                &mut self,
                count: u16,
                readable: Vec<Segment>,
                writable: Vec<Segment>,
            ) -> Result<Token, AddError> {
                self.add_chain(count, readable, writable)
            }
        }
    )+ };
}

add_list!(
    (split::Ring<P, S>, P: split::Memory),
    (packed::Ring<Q, S>, Q: packed::Memory),
    (Ring<P, Q, S>, P: split::Memory, Q: packed::Memory)
);
