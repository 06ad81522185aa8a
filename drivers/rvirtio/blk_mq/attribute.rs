// SPDX-License-Identifier: GPL-2.0

//! A driver's attributes of its disks in sysfs.
//!
//! C header: [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h)

use crate::disk::Disk;
use core::{
    fmt,
    marker::PhantomData,
    mem::offset_of, //
};
use kernel::{
    bindings,
    ffi::{
        c_char,
        c_int, //
    },
    page::PAGE_SIZE,
    prelude::*, //
};

/// An attribute of a disk with hardware queues `Q` and data `D`.
pub trait Attribute<Q, D> {
    /// The name of the file.
    const NAME: &'static CStr;

    /// Writes the value to `page`, by convention with a newline at the end.
    fn show(disk: &Disk<Q, D>, page: &mut Page<'_>) -> Result;

    /// Returns whether this disk has the file.
    fn exists(data: &D) -> bool {
        let _ = data;
        true
    }

    /// Returns whether the owner of this disk's file can write it.
    fn is_writable(data: &D) -> bool {
        let _ = data;
        false
    }

    /// Sets the value to the one that was written.
    ///
    /// # Errors
    ///
    /// `EPERM` unless overridden: root can write files without write permission, too.
    fn store(disk: &Disk<Q, D>, input: &[u8]) -> Result {
        let _ = (disk, input);
        Err(EPERM)
    }
}

/// A tuple of attributes.
pub trait AttributeList<Q, D> {
    /// The groups for C, terminated by a null pointer.
    #[doc(hidden)]
    const GROUPS: &'static [*const bindings::attribute_group];
}

/// The page of memory that the value of an attribute is written to.
pub struct Page<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl Page<'_> {
    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// `ENOSPC` if they do not fit. Nothing is written then.
    pub fn write(&mut self, bytes: &[u8]) -> Result {
        let end = self.len + bytes.len();
        let free = self.buffer.get_mut(self.len..end).ok_or(ENOSPC)?;
        free.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }
}

impl fmt::Write for Page<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.write(s.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// The C side of attribute `A`.
struct Raw<Q, D, A>(PhantomData<(Q, D, A)>);

impl<Q, D, A: Attribute<Q, D>> Raw<Q, D, A> {
    const ATTRIBUTE: bindings::device_attribute = {
        let mut attribute: bindings::device_attribute = pin_init::zeroed();
        attribute.attr.name = kernel::str::as_char_ptr_in_const_context(A::NAME);
        attribute.attr.mode = READABLE;
        attribute.__bindgen_anon_1.show = Some(Self::show);
        attribute.__bindgen_anon_2.store = Some(Self::store);
        attribute
    };

    const POINTER: *const bindings::attribute = &Self::ATTRIBUTE.attr;

    extern "C" fn show(
        dev: *mut bindings::device,
        _attr: *mut bindings::device_attribute,
        buf: *mut c_char,
    ) -> isize {
        let mut page = Page {
            // SAFETY: sysfs passes a zeroed page of `PAGE_SIZE` bytes, and nobody else uses it
            // during the call.
            buffer: unsafe { core::slice::from_raw_parts_mut(buf.cast(), PAGE_SIZE) },
            len: 0,
        };
        // SAFETY: sysfs calls this for the device of a `Disk<Q, D>`, and the removal of the disk
        // waits until it returns.
        match A::show(unsafe { disk(dev) }, &mut page) {
            // CAST: This is at most the size of a page.
            Ok(()) => page.len as isize,
            Err(error) => error.to_errno() as isize,
        }
    }

    extern "C" fn store(
        dev: *mut bindings::device,
        _attr: *mut bindings::device_attribute,
        buf: *const c_char,
        count: usize,
    ) -> isize {
        // SAFETY: sysfs passes a buffer of `count` bytes, which do not change during the call.
        let input = unsafe { core::slice::from_raw_parts(buf.cast(), count) };
        // SAFETY: sysfs calls this for the device of a `Disk<Q, D>`, and the removal of the disk
        // waits until it returns.
        match A::store(unsafe { disk(dev) }, input) {
            // CAST: This is at most the size of a page.
            Ok(()) => count as isize,
            Err(error) => error.to_errno() as isize,
        }
    }

    /// Returns the permissions of the file, 0 if there is none.
    fn mode(data: &D) -> bindings::umode_t {
        if !A::exists(data) {
            0
        } else if A::is_writable(data) {
            READABLE | OWNER_WRITABLE
        } else {
            READABLE
        }
    }
}

/// `S_IRUGO`.
const READABLE: bindings::umode_t = 0o444;
/// `S_IWUSR`.
const OWNER_WRITABLE: bindings::umode_t = 0o200;

/// Returns the disk whose device is `dev`.
///
/// # Safety
///
/// `dev` must be the device of a disk that is a `Disk<Q, D>` for `'a`.
unsafe fn disk<'a, Q, D>(dev: *mut bindings::device) -> &'a Disk<Q, D> {
    // SAFETY: `dev` is the device of a `Disk<Q, D>` (safety requirement). The device of a disk is
    // `bd_device` of its block device, whose `bd_disk` is the disk.
    unsafe {
        let bdev = dev.byte_sub(offset_of!(bindings::block_device, bd_device));
        Disk::from_raw((*bdev.cast::<bindings::block_device>()).bd_disk)
    }
}

const fn group(
    attrs: &'static [*const bindings::attribute],
    is_visible: unsafe extern "C" fn(
        *mut bindings::kobject,
        *mut bindings::attribute,
        c_int,
    ) -> bindings::umode_t,
) -> bindings::attribute_group {
    bindings::attribute_group {
        __bindgen_anon_1: bindings::attribute_group__bindgen_ty_1 {
            is_visible: Some(is_visible),
        },
        __bindgen_anon_2: bindings::attribute_group__bindgen_ty_2 {
            attrs_const: attrs.as_ptr(),
        },
        ..pin_init::zeroed()
    }
}

/// The group of a tuple of attributes.
struct Group<Q, D, A>(PhantomData<(Q, D, A)>);

/// Implements [`AttributeList`] for tuples of as many attributes as there are names.
macro_rules! attribute_list {
    ($($attribute:ident)+) => {
        impl<Q, D, $($attribute: Attribute<Q, D>),+> Group<Q, D, ($($attribute,)+)> {
            const ATTRIBUTES: &'static [*const bindings::attribute] =
                &[$(Raw::<Q, D, $attribute>::POINTER,)+ core::ptr::null()];

            const GROUP: bindings::attribute_group = group(Self::ATTRIBUTES, Self::is_visible);

            extern "C" fn is_visible(
                kobj: *mut bindings::kobject,
                _attr: *mut bindings::attribute,
                index: c_int,
            ) -> bindings::umode_t {
                let mode = |disk: &Disk<Q, D>| {
                    let modes: &[fn(&D) -> bindings::umode_t] =
                        &[$(Raw::<Q, D, $attribute>::mode),+];
                    let mode = usize::try_from(index).ok().and_then(|index| modes.get(index));
                    mode.map_or(0, |mode| mode(disk.data()))
                };
                // SAFETY: sysfs calls this when a `Disk<Q, D>` is added, and passes the `kobj` in its
                // device.
                mode(unsafe { disk(kobj.byte_sub(offset_of!(bindings::device, kobj)).cast()) })
            }
        }

        impl<Q, D, $($attribute: Attribute<Q, D>),+> AttributeList<Q, D> for ($($attribute,)+) {
            const GROUPS: &'static [*const bindings::attribute_group] =
                &[&Group::<Q, D, ($($attribute,)+)>::GROUP, core::ptr::null()];
        }
    };
}

attribute_list!(A0 A1 A2 A3 A4);
