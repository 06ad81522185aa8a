// SPDX-License-Identifier: GPL-2.0

//! The driver as the bus sees it.

use crate::{
    data::Data,
    features,
    pairs,
    rx,
    setup,
    tx,
    FEATURES_OFF, //
};
use kernel::prelude::*;
use rvirtio::{
    param::FeaturesOff,
    spec::device_id::NET,
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

rvirtio::virtio_device_table!(TABLE, (), [(DeviceId::new(NET), ())]);

/// The driver.
pub(crate) struct Net;

impl Driver for Net {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;

    const ID_TABLE: IdTable<()> = &TABLE;
    const FEATURES: &'static [Feature] = features::FEATURES;
    const DEPENDENCIES: &'static [Dependency] = features::DEPENDENCIES;

    fn features_off() -> Option<&'static FeaturesOff> {
        Some(&FEATURES_OFF)
    }

    #[doc(alias = "virtnet_probe")]
    fn probe<'bound>(
        init: Negotiated<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        setup::set_up(init)
    }

    fn connect<'a>(data: Pin<&'a Data<'_>>, mut connect: Connect<'a>) -> Result<Ready<'a>> {
        let netdev = &data.get_ref().netdev;
        for pair in netdev.pairs() {
            for queue in setup::queues_of(pair.index()) {
                connect.request_irq(queue, pair)?;
            }
        }
        let ready = connect.driver_ok()?;
        netdev.data().unpause(Outcome::Running);
        pairs::use_all(netdev)?;
        // Until `config_changed` looks, which core calls once after this.
        netdev.lock().set_carrier(false);
        netdev.register(&ready)?;
        Ok(ready)
    }

    fn start(data: Pin<&Data<'_>>, start: &mut Start<'_>) -> Result {
        let netdev = &data.netdev;
        let mut held = netdev.lock();
        for (index, pair) in netdev.pairs().iter().enumerate() {
            let (rx, _) = held.rx(index).ok_or(EBUSY)?;
            start.enable(&mut rx.vq)?;
            start.enable(&mut pair.lock_tx().vq)?;
        }
        let mut desired = netdev.data().desired();
        desired.start(start)
    }

    fn reclaim(data: Pin<&Data<'_>>, stopped: &Stopped<'_>) {
        let netdev = &data.netdev;
        let mut held = netdev.lock();
        if stopped.why() == Why::End {
            held.set_carrier(false);
        }
        held.pause_all();
        for (index, pair) in netdev.pairs().iter().enumerate() {
            if let Some((rx, mut pools)) = held.rx(index) {
                rx::reclaim(rx, &mut pools, stopped);
            }
            tx::reclaim(&mut pair.lock_tx(), stopped);
        }
        netdev.data().desired().reclaim(stopped);
    }

    fn can_restart(_data: Pin<&Data<'_>>) -> bool {
        true
    }

    /// The stack is not told: what is set meanwhile is applied afterwards, and frames wait.
    #[doc(alias = "virtnet_freeze")]
    fn quiesce(data: Pin<&Data<'_>>, _why: Why) {
        let mut held = data.netdev.lock();
        held.data().pause();
        pairs::halt(&mut held);
    }

    #[doc(alias = "virtnet_restore")]
    fn resume(data: Pin<&Data<'_>>, outcome: Outcome) {
        let mut held = data.netdev.lock();
        held.data().unpause(outcome);
        match outcome {
            Outcome::Running if held.is_open() => pairs::run(&mut held),
            Outcome::Running => (),
            Outcome::Dead => held.set_carrier(false),
        }
    }

    #[doc(alias = "virtnet_config_changed")]
    fn config_changed(data: Pin<&Data<'_>>) {
        let netdev = &data.netdev;
        netdev.data().update_link(&mut netdev.lock());
        if netdev.data().is_to_be_announced() {
            netdev.announce();
            // A device that refuses asks again.
            let _ = netdev.data().desired().acknowledge_announcement();
        }
    }
}
