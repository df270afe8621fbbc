//! Programs under control: their bugs are found, in few runs, by a short timeline; their correct twins are not accused;
//! and what is reported can be had again.

#![cfg(feature = "harness")]

mod bugs;
mod library;
mod linearizable;
mod misused;
mod outcomes;
mod processes;
mod replays;
mod spinning;
mod subjects;
mod textbook;
mod waits;
mod words;
