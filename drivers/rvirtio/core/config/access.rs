// SPDX-License-Identifier: GPL-2.0

//! What has to be minded when configuration is read, wherever it lies (virtio 1.4, 2.5.1).

/// How often a group of reads is repeated when the device keeps changing its configuration.
///
/// A device changes it when an administrator does something, so once is already rare.
const GENERATION_RETRIES: usize = 16;

/// Returns whether a configuration space of `len` bytes has a field of `size` bytes, a power of two,
/// at `offset`, and whether the field is aligned. Nothing is said about the rest of the space.
pub fn has_field(len: u32, offset: u32, size: u32) -> bool {
    // Halves of a 64-bit field are accessed one by one.
    let aligned = offset & (size.min(4) - 1) == 0;
    aligned && offset.checked_add(size).is_some_and(|end| end <= len)
}

/// Runs `read` until `generation` is the same before and after; `None` when it never is.
///
/// # Errors
///
/// What `generation` and `read` return.
pub fn consistent<R, E>(
    generation: impl Fn() -> Result<u8, E>,
    mut read: impl FnMut() -> Result<R, E>,
) -> Result<Option<R>, E> {
    for _ in 0..GENERATION_RETRIES {
        let before = generation()?;
        let value = read()?;
        if generation()? == before {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
