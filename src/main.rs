//! The command line. Its words and exit codes are a promise: scripts rely on them.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use forkproof::conform::{self, Differs, Verdict};
use forkproof::recorded::{self, Object};
use forkproof::sys::life;
use forkproof::tutorial::{self, EXAMPLES};
use forkproof::verify::{self, Budget, Check, Screen, Shard, Size};
use forkproof::zoo;

mod cli {
    pub mod explore;
}

use cli::explore;

/// Bad usage, and what cannot be read or written: in every command. (`EX_USAGE` of sysexits.h.)
const USAGE: u8 = 64;

/// Primitives for sharing data between processes, and the harness that proves them.
///
/// Without a command: verify.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 it is not, 64 wrong usage, or something cannot be read or written."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    verify: Verify,
}

#[derive(Subcommand)]
enum Command {
    /// Run the checks, and print the table of what holds
    Verify(Verify),
    /// List the tutorials' examples, or run one, and print exactly what its program prints
    Tutorial(Tutorial),
    /// List the scenes, or try every schedule of one, and print what came of it
    Explore(explore::Options),
    /// Merge the JSON of all shards of `verify` or `explore` into one, and print it
    Merge(explore::Merge),
    /// Run a schedule again, and print what happens
    Replay {
        /// As a failure printed it
        string: String,
    },
    /// Print which known bugs are caught, by what and in how many runs; exit 1 if one escapes, or a correct twin is accused
    Zoo(Zoo),
    /// Judge a recorded history: print ok, illegal or unknown, and why; exit 0, 1 or 2
    Check(CheckFile),
    /// Run a file of cases of Python's multiprocessing, and print which answers are the same
    Conform(Conform),
}

/// Judge a recorded history: whether some order of its calls explains what they returned.
#[derive(Args)]
#[command(after_help = FORMS)]
struct CheckFile {
    /// The history, a line for each call and for each return; - for standard input
    file: PathBuf,
    /// What the calls are of: register, kv, bank, queue or list
    #[arg(long, value_name = "OBJECT")]
    spec: Object,
    /// The state before the first call, in EDN: a value, {"x" "text"}, {0 100, 1 100}, [1 2 3]
    #[arg(long, value_name = "EDN", allow_hyphen_values = true)]
    start: Option<String>,
    /// Give up after so many calls tried
    #[arg(long, value_name = "N", default_value_t = 4_000_000)]
    budget: usize,
    /// Print the verdict and the witness, by line numbers, as JSON
    #[arg(long)]
    json: bool,
}

const FORMS: &str = "\
Forms, told by the first line:
  INFO  jepsen.util - 0  :invoke  :write  3               (Jepsen's log)
  {:process 0, :type :invoke, :f :write, :value 3}        (EDN)
  {\"process\": 0, \"type\": \"invoke\", \"f\": \"write\", \"value\": 3}
A call ends as :ok, :fail (did not happen) or :info (did, did not, or will); what does not end is as :info.
Also :key K, or :value [K V] in registers and stores: many objects, each judged for itself.
Also :order N: the order in which the calls took effect, if it was seen; then that order is judged.

Functions: register: read, write, cas [expected new] . kv: get, put, append . queue: enqueue, dequeue, len
  list: append, pop, get INDEX, len, read . bank: deposit and withdraw [account amount], balance ACCOUNT,
  transfer {:from A :to B :amount N}, read; one that takes more than is there returns :insufficient

Exit codes: 0 ok, 1 illegal, 2 unknown, 64 wrong usage, a malformed file, or one that cannot be read.";

#[derive(Args)]
struct Zoo {
    /// Try the bugs whose names have this in them
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Conform {
    /// A list of cases, in TOML
    file: PathBuf,
    /// Run the cases whose names have this in them
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

#[derive(Args)]
struct Tutorial {
    /// As in the list, for example 004.8c
    id: Option<String>,
    /// Run it as its author did, where that differs
    #[arg(long, requires = "id")]
    recorded: bool,
    /// Print everything that it can print, in any schedule, each with a string that replays it
    #[arg(long, requires = "id", conflicts_with_all = ["recorded", "real_time"])]
    outcomes: bool,
    /// Explain it: its lines, the schedule that spoils it, the mended lines, and the proof
    #[arg(long, requires = "id", conflicts_with_all = ["recorded", "real_time", "outcomes"])]
    explain: bool,
    /// Of outcomes and explanations: run so many schedules at most
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    runs: usize,
    /// Have it so large: so many rounds, processes or numbers as it has several of
    #[arg(long, value_name = "N", requires = "id", value_parser = clap::value_parser!(u64).range(1..))]
    size: Option<u64>,
    /// Let a second be a second, and not a twentieth of one
    #[arg(long)]
    real_time: bool,
    /// Run all, one after another
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

#[derive(Args)]
struct Verify {
    /// Run everything: minutes in place of seconds
    #[arg(long)]
    full: bool,
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
    /// Run the I-th of N parts of the checks
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Run the checks of a primitive, of a technique, or of both: "RLock random kills"
    #[arg(long, value_name = "WORDS")]
    only: Option<String>,
    /// Kill so many processes in each check of random kills
    #[arg(long, value_name = "N")]
    kills: Option<u64>,
    /// Generate from this seed, in place of a random one
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

/// Why a command did not do its work.
type Refusal = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let well = |done: Result<bool, Refusal>| done.map(|well| u8::from(!well));
    let code = match cli.command.unwrap_or(Command::Verify(cli.verify)) {
        Command::Verify(options) => well(verify(&options)),
        Command::Tutorial(options) => well(tutorial(&options)),
        Command::Explore(options) => well(explore::explore(&options)),
        Command::Merge(options) => well(explore::merge(&options)),
        Command::Replay { string } => well(replay(&string)),
        Command::Zoo(options) => well(zoo(&options)),
        Command::Check(options) => check(&options),
        Command::Conform(options) => well(conform(&options)),
    };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(refusal) => refuse(&*refusal),
    }
}

/// What clap has to say: help is an answer, all else is a complaint.
fn usage(error: &clap::Error) -> ExitCode {
    match error.print() {
        Err(refusal) if refusal.kind() != io::ErrorKind::BrokenPipe => refuse(&refusal),
        _ if error.use_stderr() => ExitCode::from(USAGE),
        _ => ExitCode::SUCCESS,
    }
}

fn refuse(refusal: &dyn std::error::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "forkproof: {refusal}"); // nowhere else to complain
    ExitCode::from(USAGE)
}

/// Writes a line to stdout, if anyone still reads: who closed the pipe, as `head` does, has had enough.
fn print(line: impl Display) -> io::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

fn verify(options: &Verify) -> Result<bool, Refusal> {
    let size = if options.full {
        Size::Full
    } else {
        Size::Default
    };
    let mut budget = Budget::new(size);
    budget.seed = options.seed.unwrap_or(budget.seed);
    budget.kills = options.kills;
    let shard = options.shard.unwrap_or(Shard::WHOLE);
    let title = |check: &Check| format!("{} {}", check.primitive, check.technique);
    let mut checks = shard.of(verify::CHECKS);
    if let Some(only) = &options.only {
        let words = |text: &str| format!(" {} ", text.to_lowercase());
        checks.retain(|check| words(&title(check)).contains(&words(only)));
    }
    if checks.is_empty() {
        return Err("no check is meant: see `forkproof verify --help`".into());
    }
    let screen = Screen::stderr();
    let mut table = verify::run(&checks, budget, |check| screen.progress(title(check)));
    table.shard = shard;
    if options.json {
        print(serde_json::to_string_pretty(&table.json())?)?;
    } else {
        print(&table)?;
    }
    Ok(table.holds())
}

fn tutorial(options: &Tutorial) -> Result<bool, Refusal> {
    life::end_at_broken_pipe()?; // the examples print as any program does
    if options.real_time {
        // SAFETY: no other thread runs yet: main() is all that has run.
        unsafe { tutorial::run_in_real_time() };
    }
    let Some(id) = &options.id else {
        return if options.all {
            all_tutorials()
        } else {
            list_tutorials()
        };
    };
    let example = tutorial::find(id)?;
    let size = options.size.map(|size| size as usize);
    if options.outcomes {
        print(tutorial::outcomes::outcomes(example, options.runs, size)?)?;
        return Ok(true);
    }
    if options.explain {
        print(tutorial::explain::explain(example, size, options.runs)?)?;
        return Ok(true);
    }
    if let Some(size) = size {
        if tutorial::size::of(example).is_none() {
            return Err(format!("example {id} has one size, the tutorial's").into());
        }
        // SAFETY: no other thread runs yet: main() is all that has run.
        unsafe { tutorial::size::set_size(size) };
    }
    let run = match (options.recorded, example.run_recorded) {
        (false, _) => example.run,
        (true, Some(run_recorded)) => run_recorded,
        (true, None) => {
            return Err(format!("example {id} was recorded as it is: no --recorded").into());
        }
    };
    run()?;
    Ok(true)
}

fn list_tutorials() -> Result<bool, Refusal> {
    for example in EXAMPLES {
        print(format_args!("{:7} {}", example.id, example.title()))?;
    }
    Ok(true)
}

fn all_tutorials() -> Result<bool, Refusal> {
    for example in EXAMPLES {
        print(format_args!("--- {} {}", example.id, example.title()))?;
        (example.run)()?;
    }
    Ok(true)
}

fn replay(string: &str) -> Result<bool, Refusal> {
    let run = verify::replay(string)?;
    let scenario = string.trim().split(':').nth(1).unwrap_or_default(); // it was read as a replay
    print(run.told_of(scenario).trim_end())?;
    Ok(run.is_well())
}

fn zoo(options: &Zoo) -> Result<bool, Refusal> {
    let mut entries = zoo::entries();
    if let Some(only) = &options.only {
        entries.retain(|entry| entry.name.contains(only.as_str()));
    }
    if entries.is_empty() {
        return Err("no bug is meant: see `forkproof zoo`".into());
    }
    let entries = entries.into_iter().map(zoo::Entry::run).collect();
    let table = zoo::Table { entries };
    if options.json {
        print(serde_json::to_string_pretty(&table)?)?;
    } else {
        print(&table)?;
    }
    Ok(table.holds())
}

fn check(options: &CheckFile) -> Result<u8, Refusal> {
    let file = options.file.display();
    let mut bytes = Vec::new();
    let read = match options.file.to_str() {
        Some("-") => io::stdin().read_to_end(&mut bytes),
        _ => std::fs::File::open(&options.file).and_then(|mut it| it.read_to_end(&mut bytes)),
    };
    read.map_err(|error| format!("{file}: {error}"))?;
    let text = recorded::decode(bytes).map_err(|error| format!("{file}: {error}"))?;
    let report = recorded::judge(
        &text,
        options.spec,
        options.start.as_deref(),
        options.budget,
    )
    .map_err(|error| format!("{file}: {error}"))?;
    if options.json {
        print(serde_json::to_string_pretty(report.json())?)?;
    } else {
        print(&report)?;
    }
    Ok(report.outcome.exit_code())
}

fn conform(options: &Conform) -> Result<bool, Refusal> {
    let file = options.file.display();
    let text =
        std::fs::read_to_string(&options.file).map_err(|error| format!("{file}: {error}"))?;
    let mut cases = conform::parse(&text).map_err(|error| format!("{file}: {error}"))?;
    if let Some(only) = &options.only {
        cases.retain(|case| case.name.contains(only));
    }
    if cases.is_empty() {
        return Err(format!("{file}: no case is meant").into());
    }
    let summary = conform::run(&cases, &Differs::shipped()?, |case, verdict| {
        let name = &case.name;
        match verdict {
            Verdict::Pass => print(format_args!("pass {name}")),
            Verdict::Better(how) => print(format_args!("pass {name}: better: {how}")),
            Verdict::Differs(reason) => print(format_args!("differs {name}: {reason}")),
            Verdict::Fail(why) => print(format_args!("fail {name}: {why}")),
        }
    })?;
    let crashes = cases.iter().filter(|case| case.crash).count();
    if crashes > 0 {
        let better = summary.better;
        print(format_args!(
            "{crashes} of a crash: {better} answered better than CPython does"
        ))?;
    }
    let (passed, differed, failed) = (summary.passed, summary.differed, summary.failed);
    print(format_args!(
        "{} cases: {passed} pass, {differed} differ, {failed} fail",
        cases.len()
    ))?;
    Ok(failed == 0)
}
