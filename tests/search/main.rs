//! Which schedules are run: proved on a simulated machine.

mod machine;
mod reduction;
