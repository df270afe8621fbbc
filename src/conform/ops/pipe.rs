//! The ends of a `Pipe`.

use std::any::Any;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bytes::ByteArray;
use super::{Args, Handle, Object, Patience, int, need};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{Connection, NetConnection, NetError, Pipe, Receiver, Sender, Waitable};

/// An end of any of the three types.
#[derive(Clone, Serialize, Deserialize)]
pub enum Travelling {
    Duplex(Connection<Value, Value>),
    Receiver(Receiver<Value>),
    Sender(Sender<Value>),
    /// Of a Listener and a Client.
    Network(NetConnection),
}

impl Travelling {
    pub fn object(self) -> EndObject {
        EndObject {
            end: Mutex::new(Some(self)),
        }
    }

    pub fn waitable(&self) -> &dyn Waitable {
        match self {
            Travelling::Duplex(end) => end,
            Travelling::Receiver(end) => end,
            Travelling::Sender(end) => end,
            Travelling::Network(end) => end,
        }
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Travelling::Duplex(end) => end.as_fd(),
            Travelling::Receiver(end) => end.as_fd(),
            Travelling::Sender(end) => end.as_fd(),
            Travelling::Network(end) => end.as_fd(),
        }
    }

    fn text(&self) -> String {
        match self {
            Travelling::Duplex(end) => format!("{end:?}"),
            Travelling::Receiver(end) => format!("{end:?}"),
            Travelling::Sender(end) => format!("{end:?}"),
            Travelling::Network(end) => format!("{end:?}"),
        }
    }
}

/// An end, until it is closed, which here is to drop it.
pub struct EndObject {
    end: Mutex<Option<Travelling>>,
}

/// The `Pipe` of the module: two ends.
///
/// # Errors
/// No descriptors left.
pub fn new(args: &Args) -> Answer {
    let [duplex] = args.bind(["duplex"])?;
    let (one, other) = if duplex.as_ref().is_none_or(Value::is_true) {
        let (one, other) = Pipe::duplex::<Value, Value>()?;
        (Travelling::Duplex(one), Travelling::Duplex(other))
    } else {
        let (receiver, sender) = Pipe::one_way::<Value>()?;
        (Travelling::Receiver(receiver), Travelling::Sender(sender))
    };
    Ok(Value::Tuple(vec![
        Value::object(one.object()),
        Value::object(other.object()),
    ]))
}

fn only(what: &str) -> Raised {
    Raised::new("OSError", format!("this end only {what}"))
}

impl EndObject {
    /// The end, which a call has for as long as it takes.
    ///
    /// # Errors
    /// OSError: it was closed; a program that uses what it has dropped does not compile.
    pub fn open(&self) -> Answer<Travelling> {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.clone()
            .ok_or_else(|| Raised::new("OSError", "handle is closed"))
    }

    fn close(&self) {
        let end = self
            .end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(end);
    }

    fn send(&self, item: &Value) -> Answer {
        match self.open()? {
            Travelling::Duplex(end) => end.send(item).map_err(unsent)?,
            Travelling::Sender(end) => end.send(item).map_err(unsent)?,
            Travelling::Network(end) => end.send(item).map_err(unsent_far)?,
            Travelling::Receiver(_) => return Err(only("receives")),
        }
        Ok(Value::None)
    }

    fn send_bytes(&self, bytes: &[u8]) -> Answer {
        match self.open()? {
            Travelling::Duplex(end) => end.send_bytes(bytes).map_err(unsent)?,
            Travelling::Sender(end) => end.send_bytes(bytes).map_err(unsent)?,
            Travelling::Network(end) => end.send_bytes(bytes).map_err(unsent_far)?,
            Travelling::Receiver(_) => return Err(only("receives")),
        }
        Ok(Value::None)
    }

    fn recv(&self) -> Answer {
        match self.open()? {
            Travelling::Duplex(end) => Ok(end.recv()?),
            Travelling::Receiver(end) => Ok(end.recv()?),
            Travelling::Network(end) => Ok(end.recv()?),
            Travelling::Sender(_) => Err(only("sends")),
        }
    }

    fn recv_bytes(&self, most: Option<usize>) -> Answer {
        let Some(most) = most else {
            return match self.open()? {
                Travelling::Duplex(end) => Ok(Value::Bytes(end.recv_bytes()?)),
                Travelling::Receiver(end) => Ok(Value::Bytes(end.recv_bytes()?)),
                Travelling::Network(end) => Ok(Value::Bytes(end.recv_bytes()?)),
                Travelling::Sender(_) => Err(only("sends")),
            };
        };
        let mut buffer = vec![0; most];
        let received = self.recv_into(&mut buffer)?;
        buffer.truncate(received);
        Ok(Value::Bytes(buffer))
    }

    fn recv_into(&self, buffer: &mut [u8]) -> Answer<usize> {
        match self.open()? {
            Travelling::Duplex(end) => Ok(end.recv_bytes_into(buffer)?),
            Travelling::Receiver(end) => Ok(end.recv_bytes_into(buffer)?),
            Travelling::Network(end) => Ok(end.recv_bytes_into(buffer)?),
            Travelling::Sender(_) => Err(only("sends")),
        }
    }

    fn poll(&self, patience: Patience) -> Answer {
        let ready = |time: Duration| match self.open()? {
            Travelling::Duplex(end) => Ok(end.poll(time)?),
            Travelling::Receiver(end) => Ok(end.poll(time)?),
            Travelling::Network(end) => Ok(end.poll(time)?),
            Travelling::Sender(_) => Err(only("sends")),
        };
        Ok(Value::Bool(ready(
            patience.time().unwrap_or(Duration::MAX),
        )?))
    }
}

/// To send when the other end is gone is a broken pipe; to receive then is the end.
fn unsent(error: crate::PipeError) -> Raised {
    match error {
        crate::PipeError::Disconnected | crate::PipeError::PeerDied => {
            Raised::new("BrokenPipeError", error)
        }
        other => other.into(),
    }
}

/// As [`unsent`].
fn unsent_far(error: NetError) -> Raised {
    match error {
        NetError::Disconnected => Raised::new("BrokenPipeError", error),
        other => other.into(),
    }
}

/// The part of `bytes` that `offset` and `size` mean.
fn part(bytes: &[u8], offset: Option<Value>, size: Option<Value>) -> Answer<&[u8]> {
    let offset = offset.as_ref().map_or(Ok(0), int)?;
    let offset = usize::try_from(offset).map_err(Raised::value_error)?;
    let rest = bytes
        .get(offset..)
        .ok_or_else(|| Raised::value_error("the offset is beyond the buffer"))?;
    let Some(size) = size.filter(|size| !matches!(size, Value::None)) else {
        return Ok(rest);
    };
    let size = usize::try_from(int(&size)?).map_err(Raised::value_error)?;
    rest.get(..size)
        .ok_or_else(|| Raised::value_error("the buffer is shorter than offset and size"))
}

impl Object for EndObject {
    fn kind(&self) -> String {
        "Connection".into()
    }

    fn repr(&self) -> String {
        let end = self.open();
        // What was dropped has but its type to tell.
        end.map_or_else(|_| "<Connection>".into(), |end| end.text())
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "send" => {
                let [item] = args.bind(["obj"])?;
                self.send(&need(item, "obj")?)
            }
            "send_bytes" => {
                let [bytes, offset, size] = args.bind(["buf", "offset", "size"])?;
                let bytes = super::bytes::bytes_of(&need(bytes, "buf")?)?;
                self.send_bytes(part(&bytes, offset, size)?)
            }
            "recv" => {
                let [] = args.bind([])?;
                self.recv()
            }
            "recv_bytes" => {
                let [most] = args.bind(["maxlength"])?;
                let most = most.filter(|most| !matches!(most, Value::None));
                let most = most.as_ref().map(int).transpose()?;
                let most = most.map(usize::try_from).transpose();
                self.recv_bytes(most.map_err(Raised::value_error)?)
            }
            "recv_bytes_into" => {
                let [buffer, offset] = args.bind(["buf", "offset"])?;
                let buffer = need(buffer, "buf")?;
                let array = ByteArray::of(&buffer)
                    .ok_or_else(|| Raised::type_error("a writable buffer is needed"))?;
                let mut bytes = array.content();
                let offset = offset.as_ref().map_or(Ok(0), int)?;
                let offset = usize::try_from(offset).map_err(Raised::value_error)?;
                let room = bytes
                    .get_mut(offset..)
                    .ok_or_else(|| Raised::value_error("the offset is beyond the buffer"))?;
                let received = self.recv_into(room)?;
                array.replace(bytes);
                Ok(Value::int(received))
            }
            "poll" => {
                let [timeout] = args.bind(["timeout"])?;
                self.poll(match timeout {
                    None => Patience::None,
                    Some(timeout) => Patience::of(Some(&timeout))?,
                })
            }
            "fileno" => Ok(Value::int(self.open()?.as_fd().as_raw_fd())),
            "close" | "__exit__" => {
                self.close();
                Ok(Value::None)
            }
            "__enter__" => Ok(Value::object(self.open()?.object())),
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn attribute(&self, name: &str) -> Answer {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        match name {
            "closed" => Ok(Value::Bool(end.is_none())),
            "readable" => Ok(Value::Bool(!matches!(*end, Some(Travelling::Sender(_))))),
            "writable" => Ok(Value::Bool(!matches!(*end, Some(Travelling::Receiver(_))))),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Pipe(self.open()?))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The end that a value is.
pub fn end_of(object: &Arc<dyn Object>) -> Option<&EndObject> {
    object.as_any().downcast_ref()
}
