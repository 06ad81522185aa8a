// SPDX-License-Identifier: GPL-2.0

//! Fuzzes the check of headers of received frames.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringtest::net_header::run(bytes));
