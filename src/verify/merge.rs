//! Reports of shards, as JSON, made one: of checks, and of explored scenes.

use serde_json::{Map, Value};

use super::scenes::{Explored, MergeError};
use super::{Shard, table};

/// Reports that do not make one.
#[derive(Debug, thiserror::Error)]
pub enum NotShards {
    #[error("there is nothing to merge")]
    Nothing,
    #[error("report {0} is none of `verify --json` or `explore --json`: {1}")]
    NoReport(usize, String),
    #[error("reports of checks and of scenes do not make one")]
    OfTwoKinds,
    #[error("these are shards {0}, and not each of 1/N to N/N once")]
    NotAll(String),
    #[error(transparent)]
    Different(#[from] MergeError),
}

/// One report of the reports of all shards, given in any order: what one run of the whole would have told, but for
/// seconds and generated cases. Of a table the seed is null if the shards had different ones.
///
/// # Errors
/// [`NotShards`]: a part is missing, or there twice, or belongs to another whole.
pub fn merge(reports: Vec<Value>) -> Result<Value, NotShards> {
    let mut parts = Vec::new();
    for (number, report) in reports.into_iter().enumerate() {
        let no = |why: &str| NotShards::NoReport(number + 1, why.to_owned());
        let shard = report["shard"]
            .as_str()
            .ok_or_else(|| no("it has no shard"))?;
        let shard: Shard = shard.parse().map_err(|why: String| no(&why))?;
        parts.push((shard, number, report));
    }
    parts.sort_by_key(|(shard, ..)| (shard.count, shard.index));
    let each_once = |(at, (shard, ..)): (usize, &(Shard, usize, Value))| {
        (shard.index, shard.count) == (at + 1, parts.len())
    };
    if !parts.iter().enumerate().all(each_once) {
        let shards: Vec<_> = parts.iter().map(|(shard, ..)| shard.to_string()).collect();
        return Err(NotShards::NotAll(shards.join(", ")));
    }
    let of_checks = parts
        .iter()
        .filter(|(.., report)| report["rows"].is_array());
    match of_checks.count() {
        _ if parts.is_empty() => Err(NotShards::Nothing),
        0 => scenes(parts),
        count if count == parts.len() => Ok(tables(
            parts.into_iter().map(|(.., report)| report).collect(),
        )),
        _ => Err(NotShards::OfTwoKinds),
    }
}

fn scenes(parts: Vec<(Shard, usize, Value)>) -> Result<Value, NotShards> {
    let mut whole: Option<Explored> = None;
    for (_, number, report) in parts {
        let part: Explored = serde_json::from_value(report)
            .map_err(|error| NotShards::NoReport(number + 1, error.to_string()))?;
        match &mut whole {
            Some(whole) => whole.merge(part)?,
            None => whole = Some(part),
        }
    }
    let mut whole = whole.ok_or(NotShards::Nothing)?;
    whole.shard = Shard::WHOLE.to_string();
    Ok(serde_json::to_value(whole).expect("it was JSON"))
}

/// The shards' rows in turn, as they were dealt out.
fn tables(reports: Vec<Value>) -> Value {
    let empty = Vec::new();
    let rows_of = |report: &Value| report["rows"].as_array().unwrap_or(&empty).clone();
    let rows: Vec<_> = reports.iter().map(rows_of).collect();
    let longest = rows.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|at| rows.iter().filter_map(move |rows| rows.get(at)));
    let mut rests_on = Map::new();
    for report in &reports {
        rests_on.extend(report["rests_on"].as_object().cloned().unwrap_or_default());
    }
    let seed = &reports[0]["seed"];
    let is_same = reports.iter().all(|report| report["seed"] == *seed);
    let holds = reports.iter().all(|report| report["holds"] == true);
    table::report(
        holds,
        if is_same { seed.clone() } else { Value::Null },
        Shard::WHOLE,
        in_turn.cloned().collect(),
        rests_on,
    )
}
