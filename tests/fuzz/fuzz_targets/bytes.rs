#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| forkproof_fuzz::bytes::drive(input));
