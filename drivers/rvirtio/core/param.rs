// SPDX-License-Identifier: GPL-2.0

//! Module parameters of kinds that `module!` does not support: strings, one of several words, and
//! features that are switched off.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

mod entry;
mod features_off;
mod text;
mod words;

pub use self::{
    entry::{
        to_array,
        RawParam, //
    },
    features_off::FeaturesOff,
    text::{
        RawString,
        StringParam, //
    },
    words::WordParam, //
};
