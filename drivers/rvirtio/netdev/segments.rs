// SPDX-License-Identifier: GPL-2.0

//! Segments of frames to send.

use crate::phys::page_to_phys;
use core::slice;
use kernel::bindings::skb_frag_t;
use rvirtio::Segment;

/// Iterates over the segments of a frame: its start, which is one or two, and fragments; or the same
/// by the addresses that they were mapped to.
pub(crate) struct Segments<'a> {
    first: Option<Segment>,
    second: Option<Segment>,
    fragments: slice::Iter<'a, skb_frag_t>,
    mapped: slice::Iter<'a, Segment>,
}

impl<'a> Segments<'a> {
    /// # Safety
    ///
    /// `fragments` must be those of a socket buffer, all in pages.
    #[inline(always)]
    pub(crate) unsafe fn physical(
        first: Segment,
        second: Option<Segment>,
        fragments: &'a [skb_frag_t],
    ) -> Self {
        Self {
            first: Some(first),
            second,
            fragments: fragments.iter(),
            mapped: [].iter(),
        }
    }

    #[inline(always)]
    pub(crate) fn mapped(segments: &'a [Segment]) -> Self {
        Self {
            first: None,
            second: None,
            fragments: [].iter(),
            mapped: segments.iter(),
        }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        let start = self.first.take().or_else(|| self.second.take());
        start
            .or_else(|| self.fragments.next().map(fragment))
            .or_else(|| self.mapped.next().copied())
    }

    /// Does not ask again for each segment what kind it is.
    #[inline(always)]
    fn fold<B, F: FnMut(B, Segment) -> B>(self, init: B, mut f: F) -> B {
        let mut folded = init;
        if let Some(segment) = self.first {
            folded = f(folded, segment);
        }
        if let Some(segment) = self.second {
            folded = f(folded, segment);
        }
        for of_page in self.fragments {
            folded = f(folded, fragment(of_page));
        }
        for &segment in self.mapped {
            folded = f(folded, segment);
        }
        folded
    }
}

/// Returns the segments of fragments by their physical addresses.
///
/// # Safety
///
/// `fragments` must be those of a socket buffer, all in pages.
#[inline(always)]
pub(crate) unsafe fn of_fragments(
    fragments: &[skb_frag_t],
) -> impl Iterator<Item = Segment> + use<'_> {
    fragments.iter().map(fragment)
}

/// Returns the physical address and the length of a fragment.
#[inline]
fn fragment(fragment: &skb_frag_t) -> Segment {
    // SAFETY: It is the fragment of a socket buffer, in a page, as the functions above want it.
    let page = unsafe { page_to_phys(fragment.netmem as *mut _) };
    Segment {
        // Within the page.
        addr: page.wrapping_add(fragment.offset.into()),
        len: fragment.len,
    }
}
