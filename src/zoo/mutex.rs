//! The models of the robust lock.

mod betrayals;
mod broken;
mod models;
mod variants;
mod visits;

pub use models::all;
pub use variants::{Catch, VARIANTS, Variant, VariantReport};
