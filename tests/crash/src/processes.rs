//! Two real processes on one SQLite file.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::trial::own;

/// The second is refused and says why; when the first is killed, the file is free at once.
pub(crate) fn second_is_refused() -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let store = folder.path().join("store.db").display().to_string();
    let (mut first, mut from_first) = hold(&store)?;
    expect(&mut from_first, "open")?;
    let (mut second, mut from_second) = hold(&store)?;
    expect(&mut from_second, "error")?;
    let status = second.wait().map_err(|error| error.to_string())?;
    if status.success() {
        return Err("the second process was refused and says that all is well".to_owned());
    }
    first.kill().and_then(|()| first.wait()).map_err(|error| error.to_string())?;
    let (mut third, mut from_third) = hold(&store)?;
    expect(&mut from_third, "open")?;
    drop(third.stdin.take());
    third.wait().map_err(|error| error.to_string())?;
    Ok(())
}

fn hold(store: &str) -> Result<(Child, BufReader<ChildStdout>), String> {
    let mut command = Command::new(own()?);
    command.args(["hold", "--store", store]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let from = child.stdout.take().ok_or("no pipe")?;
    Ok((child, BufReader::new(from)))
}

fn expect(from: &mut BufReader<ChildStdout>, word: &str) -> Result<(), String> {
    let mut line = String::new();
    from.read_line(&mut line).map_err(|error| error.to_string())?;
    if line.split([' ', '\n']).next() == Some(word) {
        return Ok(());
    }
    Err(format!("{word:?} was expected, and {line:?} came"))
}
