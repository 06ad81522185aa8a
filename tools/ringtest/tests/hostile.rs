// SPDX-License-Identifier: GPL-2.0

//! Devices that write anything, from random bytes and from those that the fuzzer has found worth
//! keeping.

use proptest::prelude::*;
use ringtest::hostile;
use std::{fs, path::Path};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// covers: RING-S-16 RING-S-17 RING-N-D5
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        hostile::run(&bytes);
    }
}

/// covers: RING-S-16 RING-S-17 RING-N-D5
#[test]
fn corpus() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/hostile_device");
    let mut count = 0;
    for entry in fs::read_dir(directory).unwrap() {
        hostile::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "the corpus is empty");
}
