//! The types that every manager has, and those of the user's own.

mod array;
mod barrier;
mod condition;
mod dict;
mod event;
mod list;
mod lock;
mod namespace;
mod order;
mod own;
mod ownership;
mod pool;
mod queue;
mod semaphore;
mod slice;
mod value;

use super::args::{Args, no_method};
use super::object::Object;
use super::request::Reply;
use crate::manager::error::Kind;
use crate::manager::item::Item;
use crate::manager::own::find;

/// A new object of the type with this name; or what is said instead.
pub fn create(typeid: &str, args: Vec<Item>) -> Result<Box<dyn Object>, Reply> {
    if let Some(managed) = find(typeid)? {
        return Ok(Box::new(own::Own::new(managed, args)?));
    }
    let args = Args::of(typeid, args);
    Ok(match typeid {
        "list" => Box::new(list::List::new(args)?),
        "dict" => Box::new(dict::Dictionary::new(args)?),
        "Namespace" => Box::new(namespace::Namespace::new(args)?),
        "Value" => Box::new(value::Value::new(args)?),
        "Array" => Box::new(array::Array::new(args)?),
        "Lock" => Box::new(lock::Lock::new(args, false)?),
        "RLock" => Box::new(lock::Lock::new(args, true)?),
        "Condition" => Box::new(condition::Condition::new(args)?),
        "Semaphore" => Box::new(semaphore::Semaphore::new(args, false)?),
        "BoundedSemaphore" => Box::new(semaphore::Semaphore::new(args, true)?),
        "Event" => Box::new(event::Event::new(args)?),
        "Barrier" => Box::new(barrier::Barrier::new(args)?),
        "Pool" => Box::new(pool::Pool::new(args)?),
        "AsyncResult" => Box::new(pool::PoolResult::new(args)?),
        "Queue" | "JoinableQueue" => Box::new(queue::Queue::new(args)?),
        _ => {
            let text = format!("'SyncManager' object has no attribute '{typeid}'");
            return Err(Kind::AttributeError.says(text).into());
        }
    })
}
