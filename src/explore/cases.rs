//! Cases that proptest draws, the same ones each time.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs so many cases, until one fails; then at most `most_shrinking` more, to shrink that one. Nothing is written to
/// files.
pub(crate) fn runner(cases: u32, most_shrinking: u32, rng: TestRng) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: most_shrinking,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, rng)
}

/// What it draws from: a number gives the same cases again.
pub(crate) fn seeded(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}
