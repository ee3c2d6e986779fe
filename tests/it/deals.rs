//! The deal is not as the payment expects it: gone, merged, lost, or won already.

use e2e::{Kind, LEAD, Rep, Setup, Story, World};
use kommo_client::fake::FakeLead;
use paddle_kommo_sync::{Config, LostDeals};
use serde_json::{Value, json};

/// The deal that goes on in the place of another.
const SURVIVOR: u64 = 20_025_000;

const PIPELINE: u64 = 6_950_551;
const NEGOTIATION: u64 = 58_141_811;
const WON: u64 = 142;
const LOST: u64 = 143;
const NOTHING: [&str; 0] = [];

/// Asks one of the operator's routes, which answers 200.
async fn operator(world: &World, method: &str, path: &str, body: Option<Value>) -> Value {
    let (status, answer) = world.operator(method, path, body).await;
    assert_eq!(status, 200, "{method} {path}: {answer}");
    answer
}

/// What waits for a person: which event, why, and which deals may be meant.
async fn parked(world: &World) -> Vec<(String, String, Value)> {
    let parked = operator(world, "GET", "/admin/parked", None).await;
    let rows = parked.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| {
        let why = &row["parked"];
        (text(&row["event_id"]), text(&why["reason"]), why["candidates"].clone())
    };
    rows.iter().map(row).collect()
}

fn event_id(event: &Value) -> String {
    event["event_id"].as_str().unwrap_or_default().to_owned()
}

fn is_won(rep: &Rep) -> bool {
    (rep.stage(), rep.price()) == (WON, 599)
        && rep.field("PADDLE_TXN_ID") == "txn_first"
        && rep.field("PAYMENT_STATUS") == "paid"
}

#[tokio::test]
async fn a_payment_for_a_deleted_deal_goes_where_the_operator_says() {
    let world = World::start(Kind::Axum).await;
    world.kommo.remove_lead(LEAD);
    let mut story = Story::of(LEAD);
    let payment = story.first_payment();
    world.tell([&payment]).await;
    assert_eq!(world.kommo.ledger().len(), 0);
    let gone = (event_id(&payment), "deal_gone".to_owned(), json!([LEAD]));
    assert_eq!(parked(&world).await, [gone]);

    world.kommo.add_lead(FakeLead::new("Acme Inc., anew").id(SURVIVOR));
    let mut rep = world.rep(SURVIVOR);
    let link = json!({"what": event_id(&payment), "lead": SURVIVOR});
    let linked = operator(&world, "POST", "/admin/link", Some(link)).await;
    assert_eq!(linked, json!({"resumed": [event_id(&payment)]}));
    world.settled().await;
    assert!(is_won(&rep), "{:?}", rep.news());
    assert_eq!(rep.notes().len(), 1);
    rep.news();

    // What follows still names the deleted deal.
    world.tell([story.charge("second", "subscription_recurring", "325-2"), story.refund()]).await;
    assert_eq!(rep.field("INVOICE_NUMBER"), "325-2");
    assert_eq!(rep.field("PAYMENT_STATUS"), "partially_refunded");
    assert_eq!(parked(&world).await, []);
}

#[tokio::test]
async fn k32_a_deal_that_was_merged_into_another_lives_on_there() {
    let world = World::start(Kind::Axum).await;
    let mut story = Story::of(LEAD);
    let sale = [story.first_payment(), story.subscription("subscription.created", |_| {})];
    world.tell(&sale).await;
    assert!(is_won(&world.rep(LEAD)));

    // A person merges the two: one of the ids is gone, the other deal is as the person left it.
    world.kommo.remove_lead(LEAD);
    world.kommo.add_lead(FakeLead::new("Acme").id(SURVIVOR).price(599).stage(PIPELINE, WON));
    let mut rep = world.rep(SURVIVOR);
    let writes = world.kommo.ledger().len();
    let renewal = story.charge("second", "subscription_recurring", "325-2");
    let refund = story.refund();
    world.tell([&renewal, &refund]).await;
    assert_eq!(world.kommo.ledger().len(), writes);
    let mut waiting = parked(&world).await;
    waiting.sort_by_key(|(event, ..)| event.clone());
    let gone = |event: &Value| (event_id(event), "deal_gone".to_owned(), json!([LEAD]));
    assert_eq!(waiting, [gone(&renewal), gone(&refund)]);

    let link = json!({"what": story.subscription_id(), "lead": SURVIVOR});
    let linked = operator(&world, "POST", "/admin/link", Some(link)).await;
    assert_eq!(linked["resumed"].as_array().map(Vec::len), Some(2), "{linked}");
    world.settled().await;
    assert_eq!(parked(&world).await, []);
    let notes = rep.notes();
    for (start, times) in [("Renewal paid 326.62 USD", 1), ("Refunded 100.00 USD of 652.15 USD", 1)]
    {
        let count = notes.iter().filter(|note| note.starts_with(start)).count();
        assert_eq!(count, times, "{start}: {notes:#?}");
    }
    assert_eq!(notes.len(), 2, "{notes:#?}");
    assert_eq!((rep.stage(), rep.price()), (WON, 599));
    let news = rep.news();
    assert!(!news.iter().any(|line| line.starts_with("stage") || line.starts_with("price")));

    world.tell([story.charge("third", "subscription_recurring", "325-3")]).await;
    assert_eq!(rep.news().len(), 2, "the invoice and a note, without a person");
}

#[tokio::test]
async fn a_lost_deal_is_won_once_a_person_has_reopened_it() {
    let world = World::start(Kind::Axum).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let payment = story.first_payment();
    world.tell([&payment]).await;
    assert_eq!((rep.stage(), rep.news()), (LOST, Vec::new()));
    let lost = (event_id(&payment), "deal_lost".to_owned(), json!([LEAD]));
    assert_eq!(parked(&world).await, [lost]);

    world.kommo.move_lead(LEAD, PIPELINE, NEGOTIATION);
    let resume = format!("/admin/events/{}/resume", event_id(&payment));
    operator(&world, "POST", &resume, None).await;
    world.settled().await;
    assert!(is_won(&rep), "{:?}", rep.news());
    assert_eq!(parked(&world).await, []);
    rep.news();
    world.tell([payment]).await;
    assert_eq!(rep.news(), NOTHING);
}

#[tokio::test]
async fn a_lost_deal_is_won_at_once_where_the_operator_wants_that() {
    let mut rules = Config::default();
    rules.lost_deals = LostDeals::Win;
    let world = World::with(Kind::Axum, Setup { rules, ..Setup::default() }).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    let rep = world.rep(LEAD);
    world.tell([Story::of(LEAD).first_payment()]).await;
    assert!(is_won(&rep));
    let told = operator(&world, "GET", &format!("/admin/explain/{LEAD}"), None).await;
    assert_eq!(told[0]["outcome"]["reasons"], json!(["lost_deal_won"]));
}

#[tokio::test]
async fn a_deal_that_was_won_by_hand_stays_as_the_person_left_it() {
    let world = World::start(Kind::Axum).await;
    world.kommo.add_lead(FakeLead::new("Acme Inc.").id(LEAD).price(1_200).stage(PIPELINE, WON));
    let mut rep = world.rep(LEAD);
    world.tell([Story::of(LEAD).first_payment()]).await;
    assert_eq!(
        rep.news(),
        [
            "note: Another payment on a deal that was already won: paid 652.15 USD (net 599.00 + tax 53.15) · Pro · invoice 325-1 · txn_first",
            "task: Second payment on a won deal: check whether it belongs here · 652.15 USD · txn_first",
        ]
    );
    assert_eq!((rep.stage(), rep.price()), (WON, 1_200));
}

#[tokio::test]
async fn a_second_payment_on_a_won_deal_sums_nothing_and_calls_a_person() {
    let world = World::start(Kind::Axum).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD);
    let payment = story.first_payment();
    world.tell([payment]).await;
    assert!(is_won(&rep));
    rep.news();

    // The same transaction, told by another event.
    let again = story.first_payment();
    world.tell([&again]).await;
    assert_eq!(rep.news(), NOTHING);
    let told = operator(&world, "GET", &format!("/admin/explain/{LEAD}"), None).await;
    assert_eq!(told[1]["event_id"], again["event_id"]);
    assert_eq!(told[1]["outcome"], json!({"outcome": "ignored", "reason": "already_won_by_this"}));

    let mut second = Story::of(LEAD).bought_by("max");
    world.tell([second.first_payment()]).await;
    let alarm =
        "Second payment on a won deal: check whether it belongs here · 652.15 USD · txn_max_first";
    assert_eq!(
        rep.news(),
        [
            "note: Another payment on a deal that was already won: paid 652.15 USD (net 599.00 + tax 53.15) · Pro · invoice 325-1 · txn_max_first",
            &format!("task: {alarm}"),
        ]
    );
    assert!(is_won(&rep), "it is the deal of the first payment");
    assert_eq!(rep.open_tasks(), [alarm]);

    // A deal that was won and then moved on is no open deal either.
    let next = world.kommo.stage_ids(PIPELINE).last().copied().expect("a stage");
    world.kommo.move_lead(LEAD, PIPELINE, next);
    let mut third = Story::of(LEAD).bought_by("ann");
    world.tell([third.first_payment()]).await;
    assert_eq!(rep.stage(), next);
    assert_eq!(rep.open_tasks().len(), 2);
    assert_eq!(rep.field("PADDLE_TXN_ID"), "txn_first");
}
