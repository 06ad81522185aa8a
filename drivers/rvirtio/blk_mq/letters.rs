// SPDX-License-Identifier: GPL-2.0

//! Names of disks, which consist of a prefix and letters: `vda` to `vdz`, `vdaa` and so on. Tested
//! on the host.

/// The number of letters for the largest index: 26^7 is more than `u32::MAX`.
const MAX_LETTERS: usize = 7;

/// Returns `prefix` and the letters for `index`, terminated by 0, or `None` if the name does not
/// fit into `N` bytes.
#[doc(alias = "virtblk_name_format")]
pub(crate) fn append<const N: usize>(prefix: &[u8], index: u32) -> Option<[u8; N]> {
    let mut letters = [0; MAX_LETTERS];
    let mut start = letters.len();
    let mut rest = Some(index);
    while let Some(n) = rest {
        start -= 1;
        // CAST: Less than 26.
        letters[start] = b'a' + (n % 26) as u8;
        // `z` is followed by `aa`: letters other than the last count from 1.
        rest = (n / 26).checked_sub(1);
    }
    let letters = &letters[start..];

    let mut name = [0; N];
    let (head, tail) = name.split_at_mut_checked(prefix.len())?;
    head.copy_from_slice(prefix);
    // The terminating 0 has to fit, too.
    if tail.len() <= letters.len() {
        return None;
    }
    tail[..letters.len()].copy_from_slice(letters);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        for (index, expected) in [
            (0, b"vda\0\0\0\0\0\0\0"),
            (25, b"vdz\0\0\0\0\0\0\0"),
            (26, b"vdaa\0\0\0\0\0\0"),
            (701, b"vdzz\0\0\0\0\0\0"),
            (702, b"vdaaa\0\0\0\0\0"),
            (u32::MAX, b"vdmwlqkwv\0"),
        ] {
            assert_eq!(append(b"vd", index).as_ref(), Some(expected));
        }
    }

    #[test]
    fn name_needs_room_for_its_end() {
        assert_eq!(append(b"vd", 0), Some(*b"vda\0"));
        assert_eq!(append::<3>(b"vd", 0), None);
        assert_eq!(append::<4>(b"vd", 26), None);
        assert_eq!(append::<2>(b"vd", 0), None);
        assert_eq!(append::<1>(b"vd", 0), None);
    }
}
