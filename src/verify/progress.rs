//! How far a check has got, on stderr: bars on a terminal, a line for each check elsewhere.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where the progress of several checks at once is shown.
pub struct Screen {
    bars: MultiProgress,
    lines: bool,
}

/// One check's progress.
pub struct Progress {
    title: String,
    bar: ProgressBar,
    lines: bool,
}

impl Screen {
    pub fn stderr() -> Screen {
        Screen {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            lines: !stderr().is_terminal(),
        }
    }

    /// Of one check more.
    pub fn progress(&self, title: impl Display) -> Progress {
        let title = title.to_string();
        if self.lines {
            say(format_args!("{title} ..."));
        }
        let bar = self.bars.add(ProgressBar::no_length());
        let style = ProgressStyle::with_template("{msg:36} {wide_bar} {pos}/{len} {elapsed}");
        bar.set_style(style.expect("a template of known keys"));
        bar.set_message(title.clone());
        let lines = self.lines;
        Progress { title, bar, lines }
    }
}

impl Progress {
    /// Nowhere.
    pub fn silent() -> Progress {
        Progress {
            title: String::new(),
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
            say(format_args!("{}: {verdict}", self.title));
        }
    }
}

fn say(line: impl Display) {
    let _ = writeln!(stderr(), "{line}"); // progress is for whoever looks: no one must
}
