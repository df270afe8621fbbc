use forkproof::explore::loom::Loom;
use forkproof::zoo::mutex::all;
use forkproof::zoo::model::Budget;
#[test]
fn everything() {
    let mut fail = false;
    let fast = std::env::var("FAST").is_ok();
    for model in all::<Loom>().into_iter().chain(forkproof::zoo::ladder::models()) {
        if std::env::var("ONLY").is_ok_and(|o| !model.name.contains(&o)) { continue; }
        let t = std::time::Instant::now();
        if model.full_only() {continue;} let r = model.run(Budget::Quick, &mut |_| {});
        println!("{:30} {:>5} searches {:>8} exec {:>8} deaths {:?} {:.2}s {:?}", r.name, r.searches, r.executions, r.deaths, r.verdict, t.elapsed().as_secs_f64(), r.message);
        if format!("{:?}", r.verdict) != "Holds" { fail = true; if fast { break } }
    }
    println!("RESULT {fail}");
}
#[test]
fn variants() {
    for v in forkproof::zoo::mutex::VARIANTS {
        if std::env::var("ONLY").is_ok_and(|o| !v.name.contains(&o)) { continue; }
        let t = std::time::Instant::now();
        let r = v.run(Budget::Quick, &mut |_| {});
        for c in &r.catches {
        println!("{:30} {} {:30} {:>8} {:.2}s {:?}", r.name, if c.message.is_some() {"caught "} else {"ESCAPED"}, c.model, c.executions, t.elapsed().as_secs_f64(), c.message.as_ref().map(|m| m.replace('\n', " ")));
        }
    }
}
