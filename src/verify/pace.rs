//! How long a lane tarries, and how long its killer does: a little, and each time another little, so that a death can
//! fall anywhere.

use crate::explore::dice::Dice;

/// Most turns of a killer's spin: longer than what it interrupts takes.
const BEFORE_A_KILL: u64 = 4_000;

/// Does nothing for so many turns.
pub fn spin(turns: u64) {
    for _ in 0..turns {
        std::hint::spin_loop();
    }
}

/// A spin of fewer turns than `most`, to be done anywhere; once in sixteen times it gives up the core: whoever is away
/// for a while is killed there more often.
pub fn dawdle(dice: &mut Dice, most: u64) -> impl Fn() + use<> {
    let (turns, rest) = (dice.below(most), dice.below(16));
    move || match rest {
        0 => std::thread::yield_now(),
        _ => spin(turns),
    }
}

/// Between what a killer has waited for and the kill.
pub fn before_a_kill(dice: &mut Dice) {
    spin(dice.below(BEFORE_A_KILL));
}
