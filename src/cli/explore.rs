//! `forkproof explore` and `forkproof merge`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use forkproof::explore::{MAX_LANES, exhaustive, pct, portfolio, random};
use forkproof::verify::scenes::{Explored, Scene};
use forkproof::verify::{self, Shard};

use crate::{Refusal, print};

/// Try the schedules of a scene until one fails.
#[derive(Args)]
pub struct Options {
    /// As in the list
    name: Option<String>,
    /// How schedules are chosen
    #[arg(long, value_enum, default_value = "exhaustive", requires = "name")]
    policy: Policy,
    /// Kill at most so many lanes in a run, each at every step
    #[arg(long, value_name = "N", requires = "name")]
    kills: Option<usize>,
    /// In place of the scene's own number
    #[arg(long, value_name = "N", requires = "name")]
    lanes: Option<usize>,
    /// What random, pct and portfolio draw from
    #[arg(long, value_name = "S", default_value_t = 0, requires = "name")]
    seed: u64,
    /// Let at most so many waits of each lane return for no reason
    #[arg(long, value_name = "N", requires = "name")]
    early_returns: Option<usize>,
    /// Give up after so many runs
    #[arg(long, value_name = "N", default_value_t = 100_000, requires = "name")]
    runs: usize,
    /// Run the I-th of N parts of the schedules
    #[arg(long, value_name = "I/N", requires = "name")]
    shard: Option<Shard>,
    /// Print what came of it as JSON
    #[arg(long, requires = "name")]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    /// Every schedule, one of each kind that differs only in the order of steps that commute
    Exhaustive,
    /// Any lane at each step
    Random,
    /// By priorities that change at two moments
    Pct,
    /// A bit of each, then every schedule as far as the runs go
    Portfolio,
}

/// Merge the reports of all shards.
#[derive(Args)]
pub struct Merge {
    /// What each shard printed with --json
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Whether no schedule fails.
pub fn explore(options: &Options) -> Result<bool, Refusal> {
    let Some(name) = &options.name else {
        return list();
    };
    let scene = Scene::find(name)
        .ok_or_else(|| format!("there is no scene {name:?}: `forkproof explore` lists them"))?;
    let lanes = options.lanes.unwrap_or(scene.quick.lanes);
    if !(2..=MAX_LANES).contains(&lanes) {
        return Err(format!("{lanes} lanes: two to {MAX_LANES}").into());
    }
    let shard = options.shard.unwrap_or(Shard::WHOLE);
    let exploration = match options.policy {
        Policy::Exhaustive => exhaustive(),
        Policy::Random => random(options.seed),
        Policy::Pct => pct(options.seed, 3),
        Policy::Portfolio => portfolio(options.seed),
    };
    let exploration = exploration
        .kills(options.kills.unwrap_or(0))
        .early_returns(options.early_returns.unwrap_or(0))
        .most_runs(options.runs)
        .shard(shard);
    let report = scene.explore(exploration, lanes)?;
    if options.json {
        let explored = Explored::new(scene, lanes, shard, &report);
        print(serde_json::to_string_pretty(&explored)?)?;
    } else {
        print(&report)?;
    }
    Ok(!report.fails())
}

fn list() -> Result<bool, Refusal> {
    for scene in Scene::all() {
        let (name, primitive, claims) = (scene.name, scene.primitive, scene.claims);
        print(format_args!("{name:18} {primitive:17} {claims}"))?;
    }
    Ok(true)
}

/// Whether the whole holds.
pub fn merge(options: &Merge) -> Result<bool, Refusal> {
    let read = |file: &PathBuf| -> Result<serde_json::Value, Refusal> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
        Ok(serde_json::from_str(&text).map_err(|error| named(&error))?)
    };
    let reports = options.files.iter().map(read).collect::<Result<_, _>>()?;
    let whole = verify::merge(reports)?;
    print(serde_json::to_string_pretty(&whole)?)?;
    Ok(whole["holds"] == true)
}
