//! Many objects of one kind, each under a key, that have nothing to do with each other: judged key by key.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use super::Spec;

/// So many objects of a spec as there are keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Independent<S>(PhantomData<S>);

/// A call of the object under a key. The empty key is not told to people: there is but one object.
pub struct Call<S: Spec> {
    pub key: Arc<str>,
    pub call: S::Call,
}

/// The objects.
pub struct State<S: Spec> {
    /// Of those under keys that are not in the map.
    others: S::State,
    by_key: BTreeMap<Arc<str>, S::State>,
}

impl<S: Spec> State<S> {
    /// All objects in one state.
    pub fn all(state: S::State) -> State<S> {
        State {
            others: state,
            by_key: BTreeMap::new(),
        }
    }

    /// This one under the key is in this state.
    #[must_use]
    pub fn with(mut self, key: &str, state: S::State) -> State<S> {
        self.put(key.into(), state);
        self
    }

    pub fn get(&self, key: &str) -> &S::State {
        self.by_key.get(key).unwrap_or(&self.others)
    }

    /// An object that is as the others is not in the map, so that equal states are equal maps.
    fn put(&mut self, key: Arc<str>, state: S::State) {
        if state == self.others {
            self.by_key.remove(&key);
        } else {
            self.by_key.insert(key, state);
        }
    }
}

impl<S: Spec> Spec for Independent<S> {
    type State = State<S>;
    type Call = Call<S>;
    type Return = S::Return;

    fn apply(state: &State<S>, call: &Call<S>) -> (State<S>, S::Return) {
        let (object, returned) = S::apply(state.get(&call.key), &call.call);
        let mut after = state.clone();
        after.put(call.key.clone(), object);
        (after, returned)
    }

    fn key(call: &Call<S>) -> Option<String> {
        Some(call.key.to_string())
    }

    fn only_reads(call: &Call<S>) -> bool {
        S::only_reads(&call.call)
    }

    fn tell_call(call: &Call<S>) -> String {
        match &*call.key {
            "" => S::tell_call(&call.call),
            key => format!("{key}: {}", S::tell_call(&call.call)),
        }
    }

    fn tell_return(returned: &S::Return) -> String {
        S::tell_return(returned)
    }
}

impl<S: Spec> fmt::Debug for Call<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.key, self.call)
    }
}

impl<S: Spec> Clone for State<S> {
    fn clone(&self) -> Self {
        State {
            others: self.others.clone(),
            by_key: self.by_key.clone(),
        }
    }
}

impl<S: Spec> PartialEq for State<S> {
    fn eq(&self, other: &Self) -> bool {
        self.others == other.others && self.by_key == other.by_key
    }
}

impl<S: Spec> Eq for State<S> {}

impl<S: Spec> Hash for State<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.others.hash(state);
        self.by_key.hash(state);
    }
}

impl<S: Spec> fmt::Debug for State<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by_key.iter().next() {
            None => self.others.fmt(f),
            Some((key, only)) if self.by_key.len() == 1 && key.is_empty() => only.fmt(f),
            Some(_) => {
                let mut map = f.debug_map();
                for (key, state) in &self.by_key {
                    map.key(&format_args!("{key}")).value(state);
                }
                map.finish()
            }
        }
    }
}
