//! One run, and what must be true at its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use kommo_client::fake::FakeKommo;
use paddle_kommo_sync::{MemoryStore, ParkReason};
use paddle_webhook::{Event, SecretKey, Verifier, sign};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    LEAD, NOW,
    faulty_store::Trouble,
    kommo,
    node::{FakeKommoOf, KommoClock, Parts, VirtualClock},
    story::{Chance, story},
};

/// What happened in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) events: u64,
    pub(crate) deliveries: u64,
    pub(crate) crashes: u64,
    pub(crate) faults: u64,
    pub(crate) writes: u64,
    pub(crate) poison_resumed: u64,
    pub(crate) virtual_minutes: u64,
    /// What was asked of Kommo, in which order: the same in every run of a seed.
    pub(crate) requests: u64,
}

impl Report {
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.deliveries += other.deliveries;
        self.crashes += other.crashes;
        self.faults += other.faults;
        self.writes += other.writes;
        self.poison_resumed += other.poison_resumed;
        self.virtual_minutes += other.virtual_minutes;
        self.requests ^= other.requests;
    }
}

/// Plays a run, on a thread of its own: what is numbered and what is left to chance is the thread's.
pub(crate) fn run(seed: u64, is_told: bool) -> Report {
    thread::spawn(move || play(seed, is_told)).join().unwrap()
}

fn play(seed: u64, is_told: bool) -> Report {
    if is_told {
        // Others may have set one; then theirs tells.
        drop(
            tracing_subscriber::fmt()
                .without_time()
                .with_max_level(tracing::Level::DEBUG)
                .try_init(),
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    kommo_client::fake::seed_chance(seed);
    // Whatever goes wrong must name the run that shows it.
    let named = Named(seed);
    let report = runtime.block_on(Run::new(seed).play());
    std::mem::forget(named);
    report
}

struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        println!(
            "\nreplay: SEED={} cargo test --release -p paddle-kommo-sync --test simulation\n",
            self.0
        );
    }
}

struct Run {
    chance: Chance,
    leads: Vec<u64>,
    /// The story of each deal, in its order.
    stories: Vec<Vec<Event>>,
    nodes: usize,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let leads: Vec<u64> = (0..1 + chance.below(3) as u64).map(|number| LEAD + number).collect();
        let stories = leads.iter().map(|lead| of_deal(*lead, story(&mut chance))).collect();
        let nodes = 1 + usize::from(chance.below(3) == 0);
        Self { chance, leads, stories, nodes }
    }

    async fn play(mut self) -> Report {
        let want = self.straight().await;
        let fake = kommo::account(&self.leads);
        let start = Instant::now();
        let ends = start + Duration::from_secs(600 + self.chance.below(1_800) as u64);
        let faults = kommo::misbehave(&fake, self.chance.next(), ends);
        let parts: Vec<_> = (0..self.nodes).map(|_| self.parts(&fake, start, ends)).collect();
        let store = MemoryStore::new();
        let parts: Vec<_> =
            parts.into_iter().map(|parts| Parts { store: store.clone(), ..parts }).collect();
        let mut lives = Vec::new();
        let mut living = Vec::new();
        for parts in &parts {
            let (current, is_current) = watch::channel(None);
            lives.push(tokio::spawn(parts.clone().live(current)));
            living.push(is_current);
        }

        let events: Vec<Event> = self.stories.iter().flatten().cloned().collect();
        let mut deliveries = Vec::new();
        for event in &events {
            for _ in 0..1 + self.chance.below(3) {
                let at = start + Duration::from_millis(self.chance.below(900_000) as u64);
                let to = living[self.chance.below(self.nodes)].clone();
                deliveries.push(tokio::spawn(deliver(event.clone(), at, to)));
            }
        }
        let mut report = Report {
            events: events.len() as u64,
            deliveries: deliveries.len() as u64,
            ..Report::default()
        };
        for delivery in deliveries {
            delivery.await.unwrap();
        }
        sleep_until(ends).await;
        let sound = parts[0].sound().await;
        self.drained(&sound, &mut report).await;
        report.crashes = parts.iter().map(|parts| parts.trouble.crashes()).sum();
        report.faults = *faults.lock().unwrap();
        report.writes = fake.ledger().len() as u64;
        report.requests = digest(&fake);
        report.virtual_minutes = start.elapsed().as_secs() / 60;

        for (lead, want) in self.leads.iter().zip(&want) {
            let got = Deal::seen(&fake, *lead);
            assert_eq!(&got, want, "deal {lead} ends as if nothing had gone wrong");
        }
        once(&fake);
        assert_eq!(fake.rate_limited(), 0, "never more than 7 requests in a second");
        // Everything once more: nobody writes anything.
        for event in &events {
            sound.handle(event).await.unwrap();
        }
        assert_eq!(fake.ledger().len() as u64, report.writes, "a replay writes nothing");
        for life in lives {
            life.abort();
        }
        report
    }

    /// The same stories where nothing goes wrong.
    async fn straight(&mut self) -> Vec<Deal> {
        let fake = kommo::account(&self.leads);
        let start = Instant::now();
        let parts = self.parts(&fake, start, start);
        let sync = parts.sound().await;
        for event in self.stories.iter().flatten() {
            sync.handle(event).await.unwrap();
        }
        self.leads.iter().map(|lead| Deal::seen(&fake, *lead)).collect()
    }

    fn parts(&mut self, fake: &FakeKommo, start: Instant, ends: Instant) -> Parts {
        let ahead = self.chance.below(180) as i64 - 90;
        let clock = KommoClock { fake: Mutex::new(Some(FakeKommoOf(fake.clone()))), ahead };
        Parts {
            kommo: fake.clone(),
            store: MemoryStore::new(),
            clock: VirtualClock { start, kommo: Arc::new(clock) },
            trouble: Trouble::new(self.chance.next(), ends),
        }
    }

    /// The trouble is over: everything must come to its end, by itself but for what ended its worker too often.
    async fn drained(&self, sync: &paddle_kommo_sync::Sync, report: &mut Report) {
        let deadline = Instant::now() + Duration::from_secs(6 * 3_600);
        loop {
            let stats = sync.stats().await.unwrap();
            for parked in sync.parked(100).await.unwrap() {
                assert_eq!(parked.parked.reason, ParkReason::Poison, "{parked:?}");
                assert!(sync.resume(&parked.event_id).await.unwrap());
                report.poison_resumed += 1;
            }
            if stats.open == 0 && stats.parked.is_empty() {
                assert_eq!((stats.in_flight, stats.unknown), (0, 0), "{stats:?}");
                return;
            }
            assert!(Instant::now() < deadline, "it does not come to an end: {stats:?}");
            sleep(Duration::from_secs(20)).await;
        }
    }
}

/// Delivers as Paddle does: again and again, until somebody says that it has it.
async fn deliver(
    event: Event,
    at: Instant,
    mut to: watch::Receiver<Option<paddle_kommo_sync::Sync>>,
) {
    sleep_until(at).await;
    let secret = SecretKey::new("pdl_ntfset_made_up").unwrap();
    let body = event.body().as_bytes();
    let header = sign(&secret, body, NOW).to_string();
    let verifier = Verifier::new(secret);
    let verified = verifier.verify_at(header.as_bytes(), body, NOW).unwrap();
    loop {
        let sync = to.borrow_and_update().clone();
        if let Some(sync) = sync {
            tokio::select! {
                biased;
                accepted = sync.accept(&verified) => {
                    if accepted.is_ok() {
                        return;
                    }
                }
                // The process was killed meanwhile.
                _ = to.changed() => {}
                () = sleep(Duration::from_secs(5)) => {}
            }
        }
        sleep(Duration::from_secs(30)).await;
    }
}

/// The story as it would be told of this deal.
fn of_deal(lead: u64, story: Vec<Event>) -> Vec<Event> {
    let number = lead - LEAD;
    let renamed = |event: Event| {
        let body = event.body().replace(&LEAD.to_string(), &lead.to_string());
        let mut body: Value = serde_json::from_str(&body).unwrap();
        rename(&mut body["data"], number);
        Event::from_trusted(body.to_string().as_bytes(), event.environment()).unwrap()
    };
    story.into_iter().map(renamed).collect()
}

/// Ids of this deal's own.
fn rename(value: &mut Value, number: u64) {
    match value {
        Value::String(text)
            if ["txn_", "sub_", "ctm_", "adj_"].iter().any(|kind| text.starts_with(kind)) =>
        {
            *text = format!("{text}_{number}");
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, number)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, number)),
        _ => {}
    }
}

/// What a person sees of a deal in the end, whatever was told on the way.
#[derive(Debug, PartialEq, Eq)]
struct Deal {
    stage: Value,
    price: Value,
    fields: BTreeMap<String, Value>,
    /// How often a first payment, a refund was told.
    paid: usize,
    refunded: usize,
}

impl Deal {
    fn seen(fake: &FakeKommo, id: u64) -> Self {
        let lead = fake.lead(id).unwrap();
        let codes = [
            "PADDLE_TXN_ID",
            "INVOICE_NUMBER",
            "PLAN_NAME",
            "PAYMENT_CURRENCY",
            "PAYMENT_STATUS",
            "PADDLE_SUB_ID",
            "NEXT_BILLING_DATE",
            "SUBSCRIPTION_STATUS",
        ];
        let fields = codes
            .into_iter()
            .filter_map(|code| Some((code.to_owned(), fake.field_value(id, code)?)))
            .collect();
        let notes = fake.note_texts(id);
        let told = |what: &str| notes.iter().filter(|note| note.starts_with(what)).count();
        Self {
            stage: lead["status_id"].clone(),
            price: lead["price"].clone(),
            fields,
            paid: told("Paid "),
            refunded: told("Refunded "),
        }
    }
}

fn digest(fake: &FakeKommo) -> u64 {
    let mut hasher = DefaultHasher::new();
    for request in fake.requests() {
        (request.method, request.path, request.body.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}

/// Every marker is in Kommo once.
fn once(fake: &FakeKommo) {
    let mut seen = BTreeSet::new();
    for lead in (LEAD..).take(3) {
        let tasks =
            fake.tasks(lead).into_iter().map(|task| task["text"].as_str().unwrap().to_owned());
        for text in fake.note_texts(lead).into_iter().chain(tasks) {
            let (_, marker) =
                text.rsplit_once(" [pk-").unwrap_or_else(|| panic!("not ours: {text}"));
            assert!(seen.insert(marker.to_owned()), "twice: {text}");
        }
    }
}
