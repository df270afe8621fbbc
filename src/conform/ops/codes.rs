//! The type codes of `Value` and `Array`, and the Rust types that stand for them.
//!
//! Python reduces an integer modulo 2^bits where it stores it. A Rust program cannot store 2^31 in an `i32`: it
//! either fails to convert it, or says `as i32`, which reduces it in the same way. The conversion here is that `as`.

use serde::{Deserialize, Serialize};

use crate::Plain;
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;

/// A type code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code(char);

/// What is stored under a code.
#[derive(Clone, Copy)]
pub enum Scalar {
    Int(i128),
    Float(f64),
    Char(char),
}

/// A type that can be stored.
pub trait Native: Plain {
    fn store(scalar: Scalar) -> Self;
    fn load(self) -> Scalar;
}

macro_rules! natives {
    ($($Int:ty)+) => { $(
        impl Native for $Int {
            fn store(scalar: Scalar) -> $Int {
                match scalar {
                    Scalar::Int(number) => number as $Int,
                    Scalar::Float(number) => number as $Int,
                    Scalar::Char(c) => u32::from(c) as $Int,
                }
            }

            fn load(self) -> Scalar {
                Scalar::Int(self.into())
            }
        }
    )+ };
}

natives! { i8 u8 i16 u16 i32 u32 i64 u64 }

macro_rules! floats {
    ($($Float:ty)+) => { $(
        impl Native for $Float {
            fn store(scalar: Scalar) -> $Float {
                match scalar {
                    Scalar::Int(number) => number as $Float,
                    Scalar::Float(number) => number as $Float,
                    Scalar::Char(c) => u32::from(c) as $Float,
                }
            }

            fn load(self) -> Scalar {
                Scalar::Float(self.into())
            }
        }
    )+ };
}

floats! { f32 f64 }

impl Native for char {
    fn store(scalar: Scalar) -> char {
        match scalar {
            Scalar::Char(c) => c,
            Scalar::Int(_) | Scalar::Float(_) => '\0',
        }
    }

    fn load(self) -> Scalar {
        Scalar::Char(self)
    }
}

/// Makes something generic over the Rust type of a code.
macro_rules! with_type {
    ($code:expr, $Type:ident => $made:expr) => {
        match $code.letter() {
            'b' => {
                type $Type = i8;
                $made
            }
            'B' | 'c' => {
                type $Type = u8;
                $made
            }
            'h' => {
                type $Type = i16;
                $made
            }
            'H' => {
                type $Type = u16;
                $made
            }
            'i' => {
                type $Type = i32;
                $made
            }
            'I' => {
                type $Type = u32;
                $made
            }
            'l' | 'q' => {
                type $Type = i64;
                $made
            }
            'L' | 'Q' => {
                type $Type = u64;
                $made
            }
            'f' => {
                type $Type = f32;
                $made
            }
            'd' => {
                type $Type = f64;
                $made
            }
            _ => {
                type $Type = char;
                $made
            }
        }
    };
}
pub(super) use with_type;

/// An enum of `Value` or `Array` over each of the types: what travels, and, where it has arrived, is a [`Typed`] of
/// the type again.
///
/// [`Typed`]: super::guarded::Typed
macro_rules! over_each_type {
    ($Any:ident, $Shared:ident, $Stored:ident) => {
        over_each_type! { $Any, $Shared, $Stored; i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 char }
    };
    ($Any:ident, $Shared:ident, $Stored:ident; $($Type:ident)+) => {
        /// One of the types.
        #[allow(non_camel_case_types)] // the variants are the types
        #[derive(Serialize, Deserialize)]
        pub enum $Any {
            $($Type($Shared<$Type>),)+
        }

        $(
            impl From<$Shared<$Type>> for $Any {
                fn from(shared: $Shared<$Type>) -> $Any {
                    $Any::$Type(shared)
                }
            }
        )+

        impl $Any {
            fn stored(self) -> Arc<dyn $Stored> {
                match self {
                    $($Any::$Type(shared) => Arc::new(Typed::new(shared)),)+
                }
            }
        }
    };
}
pub(super) use over_each_type;

impl Code {
    /// # Errors
    /// TypeError: there is no such code, or it is none.
    pub fn of(value: &Value) -> Answer<Code> {
        match value {
            Value::Str(text) => {
                let mut letters = text.chars();
                match (letters.next(), letters.next()) {
                    (Some(letter), None) if "cubBhHiIlLqQfd".contains(letter) => Ok(Code(letter)),
                    _ => Err(Raised::type_error(format!(
                        "there is no type code '{text}'"
                    ))),
                }
            }
            other => Err(Raised::type_error(format!(
                "{} is no type code",
                other.repr()
            ))),
        }
    }

    pub fn letter(self) -> char {
        self.0
    }

    /// What a program writes that stores this value.
    ///
    /// # Errors
    /// TypeError: the types do not fit, and no program does. OverflowError: no `f64` is so large.
    pub fn admit(self, value: &Value) -> Answer<Scalar> {
        let refuse = || {
            let (kind, letter) = (value.kind(), self.0);
            Raised::type_error(format!(
                "'{kind}' cannot be stored under the code '{letter}'"
            ))
        };
        match (self.0, value) {
            ('c', Value::Bytes(bytes)) => match bytes[..] {
                [byte] => Ok(Scalar::Int(byte.into())),
                _ => Err(refuse()),
            },
            ('c', Value::Int(number)) => {
                let byte = u8::try_from(*number).map_err(|_| refuse())?;
                Ok(Scalar::Int(byte.into()))
            }
            ('u', Value::Str(text)) => {
                let mut letters = text.chars();
                match (letters.next(), letters.next()) {
                    (Some(letter), None) => Ok(Scalar::Char(letter)),
                    _ => Err(refuse()),
                }
            }
            ('c' | 'u', _) => Err(refuse()),
            ('f' | 'd', Value::Huge(digits)) => {
                let number: f64 = digits.parse().map_err(|_| refuse())?;
                if number.is_infinite() {
                    return Err(Raised::new("OverflowError", "no f64 is so large"));
                }
                Ok(Scalar::Float(number))
            }
            ('f' | 'd', value) => value.as_float().map(Scalar::Float).ok_or_else(refuse),
            (_, Value::Huge(digits)) => Ok(Scalar::Int(low_bits(digits))),
            (_, value) => value.as_int().map(Scalar::Int).ok_or_else(refuse),
        }
    }

    pub fn show(self, scalar: Scalar) -> Value {
        match scalar {
            Scalar::Int(byte) if self.0 == 'c' => Value::Bytes(vec![byte as u8]),
            Scalar::Int(number) => Value::Int(number),
            Scalar::Float(number) => Value::Float(number),
            Scalar::Char(c) => Value::Str(c.into()),
        }
    }

    /// Several: a list, or one piece of text.
    pub fn show_all(self, scalars: Vec<Scalar>) -> Value {
        let shown = scalars.into_iter().map(|scalar| self.show(scalar));
        match self.0 {
            'c' => Value::Bytes(
                shown
                    .flat_map(|byte| match byte {
                        Value::Bytes(bytes) => bytes,
                        _ => Vec::new(),
                    })
                    .collect(),
            ),
            'u' => Value::Str(
                shown
                    .map(|c| match c {
                        Value::Str(text) => text,
                        _ => String::new(),
                    })
                    .collect(),
            ),
            _ => Value::List(shown.collect()),
        }
    }

    /// A new one of what the code stands for, without a lock: as Rust prints it.
    pub fn bare(self, scalar: Scalar) -> String {
        with_type!(self, T => {
            format!("{}({:?})", std::any::type_name::<T>(), T::store(scalar))
        })
    }
}

/// A decimal of any length, modulo 2^128.
fn low_bits(digits: &str) -> i128 {
    let bare = digits.strip_prefix('-').unwrap_or(digits);
    let number = bare.bytes().fold(0u128, |sum, digit| {
        sum.wrapping_mul(10).wrapping_add((digit - b'0').into())
    });
    if digits.starts_with('-') {
        number.wrapping_neg() as i128
    } else {
        number as i128
    }
}
