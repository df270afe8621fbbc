//! The models of the robust lock.

mod models;
mod report;
mod visits;

pub use models::all;
pub use report::{Budget, Model, ModelReport, Verdict};
