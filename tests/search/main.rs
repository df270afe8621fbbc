//! Which schedules are run: proved on a simulated machine.

mod bugs;
mod figures;
mod instruction;
mod machine;
mod mind;
mod reduction;
