//! The string that replays a failure: `fp2:SCENARIO:ARGUMENTS:SCHEDULE:FINGERPRINT`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::run::Run;
use super::schedule::Schedule;

/// Which scenario, with which arguments, in which order; and a fingerprint of what came of it, by which a
/// program that has changed since is told from one that has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    pub scenario: String,
    /// In the scenario's own words.
    pub arguments: String,
    pub schedule: Schedule,
    pub fingerprint: u32,
}

/// A string that replays nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a replay string: {0}")]
pub struct NotAReplay(String);

const VERSION: &str = "fp2";

impl Replay {
    pub fn new(scenario: &str, arguments: &str, run: &Run) -> Replay {
        Replay {
            scenario: scenario.to_owned(),
            arguments: arguments.to_owned(),
            schedule: run.schedule.clone(),
            fingerprint: fingerprint(run),
        }
    }

    /// Whether the run is the one that this string was made of.
    pub fn is_of(&self, run: &Run) -> bool {
        self.schedule == run.schedule && self.fingerprint == fingerprint(run)
    }
}

/// FNV-1a over everything that the lanes did, but for the text of a panic: it names a line of the source,
/// which may move.
fn fingerprint(run: &Run) -> u32 {
    let did = run
        .trace
        .events
        .iter()
        .filter(|event| !event.text.starts_with("panics"));
    let text = did.flat_map(|event| [event.lane as u8].into_iter().chain(event.text.bytes()));
    text.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// A program's arguments in a replay string, where they have no words of their own.
pub(super) fn words(arguments: &impl Serialize) -> String {
    let bytes = postcard::to_allocvec(arguments).expect("arguments travel as postcard");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The arguments that were told by [`words`]; None if these are not those of the type.
pub(super) fn from_words<A: DeserializeOwned>(words: &str) -> Option<A> {
    let pairs = words.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    postcard::from_bytes(&bytes.collect::<Option<Vec<_>>>()?).ok()
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replay {
            scenario,
            arguments,
            schedule,
            fingerprint,
        } = self;
        write!(
            f,
            "{VERSION}:{scenario}:{arguments}:{schedule}:{fingerprint:08x}"
        )
    }
}

impl FromStr for Replay {
    type Err = NotAReplay;

    fn from_str(text: &str) -> Result<Replay, NotAReplay> {
        let parts: Vec<_> = text.trim().split(':').collect();
        let [version, scenario, arguments, schedule, fingerprint] = parts[..] else {
            return Err(NotAReplay(format!(
                "it has {} parts between colons, not 5",
                parts.len()
            )));
        };
        if version != VERSION {
            return Err(NotAReplay(format!(
                "its version is {version:?}, and this program reads {VERSION}"
            )));
        }
        let fingerprint = u32::from_str_radix(fingerprint, 16)
            .map_err(|_| NotAReplay(format!("{fingerprint:?} is no fingerprint")))?;
        Ok(Replay {
            scenario: scenario.to_owned(),
            arguments: arguments.to_owned(),
            schedule: schedule
                .parse()
                .map_err(|error| NotAReplay(format!("{error}")))?,
            fingerprint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_survives_its_string() {
        let text = "fp2:bank-unlocked:200/d0.1/d0.1:a3b4a2:0123abcd";
        assert_eq!(text.parse::<Replay>().unwrap().to_string(), text);
    }

    #[test]
    fn other_strings_are_refused() {
        for text in [
            "",
            "fp2:a:b:c",
            "fp3:a:b:a3:0",
            "fp2:a:b:zz:0",
            "fp2:a:b:a3:xyz",
            "fp2:a:b:a3:0:0",
        ] {
            assert!(text.parse::<Replay>().is_err(), "{text}");
        }
    }
}
