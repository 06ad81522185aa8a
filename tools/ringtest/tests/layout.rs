// SPDX-License-Identifier: GPL-2.0

//! Layouts and names of the specification, and what a ring accepts to be set up with.

use ringtest::{
    blk,
    model::{barriers::Hooked, packed as packed_model, split as split_model},
    ring::{packed, split, AddError, Config, Desc, Segment, SetupError, Shadow, UsedElem},
    spec::{
        pci::{self, common},
        ring::{packed as packed_layout, split as split_layout},
    },
};
use std::mem::{align_of, size_of};

fn split_ring(size: u16, shadow: usize) -> Result<(), SetupError> {
    let area = split_model::area::<Hooked>(size);
    let shadow = vec![Shadow::default(); shadow];
    split::Ring::new(area, shadow, Config::default()).map(drop)
}

fn packed_ring(size: u16, shadow: usize) -> Result<(), SetupError> {
    let area = packed_model::area::<Hooked>(size);
    let shadow = vec![Shadow::default(); shadow];
    packed::Ring::new(area, shadow, Config::default()).map(drop)
}

#[test]
fn split_queue_sizes_are_powers_of_two() {
    for size in [1, 2, 4, 256, 32768] {
        assert_eq!(split_ring(size, size.into()), Ok(()));
    }
    for size in [0, 3, 5, 255, 32767, 32769, 65535] {
        assert_eq!(
            split_ring(size, size.into()),
            Err(SetupError::QueueSize(size))
        );
    }
    assert_eq!(split_ring(8, 7), Err(SetupError::ShadowTooSmall));
    assert_eq!(split_ring(8, 9), Ok(()));
}

#[test]
fn packed_queue_sizes_are_up_to_32768() {
    for size in [1, 2, 3, 255, 256, 32767, 32768] {
        assert_eq!(packed_ring(size, size.into()), Ok(()));
    }
    for size in [0, 32769, 65535] {
        assert_eq!(
            packed_ring(size, size.into()),
            Err(SetupError::QueueSize(size))
        );
    }
    assert_eq!(packed_ring(8, 7), Err(SetupError::ShadowTooSmall));
}

/// covers: RING-S-01
#[test]
fn split_areas() {
    assert_eq!((size_of::<Desc>(), split_layout::DESC_ALIGN), (16, 16));
    assert_eq!((size_of::<UsedElem>(), align_of::<UsedElem>()), (8, 4));
    assert_eq!(
        (split_layout::AVAIL_ALIGN, split_layout::USED_ALIGN),
        (2, 4)
    );
    for size in [1, 256, 32768] {
        let n = usize::from(size);
        assert_eq!(split_layout::desc_size(size), 16 * n);
        assert_eq!(split_layout::avail_size(size), 6 + 2 * n);
        assert_eq!(split_layout::used_size(size), 6 + 8 * n);
        assert_eq!(split_layout::used_event(size), 4 + 2 * n);
        assert_eq!(split_layout::avail_event(size), 4 + 8 * n);
    }
}

/// covers: RING-P-01
#[test]
fn packed_areas() {
    assert_eq!(
        (packed_layout::DESC_ALIGN, packed_layout::EVENT_ALIGN),
        (16, 4)
    );
    assert_eq!(packed_layout::desc_size(32768), 16 * 32768);
}

/// A table may have as many elements as the queue has descriptors, however much room there is.
///
/// covers: RING-S-08 RING-P-06 RING-P-07
#[test]
fn tables_are_no_longer_than_the_queue() {
    let cells: Vec<Desc> = (0..10).map(|_| Desc::default()).collect();
    let list = |n| vec![Segment { addr: 1, len: 1 }; n];
    for fits in [4, 1] {
        let table = split::fill_table(&cells, 4, list(fits), []).unwrap();
        assert_eq!(usize::from(table.count), fits);
        let table = packed::fill_table(&cells, 4, list(fits), []).unwrap();
        assert_eq!(usize::from(table.count), fits);
    }
    let error = Err(AddError::TooManyElements);
    assert_eq!(split::fill_table(&cells, 4, list(5), []), error);
    assert_eq!(packed::fill_table(&cells, 4, list(5), []), error);
}

/// The ring refuses tables that cannot be, whoever has filled them.
///
/// covers: RING-S-06 RING-S-08 RING-P-12
#[test]
fn impossible_tables_are_refused() {
    let indirect = Config {
        indirect: true,
        ..Config::default()
    };
    for (config, len, possible) in [
        (indirect, 16, true),
        (indirect, 64, true),
        (indirect, 0, false),
        (indirect, 15, false),
        (indirect, 17, false),
        (indirect, 80, false),
        (indirect, u32::MAX, false),
        (Config::default(), 16, false),
    ] {
        let shadow = || vec![Shadow::default(); 4];
        let table = Segment { addr: 16, len };
        let area = split_model::area::<Hooked>(4);
        let mut split = split::Ring::new(area, shadow(), config).unwrap();
        let area = packed_model::area::<Hooked>(4);
        let mut packed = packed::Ring::new(area, shadow(), config).unwrap();
        for result in [split.add_indirect(table, 0), packed.add_indirect(table, 0)] {
            match possible {
                true => assert!(result.is_ok(), "{len} bytes"),
                false => assert_eq!(result, Err(AddError::BadTable), "{len} bytes"),
            }
        }
    }
}

#[test]
fn block_request_header() {
    let header = blk::Header::new(blk::request::OUT, 0x0a09, 0x0102_0304_0506_0708);
    assert_eq!(
        header.as_bytes(),
        &[1, 0, 0, 0, 9, 10, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]
    );
}

/// covers: PCI-01 PCI-02
#[test]
fn pci_device_ids() {
    assert_eq!(pci::device_id(0x1042, 0), Some(2));
    assert_eq!(pci::device_id(0x107f, 0), Some(0x3f));
    assert_eq!(pci::device_id(0x1001, 2), Some(2));
    assert_eq!(pci::device_id(0x0fff, 2), None);
    assert_eq!(pci::device_id(0x1080, 2), None);
}

#[test]
fn common_configuration_without_optional_fields() {
    assert_eq!(common::QUEUE_DEVICE + 8, common::SIZE_MIN);
}
