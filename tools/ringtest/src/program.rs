// SPDX-License-Identifier: GPL-2.0

//! Random programs of driver and device on one ring, with a model of what has to come of them.

mod callback;
mod device;
mod driver;
mod machine;

pub use self::machine::{Layout, Machine, TestRing};

use crate::{model::device::Notify, ring::Arm};
use proptest::prelude::*;

/// What a program does in one step.
#[derive(Clone, Debug)]
pub enum Step {
    /// The driver adds a buffer by a chain of descriptors: lengths it lets be read and written.
    AddChain(Vec<u32>, Vec<u32>),
    /// The driver adds a buffer of one element: its length, and whether the device may write it.
    AddOne(u32, bool),
    /// The driver adds a buffer by an indirect table.
    AddIndirect(Vec<u32>, Vec<u32>),
    /// The driver publishes.
    Publish,
    /// The driver publishes and decides whether to notify.
    Kick,
    /// The driver takes at most so many used buffers.
    Pop(u8),
    /// The driver takes those that one look finds.
    PopSeen,
    /// The driver looks at the next used buffer, and does something with it.
    Peek(Peeked),
    /// The driver disables callbacks.
    Disable,
    /// The driver disables callbacks, and takes back what it asked for.
    Silence,
    /// The driver asks for a callback.
    Arm(Arm),
    /// The device takes at most so many buffers.
    Take(u8),
    /// The device uses at most so many buffers in one go, from a random place, and reports a
    /// length for each.
    Use(u8, u8, u32),
    /// The device says when to be notified.
    Notify(Notify),
}

/// What the driver does with a used buffer that it has looked at.
#[derive(Clone, Copy, Debug)]
pub enum Peeked {
    /// Nothing.
    Leave,
    /// It takes the buffer.
    Take,
    /// It adds the buffer again if that can be done, otherwise it takes it.
    Again,
}

/// Lengths of elements: mostly small, sometimes so large that the sum overflows.
fn lengths() -> impl Strategy<Value = Vec<u32>> {
    prop_oneof![
        8 => proptest::collection::vec(length(), 0..4),
        1 => proptest::collection::vec(length(), 0..20),
    ]
}

fn length() -> impl Strategy<Value = u32> + Clone {
    prop_oneof![20 => 1u32..5000, 1 => Just(0u32), 1 => (1u32 << 30)..=u32::MAX]
}

/// Returns steps in proportions that keep a ring moving.
pub fn step() -> impl Strategy<Value = Step> {
    let notify = prop_oneof![
        Just(Notify::Never),
        Just(Notify::Always),
        (0u16..6).prop_map(Notify::After)
    ];
    let arm = prop_oneof![
        2 => Just(Arm::Next),
        1 => Just(Arm::MostInFlight),
        1 => (0u16..40).prop_map(Arm::After),
    ];
    let peeked = prop_oneof![Just(Peeked::Leave), Just(Peeked::Take), Just(Peeked::Again)];
    prop_oneof![
        4 => (lengths(), lengths()).prop_map(|(r, w)| Step::AddChain(r, w)),
        3 => (length(), any::<bool>()).prop_map(|(len, writable)| Step::AddOne(len, writable)),
        4 => (lengths(), lengths()).prop_map(|(r, w)| Step::AddIndirect(r, w)),
        1 => Just(Step::Publish),
        5 => Just(Step::Kick),
        5 => (1u8..9).prop_map(Step::Pop),
        2 => Just(Step::PopSeen),
        4 => peeked.prop_map(Step::Peek),
        1 => Just(Step::Disable),
        1 => Just(Step::Silence),
        3 => arm.prop_map(Step::Arm),
        5 => (1u8..9).prop_map(Step::Take),
        5 => (1u8..5, any::<u8>(), used_length()).prop_map(|(n, at, len)| Step::Use(n, at, len)),
        2 => notify.prop_map(Step::Notify),
    ]
}

fn used_length() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 0u32..20000, Just(u32::MAX)]
}
