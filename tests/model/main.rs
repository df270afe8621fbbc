//! One program, written against `World`, in real processes and in loom from one call: correct ones are not accused by
//! either, broken ones are found, and the report says where.

#![cfg(feature = "harness")]

mod broken;
mod correct;
mod counting;
