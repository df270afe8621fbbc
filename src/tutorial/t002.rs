//! Tutorial 002: the same squares in private memory, in an `Array` and in a `Queue`, and a float in a `Value`.

use std::sync::Mutex;

use forkproof::manager::{DictProxy, Manager};
use forkproof::tutorial::{print, println};
use forkproof::{Array, Process, Queue, Result, Value};

static RESULT: Mutex<Vec<i32>> = Mutex::new(Vec::new());

pub fn square_privately(numbers: Vec<i32>) {
    let mut result = RESULT.lock().unwrap();
    for number in numbers {
        result.push(number * number);
    }
    println!("inside process: {result:?}");
}

/// 002.1: without shared memory the squares stay where they were worked out.
pub fn private_list() -> Result<()> {
    let p = Process::new(square_privately, (vec![2, 3, 4, 5, 8, 19],));
    p.start()?;
    p.join()?;

    println!("outside process: {:?}", RESULT.lock().unwrap());
    Ok(())
}

pub fn square_into_array(numbers: Vec<i32>, result: Array<i32>) -> Result<()> {
    for (index, number) in numbers.iter().enumerate() {
        result.set(index, number * number)?;
    }
    println!("inside process: {:?}", result.to_vec()?);
    Ok(())
}

/// 002.2: in an `Array`, as long as the list, both see them.
pub fn shared_array() -> Result<()> {
    let numbers = vec![2, 3, 4, 5, 8, 19];
    let result = Array::<i32>::new(numbers.len())?;

    let p = Process::new(square_into_array, (numbers, result.clone()));
    p.start()?;
    p.join()?;

    println!("outside process: {:?}", result.to_vec()?);
    Ok(())
}

pub fn change(value: Value<f64>) -> Result<()> {
    value.set(11.24)?;
    println!("value inside process: {}", value.get()?);
    Ok(())
}

/// 002.3: a `Value` holds any plain type; here a float.
pub fn shared_value() -> Result<()> {
    let value = Value::new(0.5)?;

    let p = Process::new(change, (value.clone(),));
    p.start()?;
    p.join()?;

    println!("value outside process: {}", value.get()?);
    Ok(())
}

pub fn square_into_queue(numbers: Vec<i32>, q: Queue<i32>) -> Result<()> {
    for number in numbers {
        q.put(number * number)?;
    }
    Ok(())
}

/// 002.4: a `Queue` needs no length to begin with. When the child was joined, all is in it.
pub fn queue() -> Result<()> {
    let q = Queue::new()?;
    let p = Process::new(square_into_queue, (vec![2, 3, 4, 5, 8, 19], q.clone()));
    p.start()?;
    p.join()?;

    while !q.is_empty() {
        print!("{} ", q.get()?);
    }
    Ok(())
}

pub fn fill(dictionary: DictProxy<String, i32>) -> Result<()> {
    dictionary.insert("a".to_string(), 10)?;
    dictionary.insert("b".to_string(), 20)?;
    dictionary.insert("c".to_string(), 30)?;
    println!("dictionary within process: {dictionary}");
    Ok(())
}

/// 002.5: a manager's dict, which the child changes and the parent sees.
pub fn managers_dict() -> Result<()> {
    let manager = Manager::start()?;
    let dictionary = manager.dict([("a".to_string(), 0)])?;

    let p = Process::new(fill, (dictionary.clone(),));
    p.start()?;
    p.join()?;

    println!("dictionary outside process: {dictionary}");
    Ok(())
}
