// SPDX-License-Identifier: GPL-2.0

//! Hardware random number generators.
//!
//! These abstractions are missing in the kernel crate, and are written as if they were part of it.
//! They contain all the `unsafe` code that an entropy driver needs.
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
    /// Fills the start of `to` with random bytes. Returns the number of bytes.
    ///
    /// With [`Wait::Yes`] this sleeps until there is at least one. Called by one thread at a time.
    ///
    /// # Errors
    ///
    /// Any error; the caller tries again later.
    fn read(&self, to: &mut [u8], wait: Wait) -> Result<usize>;
}

/// Whether a reader waits if there are no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It waits until there are random bytes.
    Yes,
    /// It returns without waiting.
    No,
}

/// Registers `source` under a unique `name` until the device is unbound.
///
/// Unbinding waits for readers, so [`Source::read`] must return by then, with an error if
/// necessary.
///
/// # Errors
///
/// [`EEXIST`] if the name is already registered; [`ENOMEM`].
#[doc(alias = "devm_hwrng_register")]
pub fn register<'a, T: Source>(ready: &Ready<'a>, name: CString, source: &'a T) -> Result {
    // SAFETY: The registration is kept, so it is dropped before `'a` ends.
    ready.keep(unsafe { Registration::new(name, source) })
}

/// The registration of a [`Source`], from when it is initialised until it is dropped.
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

// SAFETY: `hwrng_unregister` can be called on any thread, and the source is `Sync`.
unsafe impl<T: Source> Send for Registration<'_, T> {}
// SAFETY: There are no methods that take a shared reference.
unsafe impl<T: Source> Sync for Registration<'_, T> {}

impl<'a, T: Source> Registration<'a, T> {
    /// Returns an initialiser that registers `source`.
    ///
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
                // SAFETY: All fields are initialised, and `this` is pinned until it is dropped,
                // which unregisters it.
                unsafe { Self::register(this.as_ptr()) }?;
            },
        })
    }

    /// Registers `rng`.
    ///
    /// # Safety
    ///
    /// All fields of `this` must be initialised, and `rng` pinned until it is unregistered.
    unsafe fn register(this: *mut Self) -> Result {
        // SAFETY: All fields are initialised, and `rng` is pinned until it is unregistered (safety
        // requirements). Nobody else uses it yet.
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
        // SAFETY: While `rng` is registered, `priv` points to `source` (type invariant).
        let source = unsafe { &*((*rng).priv_ as *const T) };
        // SAFETY: The caller passes a buffer of `max` initialised bytes.
        let to = unsafe { slice::from_raw_parts_mut(data.cast::<u8>(), max) };
        let wait = if wait { Wait::Yes } else { Wait::No };
        // The kernel does not expect more bytes than it has asked for.
        from_result(|| Ok(c_int::try_from(source.read(to, wait)?.min(max))?))
    }
}

#[pinned_drop]
impl<T: Source> PinnedDrop for Registration<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: `rng` is registered (type invariant). This waits for readers.
        unsafe { bindings::hwrng_unregister(self.rng.get()) }
    }
}
