// SPDX-License-Identifier: GPL-2.0

//! What the driver does.

use super::{machine::Buffer, Layout, Machine, Peeked};
use crate::{
    model::device::Element,
    ring::{packed, split, Access, AddError, Segment, Token, UsedBuffer},
};

impl Machine {
    fn segments(&mut self, lengths: &[u32]) -> Vec<Segment> {
        let mut segment = |len: &u32| {
            self.next_addr += 0x1_0000_0000;
            Segment {
                addr: self.next_addr,
                len: *len,
            }
        };
        lengths.iter().map(&mut segment).collect()
    }

    /// Returns why a list of elements can never be added.
    fn objection(&self, lengths: &[u32], most: u16) -> Option<AddError> {
        let total: u64 = lengths.iter().map(|len| u64::from(*len)).sum();
        if lengths.len() > usize::from(most) {
            Some(AddError::TooManyElements)
        } else if lengths.is_empty() || lengths.contains(&0) {
            Some(AddError::Empty)
        } else {
            (total > u64::from(u32::MAX)).then_some(AddError::TooLong)
        }
    }

    pub(super) fn add_chain(&mut self, readable: &[u32], writable: &[u32]) {
        let (r, w) = (self.segments(readable), self.segments(writable));
        let lengths = [readable, writable].concat();
        let result = self.ring.add_chain(r.clone(), w.clone());
        self.check_added(result, &lengths, &r, &w);
    }

    pub(super) fn add_one(&mut self, len: u32, writable: bool) {
        let segment = self.segments(&[len]);
        let (access, readable, writable) = match writable {
            false => (Access::Readable, &segment[..], &[][..]),
            true => (Access::Writable, &[][..], &segment[..]),
        };
        let result = self.ring.add_one(segment[0], access);
        self.check_added(result, &[len], readable, writable);
    }

    /// Checks what became of elements of `lengths` that were added without a table.
    fn check_added(
        &mut self,
        result: Result<Token, AddError>,
        lengths: &[u32],
        readable: &[Segment],
        writable: &[Segment],
    ) {
        let objection = self.objection(lengths, self.capacity());
        let free = self.free();
        match result {
            Ok(token) => {
                assert_eq!(objection, None);
                self.accept(token, readable, writable, None, lengths.len() as u16);
            }
            Err(AddError::Full) => {
                assert!(lengths.len() > usize::from(free), "{free} were free");
                assert!(free < self.capacity(), "it will never fit");
            }
            Err(error) => assert_eq!(Some(error), objection),
        }
    }

    /// Returns how many descriptors were free before the step.
    fn free(&self) -> u16 {
        self.capacity() - self.descriptors_used.values().sum::<u16>()
    }

    pub(super) fn add_indirect(&mut self, readable: &[u32], writable: &[u32]) {
        let (r, w) = (self.segments(readable), self.segments(writable));
        let lengths = [readable, writable].concat();
        let (addr, cells) = self.tables.allocate(self.size);
        let result = match self.layout {
            Layout::Split => split::fill_table(&cells, self.size, r.clone(), w.clone()),
            Layout::Packed => packed::fill_table(&cells, self.size, r.clone(), w.clone()),
        };
        let table = match (result, self.objection(&lengths, self.size)) {
            (Ok(table), None) => table,
            (result, objection) => {
                assert_eq!(result.err(), objection);
                self.tables.free(addr);
                return;
            }
        };
        assert_eq!(usize::from(table.count), lengths.len());

        let segment = Segment {
            addr,
            len: u32::from(table.count) * 16,
        };
        let free = self.ring.num_free();
        match self.ring.add_indirect(segment, table.writable_len) {
            Ok(token) => {
                assert!(self.config.indirect);
                self.accept(token, &r, &w, Some(addr), 1);
            }
            Err(AddError::Full) => assert_eq!(free, 0),
            Err(error) => {
                assert_eq!(error, AddError::BadTable);
                assert!(!self.config.indirect);
            }
        }
    }

    fn accept(
        &mut self,
        token: Token,
        readable: &[Segment],
        writable: &[Segment],
        table: Option<u64>,
        descriptors: u16,
    ) {
        let element = |writable| {
            move |s: &Segment| Element {
                addr: s.addr,
                len: s.len,
                writable,
            }
        };
        let readable = readable.iter().map(element(false));
        let elements = readable.chain(writable.iter().map(element(true))).collect();

        assert!(token.index() < self.size);
        self.undecided += u32::from(descriptors);
        let before = self.descriptors_used.insert(token.index(), descriptors);
        assert_eq!(before, None, "{token:?} was given twice");
        self.added.push_back(Buffer {
            token,
            elements,
            table,
        });
    }

    pub(super) fn kick(&mut self) {
        let notify = self.ring.kick_prepare();
        self.published = self.added.len();
        let expected = self.device.expects_notification(self.undecided);
        // After more than a lap a driver may take any event for one that was passed.
        let unneeded = notify && self.undecided > u32::from(self.ring.size());
        assert!(notify == expected || unneeded, "{notify}, not {expected}");
        self.undecided = 0;
        // Repeated without new buffers it says nothing new.
        assert!(!self.ring.kick_prepare());
        assert_eq!(
            self.ring.notification_data(),
            self.device.notification_data()
        );
    }

    pub(super) fn pop(&mut self, max: u8) {
        for _ in 0..max {
            match self.ring.pop_used().unwrap() {
                Some(popped) => {
                    self.look();
                    self.published = self.added.len();
                    self.check_popped(popped);
                    self.popped_one();
                }
                None => {
                    assert!(self.used.is_empty(), "used buffers are not seen");
                    self.popped_nothing();
                    return;
                }
            }
        }
    }

    /// Takes the buffers that one look finds, and no look is made for more.
    pub(super) fn pop_seen(&mut self) {
        self.look();
        let expected = match self.layout {
            Layout::Split => self.seen,
            Layout::Packed => self.used.len(),
        };
        let mut popped = Vec::new();
        self.ring.take_used(|used| popped.push(used)).unwrap();
        assert_eq!(popped.len(), expected);
        self.published = self.added.len();
        self.unarmed |= !popped.is_empty();
        for used in popped {
            self.check_popped(used);
        }
    }

    /// Looks at the next buffer. It stays where it is until something is done with it.
    pub(super) fn peek(&mut self, what: Peeked) {
        self.look();
        let first = self.ring.peek().unwrap();
        self.published = self.added.len();
        assert_eq!(self.ring.peek().unwrap(), first);
        let Some(used) = first else {
            assert!(self.used.is_empty(), "used buffers are not seen");
            return;
        };
        let (buffer, _) = self.used.front().expect("nothing was used");
        let elements = buffer.elements.clone();
        match (what, &elements[..]) {
            (Peeked::Leave, _) => {}
            (
                Peeked::Again,
                &[Element {
                    addr,
                    len,
                    writable,
                }],
            ) if buffer.table.is_none() => {
                let segment = Segment { addr, len };
                let access = match writable {
                    true => Access::Writable,
                    false => Access::Readable,
                };
                let done = self.ring.again(used.token, segment, access);
                assert_eq!(done, !self.config.in_order);
                if !done {
                    self.ring.take(used.token);
                }
                self.unarmed = true;
                self.check_popped(used);
                if done {
                    let (readable, writable) = match access {
                        Access::Readable => (&[segment][..], &[][..]),
                        Access::Writable => (&[][..], &[segment][..]),
                    };
                    self.accept(used.token, readable, writable, None, 1);
                }
            }
            _ => {
                self.ring.take(used.token);
                self.unarmed = true;
                self.check_popped(used);
            }
        }
    }

    /// A split ring looks for used buffers when all that it has seen are popped.
    fn look(&mut self) {
        if self.seen == 0 {
            self.seen = self.used.len();
        }
    }

    fn check_popped(&mut self, popped: UsedBuffer) {
        self.seen = self.seen.saturating_sub(1);
        let (buffer, written) = self.used.pop_front().expect("nothing was used");
        assert_eq!(popped.token, buffer.token);
        assert_eq!(popped.written, written);
        self.descriptors_used.remove(&popped.token.index());
        if let Some(addr) = buffer.table {
            self.tables.free(addr);
        }
    }
}
