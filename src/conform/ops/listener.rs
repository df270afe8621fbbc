//! `Listener` and `Client`.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pipe::Travelling;
use super::{Args, Handle, Object, int};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{Address, Client, Key, Listener};

/// A listener as it travels.
pub struct Shared(Arc<Listener>);

impl Serialize for Shared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shared, D::Error> {
        Listener::deserialize(deserializer).map(|listener| Shared(Arc::new(listener)))
    }
}

impl Shared {
    pub fn object(self) -> ListenerObject {
        ListenerObject { listener: self.0 }
    }
}

pub struct ListenerObject {
    listener: Arc<Listener>,
}

/// Connects: an end as a pipe's.
///
/// # Errors
/// Those of `Client::connect`; as [`ListenerObject::construct`].
pub fn client(args: &Args) -> Answer {
    let [address, family, key] = args.bind(["address", "family", "authkey"])?;
    let key = key_of(key)?;
    let address = address_of(address.as_ref(), family.as_ref())?
        .ok_or_else(|| Raised::type_error("missing a required argument: 'address'"))?;
    let connection = Client::connect(address, key)?;
    Ok(Value::object(Travelling::Network(connection).object()))
}

impl ListenerObject {
    /// # Errors
    /// Those of `Listener::bind`; TypeError: no address, or a key that is no bytes; ValueError: another family than
    /// the address's.
    pub fn construct(args: &Args) -> Answer {
        let [address, family, backlog, key] =
            args.bind(["address", "family", "backlog", "authkey"])?;
        // How many may wait to be accepted is the kernel's affair here.
        backlog.as_ref().map(int).transpose()?;
        let key = key_of(key)?;
        let listener = match address_of(address.as_ref(), family.as_ref())? {
            Some(address) => Listener::bind(address, key)?,
            None => Listener::new(key)?,
        };
        Ok(Value::object(Shared(Arc::new(listener)).object()))
    }
}

fn key_of(key: Option<Value>) -> Answer<Option<Key>> {
    match key {
        None | Some(Value::None) => Ok(None),
        Some(Value::Bytes(bytes)) => {
            let key = Key::new(bytes).map_err(crate::NetError::from)?;
            Ok(Some(key))
        }
        Some(_) => Err(Raised::type_error("authkey should be a byte string")),
    }
}

/// A pair of a computer and a port, or a path; `None`: the default of the family, or of the system.
fn address_of(address: Option<&Value>, family: Option<&Value>) -> Answer<Option<Address>> {
    let family = match family {
        None | Some(Value::None) => None,
        Some(Value::Str(family)) => Some(family.as_str()),
        Some(other) => return Err(Raised::type_error(format!("no family: {}", other.repr()))),
    };
    if !matches!(family, None | Some("AF_INET" | "AF_UNIX")) {
        let family = family.unwrap_or_default();
        return Err(Raised::value_error(format!(
            "Family {family} is not recognized."
        )));
    }
    let address = match address {
        None | Some(Value::None) if family == Some("AF_INET") => {
            Address::Host("localhost".to_owned(), 0)
        }
        None | Some(Value::None) => return Ok(None),
        Some(Value::Str(path)) => Address::Unix(path.into()),
        Some(Value::Tuple(parts)) => match &parts[..] {
            [Value::Str(host), port] => {
                let port = u16::try_from(int(port)?)
                    .map_err(|_| Raised::new("OverflowError", "port must be 0-65535."))?;
                match host.parse::<IpAddr>() {
                    Ok(ip) => Address::from((ip, port)),
                    Err(_) => Address::Host(host.clone(), port),
                }
            }
            _ => return Err(Raised::type_error("an address is a name and a port")),
        },
        Some(other) => {
            let text = format!("address type of {} unrecognized", other.repr());
            return Err(Raised::value_error(text));
        }
    };
    match (family, &address) {
        (Some("AF_UNIX"), Address::Unix(_)) | (None, _) => Ok(Some(address)),
        (Some("AF_INET"), Address::Tcp(_) | Address::Host(..)) => Ok(Some(address)),
        _ => Err(Raised::type_error("an address of another family")),
    }
}

/// As Python has addresses: `(computer, port)`, or a path.
fn told(address: &Address) -> Value {
    match address {
        Address::Tcp(address) => Value::Tuple(vec![
            Value::Str(address.ip().to_string()),
            Value::int(address.port()),
        ]),
        Address::Host(name, port) => {
            Value::Tuple(vec![Value::Str(name.clone()), Value::int(*port)])
        }
        Address::Unix(path) => Value::Str(path.display().to_string()),
    }
}

impl Object for ListenerObject {
    fn kind(&self) -> String {
        "Listener".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.listener)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "accept" => {
                let [] = args.bind([])?;
                let connection = self.listener.accept()?;
                Ok(Value::object(Travelling::Network(connection).object()))
            }
            "close" | "__exit__" => {
                self.listener.close();
                Ok(Value::None)
            }
            "__enter__" => Ok(Value::object(ListenerObject {
                listener: self.listener.clone(),
            })),
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn attribute(&self, name: &str) -> Answer {
        match name {
            "address" => Ok(told(self.listener.address())),
            "last_accepted" => Ok(self
                .listener
                .last_accepted()
                .map_or(Value::None, |peer| told(&peer))),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Listener(Shared(self.listener.clone())))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
