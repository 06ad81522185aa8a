// SPDX-License-Identifier: GPL-2.0

//! Rings with a device that follows the rules, and with one that does not.

use crate::model::{
    packed as packed_model,
    split as split_model, //
};
use core::sync::atomic::{
    fence,
    Ordering, //
};
use kernel::prelude::*;
use rvirtio::{
    ring::{
        packed,
        split,
        Access,
        Barriers,
        Config,
        Ring,
        Segment,
        Shadow,
        Token, //
    },
    spec::ring::DESC_F_NEXT,
};

/// The barriers of a driver whose device is another CPU.
#[derive(Default)]
pub(crate) struct Fences;

impl Barriers for Fences {
    fn mb(&self) {
        fence(Ordering::SeqCst);
    }

    fn rmb(&self) {
        fence(Ordering::Acquire);
    }

    fn wmb(&self) {
        fence(Ordering::Release);
    }
}

type SplitArea<'a> = split_model::Handle<&'a split_model::Area<Fences>>;
type PackedArea<'a> = packed_model::Handle<&'a packed_model::Area<Fences>>;
type TestRing<'a> = Ring<SplitArea<'a>, PackedArea<'a>, KVec<Shadow>>;

/// A device, and how far it is.
enum Device<'a> {
    Split {
        area: SplitArea<'a>,
        next: u16,
    },
    Packed {
        area: PackedArea<'a>,
        next: packed_model::Place,
        used: packed_model::Place,
    },
}

impl Device<'_> {
    /// Takes a buffer: its id, the address of its first element, its number of descriptors.
    fn take(&mut self) -> Option<(u16, u64, u16)> {
        match self {
            Self::Split { area, next } => {
                if *next == area.avail_idx.read() {
                    return None;
                }
                let head = area.avail(*next).read();
                *next = next.wrapping_add(1);
                Some((head, area.desc[usize::from(head)].addr.read(), 1))
            }
            Self::Packed { area, next, .. } => {
                let first = area.at(*next).addr.read();
                let mut count = 0;
                loop {
                    let meta = area.at(*next).meta.read();
                    let flags = (meta >> 16) as u16;
                    if !next.is_available(flags) {
                        return None;
                    }
                    count += 1;
                    *next = next.next(area.size());
                    if flags & DESC_F_NEXT == 0 {
                        return Some((meta as u16, first, count));
                    }
                }
            }
        }
    }

    /// Uses the next `buffers` buffers, the last of which is `id`, in one go. In a packed ring they
    /// have as many `descriptors`.
    fn give_back(&mut self, id: u16, len: u32, buffers: u16, descriptors: u16) {
        match self {
            Self::Split { area, .. } => {
                let used = area.used_idx.read();
                area.write_used(used, id.into(), len);
                area.used_idx.write(used.wrapping_add(buffers));
            }
            Self::Packed { area, used, .. } => {
                area.write_used(*used, id, len, 0);
                *used = used.after(descriptors.into(), area.size());
            }
        }
    }
}

/// Runs `test` with a split and with a packed ring of `size` descriptors.
fn with_rings(
    size: u16,
    config: Config,
    mut test: impl FnMut(&mut TestRing<'_>, &mut Device<'_>) -> Result,
) -> Result {
    let shadow = || KVec::from_elem(Shadow::default(), size.into(), GFP_KERNEL);

    let area = split_model::Area::new(size)?;
    let area = split_model::Handle(&area);
    let ring = split::Ring::new(area, shadow()?, config).map_err(|_| EINVAL)?;
    test(&mut Ring::Split(ring), &mut Device::Split { area, next: 0 })?;

    let area = packed_model::Area::new(size)?;
    let area = packed_model::Handle(&area);
    let ring = packed::Ring::new(area, shadow()?, config).map_err(|_| EINVAL)?;
    let start = packed_model::Place::START;
    let mut device = Device::Packed {
        area,
        next: start,
        used: start,
    };
    test(&mut Ring::Packed(ring), &mut device)
}

fn segment(addr: u64, len: u32) -> Segment {
    Segment { addr, len }
}

/// Adds a buffer of one element to write at `addr`.
fn add(ring: &mut TestRing<'_>, addr: u64) -> Result<Token> {
    ring.add_one(segment(addr, 512), Access::Writable)
        .map_err(|_| ENOSPC)
}

#[kunit_tests(rvirtio_ring)]
mod tests {
    use super::*;
    use rvirtio::ring::{
        AddError,
        Violation, //
    };

    /// Each buffer comes back once, with its length, however the device orders them; many times
    /// around, so that all counters wrap.
    #[test]
    fn buffers_come_back() -> Result {
        with_rings(8, Config::default(), |ring, device| {
            for round in 0u64..20_000 {
                let count = round % 4 + 1;
                let mut taken = KVec::new();
                for i in 0..count {
                    let token = ring
                        .add_chain([segment(round, 16)], [segment(i, 512)])
                        .map_err(|_| ENOSPC)?;
                    ring.publish();
                    let (id, addr, descriptors) = device.take().ok_or(ENODATA)?;
                    assert_eq!(id, token.index());
                    assert_eq!(addr, round);
                    taken.push((id, descriptors, i as u32), GFP_KERNEL)?;
                }
                assert!(device.take().is_none());
                assert_eq!(ring.num_free(), 8 - 2 * count as u16);
                while let Some((id, descriptors, len)) = taken.pop() {
                    device.give_back(id, len, 1, descriptors);
                    let used = ring.pop_used().map_err(|_| EIO)?.ok_or(ENODATA)?;
                    assert_eq!(used.token.index(), id);
                    assert_eq!(used.written, len);
                }
                assert!(ring.pop_used().map_err(|_| EIO)?.is_none());
                assert_eq!(ring.num_free(), 8);
            }
            Ok(())
        })
    }

    /// A full ring takes no more, and says so.
    #[test]
    fn full_ring_refuses() -> Result {
        with_rings(4, Config::default(), |ring, _| {
            for addr in 0..4 {
                add(ring, addr)?;
            }
            assert_eq!(ring.add_chain([], [segment(4, 1)]), Err(AddError::Full));
            assert_eq!(ring.add_chain([], []), Err(AddError::Empty));
            assert_eq!(ring.in_flight(), 4);
            Ok(())
        })
    }

    /// In order, one report stands for all buffers up to it.
    #[test]
    fn batches_in_order() -> Result {
        let config = Config {
            in_order: true,
            ..Config::default()
        };
        with_rings(8, config, |ring, device| {
            for _ in 0..1000 {
                let mut last = 0;
                for addr in 0..5 {
                    add(ring, addr)?;
                    ring.publish();
                    last = device.take().ok_or(ENODATA)?.0;
                }
                device.give_back(last, 100, 5, 5);
                for i in 0..5 {
                    let used = ring.pop_used().map_err(|_| EIO)?.ok_or(ENODATA)?;
                    assert_eq!(used.written, if i == 4 { 100 } else { 512 });
                }
                assert!(ring.pop_used().map_err(|_| EIO)?.is_none());
            }
            Ok(())
        })
    }

    /// A device cannot claim to have written more than it was allowed to.
    #[test]
    fn lengths_are_limited() -> Result {
        with_rings(8, Config::default(), |ring, device| {
            add(ring, 0)?;
            ring.publish();
            let (id, _, descriptors) = device.take().ok_or(ENODATA)?;
            device.give_back(id, u32::MAX, 1, descriptors);
            let used = ring.pop_used().map_err(|_| EIO)?.ok_or(ENODATA)?;
            assert_eq!(used.written, 512);
            Ok(())
        })
    }

    /// Ids that are out of range, or of no buffer, break the ring; then every buffer comes back
    /// once by `detach_unused`.
    #[test]
    fn wrong_ids_break_the_ring() -> Result {
        for wrong in [8, 9, 0x7fff, 0xffff, 5] {
            with_rings(8, Config::default(), |ring, device| {
                for addr in 0..3 {
                    add(ring, addr)?;
                }
                ring.publish();
                let (_, _, descriptors) = device.take().ok_or(ENODATA)?;
                device.give_back(wrong, 0, 1, descriptors);
                let expected = if wrong < 8 {
                    Violation::UsedIdNotInFlight { id: wrong }
                } else {
                    Violation::UsedIdRange {
                        id: wrong.into(),
                        size: 8,
                    }
                };
                assert_eq!(ring.pop_used().err(), Some(expected));
                assert_eq!(ring.pop_used().err(), Some(expected));
                assert_eq!(
                    ring.add_one(segment(0, 1), Access::Writable),
                    Err(AddError::Broken)
                );
                let mut detached = 0;
                while ring.detach_unused().is_some() {
                    detached += 1;
                }
                assert_eq!(detached, 3);
                assert_eq!(ring.in_flight(), 0);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// A used index that runs ahead of what was made available breaks the ring.
    #[test]
    fn jumping_index_breaks_the_ring() -> Result {
        let area = split_model::Area::<Fences>::new(8)?;
        let shadow = KVec::from_elem(Shadow::default(), 8, GFP_KERNEL)?;
        let area = split_model::Handle(&area);
        let mut ring = split::Ring::new(area, shadow, Config::default()).map_err(|_| EINVAL)?;
        ring.add_one(segment(0, 1), Access::Writable)
            .map_err(|_| ENOSPC)?;
        ring.publish();
        area.used_idx.write(2);
        let expected = Violation::UsedIndex {
            used_idx: 2,
            last_used: 0,
            available: 1,
        };
        assert_eq!(ring.pop_used().err(), Some(expected));
        Ok(())
    }

    /// What one look finds comes one by one, and nothing is asked for.
    #[test]
    fn buffers_of_one_look() -> Result {
        with_rings(8, Config::default(), |ring, device| {
            for round in 0..1000 {
                for addr in 0..round % 8 {
                    add(ring, addr)?;
                    ring.publish();
                    let (id, _, descriptors) = device.take().ok_or(ENODATA)?;
                    device.give_back(id, 1, 1, descriptors);
                }
                let mut count = 0;
                ring.take_used(|used| {
                    assert_eq!(used.written, 1);
                    count += 1;
                })
                .map_err(|_| EIO)?;
                assert_eq!(count, round % 8);
            }
            Ok(())
        })
    }

    /// The device says from which buffer on it wants to be notified.
    #[test]
    fn notifications_follow_the_event_index() -> Result {
        let config = Config {
            event_idx: true,
            ..Config::default()
        };
        let area = split_model::Area::<Fences>::new(8)?;
        let shadow = KVec::from_elem(Shadow::default(), 8, GFP_KERNEL)?;
        let area = split_model::Handle(&area);
        let mut ring = split::Ring::new(area, shadow, config).map_err(|_| EINVAL)?;
        area.avail_event.write(2);
        for expected in [false, false, true, false] {
            ring.add_one(segment(0, 1), Access::Writable)
                .map_err(|_| ENOSPC)?;
            assert_eq!(ring.kick_prepare(), expected);
        }
        assert_eq!(area.avail_idx.read(), 4);
        Ok(())
    }
}
