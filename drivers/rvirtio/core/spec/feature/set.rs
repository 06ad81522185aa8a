// SPDX-License-Identifier: GPL-2.0

//! Sets of feature bits (virtio 1.4, 2.2 Feature Bits).

use core::fmt;

/// The number of one feature bit, 0 to 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Feature(u8);

impl Feature {
    /// Returns the feature with number `bit`, modulo 128.
    pub const fn new(bit: u8) -> Self {
        Self(bit & 127)
    }

    /// Returns the number of the bit.
    pub const fn bit(self) -> u8 {
        self.0
    }

    const fn mask(self) -> u128 {
        // No bit is shifted out: the number is below 128.
        1u128.wrapping_shl(self.0 as u32)
    }
}

/// A set of feature bits.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Features(u128);

impl Features {
    /// The number of 32-bit words in which transports transfer the set.
    #[doc(alias = "VIRTIO_FEATURES_BITS")]
    pub const WORDS: u32 = 4;

    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// Returns the set of all features in `list`.
    pub const fn of(list: &[Feature]) -> Self {
        let mut set = Self::EMPTY;
        let mut rest = list;
        while let [first, tail @ ..] = rest {
            set = set.with(*first);
            rest = tail;
        }
        set
    }

    /// Returns the set of the bits `first` to `last`, both included and at most 127.
    pub const fn range(first: u8, last: u8) -> Self {
        let mut set = Self::EMPTY;
        let mut bit = first;
        while bit <= last {
            set = set.with(Feature::new(bit));
            bit += 1;
        }
        set
    }

    /// Returns the set whose bit number `n` is bit `n` of `bits`.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Returns the set as an integer, bit number `n` as bit `n`.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// Returns the set whose bits 32 * `i` to 32 * `i` + 31 are `words[i]`.
    pub const fn from_words(words: [u32; Self::WORDS as usize]) -> Self {
        let [a, b, c, d] = words;
        Self(a as u128 | ((b as u128) << 32) | ((c as u128) << 64) | ((d as u128) << 96))
    }

    /// Returns the bits 32 * `select` to 32 * `select` + 31; 0 for a `select` of 4 or more.
    pub const fn word(self, select: u32) -> u32 {
        match select {
            // CAST: the word is cut out of the set.
            0..Self::WORDS => (self.0 >> (32 * select)) as u32,
            _ => 0,
        }
    }

    /// Returns this set with `feature` added.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | feature.mask())
    }

    /// Returns this set with `feature` removed.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Self {
        Self(self.0 & !feature.mask())
    }

    /// Returns whether `feature` is in the set.
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & feature.mask() != 0
    }

    /// Returns whether every feature of this set is in `other`.
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Returns whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the features that are in this set, in `other`, or in both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the features that are in both sets.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the features that are in this set and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns the features of the set in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        (0..128).map(Feature).filter(move |&f| self.contains(f))
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(Feature::bit))
            .finish()
    }
}
