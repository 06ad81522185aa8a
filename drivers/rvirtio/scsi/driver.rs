// SPDX-License-Identifier: GPL-2.0

//! The driver that is registered with the bus.

use crate::{
    config::set_sizes,
    data::Data,
    setup,
    spec::{
        feature,
        queue, //
    }, //
};
use kernel::prelude::*;
use rvirtio::{
    spec::device_id::SCSI,
    Connect,
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

rvirtio::virtio_device_table!(TABLE, (), [(DeviceId::new(SCSI), ())]);

/// The driver.
pub(crate) struct Scsi;

impl Driver for Scsi {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;

    const ID_TABLE: IdTable<()> = &TABLE;

    // The kernel has no commands with data in both directions (INOUT). The others are all that QEMU
    // offers.
    const FEATURES: &'static [Feature] = &[feature::HOTPLUG, feature::CHANGE];

    fn probe<'bound>(
        init: Negotiated<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        setup::data(init)
    }

    #[doc(alias = "virtscsi_probe")]
    fn connect<'a>(data: Pin<&'a Data<'_>>, mut connect: Connect<'a>) -> Result<Ready<'a>> {
        let data = data.get_ref();
        connect.request_irq(queue::CONTROL, data.host.data().control.as_ref().get_ref())?;
        connect.request_irq(queue::EVENT, data)?;
        for (index, hw_queue) in (queue::REQUEST..).zip(data.host.queues()) {
            if !hw_queue.is_polled() {
                connect.request_irq(index, hw_queue.get_ref())?;
            }
        }
        let ready = connect.driver_ok()?;
        data.host.data().events.kick();
        data.host.add(&ready)?;
        Ok(ready)
    }

    fn start(data: Pin<&Data<'_>>, start: &mut Start<'_>) -> Result {
        let host = &data.get_ref().host;
        set_sizes(&host.data().config).inspect_err(|_| {
            dev_err!(
                host.data().dev,
                "lengths of commands or sense data cannot be set\n"
            );
        })?;
        host.data().control.start(start)?;
        host.data().events.start(start)?;
        host.queues().try_for_each(|queue| queue.start(start))
    }

    fn reclaim(data: Pin<&Data<'_>>, stopped: &Stopped<'_>) {
        let host = &data.get_ref().host;
        host.queues().for_each(|queue| queue.reclaim(stopped));
        host.data().control.reclaim(stopped);
        host.data().events.reclaim(stopped);
    }

    fn can_restart(_data: Pin<&Data<'_>>) -> bool {
        true
    }

    #[doc(alias = "virtscsi_freeze")]
    fn quiesce(data: Pin<&Data<'_>>, _why: Why) {
        data.get_ref().host.block();
    }

    #[doc(alias = "virtscsi_restore")]
    fn resume(data: Pin<&Data<'_>>, outcome: Outcome) {
        let host = &data.get_ref().host;
        if outcome == Outcome::Running {
            host.data().events.kick();
            host.data().events.after_reset();
            host.report_reset();
            host.schedule();
        }
        host.unblock();
    }
}
