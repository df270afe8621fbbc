//! The broken variants of the barrier, and the models that must catch them.

use super::betrayals::*;
use super::models;
use crate::models::betrayals::*;
use crate::models::broken::Broken;
use crate::models::variant::{Variant, variants};

/// Every broken variant of the barrier.
pub static VARIANTS: &[Variant] = variants![
    in models::all::<Broken>;
    "passes silently", PassesSilently: "the last to come wakes no one, and stays to be seen" => "action";
    "in two steps", PassesInTwoSteps: "the phase changes, and then all are woken: a death comes between" => "killed while aborting";
    "expected read again", ReadsAllAgain: "a sleeper reads what it expects just before it sleeps" => "two parties";
    "seats not watched", SleepsOnThePhase: "a party does not sleep on the others' seats" => "one of two killed";
    "unmarked seats", SitsUnmarked: "a death does not wake those who watch" => "one of two killed";
    "dead overlooked", OverlooksTheDead: "whoever wakes does not look who died" => "one of two killed";
    "passed relaxed", LoadsRelaxed: "who passes does not see what others did before they came" => "two parties";
    "leaves silently", LeavesSilently: "who leaves does not wake the first in line" => "in line";
];
