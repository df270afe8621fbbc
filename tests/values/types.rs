//! What a `Value` and an `Array` can hold: the types of Python's type codes, and a user's own.

use std::fmt::Debug;
use std::str::FromStr;

use bytemuck::Zeroable;
use forkproof::{Array, Plain, Process, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::wire::in_child;

/// A row of fixtures/typecodes.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
    rust: String,
    bytes: usize,
    default: String,
    min: String,
    max: String,
}

#[test]
fn every_type_code_has_its_type_here() {
    #[derive(Deserialize)]
    struct File {
        code: Vec<Code>,
    }
    let file: File = toml::from_str(include_str!("../../fixtures/typecodes.toml")).unwrap();
    let codes: String = file.code.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(codes, "cubBhHiIlLqQfd");
    for row in &file.code {
        match row.rust.as_str() {
            "u8" => number::<u8>(row),
            "i8" => number::<i8>(row),
            "u16" => number::<u16>(row),
            "i16" => number::<i16>(row),
            "u32" => number::<u32>(row),
            "i32" => number::<i32>(row),
            "u64" => number::<u64>(row),
            "i64" => number::<i64>(row),
            "f32" => number::<f32>(row),
            "f64" => number::<f64>(row),
            "char" => check(row, |code_point| {
                char::from_u32(code_point.parse().unwrap()).unwrap()
            }),
            other => panic!("code {}: {other} is not tried", row.code),
        }
    }
}

fn number<T: Travels + FromStr<Err: Debug>>(row: &Code) {
    check::<T>(row, |text| text.parse().unwrap());
}

/// What the tests below compare and send as an ordinary argument, too.
trait Travels: Plain + PartialEq + Debug + Serialize + DeserializeOwned {}

impl<T: Plain + PartialEq + Debug + Serialize + DeserializeOwned> Travels for T {}

fn check<T: Travels>(row: &Code, parse: impl Fn(&str) -> T) {
    let Code {
        code,
        bytes,
        default,
        min,
        max,
        ..
    } = row;
    assert_eq!(size_of::<T>(), *bytes, "code {code}");
    let (default, min, max) = (parse(default), parse(min), parse(max));
    assert_eq!(default, T::zeroed(), "code {code}");
    round_trip([default, min, max]);
}

/// From here to a child and back, through a value, and through an array whose elements lie side by side.
fn round_trip<T: Travels>([default, min, max]: [T; 3]) {
    let value = Value::new(T::zeroed()).unwrap();
    let array = Array::<T>::new(5).unwrap();
    array.set_slice(3.., &[min, max]).unwrap();

    let args = (value.clone(), array.clone(), [default, min, max]);
    let p = Process::new(fill::<T>, args);
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), 0, "{}", std::any::type_name::<T>());

    assert_eq!(value.get().unwrap(), max);
    assert_eq!(value.get_unlocked(), max);
    assert_eq!(array.to_vec().unwrap(), [max, min, default, min, max]);
    value.set(min).unwrap();
    assert_eq!(value.get().unwrap(), min);
}

fn fill<T: Travels>(value: Value<T>, array: Array<T>, [default, min, max]: [T; 3]) {
    assert_eq!(value.get().unwrap(), default, "a new value is zero");
    let fresh = [default, default, default, min, max];
    assert_eq!(
        array.to_vec().unwrap(),
        fresh,
        "a new array is zero, and then as it was written"
    );
    value.set(max).unwrap();
    array.set(1, min).unwrap();
    array.set(0, max).unwrap();
}

#[test]
fn floats_keep_every_bit() {
    fn child(of_f32: Array<f32>, of_f64: Array<f64>) {
        for at in 0..of_f64.len() {
            of_f32.update(at, |x| *x = -*x).unwrap();
            of_f64.update(at, |x| *x = -*x).unwrap();
        }
    }
    let bits = [0x7ff8_dead_beef_0001_u64, 0xfff0_0000_0000_0000, 1 << 63, 1];
    let of_f64 = Array::from_slice(&bits.map(f64::from_bits)).unwrap();
    let small = [0x7fc0_beef_u32, 0xff80_0000, 1 << 31, 1];
    let of_f32 = Array::from_slice(&small.map(f32::from_bits)).unwrap();
    in_child(child, (of_f32.clone(), of_f64.clone()));
    let read: Vec<u64> = of_f64
        .to_vec()
        .unwrap()
        .iter()
        .map(|x| x.to_bits())
        .collect();
    assert_eq!(read, bits.map(|bits| bits ^ 1 << 63));
    let read: Vec<u32> = of_f32
        .to_vec()
        .unwrap()
        .iter()
        .map(|x| x.to_bits())
        .collect();
    assert_eq!(read, small.map(|bits| bits ^ 1 << 31));
}

/// 24 bytes without a gap, some of which are not just any bytes.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Serialize,
    Deserialize,
    bytemuck::NoUninit,
    bytemuck::CheckedBitPattern,
    bytemuck::Zeroable,
)]
#[repr(C)]
struct Account {
    balance: i64,
    owner: Owner,
    currency: char,
    limit: f32,
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Serialize,
    Deserialize,
    bytemuck::NoUninit,
    bytemuck::CheckedBitPattern,
    bytemuck::Zeroable,
)]
#[repr(C)]
struct Owner {
    number: u32,
    age: u16,
    of_age: bool,
    kind: Kind,
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Serialize,
    Deserialize,
    bytemuck::NoUninit,
    bytemuck::CheckedBitPattern,
    bytemuck::Zeroable,
)]
#[repr(u8)]
enum Kind {
    Private = 0,
    Company = 200,
}

#[test]
fn structs_within_structs_with_bool_char_and_enum() {
    assert_eq!(size_of::<Account>(), 24);
    let none = Account::zeroed();
    let owner = Owner {
        number: 7,
        age: 44,
        of_age: true,
        kind: Kind::Company,
    };
    let some = Account {
        balance: -200,
        owner,
        currency: '€',
        limit: 0.5,
    };
    let kind = Kind::Private;
    let other = Account {
        balance: i64::MAX,
        owner: Owner { kind, ..owner },
        currency: '\u{10ffff}',
        limit: -1.0,
    };
    round_trip([none, some, other]);
}

#[test]
fn part_of_a_struct_is_changed_by_a_child() {
    fn birthday(account: Value<Account>) {
        account.update(|account| account.owner.age += 1).unwrap();
        account.lock().unwrap().owner.of_age = true;
    }
    let account = Value::new(Account::zeroed()).unwrap();
    account.update(|account| account.owner.age = 17).unwrap();
    in_child(birthday, (account.clone(),));
    let owner = account.get().unwrap().owner;
    assert_eq!((owner.age, owner.of_age), (18, true));
}

#[derive(
    Clone, Copy, Debug, PartialEq, Serialize, Deserialize, bytemuck::Pod, bytemuck::Zeroable,
)]
#[repr(C, align(16))]
struct Wide {
    words: [u64; 4],
}

#[test]
fn types_that_are_aligned_to_16_bytes() {
    assert_eq!((align_of::<Wide>(), align_of::<u128>()), (16, 16));
    let wide = |word| Wide {
        words: [word, 1, 2, word],
    };
    round_trip([Wide::zeroed(), wide(u64::MAX), wide(7)]);
    round_trip([0, u128::MAX, 1 << 100]);
}

#[test]
fn arrays_as_elements() {
    round_trip([[0_i32; 8], [i32::MIN; 8], [1, 2, 3, 4, 5, 6, 7, 8]]);
    round_trip([
        [[0.0_f64; 3]; 2],
        [[f64::MAX; 3]; 2],
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
    ]);
}

#[test]
fn nothing_and_very_much() {
    fn sum(nothing: Value<()>, none: Array<u64>, much: Array<u64>, sum: Value<u64>) {
        nothing.set(()).unwrap();
        assert!(none.is_empty() && none.to_vec().unwrap().is_empty());
        assert_eq!(much.len(), 1 << 18);
        sum.set(much.to_vec().unwrap().iter().sum()).unwrap();
        much.set(much.len() - 1, 5).unwrap();
    }
    let nothing = Value::new(()).unwrap();
    let none = Array::new(0).unwrap();
    let numbers: Vec<u64> = (0..1 << 18).collect();
    let much = Array::from_slice(&numbers).unwrap(); // 2 MiB
    let total = Value::new(0).unwrap();
    in_child(sum, (nothing, none, much.clone(), total.clone()));
    assert_eq!(total.get().unwrap(), ((1 << 18) - 1) * (1 << 17));
    assert_eq!(much.slice((1 << 18) - 2..).unwrap(), [(1 << 18) - 2, 5]);
}
