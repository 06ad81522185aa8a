// SPDX-License-Identifier: GPL-2.0

//! Opening, closing and polling of an interface.

use crate::{
    counters::Counters,
    data::{
        NetData,
        NetOps, //
    },
    receive::receive,
    refill,
    rx::Rx,
    tx::{
        self,
        Tx, //
    }, //
};
use kernel::prelude::*;
use netdev::{
    Done,
    Free,
    Held,
    LinkStats,
    Operations,
    Pair,
    Polled,
    RxQueueStats,
    TxGuard,
    TxQueueStats,
    TxSkb, //
};
use rvirtio::More as MoreUsed;

impl<'bound> Operations for NetOps<'bound> {
    type Device = NetData<'bound>;
    type Pair = Counters;
    type Rx = Rx<'bound>;
    type Tx = Tx<'bound>;

    const NAME: &'static CStr = c"rvirtio_net";

    #[doc(alias = "virtnet_open")]
    fn open(held: &mut Held<'_, Self>) -> Result {
        for (index, pair) in held.pairs().iter().enumerate() {
            let Some((rx, mut pools)) = held.rx(index) else {
                continue;
            };
            if rx.vq.is_broken() {
                return Err(EIO);
            }
            refill::fill(rx, &mut pools);
            if rx.vq.in_flight() == 0 {
                return Err(ENOMEM);
            }
            pair.lock_tx().start();
            held.resume(index);
        }
        Ok(())
    }

    #[doc(alias = "virtnet_close")]
    fn stop(held: &mut Held<'_, Self>) {
        for (index, pair) in held.pairs().iter().enumerate() {
            pair.lock_tx().stop();
            held.pause(index);
        }
    }

    #[inline]
    fn start_xmit(tx: &mut TxGuard<'_, Self>, skb: TxSkb) {
        tx::send(tx, skb);
    }

    #[doc(alias = "virtnet_poll")]
    fn poll(mut polled: Polled<'_, Self>) -> Done {
        let budget = polled.budget();
        if budget == 0 {
            // In the middle of anything: another poll, too.
            if let Some(mut tx) = polled.tx() {
                let alone = !polled.pair().polling.is_set();
                if tx::poll(&mut tx, Free::Anywhere, alone) == MoreUsed::Pending && alone {
                    polled.pair().schedule();
                }
            }
            return polled.again();
        }
        polled.pair().polling.set();
        let (rx, mut napi) = polled.parts();
        let received = receive(rx, &mut napi, budget);
        // Frames that were sent meanwhile, such as acknowledgements, may be done by now.
        let last = received < budget;
        let sent = match polled.tx() {
            Some(mut tx) => tx::poll(&mut tx, Free::Softirq, last),
            None => MoreUsed::Pending,
        };
        let (rx, _) = polled.parts();
        if last && sent == MoreUsed::Nothing && rx.can_wait() {
            polled.complete(received)
        } else {
            polled.again()
        }
    }

    #[doc(alias = "virtnet_tx_timeout")]
    fn tx_timeout(pair: &Pair<Self>) {
        let dev = pair.device().dev;
        dev_err!(dev, "output.{}: no frame was sent for long\n", pair.index());
    }

    fn stats(_device: &Self::Device, pairs: &[Pair<Self>]) -> LinkStats {
        let mut stats = LinkStats::default();
        for pair in pairs {
            pair.add_to(&mut stats);
        }
        stats
    }

    fn rx_stats(pair: &Pair<Self>) -> RxQueueStats {
        pair.rx()
    }

    fn tx_stats(pair: &Pair<Self>) -> TxQueueStats {
        pair.tx()
    }

    fn link(device: &Self::Device) -> (Option<u32>, Option<bool>) {
        device.link()
    }
}
