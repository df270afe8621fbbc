//! The server's loop: between the connections and the objects.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::core::{Caller, Core, Session, Verdict};
use super::link::{Ended, Entrance, Link, Newcomer, SessionKey};
use super::request::{Reply, Request};
use crate::manager::cargo::{self, Message, Reader};
use crate::process::PoolWatch;
use crate::sys::futex::monotonic_ns;
use crate::sys::poll::{self, For, Watch};
use crate::sys::{Os, step};
use crate::world::{Deadline, World};

/// So many batches of requests may come, one right after the other, before all files are looked at again.
const PASSED_OVER_MAX: u32 = 16;

/// A server with its connections. One thread, which sleeps in poll(2) only.
pub struct Server {
    manager: u64,
    core: Core,
    entrances: Vec<Box<dyn Entrance>>,
    links: BTreeMap<Caller, Connected>,
    lives: BTreeMap<(u32, u64), Life>,
    /// Objects on a journey, each as long as its file is open elsewhere.
    loans: Vec<(u64, Arc<OwnedFd>)>,
    /// All that can come to an end. `None`: not all of it can be watched, and each is asked.
    ends_watched: Option<Watch>,
    next_number: u64,
    /// Batches since all files were looked at.
    passed_over: u32,
    is_ending: bool,
}

struct Connected {
    link: Box<dyn Link>,
    /// What has come in and is still to be done.
    inbox: Vec<Message>,
    ended: Option<Ended>,
    session: Session,
    /// Its session ends with it.
    is_alone: bool,
}

/// A client's process.
struct Life {
    session: Session,
    pidfd: OwnedFd,
}

/// What a file tells of.
#[derive(Clone, Copy)]
enum Source {
    Parent,
    Entrance(usize),
    Link(Caller),
    Life((u32, u64)),
    Loan(u64),
    /// Something that an object watches.
    Watched,
}

impl Server {
    pub fn new(manager: u64, entrances: Vec<Box<dyn Entrance>>) -> Server {
        Server {
            manager,
            core: Core::new(manager),
            entrances,
            links: BTreeMap::new(),
            lives: BTreeMap::new(),
            loans: Vec::new(),
            ends_watched: Watch::new().ok(),
            next_number: 1,
            passed_over: 0,
            is_ending: false,
        }
    }

    /// Serves until a client says that it is to end, or the parent has ended.
    ///
    /// Whoever has seen a process end, and asks then, finds its end dealt with: so deaths are looked for after requests
    /// are taken in, and before they are done.
    ///
    /// # Errors
    /// poll(2) refuses.
    pub fn run(mut self, parent: BorrowedFd<'_>) -> io::Result<()> {
        while !self.is_ending {
            let mut callers = Vec::new();
            for source in self.wait(parent)? {
                match source {
                    Source::Parent => return Ok(()),
                    Source::Entrance(place) => self.admit(place),
                    Source::Link(caller) => {
                        self.take_in(caller);
                        callers.push(caller);
                    }
                    Source::Life(_) | Source::Loan(_) | Source::Watched => {}
                }
            }
            for death in self.deaths()? {
                match death {
                    Source::Life(name) => self.life_ended(name),
                    Source::Loan(loan) => self.loan_ended(loan),
                    _ => {}
                }
            }
            for caller in callers {
                self.serve(caller);
            }
            self.core.pass(monotonic_ns());
            self.core.stir();
            self.send_answers();
        }
        Ok(())
    }

    /// Waits until something happens: what has.
    fn wait(&mut self, parent: BorrowedFd<'_>) -> io::Result<Vec<Source>> {
        // Whoever has an answer may ask again at once.
        let looks = !step::is_observed() && !self.links.is_empty();
        let has_come = |connected: &Connected| connected.link.has_come();
        let found = looks && Os::look_for_partner(|| self.links.values().any(has_come));
        if found && self.passed_over < PASSED_OVER_MAX {
            self.passed_over += 1;
            let links = self.links.iter();
            let come = links.filter(|(_, connected)| has_come(connected));
            return Ok(come.map(|(caller, _)| Source::Link(*caller)).collect());
        }
        self.passed_over = 0;
        self.links.values().for_each(|link| link.link.listen());
        let woken = self.sleep(parent);
        self.links
            .values()
            .for_each(|link| link.link.stop_listening());
        woken
    }

    /// Sleeps until something happens, with the clients told to ring: what has.
    fn sleep(&self, parent: BorrowedFd<'_>) -> io::Result<Vec<Source>> {
        let mut sources = vec![Source::Parent];
        let mut files = vec![(parent, For::Input)];
        let mut add = |source: Source, more: Vec<_>| {
            sources.extend(more.iter().map(|_| source));
            files.extend(more);
        };
        for (place, entrance) in self.entrances.iter().enumerate() {
            add(Source::Entrance(place), entrance.files());
        }
        for (caller, connected) in &self.links {
            add(Source::Link(*caller), connected.link.files());
        }
        for (source, file) in self.ends() {
            add(source, vec![file]);
        }
        let watches = self.core.watches();
        for watch in &watches {
            add(
                Source::Watched,
                watch.files().map(|file| (file, For::Input)).collect(),
            );
        }
        let is_due = watches.iter().any(PoolWatch::is_ready);
        let until = match is_due {
            true => Some(Deadline { monotonic_ns: 0 }),
            false => self.until(),
        };
        let ready = poll::ready_in_step(&files, until)?;
        let now_ns = monotonic_ns();
        let due = |until: Option<Deadline>| until.is_some_and(|until| until.monotonic_ns <= now_ns);
        let mut woken: Vec<Source> = Vec::new();
        for (source, ready) in sources.into_iter().zip(ready) {
            let is_due = match source {
                Source::Entrance(place) => due(self.entrances[place].until()),
                Source::Link(caller) => due(self.links[&caller].link.until()),
                _ => false,
            };
            if ready || is_due {
                woken.push(source);
            }
        }
        Ok(woken)
    }

    /// The processes, and the journeys, that have come to their end: hardly ever any, which one call tells.
    fn deaths(&self) -> io::Result<Vec<Source>> {
        if !step::is_observed()
            && let Some(watch) = &self.ends_watched
            && !watch.is_any_ready()?
        {
            return Ok(Vec::new());
        }
        let (sources, files): (Vec<_>, Vec<_>) = self.ends().unzip();
        let ready = poll::ready_in_step(&files, Some(Deadline { monotonic_ns: 0 }))?;
        let ended = sources.into_iter().zip(ready);
        Ok(ended
            .filter_map(|(source, ready)| ready.then_some(source))
            .collect())
    }

    /// What can come to an end, and the file that tells.
    fn ends(&self) -> impl Iterator<Item = (Source, (BorrowedFd<'_>, For))> {
        let lives = self.lives.iter();
        let lives = lives.map(|(name, life)| (Source::Life(*name), life.pidfd.as_fd()));
        let loans = self.loans.iter();
        let loans = loans.map(|(loan, leash)| (Source::Loan(*loan), leash.as_fd()));
        lives
            .chain(loans)
            .map(|(source, file)| (source, (file, For::Input)))
    }

    fn until(&self) -> Option<Deadline> {
        let core = self.core.next_deadline_ns();
        let core = core.map(|monotonic_ns| Deadline { monotonic_ns });
        let entrances = self
            .entrances
            .iter()
            .filter_map(|entrance| entrance.until());
        let links = self.links.values();
        let links = links.filter_map(|connected| connected.link.until());
        let all = entrances.chain(links).chain(core);
        all.min_by_key(|until| until.monotonic_ns)
    }

    fn admit(&mut self, place: usize) {
        for newcomer in self.entrances[place].admit() {
            let Newcomer { link, session: key } = newcomer;
            let number = self.next_number;
            self.next_number += 1;
            let (session, is_alone) = match key {
                None => (Session(number), true),
                Some(key) => (self.session_of(key, Session(number)), false),
            };
            let caller = Caller(number);
            self.core.arrives(caller, session);
            let connected = Connected {
                link,
                inbox: Vec::new(),
                ended: None,
                session,
                is_alone,
            };
            self.links.insert(caller, connected);
        }
    }

    /// That of a client's process; a new one begins with its first client.
    fn session_of(&mut self, key: SessionKey, new: Session) -> Session {
        if let Some(life) = self.lives.get(&key.name) {
            return life.session;
        }
        self.watch(key.life.as_fd());
        let life = Life {
            session: new,
            pidfd: key.life,
        };
        self.lives.insert(key.name, life);
        new
    }

    fn watch(&mut self, end: BorrowedFd<'_>) {
        let watch = self.ends_watched.take();
        self.ends_watched = watch.filter(|watch| watch.add(end).is_ok());
    }

    fn unwatch(&mut self, end: BorrowedFd<'_>) {
        let watch = self.ends_watched.take();
        self.ends_watched = watch.filter(|watch| watch.remove(end).is_ok());
    }

    /// Takes what a client sent.
    fn take_in(&mut self, caller: Caller) {
        if let Some(connected) = self.links.get_mut(&caller) {
            let (messages, ended) = connected.link.pump();
            connected.inbox.extend(messages);
            connected.ended = ended.or(connected.ended.take());
        }
    }

    /// Does what a client asked.
    fn serve(&mut self, caller: Caller) {
        let Some(connected) = self.links.get_mut(&caller) else {
            return; // its process ended before its turn came
        };
        let (messages, ended) = (std::mem::take(&mut connected.inbox), connected.ended.take());
        for message in messages {
            match self.request(caller, &message) {
                Verdict::Fine => {}
                Verdict::Shutdown if self.may_end(caller) => self.is_ending = true,
                Verdict::Shutdown => return self.hang_up(caller),
                Verdict::Lent(loan) => match message.files.into_iter().next() {
                    Some(leash) => {
                        self.watch(leash.as_fd());
                        self.loans.push((loan, leash));
                    }
                    None => self.core.end_loan(loan),
                },
                Verdict::Misbehaves(_) => return self.hang_up(caller),
            }
        }
        self.send_answers();
        match ended {
            None => {}
            Some(Ended::TooLarge { most_bytes }) => {
                let most_bytes = most_bytes as u64;
                self.send(caller, &Reply::TooLarge { most_bytes });
            }
            Some(_) => self.hang_up(caller),
        }
    }

    fn may_end(&self, caller: Caller) -> bool {
        let connected = self.links.get(&caller);
        connected.is_some_and(|connected| connected.link.may_end())
    }

    fn request(&mut self, caller: Caller, message: &Message) -> Verdict {
        match cargo::unpack::<Request>(message, Reader::Server(self.manager)) {
            Ok(request) => self.core.request(caller, request, monotonic_ns()),
            Err(_) => Verdict::Misbehaves("a message that is no request"),
        }
    }

    fn send_answers(&mut self) {
        loop {
            let answers = self.core.take_answers();
            if answers.is_empty() {
                return;
            }
            for (caller, reply) in answers {
                self.send(caller, &reply);
            }
        }
    }

    fn send(&mut self, caller: Caller, reply: &Reply) {
        let Some(connected) = self.links.get_mut(&caller) else {
            return;
        };
        let sent = cargo::pack(reply, self.manager)
            .map_err(Ended::Io)
            .and_then(|message| connected.link.reply(message));
        if sent.is_err() {
            self.hang_up(caller);
        }
    }

    fn hang_up(&mut self, caller: Caller) {
        let Some(mut connected) = self.links.remove(&caller) else {
            return;
        };
        connected.link.cut();
        self.core.left(caller, connected.link.unread());
        if connected.is_alone {
            self.core.session_left(connected.session);
        }
    }

    fn life_ended(&mut self, name: (u32, u64)) {
        let Some(life) = self.lives.remove(&name) else {
            return;
        };
        let links = self.links.iter();
        let its = links.filter(|(_, connected)| connected.session == life.session);
        let its: Vec<Caller> = its.map(|(caller, _)| *caller).collect();
        for caller in its {
            // What it sent before its death is still done.
            self.take_in(caller);
            self.serve(caller);
            self.hang_up(caller);
        }
        self.core.session_left(life.session);
        self.unwatch(life.pidfd.as_fd());
    }

    fn loan_ended(&mut self, loan: u64) {
        for (_, leash) in self
            .loans
            .extract_if(.., |(other, _)| *other == loan)
            .collect::<Vec<_>>()
        {
            self.unwatch(leash.as_fd());
        }
        self.core.end_loan(loan);
    }
}
