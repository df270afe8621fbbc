//! What is common to all outputs of an example whose processes share more than the order of their lines: the form of
//! each, or what is wrong with it.

/// 000.d: one process appends a row while another shows them, one by one: the row may come too late to be shown. Where
/// the line that tells of it stands among the rows says nothing.
pub(super) fn appended_while_shown(output: &str) -> Result<String, String> {
    const TOLD: &str = "New data appended!\n\n";
    const LAST: &str = "Data available to the Manager:  ";
    let (shown, told) = match output.split_once(TOLD) {
        Some((before, after)) => (format!("{before}{after}"), TOLD),
        None => return Err("nothing tells that a row was appended".to_string()),
    };
    let (shown, end) = shown
        .split_once(LAST)
        .ok_or("the line of the whole list is missing")?;
    let rows = end
        .strip_prefix('[')
        .and_then(|end| end.strip_suffix("]\n"))
        .filter(|rows| !rows.contains('\n') && output.ends_with("]\n"))
        .ok_or("the list is not the last line")?;
    let all = rows.trim_matches(['(', ')']).split("), (");
    let all: Option<Vec<String>> = all
        .map(|row| {
            let (name, score) = row.split_once(", ")?;
            Some(format!(
                "Name: {} \nScore: {score}\n\n",
                name.trim_matches('\'')
            ))
        })
        .collect();
    let all = all.ok_or("the list has something else than rows")?;
    let (new, old) = all.split_last().ok_or("the list is empty")?;
    let late = shown == old.concat();
    if !late && shown != old.concat() + new {
        return Err("what is shown is not the list, with or without its last row".to_string());
    }
    let old = old.concat();
    Ok(format!("{told}{old}perhaps {new}{LAST}[{rows}]\n"))
}

/// 001.s: how much longer one takes than the other.
pub(super) fn ratio_above_one(output: &str) -> Result<String, String> {
    let (before, rest) = output
        .split_once("takes ")
        .ok_or("nothing takes any time")?;
    let (ratio, after) = rest.split_once(" times ").ok_or("there is no ratio")?;
    match ratio.parse::<f64>() {
        Ok(ratio) if ratio > 1.0 && after.ends_with('\n') && after.lines().count() == 1 => {
            Ok(format!("{before}takes R > 1 times {after}"))
        }
        Ok(ratio) if ratio > 1.0 => Err("there is more, or less, than one line".to_string()),
        _ => Err(format!("{ratio:?} is no number above 1")),
    }
}

/// 003.3: the tasks of the map come first, all alike. Those of the second one, and the line of the program that did not
/// wait for them, come in any order, and then its last.
pub(super) fn three_tasks_and_three_more(output: &str) -> Result<String, String> {
    const SHORT: &str = "task: running 1 seconds";
    if !output.ends_with('\n') {
        return Err("the last line has no end".to_string());
    }
    let lines: Vec<&str> = output.lines().collect();
    let [first, second, third, middle @ .., last] = lines.as_slice() else {
        return Err("there are less than four lines".to_string());
    };
    if [first, second, third] != [&SHORT; 3] {
        return Err("the tasks of the map are not all before anything else".to_string());
    }
    let mut middle = middle.to_vec();
    middle.sort_unstable();
    let middle = middle.join("\n  ");
    Ok(format!(
        "first, three times:\n  {SHORT}\nin any order:\n  {middle}\nlast:\n  {last}\n"
    ))
}
