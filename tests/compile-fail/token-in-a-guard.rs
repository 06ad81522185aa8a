// SPDX-License-Identifier: GPL-2.0

//! A token of set-up in a guard, to keep more guards when those are being dropped.
//!
//! claim: One owner
//! error: E0277

use core::convert::Infallible;
use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

#[cfg(not(good))]
struct Keeper<'a>(virtio::Connect<'a>);
#[cfg(good)]
struct Keeper<'a>(&'a virtio::Device);

fn keep<'a>(ready: &virtio::Ready<'a>, keeper: Keeper<'a>) -> Result {
    ready.keep::<Keeper<'a>, Infallible>(keeper)
}

driver! { [probe connect start reclaim] }
