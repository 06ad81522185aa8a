// SPDX-License-Identifier: GPL-2.0

//! Headers of received frames from any bytes, for the fuzzer.

use crate::net_files::{
    caps,
    rx_header::{check, linear_len, negotiated_flags},
    rx_meta::{RxCsum, RxMeta},
    spec,
};
use caps::RxCaps;
use spec::header::{Header, Layout, MAX_LEN};

#[path = "../../../drivers/rvirtio/net/rx_header/tests/compare.rs"]
mod compare;
#[path = "../../../drivers/rvirtio/net/rx_header/tests/oracle.rs"]
mod oracle;

/// Checks the frame that `bytes` stand for: two bytes with what was negotiated, the header, the
/// rest is the frame.
///
/// # Panics
///
/// When the driver accepts what C's would drop, or understands it differently.
pub fn run(bytes: &[u8]) {
    let Some((negotiated, rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let Some((header, frame)) = rest.split_first_chunk::<MAX_LEN>() else {
        return;
    };
    let negotiated = u16::from_le_bytes(*negotiated);
    let has = |bit: u32| negotiated & 1 << bit != 0;
    let csum = has(0);
    let caps = RxCaps {
        csum,
        tso4: csum && has(1),
        tso6: csum && has(2),
        ecn: has(3),
        ufo: csum && has(4),
        uso4: csum && has(5),
        uso6: csum && has(6),
        tunnel: csum && has(7),
        tunnel_csum: csum && has(7) && has(8),
    };
    let layout = match (caps.tunnel, has(9)) {
        (true, _) => Layout::Tunnel,
        (false, true) => Layout::Hash,
        (false, false) => Layout::Basic,
    };
    let mut words = [0; MAX_LEN / 8];
    for (word, bytes) in words.iter_mut().zip(header.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
    }
    compare::check_and_compare(&Header::from_words(words, layout), frame, &caps);
}
