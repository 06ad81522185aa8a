// SPDX-License-Identifier: GPL-2.0

//! Module parameters whose value is one of several words.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

use super::entry::RawParam;
use core::sync::atomic::{
    AtomicUsize,
    Ordering, //
};
use kernel::{
    bindings,
    ffi::{
        c_char,
        c_int,
        c_void, //
    },
    module::ThisModule,
    page::PAGE_SIZE,
    prelude::*, //
};

/// A parameter whose value is one of `words`.
///
/// Declare it with [`word_param!`](crate::word_param). The module does not load with any other
/// word, and the words are logged.
pub struct WordParam {
    name: &'static str,
    words: &'static [&'static str],
    index: AtomicUsize,
}

impl WordParam {
    /// Creates a parameter. The first of `words` is the default.
    pub const fn new(name: &'static str, words: &'static [&'static str]) -> Self {
        assert!(!words.is_empty(), "there must be a default");
        Self {
            name,
            words,
            index: AtomicUsize::new(0),
        }
    }

    /// Returns the index of the word that was chosen.
    pub fn index(&self) -> usize {
        self.index.load(Ordering::Relaxed)
    }

    /// Chooses a word.
    fn set(&self, value: &[u8]) -> Result {
        // A line that is written to the parameter's file ends with a newline.
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        match self.words.iter().position(|word| word.as_bytes() == value) {
            Some(index) => {
                self.index.store(index, Ordering::Relaxed);
                Ok(())
            }
            None => {
                pr_err!("{} must be one of {:?}\n", self.name, self.words);
                Err(EINVAL)
            }
        }
    }

    /// Returns the word that was chosen.
    fn word(&self) -> &'static str {
        self.words.get(self.index()).copied().unwrap_or_default()
    }

    extern "C" fn set_raw(value: *const c_char, param: *const bindings::kernel_param) -> c_int {
        // SAFETY: Parameter parsing passes a valid string, and the entry of a parameter with these
        // operations, which `RawParam::word` created.
        let (value, this) = unsafe { (CStr::from_char_ptr(value), Self::of(param)) };
        this.set(value.to_bytes())
            .map_or_else(Error::to_errno, |()| 0)
    }

    extern "C" fn get_raw(buffer: *mut c_char, param: *const bindings::kernel_param) -> c_int {
        // SAFETY: sysfs passes the entry of a parameter with these operations, which
        // `RawParam::word` created.
        let word = unsafe { Self::of(param) }.word().as_bytes();
        let len = word.len().min(PAGE_SIZE);
        // SAFETY: sysfs passes a buffer of a page, and `len` is at most a page.
        unsafe {
            buffer
                .cast::<u8>()
                .copy_from_nonoverlapping(word.as_ptr(), len)
        };
        // CAST: The length is at most a page.
        len as c_int
    }

    /// # Safety
    ///
    /// `param` must be an entry that [`RawParam::word`] has created.
    unsafe fn of<'a>(param: *const bindings::kernel_param) -> &'a Self {
        // SAFETY: The entry was created by `RawParam::word` (safety requirement), so its argument
        // is a static `WordParam`.
        unsafe { &*(*param).__bindgen_anon_1.arg.cast::<Self>() }
    }

    const OPS: bindings::kernel_param_ops = bindings::kernel_param_ops {
        flags: 0,
        set: Some(Self::set_raw),
        get: Some(Self::get_raw),
        free: None,
    };
}

impl RawParam {
    /// Creates the entry for a word that can be read in sysfs, and set at load time only.
    #[doc(hidden)]
    pub const fn word(name: &'static CStr, module: &ThisModule, value: &'static WordParam) -> Self {
        let arg: *const WordParam = value;
        Self::new_raw(
            name,
            module,
            &WordParam::OPS,
            bindings::kernel_param__bindgen_ty_1 {
                arg: arg.cast_mut().cast::<c_void>(),
            },
        )
    }
}

/// Declares a parameter of the current module whose value is one of several words. The first word
/// is the default.
///
/// # Examples
///
/// ```ignore
/// word_param! {
///     /// When to do it.
///     static WHEN: WordParam = "when", &["always", "never"];
///     module: "rvirtio_blk",
///     description: "When to do it",
/// }
/// ```
// `crate` is the one that the parameter is declared in, whose module it belongs to.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! word_param {
    (
        $(#[$meta:meta])*
        $vis:vis static $ident:ident: WordParam = $name:literal, $words:expr;
        module: $module:literal,
        description: $description:literal $(,)?
    ) => {
        $(#[$meta])*
        $vis static $ident: $crate::param::WordParam = $crate::param::WordParam::new($name, $words);

        $crate::param_entry!(
            $module, $name, "string", $description,
            |name, module| $crate::param::RawParam::word(name, module, &$ident)
        );
    };
}
