// SPDX-License-Identifier: GPL-2.0

//! Tests of [`check`](super::check): cases by hand, and C's decisions as the oracle.

mod cases;
mod compare;
mod frames;
mod oracle;
mod properties;

use super::{
    super::{
        caps,
        parse,
        rx_meta::GsoKind,
        spec, //
    },
    check,
    linear_len,
    negotiated_flags,
    Refused,
    RxCsum,
    RxMeta, //
};
