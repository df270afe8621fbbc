//! Checking by running: loom's model of memory, and real processes in a chosen order.

mod apart;
mod calls;
pub(crate) mod cases;
pub mod dice;
mod engine;
mod exploration;
mod linearizable;
pub mod loom;
pub mod model;
mod outcomes;
mod region;
mod replay;
mod report;
mod run;
mod schedule;
pub mod search;
mod stage;
mod trace;
mod translation;
mod turn;

pub use apart::ExploreError;
pub use calls::Calls;
pub(crate) use exploration::{Again, Named};
pub use exploration::{Exploration, exhaustive, pct, portfolio, random};
pub use linearizable::{
    Checked, Failure, Linearizability, Portable, Subject, check_linearizable, lanes_of,
    lanes_of_sizes,
};
pub use model::{Model, ModelReport};
pub use outcomes::{Outcome, Outcomes};
pub use replay::{NotAReplay, Replay};
pub use report::Report;
pub use run::{Ended, Run};
pub use schedule::{Choice, MAX_LANES, NotASchedule, Plan, Schedule};
pub use stage::{Lane, Part, Shared, Stage};
pub use trace::{Event, Trace};
pub use translation::{LoomFailure, LoomReport};
pub use turn::{run, run_all};
