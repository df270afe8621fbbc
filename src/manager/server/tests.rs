//! The core, without processes: requests and time in, answers out.

use super::core::{Caller, Core, Session, Verdict};
use super::request::{Reply, Request};
use crate::manager::item::{Item, to_item};
use crate::manager::reference::{AnyProxy, Token};

/// A core with callers, each of a process of its own, and the time.
struct Stage {
    core: Core,
    now_ns: u64,
}

const A: Caller = Caller(1);
const B: Caller = Caller(2);
const C: Caller = Caller(3);

fn stage() -> Stage {
    let mut core = Core::new(7);
    for caller in [A, B, C] {
        core.arrives(caller, Session(caller.0));
    }
    Stage { core, now_ns: 0 }
}

impl Stage {
    fn request(&mut self, caller: Caller, request: Request) -> Vec<(Caller, String)> {
        assert_eq!(
            self.core.request(caller, request, self.now_ns),
            Verdict::Fine
        );
        self.answers()
    }

    fn answers(&mut self) -> Vec<(Caller, String)> {
        let shown = |reply| match reply {
            Reply::Value(item) => item.to_string(),
            Reply::OwnerDied(item) => format!("{item}, owner died"),
            Reply::Raised(raised) => format!("{:?}", raised.kind),
            Reply::Pool(error) => error.to_string(),
            Reply::TooLarge { .. } => "TooLarge".to_owned(),
        };
        let answers = self.core.take_answers().into_iter();
        answers
            .map(|(caller, reply)| (caller, shown(reply)))
            .collect()
    }

    fn make(&mut self, typeid: &str, args: impl serde::Serialize) -> u64 {
        let args = arguments(args);
        let object = self.create(typeid, args);
        match typeid {
            "list" => object,
            _ => self.share(object),
        }
    }

    /// As a client names an object.
    fn named(&mut self, object: u64) -> Item {
        self.request(A, Request::Adopt { object });
        let token = Token {
            manager: 7,
            object,
            typeid: String::new(),
        };
        Item::Proxy(AnyProxy::named(token))
    }

    fn make_over(&mut self, typeid: &str, object: u64) -> u64 {
        let named = self.named(object);
        let over = self.create(typeid, vec![named]);
        self.share(over)
    }

    fn put(&mut self, list: u64, object: u64) {
        let named = self.named(object);
        let method = "append".to_owned();
        let args = vec![named];
        let object_put = Request::Call {
            object: list,
            method,
            args,
        };
        assert_eq!(self.request(A, object_put), told(&[(A, "None")]));
        assert_eq!(self.request(A, Request::Release { object }), NOBODY);
    }

    fn create(&mut self, typeid: &str, args: Vec<Item>) -> u64 {
        let typeid = typeid.to_owned();
        let verdict = self
            .core
            .request(A, Request::Create { typeid, args }, self.now_ns);
        assert_eq!(verdict, Verdict::Fine);
        match self.core.take_answers().pop() {
            Some((_, Reply::Value(Item::Proxy(proxy)))) => proxy.token().object,
            other => panic!("{other:?}"),
        }
    }

    /// B and C have proxies too.
    fn share(&mut self, object: u64) -> u64 {
        for caller in [B, C] {
            self.request(caller, Request::Adopt { object });
        }
        object
    }

    /// What everyone is told.
    fn call(
        &mut self,
        caller: Caller,
        object: u64,
        method: &str,
        args: impl serde::Serialize,
    ) -> Vec<(Caller, String)> {
        let args = arguments(args);
        let method = method.to_owned();
        self.request(
            caller,
            Request::Call {
                object,
                method,
                args,
            },
        )
    }

    fn after_s(&mut self, seconds: u64) -> Vec<(Caller, String)> {
        self.now_ns += seconds * 1_000_000_000;
        self.core.pass(self.now_ns);
        self.answers()
    }

    fn dies(&mut self, caller: Caller, unread: bool) -> Vec<(Caller, String)> {
        self.core.left(caller, unread);
        self.core.session_left(Session(caller.0));
        self.answers()
    }
}

fn arguments(args: impl serde::Serialize) -> Vec<Item> {
    match to_item(&args).unwrap() {
        Item::Tuple(args) => args,
        _ => Vec::new(),
    }
}

fn told(answers: &[(Caller, &str)]) -> Vec<(Caller, String)> {
    let answers = answers.iter();
    answers
        .map(|(caller, text)| (*caller, (*text).to_owned()))
        .collect()
}

/// No arguments.
const NONE: () = ();

const NOBODY: [(Caller, String); 0] = [];

#[test]
fn a_lock_goes_on_in_order_and_after_a_death_says_so_once() {
    let mut stage = stage();
    let lock = stage.make("Lock", NONE);
    assert_eq!(stage.call(A, lock, "acquire", ()), told(&[(A, "True")]));
    assert_eq!(stage.call(B, lock, "acquire", ()), NOBODY);
    assert_eq!(stage.call(C, lock, "acquire", (true, 5)), NOBODY);
    assert_eq!(stage.dies(A, false), told(&[(B, "True, owner died")]));
    assert_eq!(
        stage.call(B, lock, "release", ()),
        told(&[(C, "True"), (B, "None")])
    );
    assert_eq!(stage.after_s(10), NOBODY, "its deadline is gone");
    assert_eq!(stage.call(B, lock, "acquire", (true, 2)), NOBODY);
    assert_eq!(stage.after_s(1), NOBODY);
    assert_eq!(stage.after_s(1), told(&[(B, "False")]));
    assert_eq!(stage.call(C, lock, "release", ()), told(&[(C, "None")]));
    assert_eq!(
        stage.call(C, lock, "release", ()),
        told(&[(C, "RuntimeError")])
    );
    assert_eq!(
        stage.call(B, lock, "acquire", (false, 1)),
        told(&[(B, "ValueError")])
    );
    assert_eq!(
        stage.call(B, lock, "acquire", (true, -2)),
        told(&[(B, "ValueError")])
    );
    assert_eq!(
        stage.call(B, lock, "acquire", (true, -1)),
        told(&[(B, "True")])
    );
}

#[test]
fn a_dead_waiter_takes_nothing_along() {
    let mut stage = stage();
    let lock = stage.make("Lock", NONE);
    stage.call(A, lock, "acquire", ());
    stage.call(B, lock, "acquire", ());
    stage.call(C, lock, "acquire", ());
    assert_eq!(stage.dies(B, false), NOBODY);
    assert_eq!(
        stage.call(A, lock, "release", ()),
        told(&[(C, "True"), (A, "None")])
    );
}

#[test]
fn an_rlock_is_its_owners() {
    let mut stage = stage();
    let lock = stage.make("RLock", NONE);
    stage.call(A, lock, "acquire", ());
    assert_eq!(stage.call(A, lock, "acquire", ()), told(&[(A, "True")]));
    assert_eq!(
        stage.call(B, lock, "release", ()),
        told(&[(B, "RuntimeError")])
    );
    assert_eq!(
        stage.call(B, lock, "acquire", (false,)),
        told(&[(B, "False")])
    );
    assert_eq!(stage.call(A, lock, "release", ()), told(&[(A, "None")]));
    assert_eq!(stage.call(B, lock, "acquire", ()), NOBODY);
    assert_eq!(
        stage.call(A, lock, "release", ()),
        told(&[(B, "True"), (A, "None")])
    );
}

#[test]
fn a_condition_gives_the_lock_back_as_deep_as_it_was() {
    let mut stage = stage();
    let condition = stage.make("Condition", NONE);
    assert_eq!(
        stage.call(A, condition, "wait", ()),
        told(&[(A, "RuntimeError")])
    );
    assert_eq!(
        stage.call(A, condition, "notify", ()),
        told(&[(A, "RuntimeError")])
    );
    stage.call(A, condition, "acquire", ());
    stage.call(A, condition, "acquire", ());
    assert_eq!(stage.call(A, condition, "wait", ()), NOBODY);
    assert_eq!(
        stage.call(B, condition, "acquire", ()),
        told(&[(B, "True")])
    );
    assert_eq!(stage.call(B, condition, "wait", (3,)), NOBODY);
    assert_eq!(
        stage.call(C, condition, "acquire", ()),
        told(&[(C, "True")])
    );
    assert_eq!(
        stage.call(C, condition, "notify", (1,)),
        told(&[(C, "None")])
    );
    assert_eq!(
        stage.after_s(3),
        NOBODY,
        "it waits for the lock now, behind A"
    );
    let both = stage.call(C, condition, "release", ());
    assert_eq!(both, told(&[(A, "True"), (C, "None")]));
    assert_eq!(
        stage.call(A, condition, "release", ()),
        told(&[(A, "None")])
    );
    let last = stage.call(A, condition, "release", ());
    assert_eq!(last, told(&[(B, "False"), (A, "None")]));
}

#[test]
fn conditions_may_share_a_lock() {
    let mut stage = stage();
    let lock = stage.make("Lock", NONE);
    let shown = stage.call(A, lock, "__str__", ());
    assert_eq!(shown, told(&[(A, "'<unlocked lock>'")]));
    let condition = stage.make_over("Condition", lock);
    assert_eq!(stage.call(A, lock, "acquire", ()), told(&[(A, "True")]));
    assert_eq!(stage.call(A, condition, "wait", ()), NOBODY);
    assert_eq!(stage.call(B, lock, "acquire", ()), told(&[(B, "True")]));
    stage.call(B, condition, "notify_all", ());
    assert_eq!(
        stage.call(B, lock, "release", ()),
        told(&[(A, "True"), (B, "None")])
    );
    assert_eq!(stage.dies(A, false), NOBODY);
    assert_eq!(
        stage.call(B, condition, "acquire", ()),
        told(&[(B, "True, owner died")])
    );
}

#[test]
fn a_dead_waiter_of_a_condition_takes_no_notification_along() {
    let mut stage = stage();
    let condition = stage.make("Condition", NONE);
    for caller in [A, B] {
        stage.call(caller, condition, "acquire", ());
        stage.call(caller, condition, "wait", ());
    }
    assert_eq!(stage.dies(A, false), NOBODY);
    stage.call(C, condition, "acquire", ());
    stage.call(C, condition, "notify", ());
    assert_eq!(
        stage.call(C, condition, "release", ()),
        told(&[(B, "True"), (C, "None")])
    );
}

#[test]
fn permits_come_back_when_their_taker_dies() {
    let mut stage = stage();
    let semaphore = stage.make("BoundedSemaphore", (2,));
    stage.call(A, semaphore, "acquire", ());
    stage.call(A, semaphore, "acquire", ());
    assert_eq!(stage.call(B, semaphore, "acquire", ()), NOBODY);
    assert_eq!(stage.dies(A, false), told(&[(B, "True")]));
    assert_eq!(stage.call(C, semaphore, "get_value", ()), told(&[(C, "1")]));
    assert_eq!(
        stage.call(C, semaphore, "release", ()),
        told(&[(C, "None")])
    );
    assert_eq!(
        stage.call(C, semaphore, "release", ()),
        told(&[(C, "ValueError")])
    );
    assert_eq!(stage.dies(B, false), NOBODY);
    assert_eq!(
        stage.call(C, semaphore, "get_value", ()),
        told(&[(C, "2")]),
        "never more"
    );
}

#[test]
fn a_semaphore_counts() {
    let mut stage = stage();
    let semaphore = stage.make("Semaphore", (0,));
    assert_eq!(
        stage.call(A, semaphore, "acquire", (false,)),
        told(&[(A, "False")])
    );
    assert_eq!(stage.call(A, semaphore, "acquire", (true, 1)), NOBODY);
    assert_eq!(stage.call(B, semaphore, "acquire", ()), NOBODY);
    assert_eq!(stage.after_s(1), told(&[(A, "False")]));
    assert_eq!(
        stage.call(C, semaphore, "release", (3,)),
        told(&[(B, "True"), (C, "None")])
    );
    assert_eq!(stage.call(C, semaphore, "get_value", ()), told(&[(C, "2")]));
    assert_eq!(
        stage.call(C, semaphore, "release", (0,)),
        told(&[(C, "ValueError")])
    );
}

#[test]
fn an_event_frees_all() {
    let mut stage = stage();
    let event = stage.make("Event", NONE);
    stage.call(A, event, "wait", ());
    stage.call(B, event, "wait", (1,));
    assert_eq!(stage.after_s(1), told(&[(B, "False")]));
    assert_eq!(
        stage.call(C, event, "set", ()),
        told(&[(A, "True"), (C, "None")])
    );
    assert_eq!(stage.call(B, event, "wait", ()), told(&[(B, "True")]));
    stage.call(B, event, "clear", ());
    assert_eq!(stage.call(B, event, "is_set", ()), told(&[(B, "False")]));
}

#[test]
fn a_barrier_breaks_for_the_dead_and_the_late() {
    let mut stage = stage();
    let barrier = stage.make("Barrier", (3,));
    for _ in 0..2 {
        stage.call(A, barrier, "wait", ());
        stage.call(B, barrier, "wait", ());
        let last = stage.call(C, barrier, "wait", ());
        assert_eq!(last, told(&[(A, "0"), (B, "1"), (C, "2")]));
    }
    stage.call(A, barrier, "wait", (1,));
    stage.call(B, barrier, "wait", ());
    let broken = "BrokenBarrierError";
    assert_eq!(stage.after_s(1), told(&[(A, broken), (B, broken)]));
    assert_eq!(stage.call(C, barrier, "wait", ()), told(&[(C, broken)]));
    stage.call(C, barrier, "reset", ());
    stage.call(A, barrier, "wait", ());
    stage.call(B, barrier, "wait", ());
    assert_eq!(stage.dies(B, false), told(&[(A, broken)]));
}

#[test]
fn a_queue_serves_in_order() {
    let mut stage = stage();
    let queue = stage.make("Queue", (1,));
    stage.call(A, queue, "get", ());
    assert_eq!(
        stage.call(C, queue, "put", (1,)),
        told(&[(A, "1"), (C, "None")])
    );
    assert_eq!(stage.call(C, queue, "put", (2,)), told(&[(C, "None")]));
    assert_eq!(stage.call(A, queue, "put", (3,)), NOBODY);
    assert_eq!(stage.call(B, queue, "put", (4, true, 1)), NOBODY);
    assert_eq!(stage.after_s(1), told(&[(B, "Full")]));
    assert_eq!(
        stage.call(B, queue, "put_nowait", (4,)),
        told(&[(B, "Full")])
    );
    assert_eq!(
        stage.call(C, queue, "get", ()),
        told(&[(A, "None"), (C, "2")])
    );
    assert_eq!(stage.call(C, queue, "get", ()), told(&[(C, "3")]));
    assert_eq!(
        stage.call(C, queue, "get_nowait", ()),
        told(&[(C, "Empty")])
    );
    assert_eq!(stage.call(C, queue, "get", (true, 1)), NOBODY);
    assert_eq!(stage.after_s(1), told(&[(C, "Empty")]));
    assert_eq!(
        stage.call(C, queue, "get", (true, -1)),
        told(&[(C, "ValueError")])
    );
}

/// What a getter never saw is the first again; what it saw is gone with it.
#[test]
fn an_unread_item_goes_back() {
    let mut stage = stage();
    let queue = stage.make("Queue", NONE);
    for number in 1..=3 {
        stage.call(C, queue, "put", (number,));
    }
    assert_eq!(stage.call(A, queue, "get", ()), told(&[(A, "1")]));
    assert_eq!(stage.dies(A, true), NOBODY);
    assert_eq!(stage.call(B, queue, "get", ()), told(&[(B, "1")]));
    stage.call(B, queue, "qsize", ());
    assert_eq!(
        stage.dies(B, true),
        NOBODY,
        "what it did not read was the size"
    );
    assert_eq!(stage.call(C, queue, "get", ()), told(&[(C, "2")]));
}

#[test]
fn who_waits_may_not_ask() {
    let mut stage = stage();
    let event = stage.make("Event", NONE);
    stage.call(A, event, "wait", ());
    let refused = stage.core.request(A, Request::Count, 0);
    assert!(matches!(refused, Verdict::Misbehaves(_)));
    stage.request(B, Request::Release { object: event });
    let refused = stage.core.request(B, Request::Release { object: event }, 0);
    assert!(
        matches!(refused, Verdict::Misbehaves(_)),
        "it has no such proxy"
    );
    let unknown = stage.core.request(Caller(9), Request::Count, 0);
    assert!(matches!(unknown, Verdict::Misbehaves(_)));
}

mod references;
mod tasks;
