//! The process that is killed: it opens the store, takes in what was not acknowledged yet, and works until nothing is
//! due. It tells what it does on its standard output.

use std::{
    error::Error,
    io::stdin,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use kommo_client::{AccessToken, Client};
use paddle_kommo_sync::{Clock, PostgresStore, SqliteStore, Store, Sync};
use paddle_webhook::{SecretKey, Verifier, sign};
use rustix::process::{PTracer, set_ptracer};
use time::{Duration, OffsetDateTime};

use crate::{
    arguments::Arguments,
    steps::{Steps, Then},
    story::{self, Story},
    tell::tell,
    watched::Watched,
};

/// Longer than the lease of a worker.
const PAST_THE_LEASE: Duration = Duration::seconds(121);

/// What waits is looked at so often.
const ROUND: Duration = Duration::seconds(60);

/// More rounds than any story needs.
const ROUNDS: usize = 40;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One life.
pub(crate) async fn live(arguments: &Arguments) -> Outcome<()> {
    let life = Life::new(arguments).await?;
    let acknowledged = arguments.numbers("acknowledged")?;
    if arguments.has("wait") {
        // Who is asked to trace this process is not its parent; where nobody forbids that, there is nothing to allow.
        set_ptracer(PTracer::Any).ok();
        tell("ready")?;
        stdin().read_line(&mut String::new())?;
    }
    let steps = Arc::new(Steps::new(arguments.optional("die"), Then::Die));
    let sync = life.worker(&steps).await?;
    // The first thing after a start is what was left over.
    let mut is_due = true;
    for (phase, deliveries) in life.story.numbered() {
        for (number, body) in deliveries {
            if !acknowledged.contains(&number) {
                life.deliver(&sync, &steps, number, body).await?;
                is_due = true;
            }
        }
        if std::mem::take(&mut is_due) || phase.is_last {
            work(&sync, &steps).await;
        }
    }
    tell(&format!("log {}", steps.log().join(" ")))?;
    life.tell_end(&sync).await
}

/// Two workers on one store. The first stops at a moment for longer than its lease, the second takes over; if that one
/// stops as well, the first one goes on in between.
pub(crate) async fn two_workers(arguments: &Arguments) -> Outcome<()> {
    let life = Life::new(arguments).await?;
    let first = Arc::new(Steps::new(arguments.optional("first"), Then::Stop));
    let second = Arc::new(Steps::new(arguments.optional("second"), Then::Stop));
    let (one, other) = (life.worker(&first).await?, life.worker(&second).await?);
    let mut has_stopped = false;
    for (_, deliveries) in life.story.numbered() {
        for (number, body) in deliveries {
            life.deliver(&other, &second, number, body).await?;
        }
        if has_stopped {
            work(&other, &second).await;
            continue;
        }
        let mut working = spawn(&one, &first);
        tokio::select! {
            ended = &mut working => ended?,
            () = first.stopped() => {
                has_stopped = true;
                life.move_clock(PAST_THE_LEASE)?;
                let mut taking_over = spawn(&other, &second);
                let is_over = tokio::select! {
                    ended = &mut taking_over => { ended?; true }
                    () = second.stopped() => false,
                };
                first.release();
                working.await?;
                second.release();
                if !is_over {
                    taking_over.await?;
                }
            }
        }
    }
    for _ in 0..ROUNDS {
        if other.stats().await?.open == 0 {
            break;
        }
        life.move_clock(ROUND)?;
        work(&other, &second).await;
    }
    tell(&format!("log {}", first.log().join(" ")))?;
    tell(&format!("log {}", second.log().join(" ")))?;
    let stops = [&first, &second].iter().filter(|steps| steps.has_come()).count();
    tell(&format!("stops {stops}"))?;
    life.tell_end(&other).await
}

/// Opens a file and keeps it until its standard input ends.
pub(crate) fn hold(arguments: &Arguments) -> Outcome<()> {
    let store = SqliteStore::open(arguments.required("store")?)?;
    tell("open")?;
    stdin().read_line(&mut String::new())?;
    drop(store);
    Ok(())
}

struct Life {
    story: Story,
    store: Arc<dyn Store>,
    account: String,
    kommo: String,
    token: String,
    clock: SetClock,
}

impl Life {
    async fn new(arguments: &Arguments) -> Outcome<Self> {
        let name = arguments.required("story")?;
        let seconds = arguments.required("now")?.parse()?;
        Ok(Self {
            story: story::named(&name)?,
            store: open(&arguments.required("store")?).await?,
            account: arguments.required("account")?,
            kommo: arguments.required("kommo")?,
            token: arguments.required("token")?,
            clock: SetClock(Arc::new(Mutex::new(OffsetDateTime::from_unix_timestamp(seconds)?))),
        })
    }

    async fn worker(&self, steps: &Arc<Steps>) -> Outcome<Sync> {
        let kommo = Client::builder(&self.kommo, AccessToken::new(&self.token)?)
            .requests_per_second(NonZeroU32::MAX)
            .build()?;
        let store = Watched::new(Arc::clone(&self.store), &self.account, Arc::clone(steps));
        Ok(Sync::builder(kommo, store).clock(self.clock.clone()).build().await?)
    }

    /// The 200 is a line on the standard output.
    async fn deliver(&self, sync: &Sync, steps: &Steps, number: usize, body: &str) -> Outcome<()> {
        let (now, body) = (self.clock.now(), body.as_bytes());
        let secret = || SecretKey::new("pdl_ntfset_made_up_for_tests");
        let header = sign(&secret()?, body, now).to_string();
        let verifier = Verifier::new(secret()?);
        sync.accept(&verifier.verify_at(header.as_bytes(), body, now)?).await?;
        steps.reach("before", "acknowledge").await;
        tell(&format!("acknowledged {number}"))?;
        steps.reach("after", "acknowledge").await;
        Ok(())
    }

    /// Here and in Kommo.
    fn move_clock(&self, by: Duration) -> Outcome<()> {
        let now = self.clock.now().saturating_add(by);
        *self.clock.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
        tell(&format!("clock {}", now.unix_timestamp()))?;
        stdin().read_line(&mut String::new())?;
        Ok(())
    }

    async fn tell_end(&self, sync: &Sync) -> Outcome<()> {
        let stats = sync.stats().await?;
        let parked: u64 = stats.parked.iter().map(|(_, count)| count).sum();
        Ok(tell(&format!("end {} {parked}", stats.open))?)
    }
}

async fn open(address: &str) -> Outcome<Arc<dyn Store>> {
    match address.split_once(':') {
        Some(("sqlite", path)) => Ok(Arc::new(SqliteStore::open(path)?)),
        Some(("postgres", _)) => Ok(Arc::new(PostgresStore::connect(address).await?)),
        _ => Err(format!("no store for {address}").into()),
    }
}

async fn work(sync: &Sync, steps: &Steps) {
    steps.look_again();
    sync.run(steps.idle()).await;
}

fn spawn(sync: &Sync, steps: &Arc<Steps>) -> tokio::task::JoinHandle<()> {
    let (sync, steps) = (sync.clone(), Arc::clone(steps));
    tokio::spawn(async move { work(&sync, &steps).await })
}

/// Time stands still until it is moved: a run can be repeated exactly, and nobody waits.
#[derive(Clone, Debug)]
struct SetClock(Arc<Mutex<OffsetDateTime>>);

impl Clock for SetClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
