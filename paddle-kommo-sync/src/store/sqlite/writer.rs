//! The thread that owns the connection. Everything that waits shares one commit, and hears of it after the fsync.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use rusqlite::{Connection, config::DbConfig};
use tokio::sync::oneshot;

use super::{check, place, schema};
use crate::error::StoreError;

/// As many changes share one commit at the most: what a crash takes back, nobody was told of.
const GROUP: usize = 256;

/// More than all methods use.
const STATEMENTS: usize = 128;

/// The log is carried over after so many jobs, or when it has grown by so many bytes.
pub(super) const CHECKPOINT_JOBS: usize = 1_024;
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;

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
        let path = &place::checked(path)?;
        let lock = lock(path)?;
        let connection = connect(path).map_err(|error| damaged(path, error))?;
        let mut log = Log::new(path);
        let (sender, jobs) = mpsc::channel();
        let handle = thread::Builder::new()
            .name("paddle-kommo-store".to_owned())
            .spawn(move || {
                work(&connection, &mut log, &jobs);
                // The file is closed before anybody else may open it.
                drop(connection);
                drop(lock);
            })
            .map_err(|error| StoreError::Database(Box::new(error)))?;
        Ok(Self(Arc::new(Thread { jobs: Some(sender), handle: Some(handle) })))
    }

    /// Runs `work` and answers after its changes are on disk. The work is done even when the caller has gone.
    pub(super) async fn run<T, F>(&self, undo: Undo, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let gone = || StoreError::Broken("its thread has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        let job = Work { work: Some(work), undo, result: None, reply };
        let jobs = self.0.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(Box::new(job)).map_err(|_| gone())?;
        let (result, others) = answer.await.map_err(|_| gone())?;
        if let Some(others) = others {
            others.tell();
        }
        result
    }
}

/// What a failure takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// The changes of this job alone. That takes a savepoint, and a copy of every page that the job touches.
    Own,
    /// Everything that was to share its commit, if the job has changed anything by then: for what reads, and for what only
    /// the database itself can make fail once it has begun to write.
    All,
}

/// Why changes were not committed.
#[derive(Clone)]
struct Failure {
    why: String,
    broken: bool,
}

impl Failure {
    fn error(&self) -> StoreError {
        match self.broken {
            true => StoreError::Broken(self.why.clone()),
            false => StoreError::Database(self.why.clone().into()),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match StoreError::from(error) {
            StoreError::Broken(why) => Self { why, broken: true },
            error => Self { why: crate::failure::chain(&error), broken: false },
        }
    }
}

trait Job: Send {
    /// Does the work. False when its changes must be undone; a failure when nobody may work any more.
    fn run(&mut self, connection: &Connection) -> Result<bool, Failure>;
    fn undo(&self) -> Undo;
    /// Tells the caller: the result if the commit succeeded, else why it did not.
    fn answer(self: Box<Self>, failed: Option<&Failure>, others: Option<Others>);
}

/// Who shared a commit and has not heard of it yet.
#[derive(Clone)]
struct Others {
    jobs: Arc<Mutex<Vec<Box<dyn Job>>>>,
    failed: Option<Failure>,
}

impl Others {
    /// Whoever comes first tells them.
    fn tell(&self) {
        let jobs = std::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner));
        for job in jobs {
            job.answer(self.failed.as_ref(), None);
        }
    }
}

struct Work<F, T> {
    work: Option<F>,
    undo: Undo,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<(Result<T, StoreError>, Option<Others>)>,
}

impl<F, T> Job for Work<F, T>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> Result<bool, Failure> {
        self.result = self.work.take().map(|work| work(connection));
        match &self.result {
            Some(Err(StoreError::Broken(why))) => Err(Failure { why: why.clone(), broken: true }),
            result => Ok(matches!(result, Some(Ok(_)))),
        }
    }

    fn undo(&self) -> Undo {
        self.undo
    }

    fn answer(self: Box<Self>, failed: Option<&Failure>, others: Option<Others>) {
        let answer = match (self.result, failed) {
            // What the work itself ran into says more than the commit that failed after it.
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), None) => Ok(value),
            (_, Some(failed)) => Err(failed.error()),
            (None, None) => Err(StoreError::Database("not committed".into())),
        };
        // A caller that was dropped meanwhile does not care.
        drop(self.reply.send((answer, others)));
    }
}

/// Until nobody can send jobs any more. After a failure that makes the file doubtful every job is refused: an fsync that
/// is tried again can succeed without having written anything.
fn work(connection: &Connection, log: &mut Log, jobs: &mpsc::Receiver<Box<dyn Job>>) {
    let mut broken: Option<Failure> = None;
    while let Ok(first) = jobs.recv() {
        let mut group = gather(first, jobs);
        if broken.is_some() {
            answer(group, broken.as_ref());
            continue;
        }
        let jobs = group.len();
        let mut failed = commit(connection, &mut group).err();
        if failed.is_some() {
            // A no-op when SQLite has rolled back by itself.
            drop(connection.execute_batch("ROLLBACK"));
        }
        answer(group, failed.as_ref());
        if failed.is_none() {
            failed = log.checkpoint(connection, jobs).err();
        }
        broken = failed.filter(|failed| failed.broken);
        if let Some(broken) = &broken {
            tracing::error!(why = broken.why, "the database cannot be relied on any more");
        }
    }
}

/// All jobs that are there, and those that are about to be sent: as long as more come, whoever makes them gets the
/// processor first. A job that is alone does not wait.
fn gather(first: Box<dyn Job>, jobs: &mpsc::Receiver<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let mut group = vec![first];
    loop {
        let before = group.len();
        group.extend(jobs.try_iter().take(GROUP.saturating_sub(before)));
        if group.len() >= GROUP {
            return group;
        }
        thread::yield_now();
        match jobs.try_recv() {
            Ok(job) => group.push(job),
            Err(_) => return group,
        }
    }
}

/// One caller is woken with the others in hand. Where it gets the processor at once, it wakes them on its own thread: woken
/// one by one from here, each could take the processor away from this thread. They depend on nobody: who is left is woken
/// from here.
fn answer(mut jobs: Vec<Box<dyn Job>>, failed: Option<&Failure>) {
    let Some(job) = jobs.pop() else { return };
    if jobs.is_empty() {
        job.answer(failed, None);
        return;
    }
    let others = Others { jobs: Arc::new(Mutex::new(jobs)), failed: failed.cloned() };
    job.answer(failed, Some(others.clone()));
    thread::yield_now();
    others.tell();
}

fn commit(connection: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    // Prepared once: for small jobs the parsing would be a good part of the work.
    let run = |statement| connection.prepare_cached(statement)?.execute([]).map(|_| ());
    run("BEGIN IMMEDIATE")?;
    for job in group {
        match job.undo() {
            Undo::Own => {
                run("SAVEPOINT job")?;
                if !job.run(connection)? {
                    run("ROLLBACK TO job")?;
                }
                run("RELEASE job")?;
            }
            Undo::All => {
                let before = connection.total_changes();
                let is_done = job.run(connection)?;
                // After some failures SQLite has taken back the transaction by itself: nobody may go on without one.
                let is_spoilt = connection.total_changes() != before || connection.is_autocommit();
                if !is_done && is_spoilt {
                    let why = "another change that shared its commit failed".to_owned();
                    return Err(Failure { why, broken: false });
                }
            }
        }
    }
    Ok(run("COMMIT")?)
}

/// The `-wal` file, which is carried over into the database now and then. SQLite would do so by itself, in the middle of a
/// commit, and tell nobody of an fsync that failed there.
struct Log {
    path: PathBuf,
    jobs: usize,
    length: u64,
}

impl Log {
    fn new(database: &Path) -> Self {
        Self { path: beside(database, "-wal"), jobs: 0, length: 0 }
    }

    fn checkpoint(&mut self, connection: &Connection, jobs: usize) -> Result<(), Failure> {
        self.jobs = self.jobs.saturating_add(jobs);
        let length = std::fs::metadata(&self.path).map_or(0, |log| log.len());
        if self.jobs < CHECKPOINT_JOBS && length < self.length.saturating_add(CHECKPOINT_BYTES) {
            return Ok(());
        }
        // Somebody who reads meanwhile, such as a backup, leaves a part of it for the next time.
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        (self.jobs, self.length) = (0, length);
        Ok(())
    }
}

/// One process per file: a second worker on the same file would not see this one's leases in time.
fn lock(path: &Path) -> Result<File, StoreError> {
    let database = |error| StoreError::Database(Box::new(error));
    let file = private(&beside(path, ".lock")).map_err(database)?;
    match file.try_lock() {
        Ok(()) => {
            // The file holds customers' names: nobody but its owner reads it. SQLite gives its side files the same mode.
            // Not before we are alone: closing a file ends all locks that this process has on it.
            private(path).map_err(database)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(StoreError::Unusable(format!(
            "another process has {} open: stop it, or give this one a file of its own",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(database(error)),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// What was wrong with the file when it was opened, and what to do about it.
fn damaged(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Broken(why) => StoreError::Unusable(format!(
            "{file} is damaged ({why}) and was left as it is: move it away with its -wal, put your newest backup in its \
             place (cp backup.db {file}), or save what can be read (sqlite3 moved.db .recover | sqlite3 {file})",
            file = path.display()
        )),
        error => error,
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
    // The default of 16 is fewer than there are statements: most would be parsed anew each time.
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else a plan depends on the values that are bound, and most statements are parsed anew for each.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if rusqlite::version_number() < SAFE_FOR_SEVERAL_CONNECTIONS {
        connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
    }
    // An event of the usual size fits one page of 8 KiB. It counts for new files.
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -8192;",
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
    check::is_whole(&connection)?;
    schema::take_over(&connection)?;
    Ok(connection)
}
