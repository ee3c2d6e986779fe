//! A buyer who writes into the checkout what the seller's server did not.

use e2e::{Kind, LEAD, Setup, Story, World};
use kommo_client::{AccountId, LeadId, fake::FakeLead};
use paddle_kommo_sync::{DealRef, DealRefKey};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

/// The deal of somebody else.
const FOREIGN: u64 = 20_024_999;

/// The account of the fake Kommo, and one that is not.
const ACCOUNT: AccountId = AccountId::new(31_361_463);
const OTHER_ACCOUNT: AccountId = AccountId::new(31_361_464);

const NEGOTIATION: u64 = 58_141_811;

fn key(letter: char) -> DealRefKey {
    DealRefKey::new(letter.to_string().repeat(40)).expect("it is long enough")
}

/// A world where references are signed, with Jo's deal and one that is not Jo's.
async fn world() -> World {
    let setup = Setup { deal_ref_keys: vec![key('k')], ..Setup::default() };
    let world = World::with(Kind::Axum, setup).await;
    world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    world.kommo.add_lead(FakeLead::new("Somebody else's").id(FOREIGN).price(90_000));
    world.kommo.add_contact("Somebody else", &["else@example.com"], &[FOREIGN]);
    world
}

/// What a buyer may write into `custom_data`, with what it is parked for and which deals may be meant.
fn forgeries(paid_at: OffsetDateTime) -> Vec<(&'static str, Value, &'static str, Vec<u64>)> {
    let foreign = DealRef::new(LeadId::new(FOREIGN), ACCOUNT);
    let own = DealRef::new(LeadId::new(LEAD), ACCOUNT).sign(&key('k'));
    let changed = own.replacen(&LEAD.to_string(), &FOREIGN.to_string(), 1);
    let stretched = {
        let expired = DealRef::new(LeadId::new(FOREIGN), ACCOUNT).expires(paid_at).sign(&key('k'));
        let end = paid_at.unix_timestamp();
        expired.replacen(&end.to_string(), &(end + 86_400).to_string(), 1)
    };
    let reference = |text: String| json!({"kommo_ref": text, "kommo_lead_id": FOREIGN});
    vec![
        (
            "a bare number",
            json!({"kommo_lead_id": FOREIGN.to_string()}),
            "link_not_confirmed",
            vec![FOREIGN],
        ),
        ("signed by the buyer", reference(foreign.sign(&key('x'))), "deal_ref_invalid", vec![]),
        (
            "expired",
            reference(foreign.expires(paid_at).sign(&key('k'))),
            "deal_ref_invalid",
            vec![],
        ),
        ("the end put off", reference(stretched), "deal_ref_invalid", vec![]),
        (
            "for another Kommo account",
            reference(DealRef::new(LeadId::new(FOREIGN), OTHER_ACCOUNT).sign(&key('k'))),
            "deal_ref_invalid",
            vec![],
        ),
        ("the number in it changed", reference(changed), "deal_ref_invalid", vec![]),
        ("nonsense", reference("k1.1.1.1.00".to_owned()), "deal_ref_invalid", vec![]),
        ("no number", json!({"kommo_lead_id": "7 or 1=1"}), "lead_id_unreadable", vec![]),
    ]
}

#[tokio::test]
async fn a_forged_checkout_waits_until_an_operator_says_whose_it_is() {
    let count = forgeries(OffsetDateTime::UNIX_EPOCH).len();
    for row in 0..count {
        let world = world().await;
        let (mut jos, mut somebodys) = (world.rep(LEAD), world.rep(FOREIGN));
        let mut story = Story::of(0);
        let paid_at = story.now().saturating_add(Duration::minutes(2));
        let (name, custom_data, reason, candidates) = forgeries(paid_at).swap_remove(row);
        story = story.with_custom_data(custom_data);

        let known = story.customer("customer.created", "jo@example.com");
        let payment = story.first_payment();
        world.tell([&known, &payment]).await;
        assert_eq!(world.kommo.ledger().len(), 0, "{name}: nothing is written to any deal");
        let (status, parked) = world.operator("GET", "/admin/parked", None).await;
        assert_eq!((status, parked.as_array().map(Vec::len)), (200, Some(1)), "{name}: {parked}");
        assert_eq!(parked[0]["event_id"], payment["event_id"], "{name}");
        assert_eq!(parked[0]["parked"]["reason"], reason, "{name}");
        let told = parked[0]["parked"]["candidates"].as_array().cloned().unwrap_or_default();
        assert_eq!(told, candidates, "{name}");
        let text = parked.to_string();
        assert!(!text.contains("example.com") && !text.contains("k1."), "{name}: {text}");

        // To try again is no proof.
        let event = payment["event_id"].as_str().expect("it has an id");
        let resume = format!("/admin/events/{event}/resume");
        assert_eq!(world.operator("POST", &resume, None).await.0, 200, "{name}");
        world.settled().await;
        let (_, parked) = world.operator("GET", "/admin/parked", None).await;
        assert_eq!(parked[0]["parked"]["reason"], reason, "{name}: after another try");
        assert_eq!(world.kommo.ledger().len(), 0, "{name}: after another try");

        // A person looks, and knows.
        let link = json!({"what": event, "lead": LEAD});
        let linked = world.operator("POST", "/admin/link", Some(link)).await;
        assert_eq!(linked, (200, json!({"resumed": [event]})), "{name}");
        world.settled().await;
        assert_eq!((jos.stage(), jos.price()), (142, 599), "{name}");
        assert_eq!(jos.news().last().map(|line| line.starts_with("note: Paid ")), Some(true));

        // The subscription carries the same forgery for ever; the person's word counts for all of it.
        world.tell([story.charge("second", "subscription_recurring", "325-2")]).await;
        assert_eq!(jos.field("INVOICE_NUMBER"), "325-2", "{name}");
        assert_eq!(world.operator("GET", "/admin/parked", None).await.1, json!([]), "{name}");
        assert_eq!((somebodys.stage(), somebodys.price()), (NEGOTIATION, 90_000), "{name}");
        assert_eq!(somebodys.news(), [""; 0], "{name}");
        world.server.stop().await;
    }
}

#[tokio::test]
async fn a_reference_of_the_server_wins_the_deal_whatever_number_stands_beside_it() {
    let world = world().await;
    let (mut jos, mut somebodys) = (world.rep(LEAD), world.rep(FOREIGN));
    let story = Story::of(0);
    let end = story.now().saturating_add(Duration::minutes(2));
    let reference = DealRef::new(LeadId::new(LEAD), ACCOUNT).expires(end).sign(&key('k'));
    let mut story =
        story.with_custom_data(json!({"kommo_ref": reference, "kommo_lead_id": FOREIGN}));
    world.tell([story.first_payment()]).await;
    assert_eq!((jos.stage(), jos.price()), (142, 599));
    jos.news();
    // It has expired by now, which binds first payments only.
    story.wait(Duration::minutes(5));
    world.tell([story.charge("second", "subscription_recurring", "325-2")]).await;
    assert_eq!(jos.news().len(), 2, "the invoice and a note");
    assert_eq!(somebodys.news(), [""; 0]);
}

#[tokio::test]
async fn a_buyer_cannot_cancel_or_renew_on_the_deal_of_another() {
    let world = world().await;
    let mut somebodys = world.rep(FOREIGN);
    let reference = DealRef::new(LeadId::new(FOREIGN), ACCOUNT).sign(&key('k'));
    let mut honest =
        Story::of(0).bought_by("else").with_custom_data(json!({"kommo_ref": reference}));
    let sale = [honest.first_payment(), honest.subscription("subscription.created", |_| {})];
    world.tell(&sale).await;
    assert_eq!((somebodys.stage(), somebodys.price()), (142, 599));
    somebodys.news();
    let writes = world.kommo.ledger().len();

    // The subscription of another buyer names the same deal, without a signature.
    let mut forger = Story::of(FOREIGN).bought_by("forger");
    let attack = [
        forger.customer("customer.created", "forger@example.com"),
        forger.subscription("subscription.created", |_| {}),
        forger.charge("second", "subscription_recurring", "325-9"),
        forger.failed_charge("third"),
        forger.subscription("subscription.canceled", |data| data["status"] = json!("canceled")),
        forger.refund(),
    ];
    world.tell(&attack).await;
    assert_eq!(world.kommo.ledger().len(), writes, "{:#?}", somebodys.news());
    let stats = world.server.sync().stats().await.expect("the store answers");
    assert_eq!(
        stats.parked,
        [("link_not_confirmed".to_owned(), 4), ("no_deal".to_owned(), 1)],
        "the refund names no deal at all"
    );

    // The deal's own sale goes on.
    world.tell([honest.charge("second", "subscription_recurring", "325-2")]).await;
    assert_eq!(somebodys.field("INVOICE_NUMBER"), "325-2");
}
