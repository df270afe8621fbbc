//! Lists, dictionaries and namespaces, through their proxies.

use forkproof::Process;
use forkproof::manager::{ListProxy, Manager, ManagerError};

type Records = ListProxy<(String, i32)>;

fn insert(records: Records) -> Result<(), ManagerError> {
    records.append(("Alexis".to_owned(), 79))
}

#[test]
fn a_child_appends_to_the_parents_list() {
    let manager = Manager::start().unwrap();
    let records: Records = manager.list([("Maura".to_owned(), 70)]).unwrap();
    let child = Process::new(insert, (records.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    assert_eq!(records.to_string(), "[('Maura', 70), ('Alexis', 79)]");
}
