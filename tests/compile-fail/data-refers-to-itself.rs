// SPDX-License-Identifier: GPL-2.0

//! Data that refers to a part of itself, which is dropped earlier.
//!
//! claim: One owner
//! error: lifetime may not live long enough

use kernel::{
    prelude::*,
    sync::SetOnce, //
};
use rvirtio as virtio;

include!("lib/driver.rs");

struct Late(u32);

static OTHER: Late = Late(1);

struct Data<'bound> {
    late: Late,
    early: Early<'bound>,
}

struct Early<'bound>(SetOnce<&'bound Late>);

impl Drop for Early<'_> {
    fn drop(&mut self) {
        let _ = self.0.as_ref().map(|late| late.0);
    }
}

driver! {
    [probe start reclaim]

    fn connect<'a>(
        data: Pin<&'a Data<'_>>,
        connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        let data = data.get_ref();
        #[cfg(not(good))]
        data.early.0.populate(&data.late);
        #[cfg(good)]
        data.early.0.populate(&OTHER);
        connect.driver_ok()
    }
}
