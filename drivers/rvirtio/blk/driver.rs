// SPDX-License-Identifier: GPL-2.0

//! The driver as the bus sees it.

use crate::{
    queue::HwQueue,
    setup,
    spec::feature, //
};
use kernel::{
    device::{
        Bound,
        Core, //
    },
    prelude::*, //
};
use rvirtio::{
    spec::device_id::BLOCK,
    Dependency,
    Device,
    DeviceId,
    Driver,
    Feature,
    IdTable,
    Negotiated, //
};

rvirtio::virtio_device_table!(TABLE, (), [(DeviceId::new(BLOCK), ())]);

/// The driver.
pub(crate) struct Blk;

/// What the driver keeps of a device.
///
/// All else is in the device's storage, which is taken down after this in the reverse order of
/// its set-up: first the disk, while the device still works, then the device, then the queues.
pub(crate) struct Data<'bound> {
    pub(crate) queues: Pin<&'bound Queues<'bound>>,
}

/// All hardware queues of a device.
pub(crate) type Queues<'bound> = KVec<Pin<&'bound HwQueue<'bound>>>;

/// Ends all requests of a device that no longer does, and all that are to come, with an error.
pub(crate) fn fail_all(dev: &Device<Bound>, queues: &Queues<'_>) {
    let stopped = dev.stop();
    for queue in queues {
        queue.fail_all(&stopped);
    }
}

impl Driver for Blk {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;

    const ID_TABLE: IdTable<()> = &TABLE;

    const FEATURES: &'static [Feature] = &[
        feature::SIZE_MAX,
        feature::SEG_MAX,
        feature::GEOMETRY,
        feature::RO,
        feature::BLK_SIZE,
        feature::FLUSH,
        feature::TOPOLOGY,
        feature::CONFIG_WCE,
        feature::MQ,
    ];

    // Without FLUSH a cache that is switched on could never be emptied.
    const DEPENDENCIES: &'static [Dependency] =
        &[Dependency::new(feature::CONFIG_WCE, feature::FLUSH)];

    #[doc(alias = "virtblk_probe")]
    fn probe<'bound>(
        _dev: &'bound Device<Core<'_>>,
        init: Negotiated<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        setup::set_up(init)
    }

    #[doc(alias = "virtblk_remove")]
    fn unbind<'bound>(dev: &'bound Device<Core<'_>>, data: Pin<&Data<'bound>>) {
        // The disk's removal waits for its requests. A device that is gone or has failed does not
        // end them.
        if !dev.needs_reset() && !data.queues.iter().any(|queue| queue.is_broken()) {
            return;
        }
        fail_all(dev, &data.queues);
    }
}
