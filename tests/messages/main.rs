//! Messages that lie, between processes of one computer: what a buggy program could write to a pipe's socket or to a
//! queue's memory. Whoever receives it is told, the next message comes, and no one else is disturbed.

mod pipes;
mod queues;

#[path = "../apart/mod.rs"]
mod apart;
