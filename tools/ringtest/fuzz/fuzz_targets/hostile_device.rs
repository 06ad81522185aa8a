// SPDX-License-Identifier: GPL-2.0

//! Fuzzes the rings with a device that writes anything.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringtest::hostile::run(bytes));
