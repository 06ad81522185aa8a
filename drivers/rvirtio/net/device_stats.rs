// SPDX-License-Identifier: GPL-2.0

//! Statistics that the device counts (virtio 1.4, 5.1.6.5 Control Virtqueue, Device Statistics).

use super::spec::queue;
use core::sync::atomic::{
    AtomicBool,
    AtomicU64,
    Ordering, //
};

/// The length of what comes before the numbers in a reply, in bytes: type, a byte of no meaning, index of the
/// queue, two bytes of no meaning, length of all of it.
#[doc(alias = "virtio_net_stats_reply_hdr")]
const REPLY_HEADER: usize = 8;

/// The length of a request for a queue: its index, six bytes of zeroes, and the types as 64 bits.
#[doc(alias = "virtio_net_ctrl_queue_stats")]
const REQUEST: usize = 16;

/// The most numbers that there are of a queue.
const MOST: usize = 16;

/// The queues that statistics are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Rx,
    Tx,
    Control,
}

/// Statistics that come together.
struct Kind {
    /// The type, in replies and as a bit in requests.
    number: u8,
    /// Their names, each of 64 bits.
    names: &'static [&'static str],
}

const RX: &[Kind] = &[
    Kind {
        number: 0,
        names: &[
            "notifications",
            "packets",
            "bytes",
            "interrupts",
            "drops",
            "drop_overruns",
        ],
    },
    Kind {
        number: 1,
        names: &["csum_valid", "needs_csum", "csum_none", "csum_bad"],
    },
    Kind {
        number: 2,
        names: &[
            "gso_packets",
            "gso_bytes",
            "gso_packets_coalesced",
            "gso_bytes_coalesced",
        ],
    },
    Kind {
        number: 3,
        names: &["ratelimit_packets", "ratelimit_bytes"],
    },
];

const TX: &[Kind] = &[
    Kind {
        number: 16,
        names: &[
            "notifications",
            "packets",
            "bytes",
            "interrupts",
            "drops",
            "drop_malformed",
        ],
    },
    Kind {
        number: 17,
        names: &["csum_none", "needs_csum"],
    },
    Kind {
        number: 18,
        names: &[
            "gso_packets",
            "gso_bytes",
            "gso_segments",
            "gso_segments_bytes",
            "gso_packets_noseg",
            "gso_bytes_noseg",
        ],
    },
    Kind {
        number: 19,
        names: &["ratelimit_packets", "ratelimit_bytes"],
    },
];

const CONTROL: &[Kind] = &[Kind {
    number: 32,
    names: &["command_num", "ok_num"],
}];

impl Side {
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Rx => RX,
            Self::Tx => TX,
            Self::Control => CONTROL,
        }
    }

    /// Returns the place of a number, and the type that it belongs to.
    fn find(self, name: &str) -> Option<(usize, u8)> {
        let mut first = 0;
        for kind in self.kinds() {
            if let Some(at) = kind.names.iter().position(|its| *its == name) {
                return Some((first + at, kind.number));
            }
            first += kind.names.len();
        }
        None
    }

    /// Returns the places of the numbers of a type.
    fn places(self, number: u8) -> Option<core::ops::Range<usize>> {
        let mut first = 0;
        for kind in self.kinds() {
            let end = first + kind.names.len();
            if kind.number == number {
                return Some(first..end);
            }
            first = end;
        }
        None
    }
}

/// The types of statistics that a device has, as bits.
#[derive(Default)]
pub(crate) struct Known {
    /// Those that it had when it was asked first: what is shown.
    shown: AtomicU64,
    /// Those that it has said since it was reset last.
    now: AtomicU64,
    is_fixed: AtomicBool,
}

impl Known {
    /// Sets them. `reply` is what the device says, after each reset.
    #[doc(alias = "virtio_net_stats_capabilities")]
    pub(crate) fn set(&self, reply: [u8; 8]) {
        let types = u64::from_le_bytes(reply);
        self.now.store(types, Ordering::Relaxed);
        if !self.is_fixed.swap(true, Ordering::Relaxed) {
            self.shown.store(types, Ordering::Relaxed);
        }
    }

    /// Returns whether the device has a number. That does not change once the types were set.
    pub(crate) fn has(&self, side: Side, name: &str) -> bool {
        let shown = self.shown.load(Ordering::Relaxed);
        side.find(name)
            .is_some_and(|(_, number)| shown & 1 << number != 0)
    }

    /// Writes a request for all that there is of a queue to `to`. Returns its length, which is 0 if there is
    /// nothing or no room, and that of the reply, if that is as long as the specification says.
    pub(crate) fn request(&self, side: Side, queue: u16, to: &mut [u8]) -> (usize, usize) {
        let shown = self.shown.load(Ordering::Relaxed) & self.now.load(Ordering::Relaxed);
        let bits = side.kinds().iter().map(|kind| 1 << kind.number);
        let known = shown & bits.fold(0, |bits, bit| bits | bit);
        let Some(to) = to.first_chunk_mut::<REQUEST>().filter(|_| known != 0) else {
            return (0, 0);
        };
        let bytes = u128::from(known) << 64 | u128::from(queue);
        *to = bytes.to_le_bytes();
        let asked = side
            .kinds()
            .iter()
            .filter(|kind| known & 1 << kind.number != 0);
        let reply = asked.fold(0, |len, kind| len + REPLY_HEADER + 8 * kind.names.len());
        (REQUEST, reply)
    }
}

/// What a device has counted for a queue, when it was asked last.
#[derive(Default)]
pub(crate) struct Counted([AtomicU64; MOST]);

impl Counted {
    /// Returns a number.
    pub(crate) fn get(&self, side: Side, name: &str) -> u64 {
        let at = side.find(name).and_then(|(at, _)| self.0.get(at));
        at.map_or(0, |number| number.load(Ordering::Relaxed))
    }

    fn set(&self, side: Side, number: u8, numbers: &[u8]) {
        let Some(places) = side.places(number) else {
            return;
        };
        let places = self.0.get(places).unwrap_or(&[]);
        let numbers = numbers.chunks_exact(8).filter_map(|n| n.first_chunk());
        for (to, from) in places.iter().zip(numbers) {
            to.store(u64::from_le_bytes(*from), Ordering::Relaxed);
        }
    }
}

/// Whoever is passed a queue, the type of some numbers, and these.
type Taker<'a> = dyn FnMut(Side, &Counted, u8, &[u8]) + 'a;

/// Takes the numbers out of a reply, for the queues that `find` knows. Returns whether it was one: otherwise
/// nothing is taken.
#[doc(alias = "virtnet_fill_stats")]
pub(crate) fn take<'a>(
    reply: &[u8],
    mut find: impl FnMut(u16) -> Option<(Side, &'a Counted)>,
) -> bool {
    let mut each = |with: &mut Taker<'_>| {
        let mut left = reply;
        while !left.is_empty() {
            let [number, _, low, high, _, _, size_low, size_high] = *left.first_chunk()?;
            let size = usize::from(u16::from_le_bytes([size_low, size_high]));
            let (whole, rest) = left.split_at_checked(size)?;
            let numbers = whole.get(REPLY_HEADER..)?;
            let (side, counted) = find(u16::from_le_bytes([low, high]))?;
            // It may have more numbers than are known.
            let least = side.places(number)?.len() * 8;
            if numbers.len() < least || numbers.len() % 8 != 0 {
                return None;
            }
            with(side, counted, number, numbers);
            left = rest;
        }
        Some(())
    };
    let good = each(&mut |_, _, _, _| ()).is_some();
    if good {
        each(&mut |side, counted, number, numbers| counted.set(side, number, numbers));
    }
    good
}

/// Returns the side of a queue, and its pair, of a device whose control queue is `control`.
pub(crate) fn side_of(index: u16, control: u16) -> (Side, u16) {
    let pair = index / 2;
    if index == control {
        (Side::Control, pair)
    } else if index == queue::receive(pair) {
        (Side::Rx, pair)
    } else {
        (Side::Tx, pair)
    }
}

#[cfg(test)]
mod tests;
