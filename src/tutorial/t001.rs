//! Tutorial 001: two processes, two memories; and memory that is shared.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use forkproof::manager::{DictProxy, ListProxy, Manager, ManagerError};
use forkproof::tutorial::println;
use forkproof::{
    Address, Array, Key, NetError, Pipe, Process, Queue, Receiver, Result, Sender, Value,
};

static RESULT: Mutex<Vec<i32>> = Mutex::new(Vec::new());

pub fn square_globally(numbers: Vec<i32>) {
    let mut result = RESULT.lock().unwrap();
    result.extend(numbers.iter().map(|number| number * number));
    println!("Result(in process p1): {result:?}");
}

/// 001.e1: the child and the main program each have a `RESULT` of their own.
pub fn global_list() -> Result<()> {
    let p1 = Process::new(square_globally, (vec![1, 2, 3, 4],));
    p1.start()?;
    p1.join()?;

    println!("Result(in main program): {:?}", RESULT.lock().unwrap());
    Ok(())
}

pub fn square_list(numbers: Vec<i32>, result: Array<i32>, square_sum: Value<i32>) -> Result<()> {
    for (index, number) in numbers.iter().enumerate() {
        result.set(index, number * number)?;
    }
    square_sum.set(result.to_vec()?.iter().sum())?;

    println!("Result(in process p1): {:?}", result.to_vec()?);
    println!("Sum of squares(in process p1): {}", square_sum.get()?);
    Ok(())
}

/// 001.e2: an `Array` and a `Value` go to the child as arguments, and are the same ones there.
pub fn shared_memory() -> Result<()> {
    let result = Array::<i32>::new(4)?;
    let square_sum = Value::new(0)?;

    let p1 = Process::new(
        square_list,
        (vec![1, 2, 3, 4], result.clone(), square_sum.clone()),
    );
    p1.start()?;
    p1.join()?;

    println!("Result(in main program): {:?}", result.to_vec()?);
    println!("Sum of squares(in main program): {}", square_sum.get()?);
    Ok(())
}

/// 001.v: a `Value` starts as what it is made with.
pub fn initial_value() -> Result<()> {
    let square_sum = Value::new(10)?;
    println!("{}", square_sum.get()?);
    Ok(())
}

pub fn insert_record(record: (String, i32), records: ListProxy<(String, i32)>) -> Result<()> {
    records.append(record)?;
    println!("New record added!\n");
    Ok(())
}

pub fn print_records(records: ListProxy<(String, i32)>) -> Result<()> {
    for record in records.iter() {
        let (name, score) = record?;
        println!("Name: {name}\nScore: {score}\n");
    }
    Ok(())
}

/// 001.e3: a list in the memory of a server process. Each child has a proxy of it.
pub fn managers_list() -> Result<()> {
    let record = |name: &str, score| (name.to_string(), score);
    let manager = Manager::start()?;
    let records = manager.list([record("Sam", 10), record("Adam", 9), record("Kevin", 9)])?;

    let p1 = Process::new(insert_record, (record("Jeff", 8), records.clone()));
    let p2 = Process::new(print_records, (records,));

    p1.start()?;
    p1.join()?;
    p2.start()?;
    p2.join()?;
    Ok(())
}

pub fn note_scores(scores: DictProxy<String, i32>) -> Result<()> {
    scores.insert("Sam".to_string(), 10)?;
    scores.insert("Adam".to_string(), 9)?;
    Ok(())
}

/// 001.d: a dict is made like the list. It keeps the order in which its keys were inserted.
pub fn managers_dict() -> Result<()> {
    let manager = Manager::start()?;
    let scores = manager.dict([])?;

    let p1 = Process::new(note_scores, (scores.clone(),));
    p1.start()?;
    p1.join()?;

    println!("{scores}");
    Ok(())
}

/// 001.s: what a manager costs. The same updates of one number, in shared memory and in a server process: each there
/// is two messages, and two changes of process.
pub fn managers_cost() -> Result<()> {
    const UPDATES: i32 = 2_000;
    let manager = Manager::start()?;
    let (shared, managed) = (Value::new(0)?, manager.value("i", 0)?);

    let in_shared_memory = time(|| {
        for number in 1..=UPDATES {
            shared.set(number)?;
        }
        Ok(())
    })?;
    let in_the_manager = time(|| {
        for number in 1..=UPDATES {
            managed.set(number)?;
        }
        Ok(())
    })?;

    let ratio = in_the_manager.as_secs_f64() / in_shared_memory.as_secs_f64();
    println!("A manager takes {ratio:.1} times as long as shared memory for the same updates.");
    Ok(())
}

fn time(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

pub fn put_squares(numbers: Vec<i32>, q: Queue<i32>) -> Result<()> {
    for number in numbers {
        q.put(number * number)?;
    }
    Ok(())
}

pub fn print_queue(q: Queue<i32>) -> Result<()> {
    println!("Queue elements:");
    while !q.is_empty() {
        println!("{}", q.get()?);
    }
    println!("Queue is now empty!");
    Ok(())
}

/// 001.e4: a `Queue`, filled by one child and emptied by the next.
pub fn queue() -> Result<()> {
    let q = Queue::new()?;
    let p1 = Process::new(put_squares, (vec![1, 2, 3, 4], q.clone()));
    let p2 = Process::new(print_queue, (q,));

    p1.start()?;
    p1.join()?;
    p2.start()?;
    p2.join()?;
    Ok(())
}

pub fn send_all(messages: Vec<String>, connection: Sender<String>) -> Result<()> {
    for message in messages {
        connection.send(&message)?;
        println!("Sent the message: {message}");
    }
    Ok(())
}

pub fn receive_all(connection: Receiver<String>) -> Result<()> {
    loop {
        let message = connection.recv()?;
        if message == "END" {
            return Ok(());
        }
        println!("Received the message: {message}");
    }
}

/// 001.e5: a `Pipe`, with a sender at one end and a receiver at the other. They work at the same time: a message
/// may be received, and that be printed, before the sender has printed that it was sent.
pub fn pipe() -> Result<()> {
    let messages = ["hello", "hey", "hru?", "END"].map(String::from).to_vec();
    let (receiver, sender) = Pipe::one_way()?;
    let p1 = Process::new(send_all, (messages, sender));
    let p2 = Process::new(receive_all, (receiver,));

    p1.start()?;
    p2.start()?;
    p1.join()?;
    p2.join()?;
    Ok(())
}

/// On another computer, with its address in place of the loopback's.
pub fn append_from_afar(address: Address) -> Result<()> {
    let manager = Manager::connect(address, Key::new("abracadabra")?)?;
    let records: ListProxy<(String, i32)> = manager.find("records")?;
    records.append(("Maura".to_owned(), 70))?;
    println!("Client with the key: {records}");
    Ok(())
}

pub fn guess_the_key(address: Address) -> Result<()> {
    match Manager::connect(address, Key::new("open sesame")?) {
        Err(ManagerError::Net(NetError::Handshake { why, .. })) => {
            println!("Client with a wrong key: {why}");
            Ok(())
        }
        Err(other) => Err(other.into()),
        Ok(_) => unreachable!("the key is another"),
    }
}

/// 001.n: a manager at an address; a client elsewhere that has the key, and one that has not.
pub fn manager_from_afar() -> Result<()> {
    let manager = Manager::builder()
        .address("127.0.0.1:0".parse::<Address>()?)
        .key(Key::new("abracadabra")?)
        .start()?;
    let records = manager.list([("Sam".to_owned(), 10)])?;
    manager.publish("records", &records)?;
    let address = manager.address()?.expect("it was given one");

    let p1 = Process::new(append_from_afar, (address.clone(),));
    let p2 = Process::new(guess_the_key, (address,));
    p1.start()?;
    p1.join()?;
    p2.start()?;
    p2.join()?;

    println!("Server: {records}");
    Ok(())
}
