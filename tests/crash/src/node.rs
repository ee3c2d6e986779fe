//! One of two processes on one database: it works until its standard input ends, and takes in what it is told there.

use std::{error::Error, io::stdin, num::NonZeroU32, path::Path, sync::Arc, thread};

use kommo_client::{AccessToken, Client};
use paddle_kommo_sync::{Clock as _, PostgresStore, Sync};
use paddle_webhook::{SecretKey, Verifier, sign};
use tokio::sync::mpsc;

use crate::{
    arguments::Arguments,
    shared_clock::SharedClock,
    steps::{Steps, Then},
    story,
    tell::tell,
    watched::Watched,
};

/// Kommo takes 7. What a process had just let go when it was stopped arrives when it wakes, between those of the other one.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(6).unwrap();

type Outcome = Result<(), Box<dyn Error + Send + std::marker::Sync>>;

pub(crate) async fn node(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let clock = SharedClock::open(Path::new(&arguments.required("clock")?))?;
    let store = PostgresStore::connect(&arguments.required("store")?).await?;
    let steps = Arc::new(Steps::new(None, Then::Tell));
    let store = Watched::new(Arc::new(store), &arguments.required("account")?, steps);
    let token = AccessToken::new(arguments.required("token")?)?;
    let kommo = Client::builder(&arguments.required("kommo")?, token)
        .requests_per_second(PER_SECOND)
        .build()?;
    let sync = Sync::builder(kommo, store).clock(clock.clone()).build().await?;
    let mut words = words();
    let mut failed = None;
    let listening = async {
        while let Some(word) = words.recv().await {
            if let Err(error) = obey(&sync, &clock, &word).await {
                failed = Some(error.to_string());
                return;
            }
        }
    };
    sync.run(listening).await;
    failed.map_or(Ok(()), |why| Err(why.into()))
}

async fn obey(sync: &Sync, clock: &SharedClock, word: &str) -> Outcome {
    if word == "stats" {
        let stats = sync.stats().await?;
        let parked: u64 = stats.parked.iter().map(|(_, count)| count).sum();
        let reasons: Vec<_> = stats.parked.iter().map(|(reason, _)| reason.as_str()).collect();
        tell(&format!("stats {} {parked} {}", stats.open, reasons.join(" ")))?;
        return Ok(());
    }
    let number = word.strip_prefix("deliver ").ok_or("an unknown word")?.parse()?;
    let (body, now) = (story::payment_of(number), clock.now());
    let secret = || SecretKey::new("pdl_ntfset_made_up_for_tests");
    let header = sign(&secret()?, body.as_bytes(), now).to_string();
    let verifier = Verifier::new(secret()?);
    let verified = verifier.verify_at(header.as_bytes(), body.as_bytes(), now)?;
    // Paddle delivers again what got no 200.
    match sync.accept(&verified).await {
        Ok(_) => tell(&format!("acknowledged {number}"))?,
        Err(_) => tell(&format!("refused {number}"))?,
    }
    Ok(())
}

/// The lines of the standard input.
fn words() -> mpsc::UnboundedReceiver<String> {
    let (to, words) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in stdin().lines() {
            let Ok(line) = line else { break };
            if to.send(line).is_err() {
                break;
            }
        }
    });
    words
}
