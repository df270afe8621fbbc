//! `Queue`, `JoinableQueue` and `SimpleQueue`.

use std::any::Any;

use super::{Args, Handle, Object, Patience, int, need};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{
    GetError, JoinError, JoinableQueue, PutError, PutFailure, Queue, SimpleQueue, TaskError,
};

/// How many items a constructor wants room for: none, if it gives no positive number.
fn room(args: &Args) -> Answer<Option<usize>> {
    let [maxsize] = args.bind(["maxsize"])?;
    let maxsize = maxsize.as_ref().map_or(Ok(0), int)?;
    Ok(usize::try_from(maxsize).ok().filter(|&size| size > 0))
}

fn put(queue: &Queue<Value>, item: Value, patience: Patience) -> Answer {
    let put = match patience {
        Patience::Endless => queue.put(item),
        Patience::None => queue.try_put(item),
        Patience::Within(time) => queue.put_timeout(item, time),
    };
    put.map_err(PutFailure::from)?;
    Ok(Value::None)
}

fn get(queue: &Queue<Value>, patience: Patience) -> Answer {
    Ok(match patience {
        Patience::Endless => queue.get()?,
        Patience::None => queue.try_get()?,
        Patience::Within(time) => queue.get_timeout(time)?,
    })
}

/// What a queue and a joinable one have in common.
fn common(queue: &Queue<Value>, kind: &str, op: &str, args: &Args) -> Answer {
    match op {
        "put" => {
            let [item, block, timeout] = args.bind(["obj", "block", "timeout"])?;
            let patience = Patience::blocking(block.as_ref(), timeout.as_ref())?;
            return put(queue, need(item, "obj")?, patience);
        }
        "put_nowait" => {
            let [item] = args.bind(["obj"])?;
            return put(queue, need(item, "obj")?, Patience::None);
        }
        "get" => {
            let [block, timeout] = args.bind(["block", "timeout"])?;
            return get(queue, Patience::blocking(block.as_ref(), timeout.as_ref())?);
        }
        _ => {}
    }
    let [] = args.bind([])?;
    match op {
        "get_nowait" => get(queue, Patience::None),
        "qsize" => Ok(Value::int(queue.len())),
        "empty" => Ok(Value::Bool(queue.is_empty())),
        "full" => Ok(Value::Bool(queue.is_full())),
        "close" => {
            queue.close()?;
            Ok(Value::None)
        }
        // What was put is in the queue: there is no thread to wait for, or not to.
        "join_thread" if !queue.is_closed() => {
            Err(Raised::new("AssertionError", "the queue is not closed"))
        }
        "join_thread" | "cancel_join_thread" => Ok(Value::None),
        _ => Err(Raised::no_such(kind, op)),
    }
}

pub struct QueueObject {
    queue: Queue<Value>,
}

impl QueueObject {
    pub fn construct(args: &Args) -> Answer {
        let queue = match room(args)? {
            None => Queue::new(),
            Some(items) => Queue::bounded(items),
        };
        Ok(Value::object(QueueObject::over(queue?)))
    }

    pub fn over(queue: Queue<Value>) -> QueueObject {
        QueueObject { queue }
    }
}

impl Object for QueueObject {
    fn kind(&self) -> String {
        "Queue".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.queue)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        common(&self.queue, "Queue", op, args)
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Queue(self.queue.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub struct JoinableObject {
    queue: JoinableQueue<Value>,
}

impl JoinableObject {
    pub fn construct(args: &Args) -> Answer {
        let queue = match room(args)? {
            None => JoinableQueue::new(),
            Some(items) => JoinableQueue::bounded(items),
        };
        Ok(Value::object(JoinableObject::over(queue?)))
    }

    pub fn over(queue: JoinableQueue<Value>) -> JoinableObject {
        JoinableObject { queue }
    }
}

impl Object for JoinableObject {
    fn kind(&self) -> String {
        "JoinableQueue".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.queue)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "task_done" => {
                let [] = args.bind([])?;
                self.queue.task_done().map_err(|error| match error {
                    TaskError::TooManyDone => Raised::value_error(error),
                    other => Raised::new("OSError", other),
                })?;
                Ok(Value::None)
            }
            "join" => {
                let [] = args.bind([])?;
                self.queue.join().map_err(|error| match error {
                    JoinError::WorkerDied { .. } => Raised::new("WorkerDied", error),
                    other => Raised::new("OSError", other),
                })?;
                Ok(Value::None)
            }
            _ => common(&self.queue, "JoinableQueue", op, args),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::JoinableQueue(self.queue.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub struct SimpleObject {
    queue: SimpleQueue<Value>,
}

impl SimpleObject {
    pub fn construct(args: &Args) -> Answer {
        let [] = args.bind([])?;
        Ok(Value::object(SimpleObject::over(SimpleQueue::new()?)))
    }

    pub fn over(queue: SimpleQueue<Value>) -> SimpleObject {
        SimpleObject { queue }
    }
}

impl Object for SimpleObject {
    fn kind(&self) -> String {
        "SimpleQueue".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.queue)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "put" => {
                let [item] = args.bind(["obj"])?;
                match self.queue.put(need(item, "obj")?) {
                    Ok(()) => Ok(Value::None),
                    Err(PutError::Closed(_)) => Err(Raised::new("OSError", PutFailure::Closed)),
                    Err(other) => Err(PutFailure::from(other).into()),
                }
            }
            "get" => {
                let [] = args.bind([])?;
                match self.queue.get() {
                    Err(GetError::Closed) => Err(Raised::new("OSError", GetError::Closed)),
                    got => Ok(got?),
                }
            }
            "empty" => {
                let [] = args.bind([])?;
                Ok(Value::Bool(self.queue.is_empty()))
            }
            "close" => {
                let [] = args.bind([])?;
                self.queue.close()?;
                Ok(Value::None)
            }
            _ => Err(Raised::no_such("SimpleQueue", op)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::SimpleQueue(self.queue.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The queue that an object is, if one can wait for it.
pub fn waitable(object: &std::sync::Arc<dyn Object>) -> Option<&dyn crate::Waitable> {
    let any = object.as_any();
    if let Some(queue) = any.downcast_ref::<QueueObject>() {
        return Some(&queue.queue);
    }
    let queue = any.downcast_ref::<JoinableObject>();
    queue.map(|queue| &*queue.queue as &dyn crate::Waitable)
}
