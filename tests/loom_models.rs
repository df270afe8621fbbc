use forkproof::explore::loom::Loom;
use forkproof::zoo::mutex::{Budget, all};
#[test]
fn everything() {
    for model in all::<Loom>() {
        if std::env::var("ONLY").is_ok_and(|o| !model.name.contains(&o)) { continue; }
        let t = std::time::Instant::now();
        let r = model.run(Budget::Quick, &mut |_| {});
        println!("{:30} {:>5} searches {:>8} exec {:>8} deaths {:?} {:.2}s {:?}", r.name, r.searches, r.executions, r.deaths, r.verdict, t.elapsed().as_secs_f64(), r.message);
    }
}
