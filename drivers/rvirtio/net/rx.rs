// SPDX-License-Identifier: GPL-2.0

//! The receive side of a pair of queues.

use crate::{
    data::NetOps,
    rings::Ring,
    rx_mode::RxMode, //
};
use netdev::{
    Pools,
    RxBuf,
    RxPosted, //
};
use rvirtio::{
    More,
    Stopped,
    Virtqueue, //
};

/// Buffers that a queue starts with.
const FIRST_LEVEL: u16 = 64;

/// The receive side of a pair.
pub(crate) struct Rx<'bound> {
    pub(crate) vq: Virtqueue<'bound, RxPosted>,
    pub(crate) mode: RxMode,
    /// That of the device's own buffers.
    own_mode: RxMode,
    /// Whether the queue may have no buffers: user space says so when it has lent some.
    is_woken: bool,
    /// The other half of a page.
    pub(crate) half: Option<RxBuf>,
    /// The number of buffers that the queue should have.
    level: u16,
    /// With fewer buffers than this the device may be waiting for more.
    least: u16,
    /// With more buffers than this a device needs not know of others.
    least_known: u16,
    /// The number of frames that were refused.
    pub(crate) refused: u64,
}

impl<'bound> Rx<'bound> {
    pub(crate) fn new(vq: Virtqueue<'bound, RxPosted>, mode: RxMode) -> Self {
        let mut rx = Self {
            vq,
            mode,
            own_mode: mode,
            is_woken: false,
            half: None,
            level: 0,
            least: 0,
            least_known: 0,
            refused: 0,
        };
        rx.set_levels();
        rx
    }

    /// Sets the number of buffers to that which a new ring starts with.
    pub(crate) fn set_levels(&mut self) {
        self.level = match self.mode {
            RxMode::Bulk => FIRST_LEVEL.min(self.vq.capacity()),
            _ => self.vq.capacity(),
        };
        self.set_limits();
    }

    fn set_limits(&mut self) {
        let half = self.level.div_ceil(2);
        self.least = match self.mode {
            // As many as there are may be all that user space has.
            RxMode::Socket { most_buffers } => half.min(most_buffers),
            _ => half,
        };
        self.least_known = self.mode.most_buffers().max(self.level / 2);
    }

    /// Has the queue, which is empty, get the memory of a socket.
    pub(crate) fn lend(&mut self, mode: RxMode, is_woken: bool) {
        self.mode = mode;
        self.is_woken = is_woken;
        self.half = None;
        self.set_levels();
    }

    /// Has it get other buffers again.
    pub(crate) fn give_back(&mut self) {
        self.mode = self.own_mode;
        self.is_woken = false;
        self.set_levels();
    }

    /// Returns the ring, in which there has to be room for the largest frame.
    pub(crate) fn ring(&self) -> Ring<'bound> {
        Ring::new(&self.vq, self.mode.parts().max(self.mode.most_buffers()))
    }

    /// Returns whether another buffer is to be posted.
    #[inline]
    pub(crate) fn wants_more(&self) -> bool {
        self.vq.in_flight() < self.level && self.vq.num_free() >= self.mode.parts()
    }

    /// Returns whether the device has to be told of buffers that were posted: only if what it knows of is
    /// not half of the level any more, or not enough for a frame.
    #[inline]
    pub(crate) fn is_kick_due(&self) -> bool {
        let known = u32::from(self.vq.in_flight()).saturating_sub(self.vq.undecided());
        known <= u32::from(self.least_known)
    }

    /// Returns whether so few buffers are posted, for want of memory, that the device may be waiting for
    /// more: a large frame takes many. It does not interrupt then.
    #[inline]
    pub(crate) fn is_starved(&self) -> bool {
        self.vq.in_flight() < self.least && self.wants_more()
    }

    #[inline]
    fn may_wait(&self) -> bool {
        !self.is_starved() || self.is_woken
    }

    /// Returns whether there need not be any buffers.
    pub(crate) fn may_be_empty(&self) -> bool {
        self.mode != self.own_mode
    }

    /// Asks for interrupts. Returns whether there is nothing to do until one comes.
    pub(crate) fn can_wait(&mut self) -> bool {
        // A poll that has received nothing has left interrupts on that were on.
        let armed = self.may_wait() && (self.vq.is_armed() || self.vq.enable_cb() == More::Nothing);
        armed || self.vq.is_broken()
    }

    /// Posts more buffers from now on, if the device has used most of them in one poll.
    pub(crate) fn adjust_level(&mut self) {
        if self.vq.in_flight() < self.level / 4 {
            self.level = self.level.saturating_mul(2).min(self.vq.capacity());
            self.set_limits();
        }
    }
}

/// Takes back what the device has not used, as it is stopped.
pub(crate) fn reclaim<'bound>(
    rx: &mut Rx<'bound>,
    pools: &mut Pools<'_, NetOps<'bound>>,
    stopped: &Stopped<'_>,
) {
    while let Some(posted) = rx.vq.detach_unused(stopped) {
        if let (RxPosted::Xsk(buf), Some(xsk)) = (posted, pools.xsk()) {
            xsk.put(buf);
        }
    }
}
