//! What a client asks, and what it is told.

use serde::{Deserialize, Serialize};

use crate::manager::error::Raised;
use crate::manager::item::Item;
use crate::process::PoolError;

/// A question to the server.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// A new object, of a type by its name: [`Reply::Value`] with its proxy.
    Create { typeid: String, args: Vec<Item> },
    /// A method of an object, by its name.
    Call {
        object: u64,
        method: String,
        args: Vec<Item>,
    },
    /// The client has one more proxy of an object.
    Adopt { object: u64 },
    /// The client has one proxy less. There is no reply.
    Release { object: u64 },
    /// A proxy goes on a journey: until the file beside this request is closed by all others, the object is there.
    Lend { object: u64 },
    /// An object is to be found by a name.
    Publish { name: String, object: u64 },
    /// The object of a name: [`Reply::Value`] with its proxy.
    Find { name: String },
    /// How many objects there are.
    Count,
    /// The server is to end.
    Shutdown,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    Value(Item),
    /// A lock was acquired whose former owner died with it.
    OwnerDied(Item),
    Raised(Raised),
    /// Of a pool, and of what its tasks return.
    Pool(PoolError),
    /// The request was longer than this.
    TooLarge {
        most_bytes: u64,
    },
}

impl From<Raised> for Reply {
    fn from(raised: Raised) -> Reply {
        Reply::Raised(raised)
    }
}

impl From<PoolError> for Reply {
    fn from(error: PoolError) -> Reply {
        Reply::Pool(error)
    }
}
