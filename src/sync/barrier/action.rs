//! A barrier's action: a function that is nothing but its type, and an argument that travels with the barrier.
//!
//! The type is lost on the way and found again by a function that the compiler makes for it, [`revive`]; that one
//! travels as its offset in the program's image, as a process's target does.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shm::passage;
use crate::sys::image;

/// A function and its argument, whatever their types.
pub(super) trait Action: Send + Sync {
    fn run(&self);
    /// As it travels; inside a passage, as the argument may hold shared objects.
    fn write(&self) -> Result<Written, String>;
}

#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    /// The offset of a [`Revive`] in the image.
    revive: u64,
    argument: Vec<u8>,
}

type Revive = fn(&[u8]) -> Result<Arc<dyn Action>, postcard::Error>;

struct Typed<F, A> {
    argument: A,
    function: PhantomData<fn() -> F>,
}

pub(super) fn of<F, A>(_function: F, argument: A) -> Arc<dyn Action>
where
    F: Fn(A) + Copy + 'static,
    A: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    const {
        assert!(
            size_of::<F>() == 0,
            "a barrier's action captures nothing: give it what it needs as its argument"
        )
    };
    Arc::new(Typed {
        argument,
        function: PhantomData::<fn() -> F>,
    })
}

impl<F, A> Action for Typed<F, A>
where
    F: Fn(A) + Copy + 'static,
    A: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    fn run(&self) {
        // SAFETY: F has no bytes, so every address holds it; it is Copy, and a value of it was given to of(), in this
        // process or in another one of the same program.
        let function = unsafe { NonNull::<F>::dangling().as_ptr().read() };
        function(self.argument.clone());
    }

    fn write(&self) -> Result<Written, String> {
        let revive: Revive = revive::<F, A>;
        let offset = image::offset_of_code(revive as *const ());
        Ok(Written {
            revive: offset.map_err(|error| error.to_string())?,
            argument: postcard::to_allocvec(&self.argument).map_err(|error| error.to_string())?,
        })
    }
}

fn revive<F, A>(argument: &[u8]) -> Result<Arc<dyn Action>, postcard::Error>
where
    F: Fn(A) + Copy + 'static,
    A: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    Ok(Arc::new(Typed {
        argument: postcard::from_bytes::<A>(argument)?,
        function: PhantomData::<fn() -> F>,
    }))
}

pub(super) fn serialize<S: Serializer>(
    action: &Option<Arc<dyn Action>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let written = action.as_ref().map(|action| action.write());
    let written = written.transpose().map_err(S::Error::custom)?;
    written.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Arc<dyn Action>>, D::Error> {
    let Some(Written { revive, argument }) = Option::<Written>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let code = image::code_at(revive);
    // SAFETY: the offset of a Revive, by write() in another process of this same image: handles travel between these
    // only.
    let revive = unsafe { std::mem::transmute::<*const (), Revive>(code) };
    let action = revive(&argument).map_err(|error| {
        D::Error::custom(passage::complain(format!("a barrier's action: {error}")))
    })?;
    Ok(Some(action))
}
