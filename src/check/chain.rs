//! Items in a row that are cheap to copy, to compare and to add to: what a search keeps thousands of.
//!
//! A chain is a link to the items before, and a piece of items behind them; chains that began alike share what
//! they have in common. Each knows its length and a hash of its items, so two that differ are almost always told
//! apart at once.
//!
//! | | costs |
//! |---|---|
//! | copy, hash, `len` | one step |
//! | `push`, `extend`, `append` | the items added |
//! | `pop` | one step, or once the length of the piece that it breaks up |
//! | equality | one step if they differ (but for a collision of hashes), else the items that are not shared |
//! | `get`, `to_vec` | the items |

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Items in a row.
pub struct Chain<T> {
    last: Option<Arc<Link<T>>>,
    len: usize,
    /// A polynomial in the hashes of the items: the same however they are cut into pieces.
    hash: u64,
}

struct Link<T> {
    before: Chain<T>,
    /// Never empty.
    piece: Box<[T]>,
}

/// Odd, so that no item's hash is lost in the multiplication; otherwise of no meaning (2^64 divided by the golden
/// ratio, as in Knuth's multiplicative hashing, The Art of Computer Programming 3, 6.4).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl<T> Chain<T> {
    pub fn new() -> Chain<T> {
        Chain {
            last: None,
            len: 0,
            hash: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item of this index, counted from 0.
    pub fn get(&self, index: usize) -> Option<&T> {
        let mut link = self.last.as_deref().filter(|_| index < self.len)?;
        while index < link.before.len {
            link = link.before.last.as_deref()?;
        }
        link.piece.get(index - link.before.len)
    }
}

impl<T: Hash> Chain<T> {
    /// This one with the items behind it.
    #[must_use]
    pub fn extend(&self, items: impl IntoIterator<Item = T>) -> Chain<T> {
        let piece: Box<[T]> = items.into_iter().collect();
        if piece.is_empty() {
            return self.clone();
        }
        let hash = piece.iter().fold(self.hash, |hash, item| {
            let mut hasher = DefaultHasher::new();
            item.hash(&mut hasher);
            hash.wrapping_mul(FACTOR).wrapping_add(hasher.finish())
        });
        Chain {
            len: self.len + piece.len(),
            hash,
            last: Some(Arc::new(Link {
                before: self.clone(),
                piece,
            })),
        }
    }

    /// This one with the item behind it.
    #[must_use]
    pub fn push(&self, item: T) -> Chain<T> {
        self.extend([item])
    }
}

impl<T: Hash + Clone> Chain<T> {
    /// This one without its last item, and that item.
    pub fn pop(&self) -> Option<(Chain<T>, T)> {
        let link = self.last.as_deref()?;
        let (item, rest) = link.piece.split_last()?;
        let before = rest
            .iter()
            .cloned()
            .fold(link.before.clone(), |all, item| all.push(item));
        Some((before, item.clone()))
    }

    /// This one with the other behind it, of which no item is hashed again.
    #[must_use]
    pub fn append(&self, other: &Chain<T>) -> Chain<T> {
        if other.is_empty() {
            return self.clone();
        }
        let shifted = (0..other.len).fold(self.hash, |hash, _| hash.wrapping_mul(FACTOR));
        Chain {
            len: self.len + other.len,
            hash: shifted.wrapping_add(other.hash),
            last: Some(Arc::new(Link {
                before: self.clone(),
                piece: other.to_vec().into(),
            })),
        }
    }

    pub fn to_vec(&self) -> Vec<T> {
        let mut pieces = Vec::new();
        let mut last = self.last.as_deref();
        while let Some(link) = last {
            pieces.push(&link.piece);
            last = link.before.last.as_deref();
        }
        pieces
            .into_iter()
            .rev()
            .flat_map(|piece| piece.iter().cloned())
            .collect()
    }
}

impl<T> Clone for Chain<T> {
    fn clone(&self) -> Self {
        Chain {
            last: self.last.clone(),
            len: self.len,
            hash: self.hash,
        }
    }
}

impl<T> Default for Chain<T> {
    fn default() -> Self {
        Chain::new()
    }
}

impl<T: Hash> FromIterator<T> for Chain<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Chain::new().extend(items)
    }
}

impl<T: PartialEq> PartialEq for Chain<T> {
    fn eq(&self, other: &Self) -> bool {
        if (self.len, self.hash) != (other.len, other.hash) {
            return false;
        }
        // From the back, piece by piece, until both go on in the same link.
        let (mut ours, mut theirs) = (self.last.as_deref(), other.last.as_deref());
        let (mut our_piece, mut their_piece): (&[T], &[T]) = (&[], &[]);
        loop {
            match (our_piece, their_piece, ours, theirs) {
                ([], [], None, None) => return true,
                ([], [], Some(one), Some(another)) if std::ptr::eq(one, another) => return true,
                ([], _, Some(link), _) => {
                    (our_piece, ours) = (&link.piece, link.before.last.as_deref());
                }
                (_, [], _, Some(link)) => {
                    (their_piece, theirs) = (&link.piece, link.before.last.as_deref());
                }
                ([our_rest @ .., one], [their_rest @ .., another], ..) if one == another => {
                    (our_piece, their_piece) = (our_rest, their_rest);
                }
                _ => return false,
            }
        }
    }
}

impl<T: Eq> Eq for Chain<T> {}

impl<T> Hash for Chain<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl<T: fmt::Debug + Hash + Clone> fmt::Debug for Chain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.to_vec()).finish()
    }
}

/// One link after another: left to itself, the end of a long chain would be a recursion as deep as it is long.
impl<T> Drop for Link<T> {
    fn drop(&mut self) {
        let mut last = self.before.last.take();
        while let Some(mut link) = last.and_then(Arc::into_inner) {
            last = link.before.last.take();
        }
    }
}

/// As a list of its items.
impl<T: Serialize + Hash + Clone> Serialize for Chain<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_vec().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + Hash> Deserialize<'de> for Chain<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Chain::from_iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_matter() {
        let whole: Chain<u8> = (0..9).collect();
        let cut = Chain::new().extend(0..2).push(2).extend([]).extend(3..9);
        assert_eq!(whole, cut);
        assert_eq!((whole.hash, cut.to_vec()), (cut.hash, (0..9).collect()));
        let appended = cut.append(&whole).append(&Chain::new());
        assert_eq!(appended, (0..9).chain(0..9).collect());
        assert_ne!(whole, cut.push(9));
        assert_ne!(whole, (0..8).chain([7]).collect());
        assert_ne!(whole, (1..9).chain([0]).collect());
    }

    #[test]
    fn equal_hashes_are_not_trusted() {
        let mut one: Chain<u8> = (0..4).collect();
        let other: Chain<u8> = (1..5).collect();
        one.hash = other.hash;
        assert_ne!(one, other);
        // What is shared is not looked at; what is before it is.
        let (mut one, other) = (one.push(9), other.push(9));
        one.hash = other.hash;
        assert_ne!(one, other);
    }

    #[test]
    fn a_pop_gives_back_what_was_there() {
        let mut chain: Chain<u8> = (0..3).collect();
        chain = chain.push(3);
        let kept = chain.clone();
        for expected in (0..4).rev() {
            assert_eq!(chain.get(expected.into()), Some(&expected));
            let (rest, item) = chain.pop().expect("not empty yet");
            assert_eq!((item, rest.get(expected.into())), (expected, None));
            assert_eq!(rest, (0..expected).collect());
            chain = rest;
        }
        assert_eq!((chain.pop(), chain.is_empty()), (None, true));
        assert_eq!(kept.to_vec(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_long_chain_ends_without_a_deep_stack() {
        let long = (0..1_000_000u32).fold(Chain::new(), |chain, item| chain.push(item));
        let copy = long.clone();
        drop(long);
        assert_eq!(copy.len(), 1_000_000);
    }
}
