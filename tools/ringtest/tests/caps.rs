// SPDX-License-Identifier: GPL-2.0

//! The PCI capability parser against good, odd and hostile configuration spaces.

use proptest::prelude::*;
use ringtest::{
    caps::{structure::Defect, ConfigSpace, Error, Layout, NotifyError, Structure, Window},
    spec::ring::NotifyWidth,
};

const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
const DEVICE: u8 = 4;
const PCI_CFG: u8 = 5;

/// The configuration space of a PCI function, built from a list of capabilities.
#[derive(Clone, Debug)]
struct Function {
    space: Vec<u8>,
    bars: [Option<u64>; 6],
    next: usize,
    link: usize,
}

/// One capability.
#[derive(Clone, Copy, Debug)]
struct Cap {
    vndr: u8,
    len: u8,
    cfg_type: u8,
    bar: u8,
    offset: u32,
    length: u32,
    multiplier: u32,
}

impl Cap {
    fn new(cfg_type: u8, offset: u32, length: u32) -> Self {
        Self {
            vndr: 9,
            len: if cfg_type == NOTIFY || cfg_type == PCI_CFG {
                20
            } else {
                16
            },
            cfg_type,
            bar: 4,
            offset,
            length,
            multiplier: 4,
        }
    }
}

impl Function {
    fn new() -> Self {
        let mut space = vec![0; 256];
        space[0x06] = 0x10;
        Self {
            space,
            bars: [None, None, None, None, Some(0x4000), None],
            next: 0x40,
            link: 0x34,
        }
    }

    fn with(mut self, cap: Cap) -> Self {
        let at = self.next;
        self.space[self.link] = at as u8;
        self.space[at] = cap.vndr;
        self.space[at + 2] = cap.len;
        self.space[at + 3] = cap.cfg_type;
        self.space[at + 4] = cap.bar;
        self.space[at + 8..at + 12].copy_from_slice(&cap.offset.to_le_bytes());
        self.space[at + 12..at + 16].copy_from_slice(&cap.length.to_le_bytes());
        self.space[at + 16..at + 20].copy_from_slice(&cap.multiplier.to_le_bytes());
        self.link = at + 1;
        self.next = at + 20;
        self
    }

    /// A good device with `change` applied to each of its capabilities.
    fn changed(change: impl Fn(Cap) -> Cap) -> Self {
        good()
            .iter()
            .fold(Self::new(), |f, cap| f.with(change(*cap)))
    }

    /// A good device with `change` applied to its capabilities of one type.
    fn changed_one(cfg_type: u8, change: impl Fn(Cap) -> Cap) -> Self {
        Self::changed(|cap| {
            if cap.cfg_type == cfg_type {
                change(cap)
            } else {
                cap
            }
        })
    }

    fn find(&self) -> Result<Layout, Error> {
        Layout::find(self)
    }
}

impl ConfigSpace for Function {
    fn read_u8(&self, offset: u16) -> Option<u8> {
        self.space.get(usize::from(offset)).copied()
    }

    fn read_u16(&self, offset: u16) -> Option<u16> {
        let at = usize::from(offset);
        let bytes = self.space.get(at..at + 2)?;
        Some(u16::from_le_bytes(bytes.try_into().unwrap()))
    }

    fn read_u32(&self, offset: u16) -> Option<u32> {
        assert_eq!(offset % 4, 0, "misaligned configuration space read");
        let at = usize::from(offset);
        let bytes = self.space.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().unwrap()))
    }

    fn bar_len(&self, bar: u8) -> Option<u64> {
        assert!(bar < 6, "asked for a reserved BAR");
        self.bars[usize::from(bar)]
    }
}

/// The capabilities of a device as QEMU makes them.
fn good() -> Vec<Cap> {
    vec![
        Cap {
            bar: 0,
            ..Cap::new(PCI_CFG, 0, 0)
        },
        Cap::new(NOTIFY, 0x3000, 0x1000),
        Cap::new(DEVICE, 0x2000, 0x1000),
        Cap::new(ISR, 0x1000, 0x1000),
        Cap::new(COMMON, 0, 0x1000),
    ]
}

fn window(offset: u32, length: u32) -> Window {
    Window {
        bar: 4,
        offset,
        length,
    }
}

#[test]
fn good_device() {
    let layout = Function::changed(|cap| cap).find().unwrap();
    assert_eq!(layout.common, window(0, 0x1000));
    assert_eq!(layout.isr, window(0x1000, 0x1000));
    assert_eq!(layout.device, Some(window(0x2000, 0x1000)));
    assert_eq!(layout.notify, window(0x3000, 0x1000));
    assert_eq!(layout.notify_off_multiplier, 4);
    assert_eq!(layout.pci_cfg, Some(0x40));
}

#[test]
fn smallest_device() {
    let layout = Function::new()
        .with(Cap::new(COMMON, 0, 56))
        .with(Cap::new(ISR, 56, 1))
        .with(Cap::new(NOTIFY, 58, 2))
        .find()
        .unwrap();
    assert_eq!(layout.device, None);
    assert_eq!(layout.pci_cfg, None);
}

#[test]
fn missing_structures_are_named() {
    for (cfg_type, structure) in [
        (COMMON, Structure::Common),
        (NOTIFY, Structure::Notify),
        (ISR, Structure::Isr),
    ] {
        let function = Function::changed_one(cfg_type, |cap| Cap { vndr: 5, ..cap });
        let error = Error::Structure(structure, Defect::Missing);
        assert_eq!(function.find(), Err(error));
        assert!(
            error.to_string().ends_with("structure is missing"),
            "{error}"
        );
    }
}

#[test]
fn no_capability_list() {
    let mut function = Function::changed(|cap| cap);
    function.space[0x06] = 0;
    assert_eq!(function.find(), Err(Error::NoCapabilities));
}

#[test]
fn function_that_does_not_answer() {
    let function = Function::changed(|cap| cap);
    // The last capability has no notify multiplier at its end.
    for len in 0..function.next - 4 {
        let mut shorter = function.clone();
        shorter.space.truncate(len);
        assert_eq!(shorter.find(), Err(Error::Unreadable), "{len} bytes");
    }
}

#[test]
fn function_that_reads_as_all_ones() {
    let mut function = Function::new();
    function.space.fill(0xff);
    assert_eq!(
        function.find(),
        Err(Error::Structure(Structure::Notify, Defect::Missing))
    );
}

/// covers: PCI-07
#[test]
fn reserved_types_are_ignored() {
    for cfg_type in (0..=255).filter(|t| !(1..=5).contains(t)) {
        let strange = Cap {
            len: 0,
            ..Cap::new(cfg_type, u32::MAX, u32::MAX)
        };
        let mut function = Function::new().with(strange);
        for cap in good() {
            function = function.with(cap);
        }
        assert!(function.find().is_ok(), "cfg_type {cfg_type}");
    }
}

/// covers: PCI-08
#[test]
fn first_instance_is_used() {
    for (first, second) in [(0x0, 0x400), (0x400, 0x0)] {
        let layout = Function::new()
            .with(Cap::new(COMMON, first, 0x100))
            .with(Cap::new(COMMON, second, 0x100))
            .with(Cap::new(ISR, 0x1000, 1))
            .with(Cap::new(NOTIFY, 0x3000, 0x1000))
            .find()
            .unwrap();
        assert_eq!(layout.common.offset, first);
    }
}

/// covers: PCI-08
#[test]
fn instance_that_can_not_be_used_gives_way_to_a_later_one() {
    let bad = [
        Cap {
            bar: 0,
            ..Cap::new(NOTIFY, 0, 0x1000)
        },
        Cap {
            len: 19,
            ..Cap::new(NOTIFY, 0, 0x1000)
        },
        Cap::new(NOTIFY, 0x3001, 0x800),
        Cap::new(NOTIFY, 0x3000, 0x1001),
        Cap::new(NOTIFY, 0x3000, 1),
    ];
    for bad in bad {
        let layout = Function::new()
            .with(bad)
            .with(Cap {
                multiplier: 8,
                ..Cap::new(NOTIFY, 0x3800, 0x800)
            })
            .with(Cap::new(COMMON, 0, 0x1000))
            .with(Cap::new(ISR, 0x1000, 1))
            .find()
            .unwrap();
        assert_eq!(layout.notify, window(0x3800, 0x800));
        assert_eq!(
            layout.notify_off_multiplier, 8,
            "from the instance that is used"
        );
    }
}

/// covers: PCI-09
#[test]
fn longer_capabilities_are_accepted() {
    for extra in [1, 4, 100] {
        let function = Function::changed(|cap| Cap {
            len: cap.len + extra,
            ..cap
        });
        assert!(function.find().is_ok());
    }
}

#[test]
fn shorter_capabilities_are_refused() {
    for (cfg_type, structure) in [(COMMON, Structure::Common), (NOTIFY, Structure::Notify)] {
        let function = Function::changed_one(cfg_type, |cap| Cap {
            len: cap.len - 1,
            ..cap
        });
        assert_eq!(
            function.find(),
            Err(Error::Structure(structure, Defect::CapabilityTooShort))
        );
    }
}

/// covers: PCI-10
#[test]
fn reserved_bars_are_ignored() {
    for bar in 6..=255 {
        let mut function = Function::new().with(Cap {
            bar,
            ..Cap::new(COMMON, 0, 0x1000)
        });
        assert_eq!(
            function.find(),
            Err(Error::Structure(Structure::Notify, Defect::Missing))
        );
        for cap in good() {
            function = function.with(cap);
        }
        assert!(function.find().is_ok(), "bar {bar}");
    }
}

#[test]
fn structures_need_a_memory_bar() {
    let function = Function::changed_one(ISR, |cap| Cap { bar: 2, ..cap });
    assert_eq!(
        function.find(),
        Err(Error::Structure(Structure::Isr, Defect::NoMemoryBar))
    );
}

/// covers: PCI-12 PCI-13
#[test]
fn windows_have_to_fit() {
    let cases = [
        (COMMON, 0, 55, Err(Defect::TooShort)),
        (COMMON, 0, 56, Ok(())),
        (COMMON, 2, 56, Err(Defect::Misaligned)),
        (COMMON, 0, u32::MAX, Err(Defect::OutsideBar)),
        (COMMON, !3, u32::MAX, Err(Defect::OutsideBar)),
        (ISR, 0x1000, 0, Err(Defect::TooShort)),
        (ISR, 0x1001, 1, Ok(())),
        (ISR, 0x4000, 1, Err(Defect::OutsideBar)),
        (DEVICE, 0x2000, 0, Err(Defect::TooShort)),
        (DEVICE, 0x2002, 4, Err(Defect::Misaligned)),
        (DEVICE, 0x2000, 0x2001, Err(Defect::OutsideBar)),
        (NOTIFY, 0x3000, 0, Err(Defect::TooShort)),
        (NOTIFY, 0x3000, 1, Err(Defect::TooShort)),
        (NOTIFY, 0x3000, 2, Ok(())),
        (NOTIFY, 0x3001, 2, Err(Defect::Misaligned)),
        (NOTIFY, 0x3002, 0x1000, Err(Defect::OutsideBar)),
        (NOTIFY, 0x3000, u32::MAX, Err(Defect::OutsideBar)),
    ];
    for (cfg_type, offset, length, expected) in cases {
        let function = Function::changed_one(cfg_type, |cap| Cap {
            offset,
            length,
            ..cap
        });
        let result = match function.find() {
            Ok(_) => Ok(()),
            Err(Error::Structure(_, defect)) => Err(defect),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(
            result, expected,
            "type {cfg_type} at {offset:#x}+{length:#x}"
        );
    }
}

/// covers: PCI-12 INIT-16
#[test]
fn large_windows_are_accepted() {
    let mut function = Function::changed_one(NOTIFY, |cap| Cap {
        length: 1 << 28,
        ..cap
    });
    function.bars[4] = Some(1 << 29);
    assert_eq!(function.find().unwrap().notify.length, 1 << 28);
}

#[test]
fn overlapping_windows_are_refused() {
    for (a, name_a) in [
        (COMMON, "common configuration"),
        (DEVICE, "device configuration"),
    ] {
        for (b, name_b) in [(ISR, "ISR status"), (NOTIFY, "notification")] {
            let base = good().iter().find(|cap| cap.cfg_type == a).unwrap().offset;
            let function = Function::changed_one(b, |cap| Cap {
                offset: base + 0xffc,
                length: 4,
                ..cap
            });
            let text = function.find().unwrap_err().to_string();
            assert!(text.contains(name_a) && text.contains(name_b), "{text}");
            assert!(text.ends_with("overlap"), "{text}");
        }
    }
}

#[test]
fn same_offsets_in_different_bars_do_not_overlap() {
    let mut function = Function::changed_one(ISR, |cap| Cap {
        bar: 1,
        offset: 0,
        ..cap
    });
    function.bars[1] = Some(0x1000);
    assert!(function.find().is_ok());
}

#[test]
fn list_with_a_loop_ends() {
    let mut function = Function::changed(|cap| cap);
    function.space[function.link] = 0x40;
    assert!(function.find().is_ok());

    // A capability that points to itself, with the low bits that have to be ignored.
    let mut function = Function::new().with(Cap::new(COMMON, 0, 0x1000));
    function.space[0x41] = 0x43;
    assert_eq!(
        function.find(),
        Err(Error::Structure(Structure::Notify, Defect::Missing))
    );
}

#[test]
fn notify_offsets() {
    let layout = |offset, length, multiplier| {
        Function::changed_one(NOTIFY, |cap| Cap {
            offset,
            length,
            multiplier,
            ..cap
        })
        .find()
        .unwrap()
    };
    use NotifyWidth::{Bits16, Bits32};

    let pages = layout(0x3000, 0x1000, 4);
    assert_eq!(pages.notify_offset(0, Bits16), Ok(0x3000));
    assert_eq!(pages.notify_offset(3, Bits32), Ok(0x300c));
    assert_eq!(pages.notify_offset(0x3ff, Bits32), Ok(0x3ffc));
    assert_eq!(
        pages.notify_offset(0x400, Bits16),
        Err(NotifyError::OutsideWindow)
    );

    let one_for_all = layout(0x3000, 2, 0);
    assert_eq!(one_for_all.notify_offset(u16::MAX, Bits16), Ok(0x3000));
    assert_eq!(
        one_for_all.notify_offset(0, Bits32),
        Err(NotifyError::OutsideWindow)
    );

    let words = layout(0x3002, 0x10, 2);
    assert_eq!(words.notify_offset(0, Bits16), Ok(0x3002));
    assert_eq!(words.notify_offset(0, Bits32), Err(NotifyError::Misaligned));
    assert_eq!(words.notify_offset(1, Bits32), Ok(0x3004));

    let odd = layout(0x3000, 0x10, 1);
    assert_eq!(odd.notify_offset(1, Bits16), Err(NotifyError::Misaligned));

    let huge = layout(0x3000, 0x1000, u32::MAX);
    assert_eq!(
        huge.notify_offset(u16::MAX, Bits16),
        Err(NotifyError::OutsideWindow)
    );
}

fn any_cap() -> impl Strategy<Value = Cap> {
    let small = prop_oneof![0u32..0x5000, any::<u32>()];
    (
        prop_oneof![4 => Just(9u8), 1 => any::<u8>()],
        prop_oneof![Just(16u8), Just(20u8), any::<u8>()],
        prop_oneof![8 => 1u8..6, 1 => any::<u8>()],
        prop_oneof![8 => 0u8..6, 1 => any::<u8>()],
        small.clone(),
        small,
        any::<u32>(),
    )
        .prop_map(
            |(vndr, len, cfg_type, bar, offset, length, multiplier)| Cap {
                vndr,
                len,
                cfg_type,
                bar,
                offset,
                length,
                multiplier,
            },
        )
}

proptest! {
    /// Whatever the capabilities say, windows that are accepted can be used.
    ///
    /// covers: PCI-10 PCI-12
    #[test]
    fn accepted_windows_are_sound(
        strange in proptest::collection::vec((0usize..5, any_cap()), 0..4),
        bars in any::<[Option<u16>; 6]>(),
        scribble in proptest::collection::vec((0usize..256, any::<u8>()), 0..3),
        queue_notify_off in any::<u16>(),
    ) {
        let mut caps = good();
        for (at, cap) in strange {
            caps.insert(at, cap);
        }
        let mut function = caps.iter().fold(Function::new(), |f, cap| f.with(*cap));
        function.bars = bars.map(|len| len.map(u64::from));
        function.bars[4] = Some(0x4000);
        for (at, value) in scribble {
            function.space[at] = value;
        }
        if let Ok(layout) = function.find() {
            let windows = [Some(layout.common), Some(layout.notify), Some(layout.isr), layout.device];
            let windows: Vec<Window> = windows.into_iter().flatten().collect();
            for (i, w) in windows.iter().enumerate() {
                let range = |w: &Window| u64::from(w.offset)..u64::from(w.offset) + u64::from(w.length);
                prop_assert!(range(w).end <= function.bars[usize::from(w.bar)].unwrap());
                for other in &windows[..i] {
                    let (a, b) = (range(w), range(other));
                    prop_assert!(w.bar != other.bar || a.end <= b.start || b.end <= a.start);
                }
            }
            if let Ok(offset) = layout.notify_offset(queue_notify_off, NotifyWidth::Bits32) {
                prop_assert!(offset >= u64::from(layout.notify.offset));
                let end = u64::from(layout.notify.offset) + u64::from(layout.notify.length);
                prop_assert!(offset + 4 <= end && offset % 4 == 0);
            }
        }
    }
}
