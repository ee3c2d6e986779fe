//! Measures the durable stores, and writes events one by one for whoever injects faults.
//!
//! ```text
//! cargo run --release -p paddle-kommo-sync --example store -- speed sqlite:speed.db
//! cargo run --release -p paddle-kommo-sync --example store -- speed postgres://me@localhost/speed
//! cargo run -p paddle-kommo-sync --example store -- put FILE NAME COUNT    # prints what was acknowledged, and what was not
//! cargo run -p paddle-kommo-sync --example store -- verify FILE            # reads such names, says which are not there
//! ```
#![expect(clippy::print_stdout, reason = "a program that prints figures for people")]

use std::{
    error::Error,
    io::{BufRead as _, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::stream::{self, StreamExt as _};
use paddle_kommo_sync::{
    AccountKey, Clock as _, EventState, Finish, Learned, NewEvent, PostgresStore, Rank,
    SqliteStore, Store, StoreError, SystemClock,
};
use time::OffsetDateTime;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["speed", url] => speed(open(url).await?).await,
        ["put", file, name, count] => put(file, name, count.parse()?).await,
        ["verify", file] => verify(file).await,
        _ => Err("speed URL | put FILE NAME COUNT | verify FILE".into()),
    }
}

async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    match url.strip_prefix("sqlite:") {
        Some(path) => Ok(Arc::new(SqliteStore::open(path)?)),
        None => Ok(Arc::new(PostgresStore::connect(url).await?)),
    }
}

fn event(name: &str, number: usize, now: OffsetDateTime) -> NewEvent {
    NewEvent {
        event_id: format!("evt_{name}_{number}"),
        kind: "transaction.completed".to_owned(),
        lane: format!("lead:{name}{number}"),
        sandbox: false,
        occurred_at: now,
        received_at: now,
        rank: Rank::Usual,
        payload: vec![b'x'; 3000],
        links: Vec::new(),
    }
}

async fn speed(store: Arc<dyn Store>) -> Result<(), Box<dyn Error>> {
    let account = store.account("speed").await?;
    let run = SystemClock::default().now().unix_timestamp_nanos().to_string();
    let one_by_one = puts(&*store, account, &format!("{run}a"), 2_000, 1).await?;
    let together = puts(&*store, account, &format!("{run}b"), 10_000, 32).await?;
    // One claim of 50 lanes, again and again; what it gave is ended before the next.
    let mut claims = Vec::new();
    for _ in 0..40 {
        let now = SystemClock::default().now();
        let start = Instant::now();
        let claimed = store.claim_due(account, now, MINUTE, 50).await?;
        claims.push(start.elapsed().as_micros());
        assert_eq!(claimed.len(), 50, "enough is open");
        let ends = claimed.iter().map(|claimed| end(&*store, &claimed.lease, now));
        futures_util::future::try_join_all(ends).await?;
    }
    claims.sort_unstable();
    let start = Instant::now();
    let mut ended = 0_u128;
    loop {
        let now = SystemClock::default().now();
        let claimed = store.claim_due(account, now, MINUTE, 16).await?;
        if claimed.is_empty() {
            break;
        }
        ended = ended.saturating_add(claimed.len() as u128);
        let ends = claimed.iter().map(|claimed| end(&*store, &claimed.lease, now));
        futures_util::future::try_join_all(ends).await?;
    }
    let drain = per_second(ended, start.elapsed());
    println!(
        "{{\"put_one_by_one_per_s\":{one_by_one},\"put_32_per_s\":{together},\"claim_50_p50_us\":{},\
         \"claim_50_p95_us\":{},\"drain_per_s\":{drain}}}",
        claims.get(claims.len() / 2).copied().unwrap_or_default(),
        claims.get(claims.len().saturating_mul(95) / 100).copied().unwrap_or_default(),
    );
    Ok(())
}

async fn puts(
    store: &dyn Store,
    account: AccountKey,
    name: &str,
    count: usize,
    together: usize,
) -> Result<u128, StoreError> {
    let now = SystemClock::default().now();
    let events: Vec<NewEvent> = (0..count).map(|number| event(name, number, now)).collect();
    let start = Instant::now();
    let mut answers =
        stream::iter(&events).map(|event| store.put(account, event)).buffer_unordered(together);
    while let Some(answer) = answers.next().await {
        answer?;
    }
    Ok(per_second(count as u128, start.elapsed()))
}

async fn end(
    store: &dyn Store,
    lease: &paddle_kommo_sync::Lease,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    let (outcome, reason) = (String::new(), String::new());
    let learned = Learned::default();
    store.finish(lease, &Finish { state: EventState::Done, outcome, reason, learned, at }).await
}

fn per_second(count: u128, took: Duration) -> u128 {
    count.saturating_mul(1_000_000).checked_div(took.as_micros()).unwrap_or_default()
}

/// Goes on after an error, as a service does: nothing may be acknowledged after the file became doubtful.
async fn put(file: &str, name: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(file)?;
    let account = store.account("default").await?;
    let mut out = std::io::stdout();
    for number in 0..count {
        let event = event(name, number, SystemClock::default().now());
        match store.put(account, &event).await {
            Ok(_) => writeln!(out, "ok {}", event.event_id)?,
            Err(StoreError::Broken(_)) => writeln!(out, "broken {}", event.event_id)?,
            Err(_) => writeln!(out, "failed {}", event.event_id)?,
        }
    }
    Ok(())
}

async fn verify(file: &str) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(file)?;
    let account = store.account("default").await?;
    let mut lost = 0_u32;
    let said: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    for line in &said {
        let Some(event_id) = line.strip_prefix("ok ") else { continue };
        if store.event(account, event_id).await?.is_none() {
            println!("lost {event_id}");
            lost = lost.saturating_add(1);
        }
    }
    if lost > 0 { Err(format!("{lost} acknowledged events are lost").into()) } else { Ok(()) }
}
