// SPDX-License-Identifier: GPL-2.0

//! Which frames the device is to pass.

use super::{
    limits::Mac,
    spec::control::{
        rx,
        Command, //
    }, //
};

/// What the stack wants to receive, besides what is for the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// All frames.
    pub(crate) promisc: bool,
    /// All multicast frames.
    pub(crate) allmulti: bool,
    /// Those of so many unicast addresses.
    pub(crate) unicast: usize,
    /// Those of so many multicast addresses.
    pub(crate) multicast: usize,
}

/// What the device is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) promisc: bool,
    pub(crate) allmulti: bool,
    pub(crate) alluni: bool,
    /// Whether the addresses of a kind are in its table.
    pub(crate) lists_unicast: bool,
    pub(crate) lists_multicast: bool,
}

impl Modes {
    /// Returns what makes the device pass what is wished for, and as little else as possible. Its table
    /// has `room` addresses. `has_alluni` is whether it can pass all unicast frames without all others.
    pub(crate) fn new(wish: Wish, room: usize, has_alluni: bool) -> Self {
        let lists_unicast = wish.unicast <= room;
        let left = if lists_unicast {
            room.saturating_sub(wish.unicast)
        } else {
            room
        };
        let lists_multicast = wish.multicast <= left;
        Self {
            promisc: wish.promisc || !lists_unicast && !has_alluni,
            allmulti: wish.allmulti || !lists_multicast,
            alluni: !lists_unicast && has_alluni,
            lists_unicast,
            lists_multicast,
        }
    }

    /// Returns what to tell the device, in an order in which nothing is left out in between. A device
    /// that has no mode for all unicast frames is told nothing of that.
    pub(crate) fn steps(self, has_alluni: bool) -> impl Iterator<Item = Step> {
        let modes = [
            (rx::PROMISC, self.promisc, true),
            (rx::ALLMULTI, self.allmulti, true),
            (rx::ALLUNI, self.alluni, has_alluni),
        ];
        let switch = move |wanted| {
            let known = modes.into_iter().filter(|&(_, _, is_known)| is_known);
            known
                .filter(move |&(_, on, _)| on == wanted)
                .map(|(command, on, _)| Step::Switch(command, on))
        };
        switch(true)
            .chain(core::iter::once(Step::SetTable))
            .chain(switch(false))
    }
}

/// Something to tell the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Switch a mode on or off.
    Switch(Command, bool),
    /// Set its table of addresses.
    SetTable,
}

/// Length of an empty table in bytes: two numbers.
const EMPTY_TABLE: usize = 8;

/// Returns how many addresses a table of `len` bytes has room for.
pub(crate) fn room(len: usize) -> usize {
    len.saturating_sub(EMPTY_TABLE) / size_of::<Mac>()
}

/// Writes the table of addresses to `to`, and returns its length; `None` if it does not fit.
pub(crate) fn table(unicast: &[Mac], multicast: &[Mac], to: &mut [u8]) -> Option<usize> {
    let mut len = 0;
    for list in [unicast, multicast] {
        len = put(to, len, &u32::try_from(list.len()).ok()?.to_le_bytes())?;
        for address in list {
            len = put(to, len, address)?;
        }
    }
    Some(len)
}

/// Copies `from` to `to` at `at`, and returns where it ends.
fn put(to: &mut [u8], at: usize, from: &[u8]) -> Option<usize> {
    let end = at.checked_add(from.len())?;
    to.get_mut(at..end)?.copy_from_slice(from);
    Some(end)
}

/// Number of VLANs, with those that cannot be.
#[doc(alias = "VLAN_N_VID")]
const VLANS: u16 = 4096;

/// A set of VLANs.
pub(crate) struct Vlans([u64; VLANS as usize / 64]);

impl Vlans {
    pub(crate) const fn new() -> Self {
        Self([0; VLANS as usize / 64])
    }

    /// Adds or removes one.
    pub(crate) fn set(&mut self, vlan: u16, on: bool) {
        if let Some(word) = self.0.get_mut(usize::from(vlan / 64)) {
            let bit = 1 << (vlan % 64);
            *word = if on { *word | bit } else { *word & !bit };
        }
    }

    pub(crate) fn contains(&self, vlan: u16) -> bool {
        let word = self.0.get(usize::from(vlan / 64));
        word.is_some_and(|word| word & 1 << (vlan % 64) != 0)
    }

    /// Returns those that are in the set.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..VLANS).filter(|&vlan| self.contains(vlan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modes(unicast: usize, multicast: usize, has_alluni: bool) -> Modes {
        let wish = Wish {
            unicast,
            multicast,
            ..Wish::default()
        };
        Modes::new(wish, 10, has_alluni)
    }

    #[test]
    fn addresses_are_listed_as_long_as_they_fit() {
        let both = Modes {
            lists_unicast: true,
            lists_multicast: true,
            ..Modes::default()
        };
        for (unicast, multicast) in [(0, 0), (10, 0), (0, 10), (4, 6)] {
            assert_eq!(modes(unicast, multicast, false), both);
            assert_eq!(modes(unicast, multicast, true), both);
        }
        let wish = Wish {
            promisc: true,
            allmulti: true,
            ..Wish::default()
        };
        let found = Modes::new(wish, 10, true);
        assert!(found.promisc && found.allmulti && !found.alluni);
    }

    #[test]
    fn too_many_addresses_open_the_filter_no_further_than_needed() {
        for (unicast, multicast, has_alluni, promisc, allmulti, alluni) in [
            (0, 11, false, false, true, false),
            (5, 6, true, false, true, false),
            (11, 0, false, true, false, false),
            (11, 0, true, false, false, true),
            (11, 10, true, false, false, true),
            (11, 11, true, false, true, true),
            (11, 11, false, true, true, false),
        ] {
            let found = modes(unicast, multicast, has_alluni);
            assert_eq!(
                (found.promisc, found.allmulti, found.alluni),
                (promisc, allmulti, alluni),
                "{unicast} {multicast}"
            );
            assert_eq!(found.lists_unicast, unicast <= 10);
        }
    }

    /// covers: NET-72
    #[test]
    fn nothing_is_left_out_in_between() {
        let steps = |modes: Modes, has_alluni| modes.steps(has_alluni).collect::<Vec<_>>();
        let (promisc, allmulti, alluni) = (rx::PROMISC, rx::ALLMULTI, rx::ALLUNI);
        let off = |command| Step::Switch(command, false);
        let on = |command| Step::Switch(command, true);
        let found = steps(Modes::default(), false);
        assert_eq!(found, [Step::SetTable, off(promisc), off(allmulti)]);
        let open = Modes {
            promisc: true,
            allmulti: true,
            alluni: true,
            ..Modes::default()
        };
        let all = [on(promisc), on(allmulti), on(alluni), Step::SetTable];
        assert_eq!(steps(open, true), all);
        assert_eq!(steps(open, false), [all[0], all[1], all[3]]);
        let found = steps(modes(11, 0, true), true);
        let expected = [on(alluni), Step::SetTable, off(promisc), off(allmulti)];
        assert_eq!(found, expected);
    }

    /// covers: NET-75 NET-76
    #[test]
    fn table_is_two_lists() {
        let mut bytes = [0xff; 64];
        assert_eq!(table(&[], &[], &mut bytes), Some(8));
        assert_eq!(bytes[..8], [0; 8]);
        let (a, b, c) = (
            [2, 1, 1, 1, 1, 1],
            [2, 2, 2, 2, 2, 2],
            [1, 0, 0x5e, 3, 3, 3],
        );
        assert_eq!(table(&[a, b], &[c], &mut bytes), Some(26));
        let expected = [&[2, 0, 0, 0][..], &a, &b, &[1, 0, 0, 0], &c].concat();
        assert_eq!(bytes[..26], expected);
        // What fits is what `room` says.
        for len in 0..64 {
            for count in 0..10 {
                let fits = table(&[], &[c; 10][..count], &mut bytes[..len]).is_some();
                assert_eq!(
                    fits,
                    len >= EMPTY_TABLE && count <= room(len),
                    "{count} in {len}"
                );
            }
        }
    }

    #[test]
    fn set_of_vlans() {
        let mut vlans = Vlans::new();
        assert_eq!(vlans.iter().count(), 0);
        for vlan in [0, 63, 64, 4095, 4096, u16::MAX] {
            vlans.set(vlan, true);
        }
        assert_eq!(vlans.iter().collect::<Vec<_>>(), [0, 63, 64, 4095]);
        vlans.set(63, false);
        vlans.set(65, false);
        assert_eq!(vlans.iter().collect::<Vec<_>>(), [0, 64, 4095]);
    }
}
