//! `SharedMemory`, the view of its bytes, `ShareableList`, and the manager of both.

use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bytes::{byte, bytes_of};
use super::{Args, Handle, Object, int, need, slices};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{ShareableItem, ShareableList, ShareableListError, SharedMemory, SharedMemoryManager};

/// What was made under a name, which outlives its maker: whoever directs the case takes the names away.
static MADE: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The names that were made since the last call.
pub fn made() -> Vec<String> {
    std::mem::take(&mut *lock(&MADE))
}

fn note(memory: &SharedMemory) {
    lock(&MADE).push(memory.name().to_owned());
}

/// A size that no memory has is a ValueError.
fn refused(error: io::Error) -> Raised {
    match error.kind() {
        io::ErrorKind::InvalidInput => Raised::value_error(error),
        _ => error.into(),
    }
}

fn name_of(name: Option<Value>) -> Answer<Option<String>> {
    match name {
        None | Some(Value::None) => Ok(None),
        Some(Value::Str(name)) => Ok(Some(name)),
        Some(other) => Err(Raised::type_error(format!("{} is no name", other.repr()))),
    }
}

/// Memory, until it is closed, which here is to drop it. What a program knows of it then is what it has noted.
pub struct MemoryObject {
    memory: Arc<Mutex<Option<SharedMemory>>>,
    name: String,
    len: usize,
}

impl MemoryObject {
    pub fn construct(args: &Args) -> Answer {
        let [name, create, size] = args.bind(["name", "create", "size"])?;
        let name = name_of(name)?;
        let size = size.as_ref().map_or(Ok(0), int)?;
        let size = usize::try_from(size).map_err(Raised::value_error)?;
        let memory = match (create.is_some_and(|create| create.is_true()), name) {
            (true, None) => SharedMemory::create(size).map_err(refused)?,
            (true, Some(name)) => SharedMemory::create_named(&name, size).map_err(refused)?,
            (false, Some(name)) => {
                return Ok(Value::object(MemoryObject::over(SharedMemory::attach(
                    &name,
                )?)));
            }
            (false, None) => {
                return Err(Raised::value_error("memory that is not made has a name"));
            }
        };
        note(&memory);
        Ok(Value::object(MemoryObject::over(memory)))
    }

    pub fn over(memory: SharedMemory) -> MemoryObject {
        MemoryObject {
            name: memory.name().to_owned(),
            len: memory.len(),
            memory: Arc::new(Mutex::new(Some(memory))),
        }
    }

    fn unlink(&self) -> Answer {
        let memory = lock(&self.memory).clone();
        match memory {
            Some(memory) => memory.unlink()?,
            None => SharedMemory::attach(&self.name)?.unlink()?, // it was let go
        }
        Ok(Value::None)
    }
}

impl Object for MemoryObject {
    fn kind(&self) -> String {
        "SharedMemory".into()
    }

    fn repr(&self) -> String {
        match &*lock(&self.memory) {
            Some(memory) => format!("{memory:?}"),
            None => format!("SharedMemory({:?}, size={})", self.name, self.len),
        }
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let [] = args.bind([])?;
        match op {
            "close" => {
                let memory = lock(&self.memory).take();
                drop(memory);
                Ok(Value::None)
            }
            "unlink" => self.unlink(),
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn attribute(&self, name: &str) -> Answer {
        match name {
            "name" => Ok(Value::Str(self.name.clone())),
            "size" => Ok(Value::int(self.len)),
            "buf" if lock(&self.memory).is_none() => Ok(Value::None),
            "buf" => Ok(Value::object(View {
                memory: self.memory.clone(),
            })),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        let memory = lock(&self.memory).clone();
        let memory = memory.ok_or_else(|| Raised::value_error("the memory was closed"))?;
        Ok(Handle::SharedMemory(memory))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The bytes of shared memory. A borrow of what was dropped does not compile, and is a ValueError here.
struct View {
    memory: Arc<Mutex<Option<SharedMemory>>>,
}

impl View {
    fn memory(&self) -> Answer<SharedMemory> {
        let memory = lock(&self.memory).clone();
        memory
            .ok_or_else(|| Raised::value_error("operation forbidden on released memoryview object"))
    }
}

impl Object for View {
    fn kind(&self) -> String {
        "memoryview".into()
    }

    fn repr(&self) -> String {
        "<memory>".into()
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let memory = self.memory()?;
        let len = memory.len();
        match (op, args.list.as_slice()) {
            ("setitem", [at, value]) => {
                memory.set(slices::index(at, len)?, byte(value)?)?;
                Ok(Value::None)
            }
            ("setslice", [bounds @ .., content]) => {
                let places = slices::indices(bounds, len)?;
                let content = bytes_of(content)?;
                if places.len() != content.len() {
                    let (expected, given) = (places.len(), content.len());
                    return Err(crate::BoundsError::Length { expected, given }.into());
                }
                for (at, byte) in places.into_iter().zip(content) {
                    memory.set(at, byte)?;
                }
                Ok(Value::None)
            }
            ("tobytes", []) => Ok(Value::Bytes(memory.slice(..)?)),
            _ => super::plain::call(&Value::Bytes(memory.slice(..)?), op, args),
        }
    }

    fn attribute(&self, name: &str) -> Answer {
        match name {
            "nbytes" => Ok(Value::int(self.memory()?.len())),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::type_error("a borrow does not travel"))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What a slot can hold.
fn item(value: &Value) -> Answer<ShareableItem> {
    Ok(match value {
        Value::None => ShareableItem::None,
        Value::Bool(value) => ShareableItem::Bool(*value),
        Value::Int(number) => {
            let number = i64::try_from(*number);
            ShareableItem::Int(number.map_err(|error| Raised::new("error", error))?)
        }
        Value::Huge(digits) => return Err(Raised::new("error", format!("{digits} is no i64"))),
        Value::Float(number) => ShareableItem::Float(*number),
        Value::Str(text) => ShareableItem::Str(text.clone()),
        Value::Bytes(bytes) => ShareableItem::Bytes(bytes.clone()),
        other => {
            return Err(Raised::new(
                "KeyError",
                format!("no slot holds a {}", other.kind()),
            ));
        }
    })
}

fn items(sequence: &Value) -> Answer<Vec<ShareableItem>> {
    sequence.items()?.iter().map(item).collect()
}

fn value(item: ShareableItem) -> Value {
    match item {
        ShareableItem::None => Value::None,
        ShareableItem::Bool(value) => Value::Bool(value),
        ShareableItem::Int(number) => Value::int(number),
        ShareableItem::Float(number) => Value::Float(number),
        ShareableItem::Str(text) => Value::Str(text),
        ShareableItem::Bytes(bytes) => Value::Bytes(bytes),
    }
}

impl From<ShareableListError> for Raised {
    fn from(error: ShareableListError) -> Raised {
        match error {
            ShareableListError::Bounds(error) => error.into(),
            ShareableListError::TooLong { .. } => Raised::value_error(error),
            ShareableListError::Lock(error) => error.into(),
            other => Raised::new("OSError", other),
        }
    }
}

pub struct ListObject {
    list: ShareableList,
}

impl ListObject {
    pub fn construct(args: &Args) -> Answer {
        let [sequence, name] = args.bind(["sequence", "name"])?;
        let list = match (sequence, name_of(name)?) {
            (None | Some(Value::None), Some(name)) => {
                return Ok(Value::object(ListObject::over(ShareableList::attach(
                    &name,
                )?)));
            }
            (Some(sequence), None) => ShareableList::new(items(&sequence)?)?,
            (Some(sequence), Some(name)) => ShareableList::named(&name, items(&sequence)?)?,
            (None, None) => {
                return Err(Raised::type_error("neither items nor the name of a list"));
            }
        };
        note(list.shm());
        Ok(Value::object(ListObject::over(list)))
    }

    pub fn over(list: ShareableList) -> ListObject {
        ListObject { list }
    }

    fn all(&self) -> Answer {
        let items = self.list.to_vec()?;
        Ok(Value::List(items.into_iter().map(value).collect()))
    }
}

impl Object for ListObject {
    fn kind(&self) -> String {
        "ShareableList".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.list)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let len = self.list.len();
        match (op, args.list.as_slice()) {
            ("getitem", [at]) => Ok(value(self.list.get(slices::index(at, len)?)?)),
            ("setitem", [at, new]) => {
                self.list.set(slices::index(at, len)?, item(new)?)?;
                Ok(Value::None)
            }
            ("count", [wanted]) => Ok(Value::int(self.list.count(&item(wanted)?)?)),
            ("index", [wanted]) => {
                let found = self.list.index(&item(wanted)?)?;
                found
                    .map(Value::int)
                    .ok_or_else(|| Raised::value_error("it is not in this container"))
            }
            ("__len__", []) => Ok(Value::int(len)),
            ("__iter__", []) => self.all(),
            ("contains", [_]) => super::plain::call(&self.all()?, op, args),
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn attribute(&self, name: &str) -> Answer {
        match name {
            "shm" => Ok(Value::object(MemoryObject::over(self.list.shm().clone()))),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::ShareableList(self.list.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The manager, from before its start on, which here is its making.
pub struct MemoryManagerObject {
    state: Mutex<State>,
}

enum State {
    Initial,
    Started(Arc<SharedMemoryManager>),
    ShutDown,
}

impl MemoryManagerObject {
    pub fn construct(args: &Args) -> Answer {
        let [] = args.bind([])?;
        Ok(Value::object(MemoryManagerObject {
            state: Mutex::new(State::Initial),
        }))
    }

    fn start(&self) -> Answer {
        let mut state = lock(&self.state);
        match *state {
            State::Initial => {
                *state = State::Started(Arc::new(SharedMemoryManager::start()?));
                Ok(Value::None)
            }
            State::Started(_) => Err(Raised::new("ProcessError", "it is made by its start")),
            State::ShutDown => Err(Raised::new("ProcessError", "it has been shut down")),
        }
    }

    fn manager(&self) -> Answer<Arc<SharedMemoryManager>> {
        match &*lock(&self.state) {
            State::Started(manager) => Ok(manager.clone()),
            State::Initial | State::ShutDown => {
                Err(Raised::new("AssertionError", "the manager does not run"))
            }
        }
    }

    fn shutdown(&self) -> Answer {
        let mut state = lock(&self.state);
        if let State::Started(manager) = &*state {
            manager.shutdown()?;
            *state = State::ShutDown;
        }
        Ok(Value::None)
    }
}

impl Object for MemoryManagerObject {
    fn kind(&self) -> String {
        "SharedMemoryManager".into()
    }

    fn repr(&self) -> String {
        "<SharedMemoryManager>".into()
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "start" | "__enter__" => self.start(),
            "shutdown" | "__exit__" => self.shutdown(),
            "SharedMemory" => {
                let [size] = args.bind(["size"])?;
                let size = int(&need(size, "size")?)?;
                let size = usize::try_from(size).map_err(Raised::value_error)?;
                let memory = self.manager()?.shared_memory(size).map_err(refused)?;
                note(&memory);
                Ok(Value::object(MemoryObject::over(memory)))
            }
            "ShareableList" => {
                let [sequence] = args.bind(["sequence"])?;
                let items = items(&need(sequence, "sequence")?)?;
                let list = self.manager()?.shareable_list(items)?;
                note(list.shm());
                Ok(Value::object(ListObject::over(list)))
            }
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::type_error(
            "a manager stays with the process that started it",
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
