//! Tutorial 000: what a child shares with its parent, and what it does not.

use std::sync::Mutex;

use forkproof::manager::{ListProxy, Manager};
use forkproof::tutorial::println;
use forkproof::{Array, Process, Result, Value};

type Row = (String, u32);

static RESULT: Mutex<Vec<i32>> = Mutex::new(Vec::new());

pub fn square(numbers: Vec<i32>) {
    let mut result = RESULT.lock().unwrap();
    for number in numbers {
        result.push(number * number);
    }
    println!("Child process result: {result:?}");
}

/// 000.a: a global variable is each process's own. The child fills its list, and the parent's stays empty.
pub fn global_list() -> Result<()> {
    let p1 = Process::new(square, (vec![1, 2, 3, 4],));
    p1.start()?;
    p1.join()?;

    println!("Main process result: {:?}", RESULT.lock().unwrap());
    Ok(())
}

pub fn square_list(numbers: Vec<i32>, result: Array<i32>, square_sum: Value<i32>) -> Result<()> {
    for (index, number) in numbers.iter().enumerate() {
        result.set(index, number * number)?;
    }
    square_sum.set(result.to_vec()?.iter().sum())?;
    Ok(())
}

/// 000.b: an `Array` and a `Value` are in shared memory. What the child writes there, the parent reads.
pub fn shared_memory() -> Result<()> {
    let result = Array::<i32>::new(4)?;
    let square_sum = Value::new(0)?;

    let p = Process::new(
        square_list,
        (vec![1, 2, 3, 4], result.clone(), square_sum.clone()),
    );
    p.start()?;
    p.join()?;

    println!("{:?}", result.to_vec()?);
    println!("{}", square_sum.get()?);
    println!("{result:?}");
    Ok(())
}

pub fn append_data(new_data: Row, mut data: Vec<Row>) {
    data.push(new_data);
    println!("New data appended!\n");
}

pub fn show_data(data: Vec<Row>) {
    for (name, score) in data {
        println!("Name: {name} \nScore: {score}\n");
    }
}

/// 000.c: an ordinary argument is copied into the child. The row that one child appends is not in the list of
/// the next, nor in the parent's.
pub fn plain_rows() -> Result<()> {
    let row = |name: &str, score| (name.to_string(), score);
    let database = vec![row("Maura", 70), row("Alexis", 79), row("Pete", 96)];

    let p1 = Process::new(append_data, (row("Leroy", 87), database.clone()));
    let p2 = Process::new(show_data, (database.clone(),));

    p1.start()?;
    p1.join()?;

    p2.start()?;
    p2.join()?;

    println!("{}", as_python_shows(&database));
    Ok(())
}

pub fn append_to_manager(new_data: Row, data: ListProxy<Row>) -> Result<()> {
    data.append(new_data)?;
    println!("New data appended!\n");
    Ok(())
}

pub fn show_managers(data: ListProxy<Row>) -> Result<()> {
    for row in data.iter() {
        let (name, score) = row?;
        println!("Name: {name} \nScore: {score}\n");
    }
    Ok(())
}

/// 000.d: a list in a manager's server is one list for all. One child appends a row while the other asks for one row
/// after the other: it may come too late to be shown.
pub fn managers_rows() -> Result<()> {
    let row = |name: &str, score| (name.to_string(), score);
    let manager = Manager::start()?;
    let database = manager.list([row("Maura", 70), row("Alexis", 79), row("Pete", 96)])?;

    let p1 = Process::new(append_to_manager, (row("Leroy", 87), database.clone()));
    let p2 = Process::new(show_managers, (database.clone(),));

    p1.start()?;
    p2.start()?;

    p1.join()?;
    p2.join()?;

    println!("Data available to the Manager:  {database}");
    Ok(())
}

/// 000.e: a proxy outlives its manager, and says so.
pub fn after_the_manager() -> Result<()> {
    let manager = Manager::start()?;
    let database = manager.list([("Maura", 70), ("Alexis", 79), ("Pete", 96)])?;
    manager.shutdown()?;

    println!("Data available to the Manager:  {database}");
    Ok(())
}

fn as_python_shows(rows: &[Row]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(name, score)| format!("('{name}', {score})"))
        .collect();
    format!("[{}]", rows.join(", "))
}
