//! `forkproof check`: the forms, the verdicts, the witness, and what is malformed.

#![cfg(feature = "harness")]

mod program;

use std::fs::File;

use forkproof::recorded::{Object, judge};
use program::{forkproof, said};

const OK: i32 = 0;
const ILLEGAL: i32 = 1;
const UNKNOWN: i32 = 2;
const USAGE: i32 = 64;

/// What `forkproof check` says with these arguments.
fn checked(arguments: &[&str]) -> (i32, String, String) {
    said(&[&["check"], arguments].concat())
}

/// Each object, form and verdict.
#[test]
fn the_verdict_comes_first_and_is_the_exit_code() {
    for (file, spec, more, code) in [
        ("register_stale.log", "register", &[][..], ILLEGAL),
        ("register_pending.log", "register", &[], OK),
        ("register_keys.edn", "register", &[], ILLEGAL),
        (
            "register_unknown.json",
            "register",
            &["--budget", "100"],
            UNKNOWN,
        ),
        ("register_unknown.json", "register", &[], ILLEGAL),
        ("kv_lost_append.json", "kv", &[], ILLEGAL),
        (
            "kv_pairs.edn",
            "kv",
            &["--start", "{\"k\" \"started\"}"],
            OK,
        ),
        ("kv_pairs.edn", "kv", &[], ILLEGAL),
        (
            "bank_lost_transfer.edn",
            "bank",
            &["--start", "{\"a\" 100}"],
            ILLEGAL,
        ),
        (
            "bank_lost_transfer.edn",
            "bank",
            &["--start", "{\"a\" 130}"],
            OK,
        ),
        ("bank_refused.edn", "bank", &["--start", "{\"a\" 100}"], OK),
        (
            "bank_refused.edn",
            "bank",
            &["--start", "{\"a\" 110}"],
            ILLEGAL,
        ),
        ("bank_numbers.json", "bank", &["--start", "{0 5, 1 5}"], OK),
        ("bank_numbers.json", "bank", &[], ILLEGAL),
        ("queue_twice.edn", "queue", &[], ILLEGAL),
        ("queue_twice.edn", "queue", &["--start", "[:job]"], OK),
        ("queue_ordered.json", "queue", &[], OK),
        ("list_popped.edn", "list", &[], OK),
        ("list_lost.edn", "list", &[], ILLEGAL),
    ] {
        let path = format!("fixtures/histories/{file}");
        let arguments = [&[&*path, "--spec", spec], more].concat();
        let (exit, out, err) = checked(&arguments);
        let word = ["ok", "illegal", "unknown"][code as usize];
        assert_eq!(
            (exit, out.lines().next()),
            (code, Some(word)),
            "{arguments:?}: {out}{err}"
        );
        assert_eq!(err, "", "{arguments:?}");
        assert!(out.lines().count() > 1, "{arguments:?}: a witness: {out}");
    }
}

#[test]
fn the_witness_is_drawn() {
    let (_, out, _) = checked(&[
        "fixtures/histories/register_stale.log",
        "--spec",
        "register",
    ]);
    assert_eq!(
        out,
        "\
illegal
no order of the calls explains what was seen

              line  2    3     4    6     7    8     11    12
    2 process 0    |----------|                              write 1 -> done
    1 process 1         |----------|                         read -> nil
    3 process 0                          |----|              cas 1 to 2 -> done
    X process 2                                     |-----|  read -> 1
                   returned 1
                   was due  2

1..3: the longest legal order; it leads to 2
X: came next in time, and did not return what was due; all other calls are later
"
    );
}

#[test]
fn standard_input_is_read() {
    let history = File::open("fixtures/histories/queue_twice.edn").expect("a fixture");
    let output = forkproof(&["check", "-", "--spec", "queue"])
        .stdin(history)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(ILLEGAL));
    assert!(output.stdout.starts_with(b"illegal\n"), "{output:?}");
}

#[test]
fn what_is_not_utf8_is_told_with_its_place() {
    let error = forkproof::recorded::decode(b"{:a 1}\n {:a \xff}".to_vec()).expect_err("not UTF-8");
    assert_eq!((error.line, error.column), (2, 6), "{error}");
}

#[test]
fn json_names_lines() {
    let json = |arguments: &[&str]| {
        let (_, out, _) = checked(arguments);
        serde_json::from_str::<serde_json::Value>(&out).expect("JSON")
    };
    assert_eq!(
        json(&[
            "fixtures/histories/kv_lost_append.json",
            "--spec",
            "kv",
            "--json"
        ]),
        serde_json::json!({
            "verdict": "illegal", "key": "\"k\"", "order": [1, 2], "next": [{"line": 7, "due": "\"onetwo\""}],
        })
    );
    assert_eq!(
        json(&[
            "fixtures/histories/queue_ordered.json",
            "--spec",
            "queue",
            "--json"
        ]),
        serde_json::json!({ "verdict": "ok", "order": [2, 1, 5, 7] })
    );
}

#[test]
fn wrong_usage_is_64() {
    for (arguments, complaint) in [
        (&["--spec", "register"][..], "<FILE>"),
        (&["no/such/file", "--spec", "register"], "no/such/file"),
        (&["fixtures/histories/list_lost.edn"], "--spec"),
        (
            &["fixtures/histories/list_lost.edn", "--spec", "lst"],
            "expected register, kv, bank, queue or list",
        ),
        (
            &[
                "fixtures/histories/list_lost.edn",
                "--spec",
                "list",
                "--start",
                "{}",
            ],
            "expected a vector",
        ),
        (
            &[
                "fixtures/histories/list_lost.edn",
                "--spec",
                "list",
                "--start",
                "[1",
            ],
            "column 3: expected ']'",
        ),
        (
            &[
                "fixtures/histories/list_lost.edn",
                "--spec",
                "list",
                "--budget",
                "-1",
            ],
            "-1",
        ),
        (
            &["fixtures/histories/list_lost.edn", "--spec", "register"],
            "line 1, column 32: expected read, write or cas",
        ),
        (&["-", "--spec", "list"], "expected an operation"),
    ] {
        let (code, out, err) = checked(arguments);
        assert_eq!((code, &*out), (USAGE, ""), "{arguments:?}: {err}");
        assert!(err.contains(complaint), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
    }
}

/// What is wrong with a history, and where.
fn malformed(object: Object, text: &str, expected: &str) {
    match judge(text, object, None, 1_000) {
        Err(error) => assert!(error.to_string().contains(expected), "{text}\n{error}"),
        Ok(report) => panic!("{text}\n{report}"),
    }
}

#[test]
fn a_malformed_line_is_told_with_its_place() {
    let register = |text: &str, expected: &str| malformed(Object::Register, text, expected);
    register("", "line 1, column 1: expected an operation");
    register("\n\n", "expected an operation: there is none");
    register("; nothing\n", "expected an operation: there is none");
    register("hello", "line 1, column 1: expected an operation: a map");
    register(
        "{:process 0, :type :invoke, :f :read",
        "line 1, column 37: expected '}'",
    );
    register(
        "{:process 0, :type :invoke, :f :read} x",
        "line 1, column 39: expected the end of the line",
    );
    register(
        "{:process 0, :type :invoke, :f :read}\nINFO",
        "line 2, column 1: expected a map",
    );
    register("{:process 0, :type :invoke}", "expected a field \"f\"");
    register(
        "{:process 0, :type :begin, :f :read}",
        "line 1, column 20: expected :invoke, :ok",
    );
    register(
        "{:process :client, :type :invoke, :f :read}",
        "line 1, column 11: expected a number as the process",
    );
    register(
        "{\"process\": 0, \"type\": \"invoke\", \"f\": 5}",
        "column 39: expected the name of a function",
    );
    register(
        "{\"process\": 0, \"type\": \"invoke\" \"f\": 5}",
        "column 33: expected a comma",
    );
    register(
        "INFO  jepsen.util - 0\t:invoke\t:read",
        "column 36: expected a value",
    );
    register(
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\tnil\tnil",
        "column 45: expected the end",
    );
    register(
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nnonsense",
        "line 2, column 1: expected a line of Jepsen's log",
    );
    register(
        "{:process 0, :type :invoke, :f :read, :order -1}",
        "column 46: expected a number from 0",
    );
}

#[test]
fn a_history_that_cannot_be_is_told() {
    let line = |process: u32, kind: &str, f: &str, value: &str| {
        format!("{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}\n")
    };
    let lines = |lines: &[(&str, &str, &str)]| {
        lines
            .iter()
            .map(|(kind, f, value)| line(0, kind, f, value))
            .collect::<String>()
    };
    for (object, history, expected) in [
        (
            Object::Register,
            &[("ok", "read", "nil")][..],
            "line 1, column 28: expected a call",
        ),
        (
            Object::Register,
            &[("invoke", "read", "nil"), ("invoke", "read", "nil")],
            "line 2, column 32: process 0 has a call open, of line 1",
        ),
        (
            Object::Register,
            &[("invoke", "read", "nil"), ("ok", "write", "1")],
            "line 2, column 28: expected the return of \"read\"",
        ),
        (
            Object::Register,
            &[("invoke", "read", "1")],
            "line 1, column 46: expected nil",
        ),
        (
            Object::Register,
            &[("invoke", "cas", "1")],
            "column 45: expected [expected new], and found 1",
        ),
        (
            Object::Register,
            &[("invoke", "write", "1"), ("ok", "write", "2")],
            "line 2, column 43: expected the value of the call, 1",
        ),
        (
            Object::Register,
            &[
                ("invoke", "write", "[:x 1]"),
                ("info", "write", "nil"),
                ("invoke", "read", "[:x nil]"),
                ("ok", "read", "1"),
            ],
            "line 4, column 42: expected [key value]",
        ),
        (
            Object::Register,
            &[("invoke", "read", "[:x nil]"), ("ok", "read", "[:y 1]")],
            "expected the key of the call, :x",
        ),
        (
            Object::Kv,
            &[("invoke", "get", "nil")],
            "expected a :key, or [key value]",
        ),
        (
            Object::Kv,
            &[("invoke", "put", "[:x 1]")],
            "expected a string, and found 1",
        ),
        (
            Object::Kv,
            &[("invoke", "cas", "[:x \"\"]")],
            "expected get, put or append",
        ),
        (
            Object::Bank,
            &[("invoke", "transfer", "[1 2]")],
            "expected {:from",
        ),
        (
            Object::Bank,
            &[("invoke", "deposit", "[1 -2]")],
            "the amount a number from 0",
        ),
        (
            Object::Bank,
            &[("invoke", "read", "nil"), ("ok", "read", "5")],
            "expected a map of accounts",
        ),
        (
            Object::Bank,
            &[("invoke", "balance", "1"), ("ok", "balance", "[2 5]")],
            "expected a balance",
        ),
        (
            Object::Queue,
            &[("invoke", "put", "nil")],
            "expected an item",
        ),
        (Object::Queue, &[("invoke", "get", "1")], "expected nil"),
        (
            Object::Queue,
            &[("invoke", "len", "nil"), ("ok", "len", "-1")],
            "expected a number of items",
        ),
        (
            Object::List,
            &[("invoke", "get", "-1")],
            "expected an index",
        ),
        (
            Object::List,
            &[("invoke", "read", "nil"), ("ok", "read", "1")],
            "expected a vector",
        ),
        (
            Object::List,
            &[("invoke", "insert", "1")],
            "expected append, pop",
        ),
    ] {
        malformed(object, &lines(history), expected);
    }
    let other_key = "{:process 0 :type :invoke :f :get :key 1}\n{:process 0 :type :ok :f :get :key 2 :value \"\"}";
    malformed(
        Object::Kv,
        other_key,
        "line 2, column 36: expected the key of the call, 1",
    );
}

#[test]
fn an_order_that_cannot_be_is_told() {
    let one = |process: u32, order: &str| {
        let line = |kind| format!("{{:process {process} :type :{kind} :f :read {order}}}\n");
        line("invoke") + &line("ok")
    };
    let refused = |text: String, expected| malformed(Object::Register, &text, expected);
    refused(
        one(0, ":order 1") + &one(1, ":order 0"),
        "expected the order to be that of the calls",
    );
    refused(
        one(0, ":order 1") + &one(1, ":order 1"),
        "line 3, column 30: expected an order of its own",
    );
    refused(
        one(0, ":order 1") + &one(1, ""),
        "line 3, column 30: expected an :order, as other calls have",
    );
}
