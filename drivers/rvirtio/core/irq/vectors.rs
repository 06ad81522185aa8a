// SPDX-License-Identifier: GPL-2.0

//! Allocating interrupt vectors, with fallbacks to fewer.

use crate::{
    device::{
        Assignment,
        Device,
        Vectors, //
    },
    vectors::{
        Affinity,
        Callback,
        IrqPolicy, //
    },
};
use kernel::{
    device::Bound,
    prelude::*,
    str::CString,
    sync::Arc, //
};

impl Device<Bound> {
    /// Allocates vectors for queues with these `names` and `callbacks`.
    #[doc(alias = "vp_find_vqs")]
    pub(crate) fn alloc_vectors(
        &self,
        names: KVec<CString>,
        callbacks: KVec<Callback>,
        affinity: Affinity,
    ) -> Result<IrqPolicy> {
        let callbacks = Arc::new(callbacks, GFP_KERNEL)?;
        let mut vectors = self.vectors().lock();
        *vectors = Vectors {
            names,
            affinity: Some(affinity),
            assignment: Assignment {
                policy: None,
                callbacks: Some(callbacks),
            },
        };
        self.alloc_from(&mut vectors, Some(IrqPolicy::PerQueue))
    }

    /// Replaces the vectors by fewer, because their interrupts cannot be requested.
    pub(crate) fn alloc_fewer_vectors(&self) -> Result<IrqPolicy> {
        let mut vectors = self.vectors().lock();
        let policy = vectors.assignment.policy.take().ok_or(EINVAL)?;
        self.transport().free_vectors();
        self.alloc_from(&mut vectors, policy.next())
    }

    fn alloc_from(
        &self,
        vectors: &mut Vectors,
        mut policy: Option<IrqPolicy>,
    ) -> Result<IrqPolicy> {
        let affinity = vectors.affinity.ok_or(EINVAL)?;
        let mut refused = None;
        let mut result = Err(ENOSPC);
        while let Some(next) = policy {
            let request = next.request(vectors.assignment.callbacks(), affinity);
            if refused != Some(request) {
                result = self.transport().alloc_vectors(&request);
                if result.is_ok() {
                    vectors.assignment.policy = Some(next);
                    return Ok(next);
                }
                refused = Some(request);
            }
            policy = next.next();
        }
        dev_err!(self, "no MSI-X vectors and no interrupt line\n");
        result.and(Err(ENOSPC))
    }

    /// Frees the vectors. All interrupts must have been freed before.
    #[doc(alias = "vp_del_vqs")]
    pub(crate) fn free_vectors(&self) {
        let vectors = core::mem::take(&mut *self.vectors().lock());
        if vectors.assignment.policy.is_some() {
            self.transport().free_vectors();
        }
    }
}
