// SPDX-License-Identifier: GPL-2.0

//! Which buffers are posted for frames to be received: a pure function of what was negotiated.

use super::{
    caps::Caps,
    limits::Mtu,
    spec::{
        header::MAX_LEN,
        MAX_GSO_FRAME, //
    }, //
};

/// Size of a page in bytes.
const PAGE_SIZE: u32 = 4096;

/// What is kept free before a frame that the stack gets in its buffer, in bytes.
#[doc(alias = "NET_SKB_PAD")]
pub(crate) const HEADROOM: u32 = 64;

/// The least that is left of a page to be posted again, in bytes: with it no frame needs more parts
/// than fit into a socket buffer.
pub(crate) const LEAST_POSTED: u32 = 4096;

/// Order of the pages of [`RxMode::Bulk`].
const BULK_ORDER: u8 = 2;

/// The largest number of buffers that a frame may be in.
pub(crate) const MAX_PARTS: u16 = 64;

/// The pools, by their place in [`RxMode::page_orders`], of the parts of a buffer of
/// [`RxMode::Big`]: 68 KiB.
pub(crate) const BIG_PARTS: [usize; 5] = [0, 0, 0, 0, 1];

/// The kind of buffers that a receive queue is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RxMode {
    /// A frame fits in a half page, with what the stack needs before and behind it.
    Mtu,
    /// Frames can be large and spread over buffers. Pages are given out part by part, each as
    /// large as a frame was.
    Bulk,
    /// Frames can be large and have to be in one buffer, which has many segments.
    Big,
    /// A frame fits in one segment, of pages of this order.
    Jumbo { order: u8 },
    /// The memory of a socket; the largest frame needs that many buffers.
    Socket { most_buffers: u16 },
}

impl RxMode {
    /// Returns the mode for what was negotiated. `tail` is the length of what the stack needs
    /// behind a frame.
    pub(crate) fn new(caps: &Caps, mtu: Mtu, tail: u32) -> Self {
        let frame = caps.layout.len() + mtu.max_frame();
        match (caps.mergeable, caps.rx.has_gso()) {
            (true, true) => Self::Bulk,
            (true, false) => Self::Mtu,
            (false, true) => Self::Big,
            (false, false) if HEADROOM + frame + tail <= PAGE_SIZE / 2 => Self::Mtu,
            (false, false) => Self::Jumbo {
                order: order(HEADROOM + frame + tail),
            },
        }
    }

    /// Returns the mode for buffers of a socket, which have room for `frame_size` bytes after a header.
    pub(crate) fn of_socket(caps: &Caps, frame_size: u32) -> Self {
        let largest = if caps.mergeable { MAX_GSO_FRAME } else { 1 };
        Self::Socket {
            // CAST: It is clamped.
            most_buffers: largest.div_ceil(frame_size.max(1)).min(u16::MAX.into()) as u16,
        }
    }

    /// Returns the orders of the pages that buffers are made of, the one that is tried first first.
    pub(crate) fn page_orders(self) -> &'static [u8] {
        const JUMBO: [u8; 6] = [0, 1, 2, 3, 4, 5];
        match self {
            Self::Mtu => &[0],
            Self::Socket { .. } => &[],
            Self::Bulk | Self::Big => &[BULK_ORDER, 0],
            Self::Jumbo { order } => JUMBO.get(order.into()..).map_or(&[], |orders| {
                orders.split_at_checked(1).map_or(&[], |(first, _)| first)
            }),
        }
    }

    /// Returns the number of descriptors of a buffer.
    pub(crate) fn parts(self) -> u16 {
        match self {
            Self::Big => BIG_PARTS.len() as u16,
            _ => 1,
        }
    }

    /// Returns how many buffers the device needs for the largest frame.
    pub(crate) fn most_buffers(self) -> u16 {
        let frame = MAX_GSO_FRAME + MAX_LEN as u32;
        // CAST: At most 33.
        match self {
            Self::Mtu => frame.div_ceil(PAGE_SIZE / 2) as u16,
            Self::Bulk => frame.div_ceil(LEAST_POSTED) as u16,
            Self::Big | Self::Jumbo { .. } => 1,
            Self::Socket { most_buffers } => most_buffers,
        }
    }
}

/// Returns the smallest order of pages that hold `len` bytes.
fn order(len: u32) -> u8 {
    let pages = len.div_ceil(PAGE_SIZE).max(1);
    // CAST: at most 20.
    pages.next_power_of_two().ilog2() as u8
}

#[cfg(test)]
mod tests {
    use super::{
        super::spec::feature::*,
        *, //
    };
    use rvirtio::{
        Feature,
        Features, //
    };

    const TAIL: u32 = 320;

    /// The largest frame that may arrive, with its header, in bytes.
    fn max_received(caps: &Caps, mtu: Mtu) -> u32 {
        let frame = if caps.rx.has_gso() {
            MAX_GSO_FRAME.max(mtu.max_frame())
        } else {
            mtu.max_frame()
        };
        caps.layout.len() + frame
    }

    fn mode(features: &[Feature], mtu: Option<u16>) -> RxMode {
        let caps = Caps::new(Features::of(features));
        let large = caps.mergeable || caps.rx.has_gso();
        RxMode::new(&caps, Mtu::new(mtu, large), TAIL)
    }

    #[test]
    fn modes() {
        let gso = GUEST_TSO4;
        assert_eq!(mode(&[], None), RxMode::Mtu);
        assert_eq!(mode(&[MRG_RXBUF], None), RxMode::Mtu);
        assert_eq!(mode(&[MRG_RXBUF, MTU], Some(9000)), RxMode::Mtu);
        assert_eq!(mode(&[MRG_RXBUF, gso], None), RxMode::Bulk);
        assert_eq!(mode(&[gso], None), RxMode::Big);
        assert_eq!(mode(&[MTU], Some(1500)), RxMode::Mtu);
        assert_eq!(mode(&[MTU], Some(9000)), RxMode::Jumbo { order: 2 });
        assert_eq!(mode(&[MTU], Some(65535)), RxMode::Jumbo { order: 5 });
    }

    /// covers: NET-08 NET-56
    #[test]
    fn frame_fits_in_one_buffer_unless_they_are_merged() {
        for mtu in (68..=u16::MAX).step_by(7).chain([1500, 1634, 1635, 65535]) {
            let caps = Caps::new(Features::of(&[super::super::spec::feature::MTU]));
            let posted = match mode(&[super::super::spec::feature::MTU], Some(mtu)) {
                RxMode::Mtu => 2048 - HEADROOM - TAIL,
                RxMode::Jumbo { order } => (PAGE_SIZE << order) - HEADROOM - TAIL,
                other => panic!("{other:?}"),
            };
            assert!(
                posted >= max_received(&caps, Mtu::new(Some(mtu), false)),
                "{mtu}"
            );
        }
    }

    #[test]
    fn pools_are_those_that_buffers_need() {
        assert_eq!(RxMode::Mtu.page_orders(), [0]);
        assert_eq!(RxMode::Jumbo { order: 3 }.page_orders(), [3]);
        assert_eq!(RxMode::Jumbo { order: 5 }.page_orders(), [5]);
        let orders = RxMode::Big.page_orders();
        let size: u32 = BIG_PARTS.iter().map(|&i| PAGE_SIZE << orders[i]).sum();
        assert!(size >= MAX_GSO_FRAME + 24);
    }

    /// A device that has so many buffers needs not be notified of more.
    #[test]
    fn largest_frame_fits_in_most_buffers() {
        for (mode, least) in [(RxMode::Mtu, PAGE_SIZE / 2), (RxMode::Bulk, LEAST_POSTED)] {
            assert!(u32::from(mode.most_buffers()) * least >= MAX_GSO_FRAME + 24);
            assert!(mode.most_buffers() <= MAX_PARTS);
        }
        // There a frame is always in one.
        for mode in [RxMode::Big, RxMode::Jumbo { order: 3 }] {
            assert_eq!(mode.most_buffers(), 1);
        }
    }

    /// covers: NET-55
    #[test]
    fn largest_frame_with_segmentation_offload() {
        let caps = |features: &[Feature]| Caps::new(Features::of(features));
        let mtu = Mtu::new(None, true);
        assert_eq!(max_received(&caps(&[GUEST_TSO6]), mtu), 65601);
        assert_eq!(max_received(&caps(&[GUEST_TSO6, HASH_REPORT]), mtu), 65609);
        assert_eq!(max_received(&caps(&[]), Mtu::new(None, false)), 1530);
    }
}
