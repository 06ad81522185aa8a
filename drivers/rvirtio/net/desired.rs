// SPDX-License-Identifier: GPL-2.0

//! What the device was told by commands, to tell it again after a reset.

use crate::{
    caps::ControlCaps,
    coalesce::{
        Coalescing,
        Limits,
        Own,
        Setting, //
    },
    control::{
        ControlQueue,
        DATA_ROOM, //
    },
    filter::{
        room,
        table,
        Modes,
        Step,
        Vlans,
        Wish, //
    },
    limits::Mac,
    rss::Rss,
    spec::control::{
        announce,
        mac,
        mq,
        offloads,
        vlan,
        Command, //
    }, //
};
use kernel::prelude::*;
use rvirtio::{
    Start,
    Stopped, //
};

/// Whether commands are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// They are.
    Running,
    /// They will be, when the device runs.
    Paused,
    /// The device cannot be used.
    Dead,
}

/// The state of a device that commands set. A reset loses it.
pub(crate) struct Desired<'bound> {
    queue: Option<ControlQueue<'bound>>,
    caps: ControlCaps,
    state: State,
    /// The address that the device has after a reset, and the one that it is to have.
    default_mac: Option<Mac>,
    mac: Option<Mac>,
    filter: Option<Filter>,
    vlans: Vlans,
    /// `None` for those that are on after a reset.
    offloads: Option<u64>,
    /// None are on whatever the others are, as a program looks at what is received.
    xdp: bool,
    /// One is used after a reset.
    pairs: u16,
    /// How hashes of received frames are made, and frames spread over queues by them.
    rss: Option<Rss>,
    coalescing: Coalescing<KVec<Own>>,
}

/// What is received, besides what is for the interface.
struct Filter {
    modes: Modes,
    table: KVVec<u8>,
}

impl<'bound> Desired<'bound> {
    pub(crate) fn new(
        queue: Option<ControlQueue<'bound>>,
        caps: ControlCaps,
        default_mac: Option<Mac>,
        rss: Option<Rss>,
        all_pairs: usize,
    ) -> Result<Self> {
        let own = KVec::from_elem(Own::default(), all_pairs, GFP_KERNEL)?;
        Ok(Self {
            queue,
            caps,
            state: State::Paused,
            default_mac,
            mac: default_mac,
            filter: None,
            vlans: Vlans::new(),
            offloads: None,
            xdp: false,
            pairs: 1,
            rss,
            coalescing: Coalescing::new(caps.coalesce, own),
        })
    }

    pub(crate) fn start(&mut self, start: &mut Start<'_>) -> Result {
        match &mut self.queue {
            Some(queue) => queue.start(start),
            None => Ok(()),
        }
    }

    pub(crate) fn reclaim(&mut self, stopped: &Stopped<'_>) {
        if let Some(queue) = &mut self.queue {
            queue.reclaim(stopped);
        }
    }

    pub(crate) fn set_state(&mut self, state: State) {
        self.state = state;
    }

    /// Tells a device that was reset all that it is to know.
    ///
    /// # Errors
    ///
    /// The first one. All else that can be set is.
    pub(crate) fn replay(&mut self) -> Result {
        let Some(queue) = self.queue.as_mut() else {
            return Ok(());
        };
        let mut result = Ok(());
        let mut note = |done: Result| result = result.and(done);
        if let Some(address) = self
            .mac
            .filter(|_| self.caps.mac && self.mac != self.default_mac)
        {
            note(queue.send(mac::ADDR_SET, &address));
        }
        match &self.rss {
            Some(rss) if rss.spreads() => note(send_rss(queue, rss, self.pairs)),
            _ if self.pairs != 1 => note(send_pairs(queue, self.rss.as_ref(), self.pairs)),
            // Nothing is reported after a reset.
            Some(rss) if rss.reported() != 0 => note(send_rss(queue, rss, self.pairs)),
            _ => (),
        }
        let none = (self.xdp && self.caps.offloads).then_some(0);
        if let Some(bits) = none.or(self.offloads) {
            note(queue.send(offloads::SET, &bits.to_le_bytes()));
        }
        if let Some(filter) = &self.filter {
            note(filter.send(queue, self.caps.rx_extra));
        }
        for number in self.vlans.iter() {
            note(queue.send(vlan::ADD, &number.to_le_bytes()));
        }
        let told = self
            .coalescing
            .replay(|command, data| queue.send(command, data));
        note(told);
        result
    }

    /// Calls `send` if the device runs.
    fn tell(&mut self, send: impl FnOnce(&mut ControlQueue<'bound>) -> Result) -> Result {
        tell(self.state, &mut self.queue, send)
    }

    /// Sets the address of the interface.
    ///
    /// # Errors
    ///
    /// Those of the queue; nothing has changed then.
    #[doc(alias = "virtnet_set_mac_address")]
    pub(crate) fn set_mac(&mut self, address: Mac) -> Result {
        if self.caps.mac {
            self.tell(|queue| queue.send(mac::ADDR_SET, &address))?;
        }
        self.mac = Some(address);
        Ok(())
    }

    /// Sets what is received.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`], and those of the queue.
    #[doc(alias = "virtnet_rx_mode_work")]
    pub(crate) fn set_filter(
        &mut self,
        (promisc, allmulti): (bool, bool),
        unicast: &[Mac],
        multicast: &[Mac],
    ) -> Result {
        if !self.caps.rx {
            return Ok(());
        }
        let wish = Wish {
            promisc,
            allmulti,
            unicast: unicast.len(),
            multicast: multicast.len(),
        };
        let modes = Modes::new(wish, room(DATA_ROOM), self.caps.rx_extra);
        let listed = |on, list| if on { list } else { &[][..] };
        let mut bytes = KVVec::from_elem(0, DATA_ROOM, GFP_KERNEL)?;
        let len = table(
            listed(modes.lists_unicast, unicast),
            listed(modes.lists_multicast, multicast),
            &mut bytes,
        )
        .ok_or(EINVAL)?;
        bytes.truncate(len);
        let filter = Filter {
            modes,
            table: bytes,
        };
        let has_alluni = self.caps.rx_extra;
        let result = self.tell(|queue| filter.send(queue, has_alluni));
        // It is what the stack wants, whether or not the device has it already.
        self.filter = Some(filter);
        result
    }

    /// Has frames of a VLAN received, or not any more.
    ///
    /// # Errors
    ///
    /// Those of the queue; if it was to be added, it is not.
    #[doc(alias = "virtnet_vlan_rx_add_vid")]
    #[doc(alias = "virtnet_vlan_rx_kill_vid")]
    pub(crate) fn set_vlan(&mut self, number: u16, on: bool) -> Result {
        if !self.caps.vlan {
            return Ok(());
        }
        let command = if on { vlan::ADD } else { vlan::DELETE };
        let result = self.tell(|queue| queue.send(command, &number.to_le_bytes()));
        if result.is_ok() || !on {
            self.vlans.set(number, on);
        }
        result
    }

    /// Sets the offloads of what is received, as bits of their features.
    ///
    /// # Errors
    ///
    /// Those of the queue; nothing has changed then.
    #[doc(alias = "virtnet_set_guest_offloads")]
    pub(crate) fn set_offloads(&mut self, bits: u64) -> Result {
        self.tell(|queue| queue.send(offloads::SET, &bits.to_le_bytes()))?;
        self.offloads = Some(bits);
        Ok(())
    }

    /// Switches offloads of what is received off as long as a program looks at that, or switches those on
    /// that were on before; `all` is what is on after a reset.
    ///
    /// # Errors
    ///
    /// Those of the queue. What was to be switched off is not then.
    #[doc(alias = "virtnet_clear_guest_offloads")]
    #[doc(alias = "virtnet_restore_guest_offloads")]
    pub(crate) fn set_xdp(&mut self, on: bool, all: u64) -> Result {
        let bits = if on { 0 } else { self.offloads.unwrap_or(all) };
        let mut result = Ok(());
        if self.caps.offloads && self.xdp != on {
            result = self.tell(|queue| queue.send(offloads::SET, &bits.to_le_bytes()));
        }
        self.xdp = on && result.is_ok();
        result
    }

    /// Returns whether a program looks at what is received.
    pub(crate) fn has_xdp(&self) -> bool {
        self.xdp
    }

    /// Sets how many pairs of queues the device uses.
    ///
    /// # Errors
    ///
    /// Those of the queue; nothing has changed then. [`EINVAL`] if there is only one.
    #[doc(alias = "virtnet_set_queues")]
    pub(crate) fn set_pairs(&mut self, count: u16) -> Result {
        if let Some(rss) = self.rss.as_ref().filter(|rss| rss.spreads()) {
            let mut rss = rss.clone();
            rss.spread(self.pairs, count);
            self.tell(|queue| send_rss(queue, &rss, count))?;
            (self.rss, self.pairs) = (Some(rss), count);
            return Ok(());
        }
        if !self.caps.pairs {
            return if count == 1 { Ok(()) } else { Err(EINVAL) };
        }
        let rss = self.rss.clone();
        self.tell(|queue| send_pairs(queue, rss.as_ref(), count))?;
        self.pairs = count;
        Ok(())
    }

    /// Returns how hashes of received frames are made, if the device does that, and frames spread by them.
    pub(crate) fn rss(&self) -> Option<&Rss> {
        self.rss.as_ref()
    }

    /// Changes that.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] if the device does not, [`EINVAL`] if `change` says that it cannot, and those of the
    /// queue; nothing has changed then.
    pub(crate) fn change_rss(&mut self, change: impl FnOnce(&mut Rss) -> bool) -> Result {
        let mut rss = self.rss.clone().ok_or(EOPNOTSUPP)?;
        if !change(&mut rss) {
            return Err(EINVAL);
        }
        let pairs = self.pairs;
        self.tell(|queue| send_rss(queue, &rss, pairs))?;
        self.rss = Some(rss);
        Ok(())
    }

    /// Returns how long queues wait before they interrupt.
    pub(crate) fn coalescing(&self) -> &Coalescing<KVec<Own>> {
        &self.coalescing
    }

    /// Sets that for a pair, or for all.
    ///
    /// # Errors
    ///
    /// Those of the queue; nothing has changed then.
    pub(crate) fn set_coalescing(&mut self, pair: Option<u16>, to: Setting) -> Result {
        let (state, queue) = (self.state, &mut self.queue);
        self.coalescing.set(pair, to, |command, data| {
            tell(state, queue, |queue| queue.send(command, data))
        })
    }

    /// Sets how long the receive queue of a pair waits, if it still adapts.
    ///
    /// # Errors
    ///
    /// The same.
    pub(crate) fn adapt(&mut self, pair: u16, to: Limits) -> Result {
        let (state, queue) = (self.state, &mut self.queue);
        self.coalescing.adapt(pair, to, |command, data| {
            tell(state, queue, |queue| queue.send(command, data))
        })
    }

    /// Tells the device how long the queues of a pair wait, some of which were reset.
    ///
    /// # Errors
    ///
    /// Those of the queue.
    pub(crate) fn replay_coalescing(&mut self, pair: u16) -> Result {
        let (state, queue) = (self.state, &mut self.queue);
        self.coalescing.replay_pair(pair, |command, data| {
            tell(state, queue, |queue| queue.send(command, data))
        })
    }

    /// Asks the device for something, and copies the result to `result`. Returns its length; `None` if the device
    /// does not run.
    ///
    /// # Errors
    ///
    /// Those of the queue.
    pub(crate) fn ask(
        &mut self,
        command: Command,
        data: &[u8],
        result: &mut [u8],
    ) -> Result<Option<usize>> {
        match (self.state, &mut self.queue) {
            (State::Running, Some(queue)) => queue.ask(command, data, result).map(Some),
            _ => Ok(None),
        }
    }

    /// Tells the device that the interface has announced itself.
    ///
    /// # Errors
    ///
    /// Those of the queue.
    #[doc(alias = "virtnet_ack_link_announce")]
    pub(crate) fn acknowledge_announcement(&mut self) -> Result {
        self.tell(|queue| queue.send(announce::ACK, &[]))
    }
}

/// Calls `send` if the device runs. While it is paused there is nothing to do: it is told later.
fn tell<'bound>(
    state: State,
    queue: &mut Option<ControlQueue<'bound>>,
    send: impl FnOnce(&mut ControlQueue<'bound>) -> Result,
) -> Result {
    match (state, queue) {
        (State::Paused, _) => Ok(()),
        (State::Running, Some(queue)) => send(queue),
        _ => Err(EIO),
    }
}

#[doc(alias = "virtnet_commit_rss_command")]
fn send_rss(queue: &mut ControlQueue<'_>, rss: &Rss, pairs: u16) -> Result {
    let mut bytes = [0; 512];
    let len = rss.encode(pairs, &mut bytes).ok_or(EINVAL)?;
    let command = if rss.spreads() {
        mq::RSS_CONFIG
    } else {
        mq::HASH_CONFIG
    };
    queue.send(command, bytes.get(..len).ok_or(EINVAL)?)
}

/// Sets the number of pairs of a device that does not spread frames.
fn send_pairs(queue: &mut ControlQueue<'_>, rss: Option<&Rss>, pairs: u16) -> Result {
    queue.send(mq::PAIRS_SET, &pairs.to_le_bytes())?;
    match rss {
        // Some devices, such as QEMU's, report no hashes any more after that.
        Some(rss) if rss.reported() != 0 => send_rss(queue, rss, pairs),
        _ => Ok(()),
    }
}

impl Filter {
    fn send(&self, queue: &mut ControlQueue<'_>, has_alluni: bool) -> Result {
        self.modes
            .steps(has_alluni)
            .try_for_each(|step| match step {
                Step::Switch(command, on) => queue.send(command, &[on.into()]),
                Step::SetTable => queue.send(mac::TABLE_SET, &self.table),
            })
    }
}
