//! Which processes there are, as /proc/PID/stat tells.

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    pub pid: u32,
    /// At most 15 bytes of it.
    pub name: String,
    state: char,
    pub parent: u32,
    pub group: u32,
}

impl Stat {
    /// Has ended, and no one has waited for it.
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    fn read(pid: u32) -> Option<Stat> {
        Stat::parse(
            pid,
            &std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?,
        )
    }

    /// `pid (name) state parent group ...`; the name may hold anything.
    fn parse(pid: u32, text: &str) -> Option<Stat> {
        let (head, fields) = text.rsplit_once(')')?;
        let (_, name) = head.split_once('(')?;
        let mut fields = fields.split_whitespace();
        Some(Stat {
            pid,
            name: name.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        })
    }
}

/// All that can be seen from here.
pub fn processes() -> impl Iterator<Item = Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Stat::read)
}

/// Those of one process; zombies among them.
pub fn children(parent: u32) -> impl Iterator<Item = Stat> {
    processes().filter(move |stat| stat.parent == parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_look_like_the_rest() {
        let stat = Stat::parse(7, "7 (a) R 1 (b) Z 3 4 5 6").unwrap();
        assert_eq!((stat.parent, stat.group), (3, 4));
        assert_eq!(stat.name, "a) R 1 (b");
        assert!(stat.is_zombie());
        assert_eq!(Stat::parse(7, "7 (cut"), None);
    }

    #[test]
    fn this_process_is_among_its_parents_children() {
        let own = Stat::read(std::process::id()).unwrap();
        assert!(!own.is_zombie());
        assert!(children(own.parent).any(|stat| stat.pid == own.pid));
    }
}
