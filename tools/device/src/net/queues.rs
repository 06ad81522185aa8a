// SPDX-License-Identifier: GPL-2.0

//! What a network device knows of its queues, and how it was told to coalesce notifications (virtio 1.4,
//! 5.1.6.5.10).

use super::stats::Counters;
use crate::{
    breach::{Breach, require},
    spec::net::{CTRL_VQ, MQ, RSS},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Receive,
    Transmit,
    Control,
}

/// When the driver is notified: after so many packets, or microseconds after the first of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coalescing {
    pub packets: u32,
    pub usecs: u32,
}

impl Coalescing {
    fn parse(bytes: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self { packets: u32::from_le_bytes([a, b, c, d]), usecs: u32::from_le_bytes([e, f, g, h]) }
    }

    fn bytes(self) -> Vec<u8> {
        [self.packets, self.usecs].map(u32::to_le_bytes).concat()
    }
}

pub struct Queues {
    /// Pairs that there are.
    pub pairs: u16,
    features: u128,
    /// Sizes of those that are enabled.
    pub sizes: Vec<Option<u16>>,
    pub counters: Vec<Counters>,
    /// What all receive and all transmit queues were told last, and each of them.
    defaults: [Coalescing; 2],
    coalescing: Vec<Coalescing>,
}

impl Queues {
    pub fn new(pairs: u16) -> Self {
        let count = 2 * usize::from(pairs) + 1;
        Self {
            pairs,
            features: 0,
            sizes: vec![None; count],
            counters: vec![Counters::default(); count],
            defaults: <[_; 2]>::default(),
            coalescing: vec![Coalescing::default(); count],
        }
    }

    pub fn negotiated(&mut self, features: u128) {
        self.features = features;
    }

    /// What a queue is: with a driver that does not know of several pairs control comes after the first one.
    pub fn kind(&self, queue: usize) -> Option<Queue> {
        let has = |bit: u32| self.features >> bit & 1 != 0;
        let pairs = if has(MQ) || has(RSS) { self.pairs } else { 1 };
        match queue {
            _ if queue < 2 * usize::from(pairs) && queue % 2 == 0 => Some(Queue::Receive),
            _ if queue < 2 * usize::from(pairs) => Some(Queue::Transmit),
            _ if queue == 2 * usize::from(pairs) && has(CTRL_VQ) => Some(Queue::Control),
            _ => None,
        }
    }

    /// A queue has been enabled, or is not any more.
    pub fn enabled(&mut self, queue: usize, size: Option<u16>) {
        self.sizes[queue] = size;
        self.coalescing[queue] = self.defaults[queue % 2];
    }

    pub fn reset(&mut self) {
        self.features = 0;
        self.sizes.fill(None);
        self.coalescing.fill(Coalescing::default());
        self.defaults = <[_; 2]>::default();
    }

    /// Whether all queues of so many pairs are enabled.
    pub fn has_pairs(&self, pairs: u16) -> bool {
        self.sizes.iter().take(2 * usize::from(pairs)).all(Option::is_some)
    }

    pub fn coalescing(&self, queue: usize) -> Option<Coalescing> {
        self.coalescing.get(queue).copied()
    }

    /// Sets that of all transmit or all receive queues.
    pub fn coalesce(&mut self, transmit: bool, data: &[u8]) -> Result<Vec<u8>, Breach> {
        let bytes = data.try_into().map_err(|_| length(data))?;
        let (first, coalescing) = (usize::from(transmit), Coalescing::parse(bytes));
        self.defaults[first] = coalescing;
        for queue in (first..2 * usize::from(self.pairs)).step_by(2) {
            self.coalescing[queue] = coalescing;
        }
        Ok(Vec::new())
    }

    /// Sets that of a queue, or tells it.
    pub fn coalesce_one(&mut self, set: bool, data: &[u8]) -> Result<Vec<u8>, Breach> {
        let (head, rest) = data.split_at_checked(4).ok_or_else(|| length(data))?;
        let index = usize::from(u16::from_le_bytes([head[0], head[1]]));
        let enabled = matches!(self.kind(index), Some(Queue::Receive | Queue::Transmit));
        let enabled = enabled && self.sizes[index].is_some();
        require(enabled, "NET-89", || format!("coalescing of queue {index}"))?;
        if set {
            self.coalescing[index] = Coalescing::parse(rest.try_into().map_err(|_| length(data))?);
            return Ok(Vec::new());
        }
        require(rest.is_empty(), "NET-D4", || format!("{} bytes of a question", data.len()))?;
        Ok(self.coalescing[index].bytes())
    }
}

/// A command has data of a wrong length.
pub fn length(data: &[u8]) -> Breach {
    Breach { id: "NET-D4", what: format!("a command with {} bytes", data.len()) }
}
