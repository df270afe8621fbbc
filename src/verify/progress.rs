//! How far a check has got, on stderr: bars on a terminal, a line for each check elsewhere.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// One check's progress.
pub struct Progress {
    bar: ProgressBar,
    lines: bool,
}

impl Progress {
    /// On stderr, under a title.
    pub fn on_stderr(title: impl Display) -> Progress {
        let lines = !stderr().is_terminal();
        if lines {
            say(&title);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg:36} {wide_bar} {pos}/{len} {elapsed}");
        bar.set_style(style.expect("a template of known keys"));
        bar.set_message(title.to_string());
        Progress { bar, lines }
    }

    /// Nowhere.
    pub fn silent() -> Progress {
        Progress {
            bar: ProgressBar::hidden(),
            lines: false,
        }
    }

    /// How much there is to do.
    pub fn expect(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// More has been done.
    pub fn advance(&self, by: u64) {
        self.bar.inc(by);
    }

    /// This much has been done.
    pub fn reached(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Says how it went.
    pub fn finish(self, verdict: impl Display) {
        self.bar.finish_and_clear();
        if self.lines {
            say(format_args!("  {verdict}"));
        }
    }
}

fn say(line: impl Display) {
    let _ = writeln!(stderr(), "{line}"); // progress is for whoever looks: no one must
}
