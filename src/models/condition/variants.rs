//! The broken variants of the condition, and the models that must catch them.

use super::betrayals::*;
use super::models;
use crate::models::betrayals::*;
use crate::models::broken::Broken;
use crate::models::variant::{Variant, variants};

/// Every broken variant of the condition.
pub static VARIANTS: &[Variant] = variants![
    in models::all::<Broken>;
    "no wake after the ring", RingsWithoutWake: "a notifier does not wake" => "one waits";
    "unannounced ring", RingsUnannounced: "the kernel does not know whose bell is being rung" => "notifier killed";
    "expected read again", ReadsAllAgain: "a waiter reads what it expects just before it sleeps" => "one waits";
    "lives not watched", SleepsOnItsBell: "a waiter does not sleep on the lives of the others" => "waiter killed", "owner killed";
    "unmarked lives", SitsUnmarked: "a death does not wake those who watch" => "waiter killed";
    "dead overlooked", OverlooksTheDead: "whoever wakes does not look who died" => "waiter killed";
    "given up silently", GivesUpSilently: "giving the lock up for good wakes no one" => "given up";
];
