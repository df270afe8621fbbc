//! The models of the robust lock.

mod betrayals;
mod broken;
mod models;
mod report;
mod variants;
mod visits;

pub use models::all;
pub use report::{Budget, Model, ModelReport, Verdict};
pub use variants::{Catch, VARIANTS, Variant, VariantReport};
