// SPDX-License-Identifier: GPL-2.0

//! Fields of `struct sk_buff` that are inside anonymous structures.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use kernel::bindings::{
    self,
    sk_buff,
    skb_shared_info, //
};

/// The part that is copied between buffers.
pub(crate) type Headers = bindings::sk_buff__bindgen_ty_4__bindgen_ty_1;

/// Where a partial checksum starts, and where it is stored.
pub(crate) type Csum = bindings::sk_buff__bindgen_ty_4__bindgen_ty_1__bindgen_ty_1__bindgen_ty_1;

/// Values of `ip_summed`.
pub(crate) mod ip_summed {
    /// The device has checked the checksum.
    #[doc(alias = "CHECKSUM_UNNECESSARY")]
    pub(crate) const UNNECESSARY: u8 = 1;
    /// Somebody has to complete the checksum.
    #[doc(alias = "CHECKSUM_PARTIAL")]
    pub(crate) const PARTIAL: u8 = 3;
}

/// Values of `gso_type`.
pub(crate) mod gso {
    use crate::bindings::*;

    // CAST: They are bits of an unsigned integer.
    pub(crate) const TCPV4: u32 = SKB_GSO_TCPV4 as u32;
    pub(crate) const TCPV6: u32 = SKB_GSO_TCPV6 as u32;
    pub(crate) const TCP_ECN: u32 = SKB_GSO_TCP_ECN as u32;
    pub(crate) const UDP: u32 = SKB_GSO_UDP as u32;
    pub(crate) const UDP_L4: u32 = SKB_GSO_UDP_L4 as u32;
    /// The headers are not checked yet.
    pub(crate) const DODGY: u32 = SKB_GSO_DODGY as u32;
    pub(crate) const UDP_TUNNEL: u32 = SKB_GSO_UDP_TUNNEL as u32;
    pub(crate) const UDP_TUNNEL_CSUM: u32 = SKB_GSO_UDP_TUNNEL_CSUM as u32;
}

/// Why a buffer is dropped: no reason is given.
pub(crate) const NOT_SPECIFIED: bindings::skb_drop_reason =
    bindings::skb_drop_reason_SKB_DROP_REASON_NOT_SPECIFIED;

/// Returns the part that is copied between buffers.
///
/// # Safety
///
/// `skb` must point to a socket buffer.
#[inline]
pub(crate) unsafe fn headers(skb: *mut sk_buff) -> *mut Headers {
    // SAFETY: `skb` is valid by the safety requirement. The union has this structure as its only
    // member besides one of the same layout.
    unsafe { (&raw mut (*skb).__bindgen_anon_4).cast() }
}

/// Returns the place of a partial checksum.
///
/// # Safety
///
/// `skb` must point to a socket buffer.
#[inline]
pub(crate) unsafe fn csum(skb: *mut sk_buff) -> *mut Csum {
    // SAFETY: `skb` is valid by the safety requirement. The union has this structure as a member.
    unsafe { (&raw mut (*headers(skb)).__bindgen_anon_1).cast() }
}

/// Returns what is shared by all clones of a buffer.
///
/// # Safety
///
/// `skb` must point to a socket buffer.
#[doc(alias = "skb_shinfo")]
#[inline]
pub(crate) unsafe fn shared_info(skb: *mut sk_buff) -> *mut skb_shared_info {
    // SAFETY: `skb` is valid by the safety requirement, and the structure is right behind the
    // linear memory of every socket buffer.
    unsafe { (*skb).head.add((*skb).end as usize).cast() }
}

/// Returns the length of what is linear, in bytes.
///
/// # Safety
///
/// `skb` must point to a socket buffer.
#[doc(alias = "skb_headlen")]
#[inline]
pub(crate) unsafe fn linear_len(skb: *const sk_buff) -> u32 {
    // SAFETY: `skb` is valid by the safety requirement.
    unsafe { (*skb).len.wrapping_sub((*skb).data_len) }
}

/// Returns how many bytes there are before the data.
///
/// # Safety
///
/// `skb` must point to a socket buffer.
#[doc(alias = "skb_headroom")]
#[inline]
pub(crate) unsafe fn headroom(skb: *const sk_buff) -> u32 {
    // SAFETY: `skb` is valid by the safety requirement; data and head are in one allocation.
    // CAST: linear memory is smaller than 4 GiB.
    unsafe { (*skb).data.offset_from((*skb).head) as u32 }
}

/// Sets the successor of `skb` in a list.
///
/// # Safety
///
/// `skb` must point to a socket buffer that is exclusively owned.
pub(crate) unsafe fn set_next(skb: *mut sk_buff, next: *mut sk_buff) {
    // SAFETY: `skb` is valid by the safety requirement; the pointer is what it starts with.
    unsafe { skb.cast::<*mut sk_buff>().write(next) }
}

/// Sets the protocol in a tunnel, in network byte order.
pub(crate) fn set_inner_protocol(headers: &mut Headers, protocol: u16) {
    let to: *mut u16 = (&raw mut headers.__bindgen_anon_5).cast();
    // SAFETY: The union is of this type or a smaller one.
    unsafe { to.write(protocol) }
}
