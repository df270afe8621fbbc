//! Tutorial 003: starting, joining and nesting processes, a pool of them, messages between them, and a lock around what they print.

use std::path::Path;

use forkproof::manager::{
    ArrayProxy, ConditionProxy, EventProxy, ListProxy, Manager, QueueProxy, ValueProxy,
};
use forkproof::tutorial::{println, size, sleep};
use forkproof::{Event, Lock, Pipe, Pool, Process, Queue, Result, Value};

pub fn individual_process(seconds: u32) {
    println!("start child process");
    println!("waiting for {seconds} seconds");
    sleep(seconds.into());
    println!("exit child process");
}

/// 003.1: `start` does not wait for the child, `join` does.
pub fn one_process() -> Result<()> {
    println!("start parent process");
    let p = Process::new(individual_process, (2,));
    p.start()?;
    println!("before join parent process doesn't wait");
    p.join()?;
    println!("exit parent process");
    Ok(())
}

pub fn wait_at(gate: Lock) -> Result<()> {
    let _open = gate.lock()?;
    Ok(())
}

/// 003.1b: what a process says of itself before it starts, while it runs, and after it was joined.
pub fn attributes() -> Result<()> {
    let gate = Lock::new()?;
    let p = Process::new(wait_at, (gate.clone(),)).named("counter");
    describe("before start", &p);

    let closed = gate.lock()?; // the child cannot come to its end
    p.start()?;
    describe("while running", &p);

    drop(closed);
    p.join()?;
    describe("after join", &p);
    Ok(())
}

fn describe(when: &str, p: &Process) {
    let pid = p.pid().map_or("unknown", |_| "known");
    let (name, alive, daemon) = (p.name(), p.is_alive(), p.is_daemon());
    let exit_code = p
        .exit_code()
        .map_or("none".to_string(), |code| code.to_string());
    println!(
        "{when}: pid {pid}, name {name}, alive {alive}, daemon {daemon}, exit code {exit_code}"
    );
}

pub fn finish_after(parents_work: Lock) -> Result<()> {
    let _done = parents_work.lock()?;
    println!("child: I finish my work all the same");
    Ok(())
}

pub fn serve_for_ever() -> Result<()> {
    let request = Event::new()?;
    request.wait(); // there never is one
    Ok(())
}

pub fn parent_of_a_worker(childs_pid: Value<u32>) -> Result<()> {
    let work = Lock::new()?;
    let _at_work = work.lock()?; // until this function returns
    let child = Process::new(finish_after, (work.clone(),));
    leave_behind(child, childs_pid)
}

pub fn parent_of_a_daemon(childs_pid: Value<u32>) -> Result<()> {
    let child = Process::new(serve_for_ever, ()).daemon(true);
    leave_behind(child, childs_pid)
}

fn leave_behind(child: Process, childs_pid: Value<u32>) -> Result<()> {
    child.start()?;
    childs_pid.set(child.pid().unwrap_or_default())?;
    println!(
        "parent: my work is done, my child is alive: {}",
        child.is_alive()
    );
    Ok(())
}

/// 003.1c: a parent that ends first waits for a child, but a daemon ends with its parent.
pub fn daemons() -> Result<()> {
    println!("daemon = false");
    see_both_end(|childs_pid| Process::new(parent_of_a_worker, (childs_pid,)))?;

    println!("\ndaemon = true");
    see_both_end(|childs_pid| Process::new(parent_of_a_daemon, (childs_pid,)))
}

fn see_both_end(parent: impl FnOnce(Value<u32>) -> Process) -> Result<()> {
    let childs_pid = Value::new(0)?;
    let parent = parent(childs_pid.clone());
    parent.start()?;
    parent.join()?;
    let gone = !Path::new(&format!("/proc/{}", childs_pid.get()?)).exists();
    println!("the parent has ended, and its child too: {gone}");
    Ok(())
}

pub fn complicated_process() -> Result<()> {
    println!("start x child process");
    let child = Process::new(individual_process, (3,));
    child.start()?;
    child.join()?;
    println!("exit x child process");
    Ok(())
}

/// 003.2: a child may have children of its own.
pub fn nested() -> Result<()> {
    let p = Process::new(complicated_process, ());
    p.start()?;
    p.join()?;
    println!("exit parent process");
    Ok(())
}

pub fn process_task(seconds: u32) {
    println!("task: running {seconds} seconds");
    sleep(seconds.into());
}

/// 003.3: five processes work off what they are given. `map` waits for them, `map_async` does not; once the pool is
/// closed, `join` waits for all.
pub fn pool() -> Result<()> {
    let p = Pool::new(size(5))?;
    p.map(process_task, [1, 1, 1])?;
    p.map_async(process_task, [1, 1, 5])?;
    println!("finished sync task");
    p.close()?;
    p.join()?;
    println!("finished async task");
    Ok(())
}

/// 003.4: a `Pipe` connects two, and both may send; a `Queue` connects many. What no one gets from it is no
/// obstacle to the end of the program.
pub fn pipe_and_queue() -> Result<()> {
    let (conn_1, conn_2) = Pipe::duplex::<String, String>()?;
    conn_1.send(&"pipe: [message] from conn_1".to_owned())?;
    println!("{}", conn_2.recv()?);
    conn_2.send(&"pipe: [message] from conn_2".to_owned())?;
    println!("{}", conn_1.recv()?);

    let queue = Queue::new()?;
    queue.put("queue: [message] (1)".to_owned())?;
    queue.put("queue: [message] (2)".to_owned())?;
    println!("{}", queue.get()?);
    Ok(())
}

pub fn lock_in(lock: Lock, seconds: u32) -> Result<()> {
    let _held = lock.lock()?; // given back at the end of the function
    println!("process: {seconds}");
    sleep(seconds.into());
    Ok(())
}

/// 003.5: children that are joined one by one come one after the other, with or without the lock.
pub fn lock_joined() -> Result<()> {
    let lock = Lock::new()?;
    println!("results using lock.");
    for seconds in 0..5 {
        let p = Process::new(lock_in, (lock.clone(), seconds));
        p.start()?;
        p.join()?;
    }
    println!("parent process exits");
    Ok(())
}

pub fn print_lines(number: u32) {
    for line in 1..=3 {
        println!("process: {number}, line {line}");
        sleep(0.2);
    }
}

/// 003.5b: five processes at once, and no lock: their lines are liable to be mixed.
pub fn lines_without_lock() -> Result<()> {
    println!("results without lock.");
    let children: Vec<Process> = (0..size(5) as u32)
        .map(|n| Process::new(print_lines, (n,)))
        .collect();
    for child in &children {
        child.start()?;
    }
    for child in &children {
        child.join()?;
    }
    println!("parent process exits");
    Ok(())
}

pub fn print_lines_locked(lock: Lock, number: u32) -> Result<()> {
    let _held = lock.lock()?;
    print_lines(number);
    Ok(())
}

/// 003.5c: five processes at once, of which one at a time holds the lock: the lines of each stay together.
pub fn lines_with_lock() -> Result<()> {
    let lock = Lock::new()?;
    println!("results using lock.");
    let children: Vec<Process> = (0..size(5) as u32)
        .map(|n| Process::new(print_lines_locked, (lock.clone(), n)))
        .collect();
    for child in &children {
        child.start()?;
    }
    for child in &children {
        child.join()?;
    }
    println!("parent process exits");
    Ok(())
}

pub fn shared_data_process(list: ListProxy<i32>, number: i32) -> Result<()> {
    list.append(number)?;
    Ok(())
}

/// 003.6: a list in a manager's server is a database for all children.
pub fn managers_list() -> Result<()> {
    let manager = Manager::start()?;
    let database = manager.list(0..5)?;

    for number in 0..5 {
        let p = Process::new(shared_data_process, (database.clone(), number));
        p.start()?;
        p.join()?;
    }

    println!("manager returns shared database");
    println!("{database}");
    Ok(())
}

pub fn await_change(condition: ConditionProxy, value: ValueProxy<i32>) -> Result<()> {
    let _ = condition.acquire()?; // no one dies with it
    while value.get()? == 0 {
        condition.wait()?;
    }
    println!("condition: [the value is {}]", value.get()?);
    condition.release()?;
    Ok(())
}

pub fn await_event(event: EventProxy) -> Result<()> {
    event.wait()?;
    println!("event: [it is set]");
    Ok(())
}

pub fn put_message(queue: QueueProxy<String>) -> Result<()> {
    queue.put("[message] from a child".to_string())?;
    Ok(())
}

pub fn square_elements(array: ArrayProxy<i32>) -> Result<()> {
    for index in 0..array.len()? as isize {
        let number = array.get(index)?;
        array.set(index, number * number)?;
    }
    Ok(())
}

/// 003.7: a manager's condition, event, queue and array, each used by a child. The server keeps a call that has to wait,
/// and serves the others meanwhile.
pub fn managers_objects() -> Result<()> {
    let manager = Manager::start()?;

    let (condition, value) = (manager.condition()?, manager.value("i", 0)?);
    let p = Process::new(await_change, (condition.clone(), value.clone()));
    p.start()?;
    let _ = condition.acquire()?; // no one dies with it
    value.set(7)?;
    condition.notify(1)?;
    condition.release()?;
    p.join()?;

    let event = manager.event()?;
    let p = Process::new(await_event, (event.clone(),));
    p.start()?;
    event.set()?;
    p.join()?;

    let queue = manager.queue()?;
    let p = Process::new(put_message, (queue.clone(),));
    p.start()?;
    println!("queue: {}", queue.get()?);
    p.join()?;

    let array = manager.array("i", [2, 3, 4, 5])?;
    let p = Process::new(square_elements, (array.clone(),));
    p.start()?;
    p.join()?;
    println!("array: {:?}", array.to_vec()?);
    Ok(())
}
