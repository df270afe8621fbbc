//! The objects, who refers to them, and which calls wait: plain data.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Weak};

use super::object::{Answer, Entry, Object, Turn};
use super::request::{Reply, Request};
use super::types;
use crate::manager::error::{Kind, Raised};
use crate::manager::item::{Dict, Item};
use crate::manager::reference::{AnyProxy, Token};
use crate::process::PoolWatch;

/// One who calls: a thread of a client's, by its connection. Owner of the locks that it acquires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Caller(pub u64);

/// Who calls when no one does.
const NOBODY: Caller = Caller(0);

/// One who has proxies: a client's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session(pub u64);

/// All of a server but its connections. Time is what it is told, in nanoseconds; it never waits, and no request can
/// make it panic.
///
/// # Invariants
/// 1. A caller has at most one parked call.
/// 2. An object is there as long as a session counts it, a loan or a name stands for it, or an item in another object
///    refers to it.
/// 3. After [`left`](Core::left) no object remembers the caller.
pub struct Core {
    manager: u64,
    next_object: u64,
    next_loan: u64,
    objects: BTreeMap<u64, Weak<Entry>>,
    /// The size of `objects` at which those that are gone are looked for.
    crowd: usize,
    sessions: BTreeMap<Session, BTreeMap<u64, (Arc<Entry>, u64)>>,
    loans: HashMap<u64, Arc<Entry>>,
    names: HashMap<String, Arc<Entry>>,
    /// Those that are watched though no call waits on them.
    tended: Vec<Weak<Entry>>,
    callers: BTreeMap<Caller, Known>,
    deadlines: BTreeSet<(u64, Caller)>,
    /// Of the request at work.
    fresh: Vec<(Caller, Reply)>,
    /// Those whose proxies are counted.
    answers: Vec<(Caller, Reply)>,
}

/// What is known of a caller.
struct Known {
    session: Session,
    parked: Option<Parked>,
    /// The objects that it may hold something of.
    stakes: BTreeMap<u64, Weak<Entry>>,
    /// Of its last call.
    last_object: u64,
}

struct Parked {
    entry: Arc<Entry>,
    deadline_ns: Option<u64>,
}

/// What a request asks of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: there may be answers.
    Fine,
    /// It lent an object: the loan is to be ended when its journey is over.
    Lent(u64),
    /// It breaks the rules: the caller's connection is to be closed.
    Misbehaves(&'static str),
    /// The server is to end once the answers are out.
    Shutdown,
}

impl Core {
    /// Of the manager with this number.
    pub fn new(manager: u64) -> Core {
        Core {
            manager,
            next_object: 1,
            next_loan: 1,
            objects: BTreeMap::new(),
            crowd: 64,
            sessions: BTreeMap::new(),
            loans: HashMap::new(),
            names: HashMap::new(),
            tended: Vec::new(),
            callers: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            fresh: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// A new caller.
    pub fn arrives(&mut self, caller: Caller, session: Session) {
        self.sessions.entry(session).or_default();
        let known = Known {
            session,
            parked: None,
            stakes: BTreeMap::new(),
            last_object: 0,
        };
        self.callers.insert(caller, known);
    }

    /// A caller is gone. `unread`: it never saw the reply to its last call.
    pub fn left(&mut self, caller: Caller, unread: bool) {
        let Some(known) = self.callers.remove(&caller) else {
            return;
        };
        if let Some(parked) = known.parked {
            self.unschedule(caller, &parked);
        }
        let stakes = known.stakes.into_values();
        for entry in stakes.filter_map(|entry| entry.upgrade()) {
            let mut turn = Turn::new(caller, &mut self.fresh);
            let unread = unread && entry.token.object == known.last_object;
            let _ = entry.with(|object| object.left(&mut turn, caller, unread));
        }
        self.settle();
    }

    /// A process is gone, with all of its callers: its proxies count no more.
    pub fn session_left(&mut self, session: Session) {
        self.sessions.remove(&session);
    }

    /// What has been answered since.
    pub fn take_answers(&mut self) -> Vec<(Caller, Reply)> {
        std::mem::take(&mut self.answers)
    }

    /// When [`pass`](Core::pass) is due.
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline_ns, _)| *deadline_ns)
    }

    /// Time passes.
    pub fn pass(&mut self, now_ns: u64) {
        while let Some((deadline_ns, caller)) = self.deadlines.first().copied() {
            if deadline_ns > now_ns {
                return;
            }
            self.deadlines.pop_first();
            let known = self.callers.get_mut(&caller);
            let Some(parked) = known.and_then(|known| known.parked.as_mut()) else {
                continue;
            };
            parked.deadline_ns = None;
            let entry = parked.entry.clone();
            let mut turn = Turn::new(caller, &mut self.fresh);
            let _ = entry.with(|object| object.late(&mut turn, caller));
            self.settle();
        }
    }

    /// What tells of what becomes of the objects on which calls wait, and of those that are tended.
    pub fn watches(&self) -> Vec<PoolWatch> {
        let watch = |(_, entry): (Caller, Arc<Entry>)| entry.with(|object| object.watch());
        let watched = self.watched().into_iter();
        watched.filter_map(|one| watch(one).ok()?).collect()
    }

    /// Something may have happened to these objects.
    pub fn stir(&mut self) {
        self.tended.retain(|entry| entry.strong_count() > 0);
        for (caller, entry) in self.watched() {
            let mut turn = Turn::new(caller, &mut self.fresh);
            let _ = entry.with(|object| object.stirred(&mut turn));
            drop(entry);
            self.settle();
        }
    }

    /// Each once, with one who waits, if there is one. Tended ones first: what waits may wait for what they do.
    fn watched(&self) -> Vec<(Caller, Arc<Entry>)> {
        let tended = self.tended.iter().filter_map(Weak::upgrade);
        let tended = tended.map(|entry| (NOBODY, entry));
        let parked = |(caller, known): (&Caller, &Known)| {
            let parked = known.parked.as_ref()?;
            Some((*caller, parked.entry.clone()))
        };
        let mut seen = HashSet::new();
        let all = tended.chain(self.callers.iter().filter_map(parked));
        all.filter(|(_, entry)| seen.insert(entry.token.object))
            .collect()
    }

    /// How many objects there are.
    pub fn count(&mut self) -> usize {
        self.objects.retain(|_, entry| entry.strong_count() > 0);
        self.objects.len()
    }

    /// An object goes on a journey: the loan's number.
    fn lend(&mut self, object: u64) -> Result<u64, Raised> {
        let entry = self.entry(object)?;
        let loan = self.next_loan;
        self.next_loan += 1;
        self.loans.insert(loan, entry);
        Ok(loan)
    }

    /// The journey is over, or no one can come from it any more.
    pub fn end_loan(&mut self, loan: u64) {
        self.loans.remove(&loan);
    }

    /// Does what a caller asks. The answer may come at once, or later.
    pub fn request(&mut self, caller: Caller, request: Request, now_ns: u64) -> Verdict {
        let Some(known) = self.callers.get(&caller) else {
            return Verdict::Misbehaves("no one that is known");
        };
        let session = known.session;
        if known.parked.is_some() && !matches!(request, Request::Release { .. }) {
            return Verdict::Misbehaves("a request before the reply to the last one");
        }
        let outcome = match request {
            Request::Create { typeid, args } => {
                let made = self.create(&typeid, args);
                self.fresh
                    .push((caller, made.map_or_else(|refused| refused, Reply::Value)));
                return self.settled();
            }
            Request::Call {
                object,
                method,
                args,
            } => return self.call(caller, object, &method, args, now_ns),
            Request::Adopt { object } => self.adopt(session, object).map(|()| Item::None),
            Request::Release { object } => {
                return match self.release(session, object) {
                    true => Verdict::Fine,
                    false => Verdict::Misbehaves("it gives back what it does not have"),
                };
            }
            Request::Lend { object } => match self.lend(object) {
                Ok(loan) => {
                    self.fresh.push((caller, Reply::Value(Item::None)));
                    self.settle();
                    return Verdict::Lent(loan);
                }
                Err(raised) => Err(raised),
            },
            Request::Publish { name, object } => self.entry(object).map(|entry| {
                self.names.insert(name, entry);
                Item::None
            }),
            Request::Find { name } => match self.names.get(&name) {
                Some(entry) => Ok(Item::Proxy(AnyProxy::home(entry.clone()))),
                None => Err(Kind::KeyError.says(format!("'{name}'"))),
            },
            Request::Count => Ok(Item::Int(self.count() as i128)),
            Request::Shutdown => {
                self.fresh.push((caller, Reply::Value(Item::None)));
                self.settle();
                return Verdict::Shutdown;
            }
        };
        let reply = outcome.map_or_else(Reply::Raised, Reply::Value);
        self.fresh.push((caller, reply));
        self.settled()
    }

    fn create(&mut self, typeid: &str, mut args: Vec<Item>) -> Result<Item, Reply> {
        for arg in &mut args {
            self.resolve(arg)?;
        }
        let object = types::create(typeid, args)?;
        Ok(Item::Proxy(self.add(typeid, object)))
    }

    fn add(&mut self, typeid: &str, object: Box<dyn Object>) -> AnyProxy {
        if self.objects.len() >= self.crowd {
            self.crowd = (2 * self.count()).max(64);
        }
        let token = Token {
            manager: self.manager,
            object: self.next_object,
            typeid: typeid.to_owned(),
        };
        self.next_object += 1;
        let is_tended = object.is_tended();
        let entry = Entry::new(token, object);
        if is_tended {
            self.tended.push(Arc::downgrade(&entry));
        }
        self.objects
            .insert(entry.token.object, Arc::downgrade(&entry));
        AnyProxy::home(entry)
    }

    fn call(
        &mut self,
        caller: Caller,
        object: u64,
        method: &str,
        mut args: Vec<Item>,
        now_ns: u64,
    ) -> Verdict {
        let resolved = args.iter_mut().try_for_each(|arg| self.resolve(arg));
        let answer = match resolved.and_then(|()| self.entry(object)) {
            Err(raised) => Answer::from(Err(raised)),
            Ok(entry) => {
                if let Some(known) = self.callers.get_mut(&caller) {
                    known.stakes.insert(object, Arc::downgrade(&entry));
                    known.last_object = object;
                }
                let mut turn = Turn::new(caller, &mut self.fresh);
                let answer = entry.with(|object| match method {
                    "__str__" => Ok(Item::Str(object.text())).into(),
                    _ => object.call(&mut turn, method, args),
                });
                match answer {
                    Ok(Answer::Later(patience)) => {
                        self.park(caller, entry, patience, now_ns);
                        return self.settled();
                    }
                    Ok(answer) => answer,
                    Err(raised) => Answer::from(Err(raised)),
                }
            }
        };
        if let Answer::Now(reply) = answer {
            self.fresh.push((caller, reply));
        }
        self.settled()
    }

    fn settled(&mut self) -> Verdict {
        self.settle();
        Verdict::Fine
    }

    fn park(
        &mut self,
        caller: Caller,
        entry: Arc<Entry>,
        patience: Option<std::time::Duration>,
        now_ns: u64,
    ) {
        let after_ns = patience.and_then(|patience| u64::try_from(patience.as_nanos()).ok());
        // One beyond the clock is none.
        let deadline_ns = after_ns.and_then(|after_ns| now_ns.checked_add(after_ns));
        if let Some(known) = self.callers.get_mut(&caller) {
            known.parked = Some(Parked { entry, deadline_ns });
        }
        if let Some(deadline_ns) = deadline_ns {
            self.deadlines.insert((deadline_ns, caller));
        }
    }

    fn unschedule(&mut self, caller: Caller, parked: &Parked) {
        if let Some(deadline_ns) = parked.deadline_ns {
            self.deadlines.remove(&(deadline_ns, caller));
        }
    }

    /// After each turn: who was answered waits no more, and each proxy in an answer counts for who gets it.
    fn settle(&mut self) {
        for (caller, reply) in std::mem::take(&mut self.fresh) {
            let Some(known) = self.callers.get_mut(&caller) else {
                continue;
            };
            let (session, parked) = (known.session, known.parked.take());
            if let Some(parked) = parked {
                self.unschedule(caller, &parked);
            }
            if let Reply::Value(item) | Reply::OwnerDied(item) = &reply {
                item.each_proxy(&mut |proxy| {
                    if let Some(entry) = proxy.entry() {
                        self.count_for(session, entry);
                    }
                });
            }
            self.answers.push((caller, reply));
        }
    }

    fn count_for(&mut self, session: Session, entry: &Arc<Entry>) {
        let held = self.sessions.entry(session).or_default();
        let known = held.entry(entry.token.object);
        known.or_insert_with(|| (entry.clone(), 0)).1 += 1;
    }

    fn adopt(&mut self, session: Session, object: u64) -> Result<(), Raised> {
        let entry = self.entry(object)?;
        self.count_for(session, &entry);
        Ok(())
    }

    /// Whether it had it.
    fn release(&mut self, session: Session, object: u64) -> bool {
        let Some(held) = self.sessions.get_mut(&session) else {
            return false;
        };
        let Some((_, count)) = held.get_mut(&object) else {
            return false;
        };
        *count -= 1;
        let last = (*count == 0).then(|| held.remove(&object));
        drop(last);
        true
    }

    fn entry(&self, object: u64) -> Result<Arc<Entry>, Raised> {
        let entry = self.objects.get(&object).and_then(Weak::upgrade);
        entry.ok_or_else(|| Kind::RemoteError.says(format!("there is no object {object:#x}")))
    }

    /// Replaces the names in an item by what they name.
    fn resolve(&self, item: &mut Item) -> Result<(), Raised> {
        match item {
            Item::List(items) | Item::Tuple(items) => {
                items.iter_mut().try_for_each(|item| self.resolve(item))
            }
            Item::Dict(_) if !item.names_objects() => Ok(()),
            Item::Dict(dict) => {
                let mut resolved = Dict::new();
                for (mut key, mut value) in std::mem::take(dict) {
                    self.resolve(&mut key)?;
                    self.resolve(&mut value)?;
                    resolved.insert(key, value)?;
                }
                *dict = resolved;
                Ok(())
            }
            Item::Proxy(proxy) => {
                if let Some(token) = proxy.unresolved() {
                    *proxy = AnyProxy::home(self.entry(token.object)?);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
