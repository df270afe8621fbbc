//! Proxies of any kind: which object, and how to reach it.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cargo::{self, Reader};
use super::error::ManagerError;
use super::home::{Home, Way};
use super::item::Item;
use super::passing;
use super::server::{Entry, Reply, Request};
use crate::shm::passage::{self, PassageError};
use crate::sys::per_process::Mark;

/// Names an object of a manager, everywhere and for ever: no number is given twice.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub manager: u64,
    pub object: u64,
    pub typeid: String,
}

/// A proxy of an object whose type is not known beforehand, as it is found inside an [`Item`].
///
/// It becomes a typed one with [`typed`](AnyProxy::typed). A clone refers to the same object; so does what arrives in
/// another process. Two proxies are equal if they refer to the same object.
#[derive(Clone)]
pub struct AnyProxy(Place);

#[derive(Clone)]
enum Place {
    /// In the server, as it was read; not looked up yet.
    Named(Token),
    /// In the server that has the object.
    Home(Arc<Entry>),
    /// In a client, or in another manager's server.
    Away(Arc<Reference>),
}

/// A client's hold on an object: the object exists at least as long as this.
pub struct Reference {
    home: Arc<Home>,
    token: Token,
    hold: Mutex<Hold>,
}

/// By what the server knows that this proxy exists.
enum Hold {
    /// It is counted for this process.
    Counted(Mark),
    /// By an open file, which it watches: so it is on the way, and until its first call after it.
    Leash(Option<Arc<OwnedFd>>),
}

impl AnyProxy {
    pub(super) fn home(entry: Arc<Entry>) -> AnyProxy {
        AnyProxy(Place::Home(entry))
    }

    /// In the server: as a client names it.
    pub(super) fn named(token: Token) -> AnyProxy {
        AnyProxy(Place::Named(token))
    }

    pub(super) fn token(&self) -> &Token {
        match &self.0 {
            Place::Named(token) => token,
            Place::Home(entry) => &entry.token,
            Place::Away(reference) => &reference.token,
        }
    }

    /// In the server: the object, if it is one of this server's.
    pub(super) fn entry(&self) -> Option<&Arc<Entry>> {
        match &self.0 {
            Place::Home(entry) => Some(entry),
            _ => None,
        }
    }

    /// In the server: whether it is still to be looked up.
    pub(super) fn unresolved(&self) -> Option<&Token> {
        match &self.0 {
            Place::Named(token) => Some(token),
            _ => None,
        }
    }

    /// The hold, in a client.
    pub(super) fn reference(&self) -> Option<&Arc<Reference>> {
        match &self.0 {
            Place::Away(reference) => Some(reference),
            _ => None,
        }
    }

    pub(super) fn identity(&self) -> (u64, u64) {
        (self.token().manager, self.token().object)
    }

    /// What kind of object it is: `list`, `dict`, or the name of a type of one's own.
    pub fn typeid(&self) -> &str {
        &self.token().typeid
    }

    /// What Python calls the type of such a proxy.
    pub fn class_name(&self) -> &'static str {
        match self.typeid() {
            "list" => "ListProxy",
            "dict" => "DictProxy",
            "Namespace" => "NamespaceProxy",
            "Lock" | "RLock" | "Semaphore" | "BoundedSemaphore" => "AcquirerProxy",
            "Condition" => "ConditionProxy",
            "Event" => "EventProxy",
            "Barrier" => "BarrierProxy",
            "Value" => "ValueProxy",
            "Array" => "ArrayProxy",
            "Pool" => "PoolProxy",
            _ => "AutoProxy",
        }
    }
}

impl Reference {
    /// Calls a method of the object, and waits for its answer.
    pub fn call(&self, method: &str, args: Vec<Item>) -> Result<Reply, ManagerError> {
        self.adopt()?;
        let request = Request::Call {
            object: self.token.object,
            method: method.to_owned(),
            args,
        };
        self.home.ask(&request, &[])
    }

    /// Has the same server make an object, of this one perhaps.
    pub fn create(&self, typeid: &str, args: Vec<Item>) -> Result<Reply, ManagerError> {
        self.adopt()?;
        let typeid = typeid.to_owned();
        self.home.ask(&Request::Create { typeid, args }, &[])
    }

    /// Sees to it that the server counts this proxy for this process.
    fn adopt(&self) -> Result<(), ManagerError> {
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*hold, Hold::Counted(mark) if *mark == Mark::here()) {
            return Ok(());
        }
        let object = self.token.object;
        match self.home.ask(&Request::Adopt { object }, &[])? {
            Reply::Raised(raised) => Err(raised.into()),
            _ => {
                *hold = Hold::Counted(Mark::here());
                Ok(())
            }
        }
    }

    /// A file that keeps the object for as long as anyone has it open: `None` if the server is gone.
    fn leash(&self) -> Option<Arc<OwnedFd>> {
        let hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        if let Hold::Leash(leash) = &*hold {
            return leash.clone();
        }
        drop(hold);
        self.adopt().ok()?;
        self.home.lend(self.token.object).ok()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let hold = self.hold.get_mut().unwrap_or_else(PoisonError::into_inner);
        if matches!(hold, Hold::Counted(mark) if *mark == Mark::here()) {
            self.home.release(self.token.object);
        }
    }
}

/// As it travels.
#[derive(Serialize, Deserialize)]
enum Travelling {
    /// To, or from, the server that has the object.
    Here(Token),
    /// To anyone else, with the way to the server, and the leash.
    There(Token, Way, Option<u32>),
}

impl Serialize for AnyProxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(passing::PROXY, &Inner(self))
    }
}

struct Inner<'a>(&'a AnyProxy);

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if passing::leave(|| Item::Proxy(self.0.clone())) {
            return serializer.serialize_unit();
        }
        let token = self.0.token().clone();
        let reference = match &self.0.0 {
            Place::Away(reference) if cargo::packed_for() != Some(token.manager) => reference,
            _ => return Travelling::Here(token).serialize(serializer),
        };
        let enter = |file: &Arc<OwnedFd>| match cargo::packed_for() {
            Some(_) => cargo::load(file).ok_or(PassageError::NoPassage),
            None => passage::enter_fd(file),
        };
        let way = reference.home.way(enter).map_err(S::Error::custom)?;
        let leash = reference.leash().map(|leash| enter(&leash)).transpose();
        let leash = leash.map_err(S::Error::custom)?;
        Travelling::There(token, way, leash).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AnyProxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AnyProxy, D::Error> {
        struct Proxy;
        impl<'de> serde::de::Visitor<'de> for Proxy {
            type Value = AnyProxy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a proxy")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                inner: D,
            ) -> Result<AnyProxy, D::Error> {
                match passing::take() {
                    Some(Item::Proxy(proxy)) => Ok(proxy),
                    Some(_) => Err(D::Error::custom("an item that is no proxy")),
                    None => arrived(Travelling::deserialize(inner)?).map_err(D::Error::custom),
                }
            }
        }
        deserializer.deserialize_newtype_struct(passing::PROXY, Proxy)
    }
}

fn arrived(travelling: Travelling) -> Result<AnyProxy, String> {
    match (travelling, cargo::reader()) {
        (Travelling::Here(token), Some(Reader::Server(manager))) if token.manager == manager => {
            Ok(AnyProxy::named(token))
        }
        (Travelling::Here(token), Some(Reader::Client(home)))
            if token.manager == home.manager() =>
        {
            let hold = Mutex::new(Hold::Counted(Mark::here()));
            Ok(AnyProxy(Place::Away(Arc::new(Reference {
                home,
                token,
                hold,
            }))))
        }
        (Travelling::Here(_), _) => Err("a proxy without a way to its manager".into()),
        (Travelling::There(token, way, leash), reader) => {
            let leave = |number: u32| match reader {
                Some(_) => cargo::unload(number).ok_or_else(|| "a proxy without its files".into()),
                None => passage::leave_fd(number).map_err(passage::refuse),
            };
            let home = Home::reached(token.manager, way, leave)?;
            let leash = leash.map(leave).transpose()?;
            let hold = Mutex::new(Hold::Leash(leash));
            Ok(AnyProxy(Place::Away(Arc::new(Reference {
                home,
                token,
                hold,
            }))))
        }
    }
}

impl PartialEq for AnyProxy {
    fn eq(&self, other: &AnyProxy) -> bool {
        self.identity() == other.identity()
    }
}

/// `<ListProxy object, typeid 'list' at 0x2>`: the object's number.
impl fmt::Debug for AnyProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Token { object, typeid, .. } = self.token();
        let class = self.class_name();
        match class {
            "AutoProxy" => write!(
                f,
                "<AutoProxy[{typeid}] object, typeid '{typeid}' at {object:#x}>"
            ),
            _ => write!(f, "<{class} object, typeid '{typeid}' at {object:#x}>"),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {:#x} of {:#x}",
            self.typeid, self.object, self.manager
        )
    }
}
