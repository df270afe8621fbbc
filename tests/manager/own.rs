//! Types of one's own in the server.

use forkproof::Process;
use forkproof::manager::{AnyProxy, Kind, ListProxy, Manager, ManagerError};

use crate::kind;

struct Account {
    balance: i64,
    log: Vec<String>,
}

impl Account {
    fn open(balance: i64) -> Account {
        let log = Vec::new();
        Account { balance, log }
    }

    fn deposit(&mut self, amount: i64, by: String) -> i64 {
        assert!(amount > 0, "{amount} is no deposit");
        self.log.push(by);
        self.balance += amount;
        self.balance
    }

    fn balance(&self) -> i64 {
        self.balance
    }

    fn log(&self) -> Vec<String> {
        self.log.clone()
    }

    #[expect(dead_code, reason = "it is not registered")]
    fn rob(&mut self) -> i64 {
        std::mem::take(&mut self.balance)
    }
}

forkproof::managed!(Account {
    open,
    deposit,
    balance,
    log
});

fn deposit(account: AnyProxy, times: i64) -> Result<(), ManagerError> {
    for amount in 1..=times {
        account.call::<i64>("deposit", (amount, "child"))?;
    }
    Ok(())
}

#[test]
fn an_account_is_shared() {
    let manager = Manager::start().unwrap();
    let account = manager.object("Account", (200,)).unwrap();
    let children: Vec<Process> = (0..2)
        .map(|_| {
            let child = Process::new(deposit, (account.clone(), 10));
            child.start().unwrap();
            child
        })
        .collect();
    for child in children {
        assert_eq!(child.join().unwrap(), 0);
    }
    assert_eq!(account.call::<i64>("balance", ()).unwrap(), 310);
    assert_eq!(account.call::<Vec<String>>("log", ()).unwrap().len(), 20);
    assert_eq!(account.to_string(), "<Account object>");
    assert!(
        format!("{account:?}").starts_with("<AutoProxy[Account] object, typeid 'Account' at 0x")
    );
}

#[test]
fn only_what_is_registered_can_be_called() {
    let manager = Manager::start().unwrap();
    let account = manager.object("Account", (200,)).unwrap();
    assert_eq!(kind(account.call::<i64>("rob", ())), Kind::AttributeError);
    assert_eq!(
        kind(account.call::<i64>("open", (1,))),
        Kind::AttributeError
    );
    assert_eq!(kind(account.call::<i64>("balance", (1,))), Kind::TypeError);
    assert_eq!(
        kind(account.call::<i64>("deposit", ("x", "y"))),
        Kind::TypeError
    );
    assert_eq!(kind(manager.object("Account", ())), Kind::TypeError);
    assert_eq!(kind(manager.object("Bank", ())), Kind::AttributeError);
    assert_eq!(account.call::<i64>("balance", ()).unwrap(), 200);
}

#[test]
fn a_panic_is_the_callers_error() {
    let manager = Manager::start().unwrap();
    let account = manager.object("Account", (200,)).unwrap();
    let refused = account.call::<i64>("deposit", (-1, "me")).unwrap_err();
    assert_eq!(refused.kind(), Some(Kind::RemoteError));
    assert!(
        refused.to_string().contains("-1 is no deposit"),
        "{refused}"
    );
    assert_eq!(account.call::<i64>("deposit", (1, "me")).unwrap(), 201);
}

#[test]
fn an_object_lies_in_a_list_and_is_no_list() {
    let manager = Manager::start().unwrap();
    let accounts = manager
        .list([manager.object("Account", (5,)).unwrap()])
        .unwrap();
    let account = accounts.get(0).unwrap();
    assert_eq!(account.call::<i64>("balance", ()).unwrap(), 5);
    assert!(account.typed::<ListProxy<i32>>().is_err());
}
