//! Processes, as their user meets them. Nothing here sleeps: tests and children tell each other over
//! [`wire`]s where they are, and the end of a wire is the end of whoever held it.

mod carried;
mod death;
mod life;
mod methods;
mod orders;
mod parallel;
mod wire;
