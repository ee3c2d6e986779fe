//! PostgreSQL's programs, and who may run them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failed, told};

/// Where the programs are: on the path, or where Debian puts them.
pub(crate) fn folder() -> Result<PathBuf, Failed> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    let mut folders = std::env::split_paths(&path).chain(debian.into_iter().rev());
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file())
    };
    folders.find(complete).ok_or_else(|| {
        Failed(
            "PostgreSQL's programs (initdb, postgres, pg_isready) are needed: apt-get install postgresql"
                .to_owned(),
        )
    })
}

/// PostgreSQL refuses to run as root: then somebody else runs it, who gets the folder.
pub(crate) fn unprivileged(folder: &Path) -> Result<Command, Failed> {
    if number("-u", &[])? != Some(0) {
        return Ok(Command::new("env"));
    }
    for name in ["postgres", "nobody"] {
        let (Some(user), Some(group)) = (number("-u", &[name])?, number("-g", &[name])?) else {
            continue;
        };
        for entry in std::fs::read_dir(folder).map_err(told)? {
            give(&entry.map_err(told)?.path(), user, group)?;
        }
        give(folder, user, group)?;
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={user}"), format!("--regid={group}")]);
        command.args(["--clear-groups", "--"]);
        return Ok(command);
    }
    Err(Failed("root needs a user postgres or nobody to run PostgreSQL as".to_owned()))
}

fn give(path: &Path, user: u32, group: u32) -> Result<(), Failed> {
    std::os::unix::fs::chown(path, Some(user), Some(group)).map_err(told)
}

/// What `id` says; none when there is no such user.
fn number(flag: &str, name: &[&str]) -> Result<Option<u32>, Failed> {
    let output = Command::new("id").arg(flag).args(name).output().map_err(told)?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(if output.status.success() { text.trim().parse().ok() } else { None })
}
