// SPDX-License-Identifier: GPL-2.0

//! The driver data of a device.

use crate::ops::Host;
use kernel::prelude::*;
use rvirtio::{
    IrqReturn,
    VqHandler, //
};

/// Per-device driver data.
#[pin_data]
pub(crate) struct Data<'bound> {
    #[pin]
    pub(crate) host: Host<'bound>,
}

/// The interrupt of the event queue: its events are handled in a thread.
impl VqHandler for Data<'_> {
    fn interrupt(&self) -> IrqReturn {
        let handled = self.host.data().events.look();
        // The interrupt may be one that others have too.
        if matches!(handled, IrqReturn::Handled) {
            self.host.schedule();
        }
        handled
    }
}
