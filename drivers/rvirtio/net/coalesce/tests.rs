// SPDX-License-Identifier: GPL-2.0

//! What is told to a device that follows the specification, and what it has then.

use super::*;

const ALL: Can = Can {
    all: true,
    single: false,
};
const SINGLE: Can = Can {
    all: false,
    single: true,
};
const BOTH: Can = Can {
    all: true,
    single: true,
};
const SIZES: (u16, u16) = (256, 64);

const fn limits(frames: u32, usecs: u32) -> Limits {
    Limits { frames, usecs }
}

/// The limits that a device has for its queues.
struct Device {
    can: Can,
    queues: [Limits; 4],
    commands: usize,
    /// Fails that command.
    fails: Option<usize>,
}

impl Device {
    fn new(can: Can) -> Self {
        Self {
            can,
            queues: [Limits::default(); 4],
            commands: 0,
            fails: None,
        }
    }

    fn take(&mut self, command: Command, data: &[u8]) -> Result<(), ()> {
        self.commands += 1;
        if self.fails == Some(self.commands) {
            return Err(());
        }
        let word = |at: usize| u32::from_le_bytes(data[at..at + 4].try_into().unwrap());
        let side = match command {
            coal::RX_SET => 0,
            coal::TX_SET => 1,
            _ => {
                assert_eq!(command, coal::VQ_SET);
                assert!(self.can.single);
                assert_eq!(data.len(), 12);
                // The upper half is reserved.
                self.queues[word(0) as usize] = limits(word(4), word(8));
                return Ok(());
            }
        };
        assert!(self.can.all);
        assert_eq!(data.len(), 8);
        for queue in self.queues.iter_mut().skip(side).step_by(2) {
            *queue = limits(word(0), word(4));
        }
        Ok(())
    }
}

fn coalescing(can: Can) -> (Coalescing<Vec<Own>>, Device) {
    (
        Coalescing::new(can, vec![Own::default(); 2]),
        Device::new(can),
    )
}

fn set(
    (state, device): &mut (Coalescing<Vec<Own>>, Device),
    pair: Option<u16>,
    to: Setting,
) -> Result<(), ()> {
    state.check(pair, to, SIZES).unwrap();
    state.set(pair, to, |command, data| device.take(command, data))
}

/// What is shown for a pair is what the device has, where 0 frames and 1 are the same.
fn shows_what_is_there((state, device): &(Coalescing<Vec<Own>>, Device)) {
    for pair in 0..2 {
        let shown = state.shown(Some(pair));
        let at = usize::from(pair) * 2;
        for (shown, there) in [(shown.rx, at), (shown.tx, at + 1)] {
            let there = device.queues[there];
            assert!(shown == there || (shown, there) == (limits(1, 0), limits(0, 0)));
        }
    }
}

fn setting(rx: Limits, tx: Limits) -> Setting {
    Setting {
        rx,
        tx,
        adaptive: false,
    }
}

fn adaptive(setting: Setting) -> Setting {
    Setting {
        adaptive: true,
        ..setting
    }
}

/// covers: NET-89 NET-90 NET-91
#[test]
fn commands_are_those_that_the_device_takes() {
    for can in [ALL, SINGLE, BOTH] {
        let mut both = coalescing(can);
        shows_what_is_there(&both);
        assert_eq!(both.0.shown(None), setting(limits(0, 0), limits(1, 0)));
        let to = setting(limits(8, 100), limits(16, 200));
        set(&mut both, None, to).unwrap();
        shows_what_is_there(&both);
        assert_eq!(both.0.shown(None), to);
        if can.single {
            let own = setting(limits(3, 10), limits(4, 20));
            set(&mut both, Some(1), own).unwrap();
            shows_what_is_there(&both);
            assert_eq!(both.0.shown(Some(1)), own);
            assert_eq!(both.0.shown(Some(0)), to);
            assert_eq!(both.0.shown(None), to);
        }
        // What applies to all does away with what applies to one.
        set(&mut both, None, setting(limits(0, 0), limits(0, 0))).unwrap();
        shows_what_is_there(&both);
    }
}

/// A device that does not coalesce gets no command, whatever is set to what is shown.
#[test]
fn device_without_commands_gets_none() {
    let mut both = coalescing(Can::default());
    let shown = both.0.shown(None);
    assert_eq!(shown, setting(limits(1, 0), limits(1, 0)));
    set(&mut both, None, shown).unwrap();
    set(&mut both, Some(1), shown).unwrap();
    both.0
        .replay(|_, _| -> Result<(), ()> { panic!() })
        .unwrap();
    for to in [limits(0, 0), limits(2, 0), limits(1, 1)] {
        for to in [setting(to, shown.tx), setting(shown.rx, to)] {
            assert_eq!(both.0.check(None, to, SIZES), Err(Refused::Never));
        }
    }
    assert_eq!(
        both.0.check(None, adaptive(shown), SIZES),
        Err(Refused::Never)
    );
}

#[test]
fn impossible_settings_are_refused() {
    let refused = |can, pair, to| coalescing(can).0.check(pair, to, SIZES).unwrap_err();
    let (rx, tx) = (limits(0, 0), limits(1, 0));
    let most = setting(limits(256, MAX_USECS), limits(64, MAX_USECS));
    assert_eq!(coalescing(BOTH).0.check(Some(0), most, SIZES), Ok(()));
    for (to, why) in [
        (setting(limits(257, 1), tx), Refused::Frames),
        (setting(rx, limits(65, 1)), Refused::Frames),
        (setting(limits(u32::MAX, 0), tx), Refused::Frames),
        (setting(limits(1, MAX_USECS + 1), tx), Refused::Usecs),
        (setting(rx, limits(1, u32::MAX)), Refused::Usecs),
        (adaptive(setting(limits(1, 1), tx)), Refused::Adapted),
    ] {
        assert_eq!(refused(BOTH, None, to), why);
        assert_eq!(refused(SINGLE, Some(1), to), why);
    }
    assert_eq!(
        refused(ALL, None, adaptive(setting(rx, tx))),
        Refused::Adaptive
    );
    assert_eq!(
        refused(ALL, Some(0), setting(limits(1, 1), tx)),
        Refused::Single
    );
}

/// Whichever command fails, device and driver have what they had.
#[test]
fn failure_changes_nothing() {
    for can in [ALL, SINGLE, BOTH] {
        for pair in [None, Some(1)] {
            if pair.is_some() && !can.single {
                continue;
            }
            let mut failures = 0;
            loop {
                let mut both = coalescing(can);
                set(&mut both, None, setting(limits(5, 50), limits(6, 60))).unwrap();
                if can.single {
                    set(&mut both, Some(0), setting(limits(7, 70), limits(8, 80))).unwrap();
                }
                let (queues, shown) = (both.1.queues, both.0.shown(pair));
                both.1.fails = Some(both.1.commands + 1 + failures);
                if set(&mut both, pair, setting(limits(1, 2), limits(3, 4))).is_ok() {
                    break;
                }
                assert_eq!((both.1.queues, both.0.shown(pair)), (queues, shown));
                shows_what_is_there(&both);
                failures += 1;
            }
            assert!(failures > 1);
        }
    }
}

#[test]
fn adapted_limits_are_those_of_the_queue() {
    for can in [SINGLE, BOTH] {
        let mut both = coalescing(can);
        let first = setting(limits(2, 20), limits(3, 30));
        set(&mut both, None, first).unwrap();
        let adapt = |both: &mut (Coalescing<Vec<Own>>, Device), pair, to| {
            let (state, device) = both;
            state.adapt(pair, to, |command, data| device.take(command, data))
        };
        // Too late.
        adapt(&mut both, 0, limits(64, 9)).unwrap();
        assert_eq!(both.0.shown(Some(0)), first);

        set(&mut both, None, adaptive(first)).unwrap();
        adapt(&mut both, 0, limits(64, 9)).unwrap();
        shows_what_is_there(&both);
        assert_eq!(both.0.shown(Some(0)).rx, limits(64, 9));
        assert_eq!(both.0.shown(Some(1)).rx, first.rx);
        assert_eq!(both.0.shown(None), adaptive(first));
        let commands = both.1.commands;
        adapt(&mut both, 0, limits(64, 9)).unwrap();
        assert_eq!(both.1.commands, commands);

        // What is sent can be set meanwhile.
        set(&mut both, None, adaptive(setting(first.rx, limits(9, 90)))).unwrap();
        shows_what_is_there(&both);
        assert_eq!(both.0.shown(Some(0)).rx, limits(64, 9));
        set(&mut both, None, first).unwrap();
        shows_what_is_there(&both);
        assert_eq!(both.0.shown(Some(0)), first);

        // One of two.
        set(&mut both, Some(1), adaptive(first)).unwrap();
        adapt(&mut both, 0, limits(64, 9)).unwrap();
        adapt(&mut both, 1, limits(32, 8)).unwrap();
        shows_what_is_there(&both);
        assert_eq!(both.0.shown(Some(0)), first);
        assert_eq!(both.0.shown(Some(1)).rx, limits(32, 8));
    }
}

#[test]
fn device_has_the_same_after_a_reset() {
    for can in [ALL, SINGLE, BOTH] {
        let mut both = coalescing(can);
        let replay = |both: &mut (Coalescing<Vec<Own>>, Device)| {
            let before = both.1.queues;
            both.1 = Device::new(can);
            let (state, device) = (&both.0, &mut both.1);
            let take = |command, data: &[u8]| device.take(command, data);
            state.replay(take).unwrap();
            assert_eq!(both.1.queues, before);
        };
        replay(&mut both);
        assert_eq!(both.1.commands, 0);
        set(&mut both, None, setting(limits(5, 50), limits(6, 60))).unwrap();
        replay(&mut both);
        if !can.single {
            continue;
        }
        set(&mut both, Some(1), setting(limits(7, 70), limits(8, 80))).unwrap();
        replay(&mut both);
        // One queue of each pair was reset.
        let before = both.1.queues;
        for pair in 0..2 {
            both.1.queues[usize::from(pair) * 3] = Limits::default();
            let (state, device) = (&both.0, &mut both.1);
            let take = |command, data: &[u8]| device.take(command, data);
            state.replay_pair(pair, take).unwrap();
        }
        assert_eq!(both.1.queues, before);
    }
}
