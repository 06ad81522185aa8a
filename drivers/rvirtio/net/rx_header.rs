// SPDX-License-Identifier: GPL-2.0

//! What the header of a received frame says, checked: a pure function, fuzzed on the host.
//!
//! Nothing that a device writes is trusted. [`check`] gets a copy of the header and the bytes of
//! the frame that its caller has made linear, and allows only what was negotiated and what those
//! bytes confirm. It is at least as strict as C is, with one exception, which the specification
//! asks for: flags that were not negotiated are ignored.
//!
//! C version: [`include/linux/virtio_net.h`](srctree/include/linux/virtio_net.h)

use super::{
    caps::RxCaps,
    parse::{
        IpVersion,
        Protocol, //
    },
    rx_gso,
    rx_meta::{
        Refused,
        RxCsum,
        RxMeta, //
    },
    spec::{
        header::{
            flag,
            gso,
            Header, //
        },
        ETHERNET_HEADER,
    }, //
};

/// How much of a frame is made linear when its headers have to be searched.
const SEARCH_LEN: u32 = 192;

/// The largest number of bytes that are made linear because of the checksum fields.
const MAX_LINEAR: u32 = 2048;

/// Returns how many bytes of a frame of `len` bytes have to be linear for [`check`], so that all
/// headers are and, as far as possible, no payload is.
///
/// `peek` returns a byte of the frame. It serves as a hint only.
pub(crate) fn linear_len(
    header: &Header,
    len: u32,
    caps: &RxCaps,
    peek: impl FnOnce(u32) -> Option<u8>,
) -> u32 {
    let end = if negotiated_flags(header, caps) & flag::NEEDS_CSUM != 0 {
        let start = u32::from(header.csum_start);
        let offset = u32::from(header.csum_offset);
        let csum_end = start + offset + 2;
        if header.csum_offset == Protocol::Tcp.csum_offset() {
            // The length of the TCP header in words is in the upper half of a byte of it.
            let words = u32::from(peek(start + 12).unwrap_or(0) >> 4);
            csum_end.max(start + (4 * words).max(Protocol::Tcp.min_header()))
        } else {
            csum_end.max(start + Protocol::Udp.min_header())
        }
    } else if header.gso_type != gso::NONE {
        SEARCH_LEN
    } else {
        // The rest of the headers is left to GRO, which can then merge what follows.
        ETHERNET_HEADER
    };
    end.clamp(ETHERNET_HEADER, MAX_LINEAR).min(len)
}

/// Checks the header of a frame of `len` bytes, of which `head` are the first.
///
/// `head` must be memory that the device cannot write, or has no reason to: what is found there
/// is what the stack works with.
///
/// # Errors
///
/// Any [`Refused`]: the frame must be dropped.
#[doc(alias = "virtio_net_hdr_to_skb")]
#[doc(alias = "virtio_net_hdr_tnl_to_skb")]
#[doc(alias = "virtio_net_handle_csum_offload")]
pub(crate) fn check(
    header: &Header,
    len: u32,
    head: &[u8],
    caps: &RxCaps,
) -> Result<RxMeta, Refused> {
    // CAST: A frame is shorter than 4 GiB.
    let csum = check_csum(header, len, head.len() as u32, caps)?;
    let gso = match header.gso_type {
        gso::NONE => None,
        // A copy, so that the header of other frames need not be in memory.
        _ => {
            let flags = negotiated_flags(header, caps);
            rx_gso::check(*header, flags, csum, len, head, caps)?
        }
    };
    Ok(RxMeta { csum, gso })
}

/// Returns whether [`check_csum`] is all of [`check`] for such a header: the frame is not segmented.
#[inline(always)]
pub(crate) fn is_plain(header: &Header) -> bool {
    header.gso_type == gso::NONE
}

/// Checks what the header of a frame says about checksums, of which the first `head` bytes are linear.
/// See [`check`].
///
/// # Errors
///
/// Any [`Refused`]: the frame must be dropped.
#[inline(always)]
pub(crate) fn check_csum(
    header: &Header,
    len: u32,
    head: u32,
    caps: &RxCaps,
) -> Result<RxCsum, Refused> {
    if len < ETHERNET_HEADER || head < ETHERNET_HEADER {
        return Err(Refused::Short(len));
    }
    csum(header, negotiated_flags(header, caps), head)
}

/// Returns the flags that were negotiated.
#[inline(always)]
pub(crate) fn negotiated_flags(header: &Header, caps: &RxCaps) -> u8 {
    let mut known = 0;
    if caps.csum {
        known |= flag::NEEDS_CSUM | flag::DATA_VALID | flag::RSC_INFO;
    }
    if caps.tunnel_csum {
        known |= flag::UDP_TUNNEL_CSUM;
    }
    header.flags & known
}

#[inline(always)]
fn csum(header: &Header, flags: u8, head: u32) -> Result<RxCsum, Refused> {
    let (start, offset) = (header.csum_start, header.csum_offset);
    let refused = Err(Refused::Csum {
        flags,
        start,
        offset,
    });
    let tunnel = header.gso_type & gso::UDP_TUNNEL != 0;
    let outer = flags & flag::UDP_TUNNEL_CSUM != 0;
    if flags & flag::NEEDS_CSUM == 0 {
        return Ok(match flags & flag::DATA_VALID {
            0 => RxCsum::None,
            _ => RxCsum::Unnecessary {
                level: outer.into(),
            },
        });
    }
    // With RSC_INFO the fields hold something else, and without a tunnel there is no such flag.
    if flags & flag::RSC_INFO != 0 || (outer && !tunnel) {
        return refused;
    }
    // The sum of two 16-bit numbers does not wrap.
    let end = u32::from(start).wrapping_add(offset.into()).wrapping_add(2);
    let network = ETHERNET_HEADER + IpVersion::V4.min_header();
    if u32::from(start) < network || end > head {
        return refused;
    }
    Ok(RxCsum::Partial { start, offset })
}

#[cfg(test)]
mod tests;
