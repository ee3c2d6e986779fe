//! What the disk itself can do, and what the store makes of it.

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use paddle_kommo_sync::{AccountKey, Clock as _, NewEvent, Rank, Store, SystemClock};
use rusqlite::Connection;

use crate::paddle::{Topic, body, numbers};

/// The file system of a folder, from the kernel's list of mounts.
pub fn file_system(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let rows = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    rows.filter(|(mount, _)| folder.starts_with(mount))
        .max_by_key(|(mount, _)| mount.len())
        .map_or_else(|| "unknown".to_owned(), |(_, kind)| kind.to_owned())
}

/// A file that has its size already, for timing what one write and `fdatasync` take.
pub struct Fdatasync {
    file: File,
    turn: usize,
}

impl Fdatasync {
    const BLOCK: usize = 4 << 10;
    const BLOCKS: usize = 256;

    pub fn open(folder: &Path) -> Self {
        let mut file = File::create(folder.join("fdatasync")).expect("a file");
        file.write_all(&vec![1; Self::BLOCK * Self::BLOCKS]).expect("room");
        file.sync_all().expect("a disk");
        Self { file, turn: 0 }
    }

    /// Writes 4 KiB and waits until they are on disk.
    pub fn write(&mut self) -> Duration {
        self.turn += 1;
        let block = [u8::try_from(self.turn % 251).unwrap_or(0); Self::BLOCK];
        let started = Instant::now();
        let place = self.turn % Self::BLOCKS * Self::BLOCK;
        self.file.seek(SeekFrom::Start(place as u64)).expect("a place");
        self.file.write_all(&block).expect("room");
        self.file.sync_data().expect("a disk");
        started.elapsed()
    }
}

/// Deliveries a second through the store, `at_once` of them waiting at any time.
pub async fn puts_per_second(
    store: &Arc<dyn Store>,
    account: AccountKey,
    at_once: usize,
    time: Duration,
) -> f64 {
    let count = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let (store, count) = (Arc::clone(store), Arc::clone(&count));
            tokio::spawn(async move {
                while started.elapsed() < time {
                    store.put(account, &event()).await.expect("stored");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("it ends");
    }
    count.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

fn event() -> NewEvent {
    let number = numbers(1).start;
    let now = SystemClock::default().now();
    NewEvent {
        event_id: format!("evt_01{number:024}"),
        kind: "transaction.completed".to_owned(),
        lane: format!("lead:{number}"),
        sandbox: false,
        occurred_at: now,
        received_at: now,
        rank: Rank::Usual,
        payload: body(Topic::Payment, number).into_bytes(),
        links: Vec::new(),
    }
}

/// The same events, one INSERT and one commit each, into a table with a unique id: what a handler without group commit
/// would do at the least.
pub struct Plain(Connection);

impl Plain {
    pub fn open(folder: &Path) -> Self {
        let connection = Connection::open(folder.join("plain.db")).expect("a file");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE inbox(seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, payload BLOB NOT NULL) STRICT;",
            )
            .expect("a table");
        Self(connection)
    }

    pub fn inserts_per_second(&self, time: Duration) -> f64 {
        let mut insert =
            self.0.prepare("INSERT INTO inbox(event_id, payload) VALUES(?1, ?2)").expect("SQL");
        let started = Instant::now();
        let mut count = 0_u64;
        while started.elapsed() < time {
            let event = event();
            insert.execute((event.event_id, event.payload)).expect("stored");
            count += 1;
        }
        count as f64 / started.elapsed().as_secs_f64()
    }
}
