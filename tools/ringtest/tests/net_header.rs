// SPDX-License-Identifier: GPL-2.0

//! What the fuzzer runs on headers of received frames, for some random bytes.

use proptest::prelude::*;
use ringtest::net_header;

#[test]
fn short_input_is_no_frame() {
    for len in 0..64 {
        net_header::run(&vec![0xff; len]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        net_header::run(&bytes);
    }
}
