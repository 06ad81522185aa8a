// SPDX-License-Identifier: GPL-2.0

//! Data that keeps itself as an interrupt handler, beyond its end.
//!
//! claim: One owner
//! error: lifetime may not live long enough

use kernel::{
    prelude::*,
    sync::SetOnce, //
};
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound> {
    handler: SetOnce<&'bound (dyn virtio::VqHandler + Send + 'bound)>,
}

impl virtio::VqHandler for Data<'_> {
    fn interrupt(&self) -> virtio::IrqReturn {
        self.handler
            .as_ref()
            .map_or(virtio::IrqReturn::None, |handler| handler.interrupt())
    }
}

driver! {
    [probe start reclaim]

    fn connect<'a>(
        data: Pin<&'a Data<'_>>,
        mut connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        let data = data.get_ref();
        #[cfg(not(good))]
        data.handler.populate(data);
        #[cfg(good)]
        connect.request_irq(0, data)?;
        connect.driver_ok()
    }
}
