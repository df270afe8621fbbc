//! Tutorial 001: two processes, two memories; and memory that is shared.

use std::sync::Mutex;

use forkproof::{Array, Pipe, Process, Queue, Receiver, Result, Sender, Value};

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
