// SPDX-License-Identifier: GPL-2.0

//! Which queue interrupts by which vector (virtio 1.4, 4.1.5.1.2 "MSI-X Vector Configuration").
//!
//! Vector 0 is that of configuration changes. Then come the queues that rarely interrupt, then
//! the others, so that the kernel can spread the latter over the CPUs and leave out the rest.

/// What vectors a transport is to allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorRequest {
    /// Message-signalled interrupts: `unspread` vectors, the first of which is that of
    /// configuration changes, then `queues` for a queue each.
    Msix {
        /// Vectors that can be moved between CPUs.
        unspread: u16,
        /// Vectors of a queue each.
        queues: u16,
        /// Whether the kernel spreads the latter over the CPUs and keeps them there.
        spread: bool,
    },
    /// One line for everything. It is vector 0.
    Line,
}

/// How a queue interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// Often: the queue has a vector of its own if there are enough.
    Yes,
    /// Rarely, as a queue of commands or events does: it is the first to share a vector, and takes
    /// no CPU away from the others when these are spread.
    Rare,
    /// Not at all: the driver polls the queue, or does not use it.
    No,
}

/// Who decides on which CPUs the queues interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// The kernel spreads the queues over all CPUs. A queue whose CPUs are all offline does not
    /// interrupt, so this is for drivers that submit to the queue of the own CPU only.
    #[doc(alias = "PCI_IRQ_AFFINITY")]
    Managed,
    /// The administrator, by `/proc/irq`.
    Free,
}

/// How a device's interrupts reach the driver, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IrqPolicy {
    /// A vector for each queue.
    #[doc(alias = "VP_VQ_VECTOR_POLICY_EACH")]
    PerQueue,
    /// A vector for each queue that interrupts often, and one for the others.
    #[doc(alias = "VP_VQ_VECTOR_POLICY_SHARED_SLOW")]
    SharedRare,
    /// A vector for all queues.
    #[doc(alias = "VP_VQ_VECTOR_POLICY_SHARED")]
    Shared,
    /// One line for queues and configuration changes.
    Line,
}

impl IrqPolicy {
    /// Returns what to try when there are not the interrupts for this policy.
    pub(crate) fn next(self) -> Option<Self> {
        match self {
            Self::PerQueue => Some(Self::SharedRare),
            Self::SharedRare => Some(Self::Shared),
            Self::Shared => Some(Self::Line),
            Self::Line => None,
        }
    }

    /// Returns what vectors it takes for queues with these `callbacks`.
    pub(crate) fn request(self, callbacks: &[Callback], affinity: Affinity) -> VectorRequest {
        let count = |kind| {
            callbacks
                .iter()
                .filter(|&&callback| callback == kind)
                .count()
        };
        let (often, rare) = (count(Callback::Yes), count(Callback::Rare));
        let (often, shared) = match self {
            Self::PerQueue => (often, rare),
            Self::SharedRare => (often, rare.min(1)),
            Self::Shared => (0, 1),
            Self::Line => return VectorRequest::Line,
        };
        // Queues are numbered by 16 bits.
        let number = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        VectorRequest::Msix {
            unspread: number(1 + shared),
            queues: number(often),
            spread: affinity == Affinity::Managed && often > 0,
        }
    }

    /// Returns the vector of queue `index`, if it has one.
    pub(crate) fn vector(self, callbacks: &[Callback], index: u16) -> Option<u16> {
        let (before, rest) = callbacks.split_at_checked(index.into())?;
        let own = *rest.first()?;
        let rank = before.iter().filter(|&&callback| callback == own).count();
        let rare = callbacks
            .iter()
            .filter(|&&callback| callback == Callback::Rare)
            .count();
        let vector = match (self, own) {
            (_, Callback::No) | (Self::Line, _) => return None,
            (Self::Shared, _) | (Self::SharedRare, Callback::Rare) => 1,
            (Self::PerQueue, Callback::Rare) => 1 + rank,
            (Self::PerQueue, Callback::Yes) => 1 + rare + rank,
            (Self::SharedRare, Callback::Yes) => 1 + rare.min(1) + rank,
        };
        u16::try_from(vector).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Callback::*, *};

    /// A network card with two pairs, a hole and a control queue.
    const NET: &[Callback] = &[Yes, Yes, Yes, Yes, No, No, Rare];
    /// A SCSI host: control and event queue come first.
    const SCSI: &[Callback] = &[Rare, Rare, Yes, Yes, Yes];

    fn vectors(policy: IrqPolicy, callbacks: &[Callback]) -> Vec<Option<u16>> {
        (0..callbacks.len() as u16)
            .map(|index| policy.vector(callbacks, index))
            .collect()
    }

    #[test]
    fn queues_without_callback_have_no_vector() {
        let expected = [Some(2), Some(3), Some(4), Some(5), None, None, Some(1)];
        assert_eq!(vectors(IrqPolicy::PerQueue, NET), expected);
    }

    #[test]
    fn rare_queues_come_first_and_can_share() {
        let own = [Some(1), Some(2), Some(3), Some(4), Some(5)];
        assert_eq!(vectors(IrqPolicy::PerQueue, SCSI), own);
        let shared = [Some(1), Some(1), Some(2), Some(3), Some(4)];
        assert_eq!(vectors(IrqPolicy::SharedRare, SCSI), shared);
        assert_eq!(vectors(IrqPolicy::Shared, SCSI), [Some(1); 5]);
        assert_eq!(vectors(IrqPolicy::Line, SCSI), [None; 5]);
        assert_eq!(IrqPolicy::PerQueue.vector(SCSI, 5), None);
    }

    /// Each vector that a queue gets was asked for, none of those that are spread is shared, and
    /// none is asked for in vain.
    #[test]
    fn as_many_vectors_as_are_used() {
        for policy in [
            IrqPolicy::PerQueue,
            IrqPolicy::SharedRare,
            IrqPolicy::Shared,
        ] {
            for callbacks in [NET, SCSI, &[Yes], &[Rare], &[Yes, Rare]] {
                let VectorRequest::Msix {
                    unspread,
                    queues,
                    spread,
                } = policy.request(callbacks, Affinity::Managed)
                else {
                    panic!("{policy:?} is not about lines");
                };
                assert_eq!(spread, queues > 0);
                let mut used: Vec<u16> = vectors(policy, callbacks).into_iter().flatten().collect();
                used.sort_unstable();
                let own = used.iter().filter(|&&vector| vector >= unspread).count();
                assert_eq!(own, usize::from(queues));
                used.dedup();
                assert_eq!(used, (1..unspread + queues).collect::<Vec<_>>());
            }
        }
    }
}
