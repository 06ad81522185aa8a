// SPDX-License-Identifier: GPL-2.0

//! Assignment of interrupt vectors to queues (virtio 1.4, 4.1.5.1.2 "MSI-X Vector Configuration").
//!
//! Vector 0 is for configuration changes. The queues that rarely interrupt come next, then the
//! others, so that the kernel can spread the latter over the CPUs.

/// The vectors that a transport has to allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorRequest {
    /// Message-signalled interrupts: `pre_vectors` vectors, the first of which is for configuration
    /// changes, then `queues` vectors for one queue each.
    Msix {
        /// The number of vectors that are not spread.
        pre_vectors: u16,
        /// The number of vectors for one queue each.
        queues: u16,
        /// Whether the kernel spreads the latter over the CPUs, and manages their affinity.
        spread: bool,
    },
    /// One interrupt line for everything, which is vector 0.
    Line,
}

/// How a queue interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// Often. The queue gets its own vector if there are enough.
    Yes,
    /// Rarely, like a queue of commands or events. The queue is the first to share a vector, and is
    /// left out when the others are spread over the CPUs.
    Rare,
    /// Never. The driver polls the queue, or does not use it.
    No,
}

/// How the CPUs that the queues interrupt are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// By the kernel, which spreads the queues over all CPUs. A queue whose CPUs are all offline
    /// does not interrupt, so this is for drivers that only submit to the queue of the current CPU.
    #[doc(alias = "PCI_IRQ_AFFINITY")]
    Managed,
    /// By the administrator, in `/proc/irq`.
    Free,
}

/// How the interrupts of a device are delivered, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IrqPolicy {
    /// One vector per queue.
    #[doc(alias = "VP_VQ_VECTOR_POLICY_EACH")]
    PerQueue,
    /// One vector per queue that interrupts often, and one for the others.
    #[doc(alias = "VP_VQ_VECTOR_POLICY_SHARED_SLOW")]
    SharedRare,
    /// One vector for all queues.
    #[doc(alias = "VP_VQ_VECTOR_POLICY_SHARED")]
    Shared,
    /// One interrupt line for queues and configuration changes.
    Line,
}

impl IrqPolicy {
    /// Returns the policy to try if there are not enough interrupts for this one.
    pub(crate) fn next(self) -> Option<Self> {
        match self {
            Self::PerQueue => Some(Self::SharedRare),
            Self::SharedRare => Some(Self::Shared),
            Self::Shared => Some(Self::Line),
            Self::Line => None,
        }
    }

    /// Returns the vectors that queues with these `callbacks` need.
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
            pre_vectors: number(1 + shared),
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

    /// Each vector that a queue gets was requested, none of those that are spread is shared, and
    /// all that were requested are used.
    #[test]
    fn as_many_vectors_as_are_used() {
        for policy in [
            IrqPolicy::PerQueue,
            IrqPolicy::SharedRare,
            IrqPolicy::Shared,
        ] {
            for callbacks in [NET, SCSI, &[Yes], &[Rare], &[Yes, Rare]] {
                let VectorRequest::Msix {
                    pre_vectors,
                    queues,
                    spread,
                } = policy.request(callbacks, Affinity::Managed)
                else {
                    panic!("{policy:?} is not about lines");
                };
                assert_eq!(spread, queues > 0);
                let mut used: Vec<u16> = vectors(policy, callbacks).into_iter().flatten().collect();
                used.sort_unstable();
                let own = used.iter().filter(|&&vector| vector >= pre_vectors).count();
                assert_eq!(own, usize::from(queues));
                used.dedup();
                assert_eq!(used, (1..pre_vectors + queues).collect::<Vec<_>>());
            }
        }
    }
}
