// SPDX-License-Identifier: GPL-2.0

//! The split ring against an independent device side: rust-vmm's `virtio-queue`.
//!
//! The two share no memory; what one side may write is copied to the other when it takes its turn.
//! The device sees the bytes of the areas, so this is also the test of their layout.

use proptest::prelude::*;
use ringtest::{
    model::{
        barriers::Hooked,
        split::{area, SharedArea},
    },
    ring::{
        split::{fill_table, Ring},
        Config, Desc, Segment, Shadow, Token,
    },
    spec::ring::split as layout,
};
use std::collections::VecDeque;
use virtio_queue::{Queue, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

const DESC: u64 = 0x1_0000;
const AVAIL: u64 = 0x2_0000;
const USED: u64 = 0x3_0000;
const TABLES: u64 = 0x4_0000;
const TABLE_SIZE: u64 = 0x1000;
const DATA: u64 = 0x10_0000;

/// Driver and device of one queue.
struct Pair {
    area: SharedArea<Hooked>,
    ring: Ring<SharedArea<Hooked>, Vec<Shadow>>,
    memory: GuestMemoryMmap,
    queue: Queue,
    size: u16,
    tables: u64,
    data: u64,
}

impl Pair {
    fn new(size: u16, event_idx: bool) -> Self {
        let area = area(size);
        let config = Config {
            indirect: true,
            event_idx,
            ..Config::default()
        };
        let shadow = vec![Shadow::default(); size.into()];
        let ring = Ring::new(area.clone(), shadow, config).unwrap();
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x20_0000)]).unwrap();

        let mut queue = Queue::new(size).unwrap();
        queue.set_size(size);
        queue.set_desc_table_address(Some(DESC as u32), Some(0));
        queue.set_avail_ring_address(Some(AVAIL as u32), Some(0));
        queue.set_used_ring_address(Some(USED as u32), Some(0));
        queue.set_event_idx(event_idx);
        queue.set_ready(true);
        let mut pair = Self {
            area,
            ring,
            memory,
            queue,
            size,
            tables: 0,
            data: 0,
        };
        pair.show_driver_areas();
        assert!(pair.queue.is_valid(&pair.memory));
        pair
    }

    fn write(&self, addr: u64, bytes: &[u8]) {
        self.memory.write_slice(bytes, GuestAddress(addr)).unwrap();
    }

    fn read<const N: usize>(&self, addr: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory
            .read_slice(&mut bytes, GuestAddress(addr))
            .unwrap();
        bytes
    }

    fn write_desc(&self, addr: u64, desc: &Desc) {
        self.write(addr, &desc.addr.read().to_le_bytes());
        self.write(addr + 8, &desc.len.read().to_le_bytes());
        self.write(addr + 12, &desc.meta.read().to_le_bytes());
    }

    /// Shows the device what the driver has written.
    fn show_driver_areas(&mut self) {
        for (i, desc) in self.area.desc.iter().enumerate() {
            self.write_desc(DESC + 16 * i as u64, desc);
        }
        self.write(AVAIL, &self.area.avail_flags.read().to_le_bytes());
        self.write(AVAIL + 2, &self.area.avail_idx.read().to_le_bytes());
        for (i, elem) in self.area.avail_ring.iter().enumerate() {
            self.write(AVAIL + 4 + 2 * i as u64, &elem.read().to_le_bytes());
        }
        let used_event = AVAIL + layout::used_event(self.size) as u64;
        self.write(used_event, &self.area.used_event.read().to_le_bytes());
    }

    /// Shows the driver what the device has written.
    fn show_device_area(&mut self) {
        let area = &self.area;
        area.used_flags.write(u16::from_le_bytes(self.read(USED)));
        area.used_idx.write(u16::from_le_bytes(self.read(USED + 2)));
        for (i, elem) in area.used_ring.iter().enumerate() {
            let at = USED + 4 + 8 * i as u64;
            elem.id.write(u32::from_le_bytes(self.read(at)));
            elem.len.write(u32::from_le_bytes(self.read(at + 4)));
        }
        let avail_event = USED + layout::avail_event(self.size) as u64;
        area.avail_event
            .write(u16::from_le_bytes(self.read(avail_event)));
    }

    fn segments(&mut self, lengths: &[u32]) -> Vec<Segment> {
        let segment = |len: &u32| {
            self.data = (self.data + 0x1000) % 0x8_0000;
            Segment {
                addr: DATA + self.data,
                len: *len,
            }
        };
        lengths.iter().map(segment).collect()
    }

    /// Adds a buffer and returns its token and segments, unless the ring is full.
    fn add(&mut self, buffer: &Buffer) -> Option<(Token, Vec<(Segment, bool)>)> {
        let (r, w) = (
            self.segments(&buffer.readable),
            self.segments(&buffer.writable),
        );
        let token = match buffer.indirect {
            false => self.ring.add_chain(r.clone(), w.clone()),
            true => {
                let cells: Vec<Desc> = r.iter().chain(&w).map(|_| Desc::default()).collect();
                let table = fill_table(&cells, self.size, r.clone(), w.clone()).ok()?;
                self.tables = (self.tables + 1) % 64;
                let addr = TABLES + TABLE_SIZE * self.tables;
                for (i, cell) in cells.iter().enumerate() {
                    self.write_desc(addr + 16 * i as u64, cell);
                }
                let segment = Segment {
                    addr,
                    len: u32::from(table.count) * 16,
                };
                self.ring.add_indirect(segment, table.writable_len)
            }
        };
        let readable = r.into_iter().map(|s| (s, false));
        let segments = readable.chain(w.into_iter().map(|s| (s, true))).collect();
        Some((token.ok()?, segments))
    }
}

#[derive(Clone, Debug)]
struct Buffer {
    readable: Vec<u32>,
    writable: Vec<u32>,
    indirect: bool,
}

fn buffer() -> impl Strategy<Value = Buffer> {
    let lengths = || proptest::collection::vec(1u32..4096, 0..4);
    (lengths(), lengths(), any::<bool>())
        .prop_filter("no element", |(r, w, _)| r.len() + w.len() > 0)
        .prop_map(|(readable, writable, indirect)| Buffer {
            readable,
            writable,
            indirect,
        })
}

proptest! {
    /// The device finds every buffer as it was added, the driver gets every one back as it was
    /// used, and each side is notified when the other says so.
    ///
    /// covers: RING-S-24 RING-S-22
    #[test]
    fn buffers_go_round(
        size in (0u32..7).prop_map(|n| 1u16 << n),
        event_idx in any::<bool>(),
        rounds in proptest::collection::vec(
            (proptest::collection::vec((buffer(), any::<u16>()), 0..9), any::<bool>()),
            1..40,
        ),
    ) {
        let mut pair = Pair::new(size, event_idx);
        for (buffers, device_sleeps) in rounds {
            // The device says whether it wants to be notified.
            let memory = pair.memory.clone();
            if device_sleeps {
                prop_assert!(!pair.queue.enable_notification(&memory).unwrap());
            } else {
                pair.queue.disable_notification(&memory).unwrap();
            }
            pair.show_device_area();

            // The driver makes buffers available.
            let mut added = VecDeque::new();
            for (buffer, written) in buffers {
                added.extend(pair.add(&buffer).map(|b| (b, written)));
            }
            let notify = pair.ring.kick_prepare();
            pair.show_driver_areas();
            if device_sleeps {
                prop_assert_eq!(notify, !added.is_empty());
            } else if !event_idx {
                prop_assert!(!notify);
            }

            // The device uses them.
            let mut used = VecDeque::new();
            let mut called = false;
            while let Some(chain) = pair.queue.pop_descriptor_chain(&pair.memory) {
                let ((token, segments), written) = added.pop_front().unwrap();
                let head = chain.head_index();
                prop_assert_eq!(head, token.index());
                let found: Vec<(Segment, bool)> = chain
                    .map(|d| (Segment { addr: d.addr().0, len: d.len() }, d.is_write_only()))
                    .collect();
                prop_assert_eq!(&found, &segments);

                let writable: u32 = segments.iter().filter(|(_, w)| *w).map(|(s, _)| s.len).sum();
                let written = u32::from(written).min(writable);
                pair.queue.add_used(&memory, head, written).unwrap();
                called |= pair.queue.needs_notification(&memory).unwrap();
                used.push_back((token, written));
            }
            prop_assert!(added.is_empty());
            prop_assert_eq!(called, !used.is_empty(), "the driver asks for callbacks");
            pair.show_device_area();

            // The driver takes them back.
            while let Some(popped) = pair.ring.pop_used().unwrap() {
                prop_assert_eq!(Some((popped.token, popped.written)), used.pop_front());
            }
            prop_assert!(used.is_empty());
            prop_assert_eq!(pair.ring.num_free(), size);
            pair.show_driver_areas();
        }
    }
}
