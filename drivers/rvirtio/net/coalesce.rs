// SPDX-License-Identifier: GPL-2.0

//! How long queues wait before they interrupt, so that an interrupt is for several frames (virtio 1.4,
//! 5.1.6.5 Control Virtqueue, Notifications Coalescing).

use super::spec::{
    control::{
        coal,
        Command, //
    },
    queue, //
};
use core::ops::DerefMut;

/// The longest that a queue may wait: the stack takes a device that sends nothing for 5 s for stuck.
const MAX_USECS: u32 = 1_000_000;

/// How long a queue waits: for so many frames or so long, whatever is first. With either 0 it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) frames: u32,
    pub(crate) usecs: u32,
}

/// What is set for a pair of queues, or for all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) rx: Limits,
    pub(crate) tx: Limits,
    /// The limits of the receive queue follow what it receives.
    pub(crate) adaptive: bool,
}

/// What is set for a pair. Without limits those of all pairs apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    rx: Option<Limits>,
    tx: Option<Limits>,
    adaptive: bool,
}

/// Why something cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The device does not wait.
    Never,
    /// It does not for single queues.
    Single,
    /// It cannot be told new limits of a queue again and again.
    Adaptive,
    /// The limits are not the user's to set.
    Adapted,
    Frames,
    Usecs,
}

/// Which commands a device takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Can {
    /// Those for all queues.
    pub(crate) all: bool,
    /// Those for a single one.
    pub(crate) single: bool,
}

/// What is set for all queues of a device; `S` are its pairs.
pub(crate) struct Coalescing<S> {
    can: Can,
    /// `None` for what applies after a reset.
    rx: Option<Limits>,
    tx: Option<Limits>,
    adaptive: bool,
    pairs: S,
}

impl Limits {
    /// What a device has after a reset.
    const NONE: Self = Self {
        frames: 0,
        usecs: 0,
    };

    /// The same, as C shows it for what is sent, and for devices that do not wait.
    const EACH_FRAME: Self = Self {
        frames: 1,
        usecs: 0,
    };

    fn check(self, most: u16) -> Result<(), Refused> {
        if self.frames > most.into() {
            Err(Refused::Frames)
        } else if self.usecs > MAX_USECS {
            Err(Refused::Usecs)
        } else {
            Ok(())
        }
    }

    #[doc(alias = "virtio_net_ctrl_coal")]
    fn bytes(self) -> [u8; 8] {
        (u64::from(self.frames) | u64::from(self.usecs) << 32).to_le_bytes()
    }

    /// The same for one queue.
    #[doc(alias = "virtio_net_ctrl_coal_vq")]
    fn bytes_for(self, queue: u16) -> [u8; 12] {
        let mut bytes = [0; 12];
        let (index, limits) = bytes.split_at_mut(4);
        for (to, from) in index.iter_mut().zip(queue.to_le_bytes()) {
            *to = from;
        }
        limits.copy_from_slice(&self.bytes());
        bytes
    }
}

impl<S: DerefMut<Target = [Own]>> Coalescing<S> {
    /// Nothing is set for `pairs`, which are as many as the driver uses at most.
    pub(crate) fn new(can: Can, pairs: S) -> Self {
        Self {
            can,
            rx: None,
            tx: None,
            adaptive: false,
            pairs,
        }
    }

    fn own(&self, pair: Option<u16>) -> Own {
        let own = pair.and_then(|pair| self.pairs.get(usize::from(pair)));
        own.copied().unwrap_or(Own {
            adaptive: self.adaptive,
            ..Own::default()
        })
    }

    /// Returns what applies to a pair, or to those for which nothing else was set.
    #[doc(alias = "virtnet_get_coalesce")]
    #[doc(alias = "virtnet_get_per_queue_coalesce")]
    pub(crate) fn shown(&self, pair: Option<u16>) -> Setting {
        let rx = if self.can == Can::default() {
            Limits::EACH_FRAME
        } else {
            Limits::NONE
        };
        let own = self.own(pair);
        Setting {
            rx: own.rx.or(self.rx).unwrap_or(rx),
            tx: own.tx.or(self.tx).unwrap_or(Limits::EACH_FRAME),
            adaptive: own.adaptive,
        }
    }

    /// Returns whether that can be set for a pair or for all, with rings of these sizes.
    #[doc(alias = "virtnet_coal_params_supported")]
    pub(crate) fn check(
        &self,
        pair: Option<u16>,
        to: Setting,
        (rx_size, tx_size): (u16, u16),
    ) -> Result<(), Refused> {
        let shown = self.shown(pair);
        if to == shown {
            return Ok(());
        }
        if self.can == Can::default() {
            return Err(Refused::Never);
        }
        if to.adaptive && !self.can.single {
            return Err(Refused::Adaptive);
        }
        if pair.is_some() && !self.can.single {
            return Err(Refused::Single);
        }
        if to.adaptive && to.rx != shown.rx {
            return Err(Refused::Adapted);
        }
        to.rx.check(rx_size)?;
        to.tx.check(tx_size)
    }

    /// Sets it, by commands that `tell` sends. If one fails nothing has changed.
    #[doc(alias = "virtnet_set_coalesce")]
    #[doc(alias = "virtnet_set_per_queue_coalesce")]
    pub(crate) fn set<E>(
        &mut self,
        pair: Option<u16>,
        to: Setting,
        mut tell: impl FnMut(Command, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // Adapted limits stay until there is a reason to change them.
        let rx = (!to.adaptive).then_some(to.rx);
        if let Err(error) = self.tell_some(pair, rx, Some(to.tx), &mut tell) {
            // What the device has of it is taken back.
            let _ = self.tell_old(pair, rx.is_some(), &mut tell);
            return Err(error);
        }
        if pair.is_none() {
            (self.rx, self.tx) = (rx.or(self.rx), Some(to.tx));
            self.adaptive = to.adaptive;
        }
        for (index, own) in (0..).zip(self.pairs.iter_mut()) {
            if pair.is_none_or(|pair| pair == index) {
                *own = Own {
                    rx: match pair {
                        _ if to.adaptive => own.rx,
                        None => None,
                        Some(_) => rx,
                    },
                    tx: pair.map(|_| to.tx),
                    adaptive: to.adaptive,
                };
            }
        }
        Ok(())
    }

    /// Sets the limits of a receive queue, if it still adapts. If the command fails nothing has changed.
    #[doc(alias = "virtnet_rx_dim_work")]
    pub(crate) fn adapt<E>(
        &mut self,
        pair: u16,
        to: Limits,
        mut tell: impl FnMut(Command, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.own(Some(pair)).adaptive && self.shown(Some(pair)).rx != to {
            self.tell_some(Some(pair), Some(to), None, &mut tell)?;
            if let Some(own) = self.pairs.get_mut(usize::from(pair)) {
                own.rx = Some(to);
            }
        }
        Ok(())
    }

    /// Tells a device that was reset what is set.
    pub(crate) fn replay<E>(
        &self,
        mut tell: impl FnMut(Command, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.can.all {
            self.tell_some(None, self.rx, self.tx, &mut tell)?;
        }
        for (pair, own) in (0..).zip(self.pairs.iter()) {
            let (rx, tx) = if self.can.all {
                (own.rx, own.tx)
            } else {
                (own.rx.or(self.rx), own.tx.or(self.tx))
            };
            self.tell_some(Some(pair), rx, tx, &mut tell)?;
        }
        Ok(())
    }

    /// Tells a device what is set for a pair of whose queues some were reset. Without commands for single
    /// queues it remembers what is set for all.
    #[doc(alias = "virtnet_rx_resize")]
    pub(crate) fn replay_pair<E>(
        &self,
        pair: u16,
        mut tell: impl FnMut(Command, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let own = self.own(Some(pair));
        let (rx, tx) = (own.rx.or(self.rx), own.tx.or(self.tx));
        self.tell_some(Some(pair), rx, tx, &mut tell)
    }

    /// Tells what is set for a pair or for all once more, after something else was told.
    fn tell_old<E>(
        &self,
        pair: Option<u16>,
        rx: bool,
        tell: &mut impl FnMut(Command, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let own = self.own(pair);
        let old_rx = own.rx.or(self.rx).unwrap_or(Limits::NONE);
        let old_tx = own.tx.or(self.tx).unwrap_or(Limits::NONE);
        self.tell_some(pair, rx.then_some(old_rx), Some(old_tx), tell)?;
        if pair.is_none() {
            for (pair, own) in (0..).zip(self.pairs.iter()) {
                self.tell_some(Some(pair), own.rx, own.tx, tell)?;
            }
        }
        Ok(())
    }

    /// Tells limits of a pair or of all.
    fn tell_some<E>(
        &self,
        pair: Option<u16>,
        rx: Option<Limits>,
        tx: Option<Limits>,
        tell: &mut impl FnMut(Command, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if pair.is_none() && self.can.all {
            if let Some(tx) = tx {
                tell(coal::TX_SET, &tx.bytes())?;
            }
            if let Some(rx) = rx {
                tell(coal::RX_SET, &rx.bytes())?;
            }
            return Ok(());
        }
        if !self.can.single {
            return Ok(());
        }
        for (index, _) in (0..).zip(self.pairs.iter()) {
            if pair.is_some_and(|pair| pair != index) {
                continue;
            }
            if let Some(rx) = rx {
                tell(coal::VQ_SET, &rx.bytes_for(queue::receive(index)))?;
            }
            if let Some(tx) = tx {
                tell(coal::VQ_SET, &tx.bytes_for(queue::transmit(index)))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
