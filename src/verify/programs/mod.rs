//! Small programs that are right whoever is killed: run in every schedule as [scenes](super::scenes), and with a kill at
//! [every step](super::every_step) of a few.

pub mod pairs;
pub mod signals;
