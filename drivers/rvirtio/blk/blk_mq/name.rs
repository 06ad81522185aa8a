// SPDX-License-Identifier: GPL-2.0

//! Names of disks: a prefix and letters, `vda` to `vdz`, `vdaa` and so on.

use crate::helpers::rvirtio_blk_name_ida;
use kernel::{
    bindings,
    error::to_result,
    ffi::c_uint,
    prelude::*, //
};

/// The length of a disk name in bytes, with the terminating 0.
#[doc(alias = "DISK_NAME_LEN")]
pub(crate) const NAME_LEN: usize = bindings::DISK_NAME_LEN as usize;

/// A number that no other disk of this module has.
///
/// # Invariants
///
/// The number is allocated, and this value owns it.
pub(crate) struct NameIndex(u32);

impl NameIndex {
    /// Takes the smallest free number.
    pub(crate) fn allocate() -> Result<Self> {
        // SAFETY: The allocator is initialised statically and does its own locking.
        let index = unsafe {
            bindings::ida_alloc_range(
                &raw mut rvirtio_blk_name_ida,
                0,
                c_uint::MAX,
                bindings::GFP_KERNEL,
            )
        };
        to_result(index)?;
        // INVARIANT: It was just allocated.
        // CAST: It is not negative.
        Ok(Self(index as u32))
    }

    /// Returns the name for `prefix` and this number.
    pub(crate) fn name(&self, prefix: &[u8]) -> Result<[u8; NAME_LEN]> {
        format(prefix, self.0).ok_or(EINVAL)
    }
}

impl Drop for NameIndex {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the number is ours.
        unsafe { bindings::ida_free(&raw mut rvirtio_blk_name_ida, self.0) }
    }
}

/// Returns `prefix` and the letters for `index`, terminated by 0; `None` when it does not fit.
#[doc(alias = "virtblk_name_format")]
fn format(prefix: &[u8], index: u32) -> Option<[u8; NAME_LEN]> {
    // 26^7 is more than `u32::MAX`.
    let mut letters = [0; 7];
    let mut start = letters.len();
    let mut rest = Some(index);
    while let Some(n) = rest {
        start -= 1;
        // CAST: Less than 26.
        letters[start] = b'a' + (n % 26) as u8;
        // After `z` comes `aa`: the letters count from 1 in all places but the last.
        rest = (n / 26).checked_sub(1);
    }
    let letters = &letters[start..];

    let mut name = [0; NAME_LEN];
    let (head, tail) = name.split_at_mut_checked(prefix.len())?;
    head.copy_from_slice(prefix);
    // Room for the terminating 0 too.
    if tail.len() <= letters.len() {
        return None;
    }
    tail[..letters.len()].copy_from_slice(letters);
    Some(name)
}

#[cfg(CONFIG_RVIRTIO_KUNIT_TEST)]
#[macros::kunit_tests(rvirtio_blk_name)]
mod tests {
    use super::*;

    fn name(prefix: &[u8], index: u32) -> Option<KVec<u8>> {
        let name = format(prefix, index)?;
        let len = name.iter().position(|&c| c == 0)?;
        let mut text = KVec::new();
        text.extend_from_slice(&name[..len], GFP_KERNEL).ok()?;
        Some(text)
    }

    #[test]
    fn letters_go_on_after_z() {
        for (index, expected) in [
            (0, &b"vda"[..]),
            (25, b"vdz"),
            (26, b"vdaa"),
            (701, b"vdzz"),
            (702, b"vdaaa"),
        ] {
            assert_eq!(name(b"vd", index).as_deref(), Some(expected));
        }
    }

    #[test]
    fn largest_number_has_a_name() {
        assert!(name(b"vd", u32::MAX).is_some());
    }

    #[test]
    fn name_that_does_not_fit_is_refused() {
        assert!(name(&[b'v'; NAME_LEN - 2], 0).is_some());
        assert!(name(&[b'v'; NAME_LEN - 1], 0).is_none());
        assert!(name(&[b'v'; NAME_LEN], 0).is_none());
        assert!(name(&[b'v'; NAME_LEN + 1], 0).is_none());
    }
}
