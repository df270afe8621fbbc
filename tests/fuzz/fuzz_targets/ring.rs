#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| forkproof_fuzz::ring::drive(input));
