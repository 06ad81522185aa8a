// SPDX-License-Identifier: GPL-2.0

//! Hardware random number generators.
//!
//! Abstractions that the kernel crate does not have yet, written as if they were part of it:
//! everything that needs `unsafe` in an entropy driver is here.
//!
//! C header: [`include/linux/hw_random.h`](srctree/include/linux/hw_random.h)

use core::{
    marker::PhantomPinned,
    slice, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    str::CString,
    types::Opaque, //
};
use rvirtio::Ready;

/// `struct hwrng` and its functions, from the configured kernel's headers.
mod bindings {
    #![allow(
        clippy::all,
        clippy::undocumented_unsafe_blocks,
        dead_code,
        missing_docs,
        non_camel_case_types,
        unreachable_pub,
        improper_ctypes
    )]
    use kernel::{
        bindings::*,
        ffi, //
    };
    include!(concat!(env!("RVIRTIO_OBJ"), "/hwrng/bindings_generated.rs"));
}

/// A source of entropy.
pub trait Source: Send + Sync {
    /// Fills the start of `to` with random bytes and returns how many there are.
    ///
    /// With [`Wait::Yes`] it sleeps until there is at least one. Called by one thread at a time.
    ///
    /// # Errors
    ///
    /// Any; the caller tries again later.
    fn read(&self, to: &mut [u8], wait: Wait) -> Result<usize>;
}

/// What a reader does when there are no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until there are random bytes.
    Yes,
    /// It takes what is there.
    No,
}

/// Registers `source` with the kernel until the device is unbound, under the name `name`, which must
/// be unique.
///
/// Unbinding waits for readers: what they wait for must come, or must have been called off.
///
/// # Errors
///
/// [`EEXIST`] when there is such a name already; [`ENOMEM`].
#[doc(alias = "devm_hwrng_register")]
pub fn register<'a, T: Source>(ready: &Ready<'a>, name: CString, source: &'a T) -> Result {
    // SAFETY: It is kept, so dropped before `'a` ends.
    ready.keep(unsafe { Registration::new(name, source) })
}

/// A [`Source`] that the kernel uses, from when it is initialised until it is dropped.
///
/// # Invariants
///
/// `rng` is registered, with `priv` pointing to `source`.
#[pin_data(PinnedDrop)]
struct Registration<'a, T: Source> {
    #[pin]
    rng: Opaque<bindings::hwrng>,
    name: CString,
    source: &'a T,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: It can be unregistered from any thread, and the source is `Sync`.
unsafe impl<T: Source> Send for Registration<'_, T> {}
// SAFETY: There are no methods.
unsafe impl<T: Source> Sync for Registration<'_, T> {}

impl<'a, T: Source> Registration<'a, T> {
    /// # Safety
    ///
    /// The value must be dropped, not forgotten, before `'a` ends.
    unsafe fn new(name: CString, source: &'a T) -> impl PinInit<Self, Error> + 'a {
        try_pin_init!(&this in Self {
            name,
            source,
            rng: Opaque::zeroed(),
            _pin: PhantomPinned,
            _: {
                // SAFETY: All fields are initialised, and `this` stays where it is until it is
                // dropped, which unregisters it.
                unsafe { Self::register(this.as_ptr()) }?;
            },
        })
    }

    /// # Safety
    ///
    /// All fields of `this` must be initialised, and `rng` pinned until it is unregistered.
    unsafe fn register(this: *mut Self) -> Result {
        // SAFETY: By the safety requirements; nobody else uses `rng` yet.
        unsafe {
            let rng = (*this).rng.get();
            let source: *const T = (*this).source;
            (*rng).name = (*this).name.as_char_ptr();
            (*rng).read = Some(Self::read);
            (*rng).priv_ = source as usize;
            to_result(bindings::hwrng_register(rng))
        }
    }

    extern "C" fn read(
        rng: *mut bindings::hwrng,
        data: *mut c_void,
        max: usize,
        wait: bool,
    ) -> c_int {
        // SAFETY: By the type invariant, for as long as it is registered.
        let source = unsafe { &*((*rng).priv_ as *const T) };
        // SAFETY: The caller passes a buffer of `max` initialised bytes.
        let to = unsafe { slice::from_raw_parts_mut(data.cast::<u8>(), max) };
        let wait = if wait { Wait::Yes } else { Wait::No };
        // The kernel warns about more than it asked for.
        from_result(|| Ok(c_int::try_from(source.read(to, wait)?.min(max))?))
    }
}

#[pinned_drop]
impl<T: Source> PinnedDrop for Registration<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant. It waits for readers.
        unsafe { bindings::hwrng_unregister(self.rng.get()) }
    }
}
