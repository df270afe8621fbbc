//! Runs a case: gives each step to its actor, and compares what comes of it with what the file expects.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actor::{Order, Told};
use super::compare;
use super::differs::{self, Differs, Judgement};
use super::file::{Case, Expected, Expr, Step};
use super::raised::Raised;
use super::stage::{Stage, Stuck, Ticket};
use super::value::Value;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Every step was answered as the file expects.
    Pass,
    /// In a case of a crash a step was answered better than the file expects: which, and how by both.
    Better(String),
    /// A step was answered otherwise, for a reason that is documented.
    Differs(String),
    /// Which step, what was expected, and what was answered.
    Fail(String),
}

/// Runs a case in a process of its own.
pub fn run(case: &Case, differs: &Differs) -> Verdict {
    let mut stage = match Stage::new(&actors(case)) {
        Ok(stage) => stage,
        Err(error) => return Verdict::Fail(format!("it cannot be staged: {error}")),
    };
    let verdict = Director {
        stage: &mut stage,
        tickets: HashMap::new(),
        better: None,
    }
    .direct(case, differs);
    stage.end();
    verdict
}

/// All that the case names, P first.
fn actors(case: &Case) -> Vec<String> {
    let mut actors = vec!["P".to_owned()];
    let mut add = |actor: &str| {
        // A thread is one of a process, which must be there.
        for name in [actor.split('.').next().unwrap_or(actor), actor] {
            if !actors.iter().any(|known| known == name) {
                actors.push(name.to_owned());
            }
        }
    };
    for step in &case.steps {
        add(&step.actor);
        if let ("start_actor" | "kill_actor", [Expr::Str(actor), ..]) =
            (step.call.op.as_str(), step.call.args.as_slice())
        {
            add(actor);
        }
    }
    actors
}

struct Director<'a> {
    stage: &'a mut Stage,
    /// Of the calls that were not waited for.
    tickets: HashMap<String, Ticket>,
    /// The first step that was answered better: what follows may follow from that.
    better: Option<String>,
}

impl Director<'_> {
    fn direct(&mut self, case: &Case, differs: &Differs) -> Verdict {
        for step in &case.steps {
            let told = match self.perform(step) {
                Ok(None) => continue,
                Ok(Some(told)) => told,
                Err(Stuck(why)) => Err(Raised::new("no answer", why)),
            };
            if answers(&step.expected, &told) {
                continue;
            }
            match differs.judge(case, step, &told, self.better.is_some()) {
                Judgement::Better => {
                    let expected = Shown(&step.expected);
                    self.better.get_or_insert_with(|| {
                        format!("step {}: not {expected}, but {}", step.source, got(&told))
                    });
                }
                Judgement::Differs(reason) => return Verdict::Differs(reason.to_owned()),
                Judgement::Wrong => {
                    return Verdict::Fail(format!(
                        "step {}: expected {}, got {}",
                        step.source,
                        Shown(&step.expected),
                        got(&told)
                    ));
                }
            }
        }
        self.better.take().map_or(Verdict::Pass, Verdict::Better)
    }

    /// What a step answers; nothing yet, if it is not waited for.
    fn perform(&mut self, step: &Step) -> Result<Option<Told>, Stuck> {
        if let ("P", None) = (step.actor.as_str(), &step.call.on)
            && let Some(told) = self.directed(step)?
        {
            return Ok(Some(told));
        }
        let ticket = self
            .stage
            .give(&step.actor, &Order::Call(step.call.clone()))?;
        match &step.id {
            Some(id) => {
                self.tickets.insert(id.clone(), ticket);
                Ok(None)
            }
            None => self.stage.answer(ticket).map(Some),
        }
    }

    /// The steps that are the director's own.
    fn directed(&mut self, step: &Step) -> Result<Option<Told>, Stuck> {
        let value = match (step.call.op.as_str(), step.call.args.as_slice()) {
            ("start_actor", [Expr::Str(actor)]) => {
                self.stage.start(actor)?;
                Value::None
            }
            ("kill_actor", [Expr::Str(actor)]) => {
                self.stage.kill(actor)?;
                Value::None
            }
            ("sleep_ms", [Expr::Int(time)]) => {
                self.stage.settle(milliseconds(*time), |_| false)?;
                Value::None
            }
            ("blocked", [Expr::Str(id), Expr::Int(time)]) => {
                let ticket = self.ticket(id)?;
                self.stage
                    .settle(milliseconds(*time), |stage| stage.has_returned(ticket))?;
                if !self.stage.has_returned(ticket) {
                    Value::Bool(true)
                } else {
                    // It has returned, and how is for a later step to ask; but it must not be for a mistake.
                    let told = self.stage.answer(ticket)?;
                    if !differs::is_honest(&told) {
                        return Ok(Some(told));
                    }
                    Value::Bool(false)
                }
            }
            ("await", [Expr::Str(id)]) => {
                let ticket = self.ticket(id)?;
                return self.stage.answer(ticket).map(Some);
            }
            ("await_set", [Expr::List(ids)]) => {
                let mut values = Vec::new();
                for ticket in self.all(ids)? {
                    match self.stage.answer(ticket)? {
                        Ok(value) => values.push(value),
                        Err(raised) => return Ok(Some(Err(raised))),
                    }
                }
                values.sort_by(|one, other| {
                    compare::order(one, other).unwrap_or(std::cmp::Ordering::Equal)
                });
                Value::List(values)
            }
            ("count_returned", [Expr::List(ids), Expr::Int(time)]) => {
                let tickets = self.all(ids)?;
                self.stage.settle(milliseconds(*time), |_| false)?;
                let returned = tickets
                    .into_iter()
                    .filter(|&ticket| self.stage.has_returned(ticket));
                Value::int(returned.count())
            }
            _ => return Ok(None),
        };
        Ok(Some(Ok(value)))
    }

    fn ticket(&self, id: &str) -> Result<Ticket, Stuck> {
        let ticket = self.tickets.get(id).copied();
        ticket.ok_or_else(|| Stuck(format!("no call has the id {id}")))
    }

    fn all(&self, ids: &[Expr]) -> Result<Vec<Ticket>, Stuck> {
        let tickets = ids.iter().map(|id| match id {
            Expr::Str(id) => self.ticket(id),
            other => Err(Stuck(format!("{other:?} is no id"))),
        });
        tickets.collect()
    }
}

fn milliseconds(time: i64) -> Duration {
    Duration::from_millis(time.unsigned_abs())
}

fn answers(expected: &Expected, told: &Told) -> bool {
    match (expected, told) {
        (Expected::Any, Ok(_)) => true,
        (Expected::Value(expected), Ok(value)) => compare::fits(expected, value),
        (Expected::Error(expected), Err(raised)) => *expected == raised.name,
        _ => false,
    }
}

fn got(told: &Told) -> String {
    match told {
        Ok(value) => value.repr(),
        Err(raised) => raised.to_string(),
    }
}

struct Shown<'a>(&'a Expected);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expected::Any => f.write_str("a value"),
            Expected::Value(value) => f.write_str(&differs::print(value)),
            Expected::Error(name) => f.write_str(name),
        }
    }
}
