// SPDX-License-Identifier: GPL-2.0

//! The errors of the layers that use only `core`, for the kernel's log.

use crate::{
    features::NegotiateError,
    ring::{
        AddError,
        SetupError,
        Violation, //
    },
};

macro_rules! kernel_display {
    ($($type:ty),* $(,)?) => {$(
        impl kernel::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    )*};
}

kernel_display!(AddError, NegotiateError, SetupError, Violation);
