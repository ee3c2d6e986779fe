//! The thread that owns the connection. Everything that waits shares one commit, and hears of it after the fsync.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::schema;
use crate::error::StoreError;

/// As many changes share one commit at the most: what a crash takes back, nobody was told of.
const GROUP: usize = 256;

/// From this release on two connections cannot corrupt a WAL file (the "WAL-reset" bug of SQLite 3.7.0 to 3.51.2).
const SAFE_FOR_SEVERAL_CONNECTIONS: i32 = 3_051_003;

/// The way to the thread. The file is closed when the last clone is dropped, and that waits for it.
#[derive(Clone)]
pub(super) struct Writer(Arc<Thread>);

struct Thread {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    handle: Option<thread::JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(handle) = self.handle.take() {
            // Only a panic of the thread itself is an error here, and then there is nothing left to close.
            drop(handle.join());
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let connection = connect(path)?;
        let (sender, jobs) = mpsc::channel();
        let handle = thread::Builder::new()
            .name("paddle-kommo-store".to_owned())
            .spawn(move || {
                work(&connection, &jobs);
                // The file is closed before anybody else may open it.
                drop(connection);
                drop(lock);
            })
            .map_err(|error| StoreError::Database(Box::new(error)))?;
        Ok(Self(Arc::new(Thread { jobs: Some(sender), handle: Some(handle) })))
    }

    /// Runs `work` and answers after its changes are on disk. The work is done even when the caller has gone.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let gone = || StoreError::Unusable("its thread has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        let job = Work { work: Some(work), result: None, reply };
        let jobs = self.0.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(Box::new(job)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

trait Job: Send {
    /// Does the work; false when its changes must be undone.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller: the result if the commit succeeded, else why it did not.
    fn answer(self: Box<Self>, failed: Option<&str>);
}

struct Work<F, T> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Work<F, T>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.result = self.work.take().map(|work| work(connection));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, failed: Option<&str>) {
        let answer = match (self.result, failed) {
            // What the work itself ran into says more than the commit that failed after it.
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), None) => Ok(value),
            (_, failed) => Err(StoreError::Database(failed.unwrap_or("not committed").into())),
        };
        // A caller that was dropped meanwhile does not care.
        drop(self.reply.send(answer));
    }
}

fn work(connection: &Connection, jobs: &mpsc::Receiver<Box<dyn Job>>) {
    let mut broken = None;
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        group.extend(jobs.try_iter().take(GROUP.saturating_sub(1)));
        let failed = match broken {
            Some(_) => Ok(()),
            None => commit(connection, &mut group),
        };
        let Err(error) = failed else {
            answer(group, broken.as_deref());
            continue;
        };
        // A no-op when SQLite has rolled back by itself.
        drop(connection.execute_batch("ROLLBACK"));
        let text = error.to_string();
        answer(group, Some(&text));
        if is_fatal(&error) {
            broken = Some(text);
        }
    }
}

fn answer(group: Vec<Box<dyn Job>>, failed: Option<&str>) {
    for job in group {
        job.answer(failed);
    }
}

fn commit(connection: &Connection, group: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for job in group {
        connection.execute_batch("SAVEPOINT job")?;
        let keep = job.run(connection);
        connection.execute_batch(if keep {
            "RELEASE job"
        } else {
            "ROLLBACK TO job; RELEASE job"
        })?;
    }
    connection.execute_batch("COMMIT")
}

/// After a failed fsync nobody knows what is on disk: the connection is given up, and the process has to start anew.
fn is_fatal(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// One process per file: a second worker on the same file would not see this one's leases in time.
fn lock(path: &Path) -> Result<File, StoreError> {
    let database = |error| StoreError::Database(Box::new(error));
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private(&PathBuf::from(name)).map_err(database)?;
    // The file holds customers' names: nobody but its owner reads it. SQLite gives its side files the same mode.
    private(path).map_err(database)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Unusable(format!(
            "another process has {} open: stop it, or give this one a file of its own",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(database(error)),
    }
}

fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(3))?;
    if rusqlite::version_number() < SAFE_FOR_SEVERAL_CONNECTIONS {
        connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    }
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    // A misspelt or refused pragma is silent, so ask what holds.
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if mode != "wal" || synchronous != 2 {
        return Err(StoreError::Unusable(format!(
            "SQLite would not promise durability there (journal mode {mode}, synchronous {synchronous}): use a local disk"
        )));
    }
    schema::migrate(&connection)?;
    Ok(connection)
}
