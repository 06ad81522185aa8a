// SPDX-License-Identifier: GPL-2.0

//! Rules for reading a configuration space, independent of the transport (virtio 1.4, 2.5.1).

/// The number of attempts to read a group of fields while the device keeps changing them.
///
/// The configuration changes when an administrator does something, so a second attempt is rare.
const GENERATION_RETRIES: usize = 16;

/// Returns whether a field of `size` bytes, a power of two, at `offset` is aligned and inside a
/// configuration space of `len` bytes. The rest of the space may have any size.
pub fn has_field(len: u32, offset: u32, size: u32) -> bool {
    // A 64-bit field is accessed in two halves.
    let aligned = offset & (size.min(4) - 1) == 0;
    aligned && offset.checked_add(size).is_some_and(|end| end <= len)
}

/// Calls `read` until `generation` is the same before and after it. Returns `None` if it keeps
/// changing.
///
/// # Errors
///
/// Those of `generation` and `read`.
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
