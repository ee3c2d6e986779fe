//! What is printed: never a token, an address or a payload.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::support::{
    LEAD, World,
    events::{customer, event, named, refund, subscription, transaction},
};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_line_and_no_debug_text_holds_a_secret_or_a_person() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    // For the whole process: whether a line is wanted is remembered across threads. Other tests log here too.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = World::new().await;
    world.kommo.add_contact("Canary Person", &["canary@example.com"], &[LEAD]);
    world.ignored(&event("customer.created", 0, &customer("canary@example.com"))).await;
    let mut payment = transaction();
    payment["custom_data"] = Value::Null;
    payment["items"][0]["price"]["name"] = json!("Canary Plan");
    payment["payments"] = json!([{"method_details": {"card": {"cardholder_name": "Canary Holder", "last4": "4242"}}}]);
    world.done(&named("evt_story", "transaction.completed", 1, &payment)).await;
    world.done(&event("subscription.canceled", 2, &subscription("canceled"))).await;
    world.kommo.set_token_valid(false);
    let mut back = refund("approved");
    back["reason"] = json!("canary reason");
    world.waiting(&event("adjustment.updated", 3, &back)).await;
    let mut bad = transaction();
    bad["details"]["totals"]["total"] = json!("canary total");
    world.handle(&event("transaction.completed", 4, &bad)).await;

    let printed = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let of_story = |line: &&str| line.contains("evt_story");
    let story: Vec<&str> = printed.lines().filter(of_story).collect();
    let said = [": taken in", ": decided", ": written effect=\"note:", ": done"];
    let places = said.map(|said| story.iter().position(|line| line.contains(said)));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} {story:#?}");
    assert!(printed.contains("kommo request"), "the log was taken");
    let debug = format!("{:?} {:?}", world.sync, world.sync.parked(10).await.unwrap());
    for text in [printed.to_lowercase(), debug.to_lowercase()] {
        for secret in ["canary", world.kommo.token()] {
            let line = text.lines().find(|line| line.contains(&secret.to_lowercase()));
            assert_eq!(line, None, "{secret} is printed");
        }
    }
}
