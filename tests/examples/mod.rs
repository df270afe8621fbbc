//! One test for each example of the tutorials, under the same name wherever they are tested.

/// The tests, each of which gives its example's id to a function.
macro_rules! test_each_example {
    ($check:ident) => {
        test_each_example! {
            $check:
            example_000_a "000.a"
            example_000_b "000.b"
            example_000_c "000.c"
            example_000_d "000.d"
            example_000_e "000.e"
            example_001_d "001.d"
            example_001_e1 "001.e1"
            example_001_e2 "001.e2"
            example_001_e3 "001.e3"
            example_001_e4 "001.e4"
            example_001_e5 "001.e5"
            example_001_n "001.n"
            example_001_s "001.s"
            example_001_v "001.v"
            example_002_1 "002.1"
            example_002_2 "002.2"
            example_002_3 "002.3"
            example_002_4 "002.4"
            example_002_5 "002.5"
            example_003_1 "003.1"
            example_003_1b "003.1b"
            example_003_1c "003.1c"
            example_003_2 "003.2"
            example_003_3 "003.3"
            example_003_4 "003.4"
            example_003_5 "003.5"
            example_003_5b "003.5b"
            example_003_5c "003.5c"
            example_003_6 "003.6"
            example_003_7 "003.7"
            example_004_1 "004.1"
            example_004_2 "004.2"
            example_004_3 "004.3"
            example_004_4 "004.4"
            example_004_5 "004.5"
            example_004_6 "004.6"
            example_004_7 "004.7"
            example_004_8 "004.8"
            example_004_8b "004.8b"
            example_004_8c "004.8c"
            example_004_9 "004.9"
        }
    };
    ($check:ident: $($test:ident $id:literal)+) => {
        $(
            #[test]
            fn $test() {
                $check($id);
            }
        )+

        #[test]
        fn every_example_is_tested() {
            let all: Vec<&str> = forkproof::tutorial::EXAMPLES
                .iter()
                .map(|example| example.id)
                .collect();
            assert_eq!([$($id),+][..], all);
        }
    };
}
