// SPDX-License-Identifier: GPL-2.0

//! The driver that is registered with the bus.

use crate::{
    data::Data,
    setup,
    spec::feature,
    FEATURES_OFF, //
};
use kernel::{
    fmt,
    prelude::*,
    time::{
        msecs_to_jiffies,
        Msecs, //
    }, //
};
use rvirtio::{
    param::FeaturesOff,
    spec::device_id::BLOCK,
    Connect,
    Dependency,
    DeviceId,
    Driver,
    Feature,
    IdTable,
    Negotiated,
    Outcome,
    Ready,
    Start,
    Stopped,
    Why, //
};

rvirtio::virtio_device_table!(TABLE, (), [(DeviceId::new(BLOCK), ())]);

/// How long a suspend waits for requests in flight.
const DRAIN_LIMIT: Msecs = 10_000;

rvirtio::named_features! {
    /// The features that the driver implements.
    FEATURES;
    /// Their names.
    pub(crate) NAMES;
    feature: SIZE_MAX SEG_MAX GEOMETRY RO BLK_SIZE FLUSH TOPOLOGY CONFIG_WCE MQ DISCARD WRITE_ZEROES
        LIFETIME SECURE_ERASE ZONED
}

/// The driver.
pub(crate) struct Blk;

impl Driver for Blk {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;

    const ID_TABLE: IdTable<()> = &TABLE;

    const FEATURES: &'static [Feature] = FEATURES;

    // Without FLUSH, a writeback cache that was enabled could not be flushed.
    const DEPENDENCIES: &'static [Dependency] =
        &[Dependency::new(feature::CONFIG_WCE, feature::FLUSH)];

    fn features_off() -> Option<&'static FeaturesOff> {
        Some(&FEATURES_OFF)
    }

    fn probe<'bound>(
        init: Negotiated<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        setup::data(init)
    }

    #[doc(alias = "virtblk_probe")]
    fn connect<'a>(data: Pin<&'a Data<'_>>, mut connect: Connect<'a>) -> Result<Ready<'a>> {
        let data = data.get_ref();
        for (index, queue) in (0..).zip(data.disk.queues()) {
            if !queue.is_polled() {
                connect.request_irq(index, queue.get_ref())?;
            }
        }
        let ready = connect.driver_ok()?;
        data.disk.add(&ready)?;
        Ok(ready)
    }

    fn start(data: Pin<&Data<'_>>, start: &mut Start<'_>) -> Result {
        data.disk.queues().try_for_each(|queue| queue.start(start))
    }

    fn reclaim(data: Pin<&Data<'_>>, stopped: &Stopped<'_>) {
        data.disk.queues().for_each(|queue| queue.reclaim(stopped));
    }

    fn can_restart(_data: Pin<&Data<'_>>) -> bool {
        true
    }

    #[doc(alias = "virtblk_freeze")]
    fn quiesce(data: Pin<&Data<'_>>, why: Why) {
        // Otherwise requests are repeated, which is as good, but a system that is hibernated would
        // do so twice.
        if why == Why::Suspend && !data.disk.drain(msecs_to_jiffies(DRAIN_LIMIT)) {
            dev_warn!(
                data.dev,
                "requests in flight are repeated after the suspend\n"
            );
        }
        data.disk.quiesce();
    }

    #[doc(alias = "virtblk_restore")]
    fn resume(data: Pin<&Data<'_>>, outcome: Outcome) {
        if outcome == Outcome::Running {
            data.disk.data().restore_cache_mode(data.dev);
        }
        data.disk.unquiesce();
    }

    fn show(data: Pin<&Data<'_>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, queue) in data.disk.queues().enumerate() {
            writeln!(f, "{index}: {}", queue.snapshot())?;
        }
        Ok(())
    }

    #[doc(alias = "virtblk_config_changed")]
    fn config_changed(data: Pin<&Data<'_>>) {
        data.update_capacity();
    }
}
