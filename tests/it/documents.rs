//! Paddle's own API beside its webhooks: invoices on the deal, and refunds of what was never seen.

use e2e::{Kind, LEAD, SECRET, Setup, World};
use paddle_kommo_sync::{
    fake_paddle::{FakePaddle, Purchase},
    paddle::{ApiKey, Client},
};
use serde_json::Value;

const BOTH: [Kind; 2] = [Kind::Axum, Kind::Actix];

/// A server whose Paddle delivers to it, and can be asked by it.
async fn shop(kind: Kind) -> (FakePaddle, World) {
    let paddle = FakePaddle::start().await;
    paddle.set_rate_limit(None);
    let key = ApiKey::new(paddle.api_key()).expect("a key");
    let client = Client::builder(key).base_url(&paddle.uri()).build().expect("a client");
    let setup = Setup { paddle: Some(client), ..Setup::default() };
    let world = World::with(kind, setup).await;
    (paddle, world)
}

fn subscribe(paddle: &FakePaddle, world: &World) {
    let url = world.server.url("/paddle/webhook");
    paddle.add_destination(&url, SECRET, FakePaddle::event_types());
}

/// Everything that Paddle has to tell is told, twice, and worked through.
async fn told(paddle: &FakePaddle, world: &World) {
    paddle.deliver_due().await;
    for event in paddle.events() {
        paddle.deliver_again(event["event_id"].as_str().unwrap_or_default());
    }
    for attempt in paddle.deliver_due().await {
        assert!(attempt.is_delivered(), "{attempt:?}");
    }
    world.settled().await;
}

fn purchase() -> Purchase {
    Purchase::new("jo@example.com").custom_data("kommo_lead_id", &LEAD.to_string())
}

/// The names of the deal's files, without their markers.
fn files(world: &World) -> Vec<String> {
    let names = world.kommo.file_names(LEAD);
    let mut names: Vec<_> = names
        .iter()
        .map(|name| name.rsplit_once('-').map_or(name.clone(), |(name, _)| name.to_owned()))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_sale_its_renewal_and_its_refund_have_their_documents_in_the_deal() {
    for kind in BOTH {
        let (paddle, world) = shop(kind).await;
        subscribe(&paddle, &world);
        let sale = paddle.buy(&purchase());
        told(&paddle, &world).await;
        let lead = world.kommo.lead(LEAD).expect("the deal is there");
        assert_eq!(lead["status_id"], 142, "{kind:?}");

        let renewal = paddle.renew(&sale.subscription.expect("a subscription")).expect("a renewal");
        told(&paddle, &world).await;
        let refund = paddle.refund(&sale.transaction, Some(10_000)).expect("a refund");
        told(&paddle, &world).await;
        paddle.settle_refunds(true);
        told(&paddle, &world).await;

        let number = |id| {
            let transaction = paddle.transaction(id).expect("it is there");
            format!("invoice-{}", transaction["invoice_number"].as_str().expect("a number"))
        };
        let mut want =
            vec![number(&sale.transaction), number(&renewal), format!("credit-note-{refund}")];
        want.sort();
        assert_eq!(files(&world), want, "{kind:?}: each once");
        let notes = world.kommo.note_texts(LEAD);
        let with_document = notes
            .iter()
            .filter(|note| note.starts_with("Invoice") || note.starts_with("Credit note"));
        assert_eq!(with_document.count(), 3, "{kind:?}: {notes:?}");
        for name in world.kommo.ledger().iter().filter(|row| row.kind.as_str() == "file_attached") {
            let uuid = name.body["file_uuid"].as_str().unwrap_or_default();
            let content = world.kommo.file_content(uuid).expect("it is in the drive");
            assert!(content.starts_with(b"%PDF-"), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn without_the_scope_for_files_the_deal_is_won_and_the_way_out_is_told() {
    let (paddle, world) = shop(Kind::Actix).await;
    subscribe(&paddle, &world);
    world.kommo.set_files_scope(false);
    let sale = paddle.buy(&purchase());
    let job = format!("job.invoice:{}", sale.transaction);
    paddle.deliver_due().await;
    let sync = world.server.sync();
    world
        .until("the document waits", async || {
            let story = sync.explain(&LEAD.to_string()).await.expect("the store answers");
            story.iter().any(|chapter| chapter.event_id == job && chapter.last_error.is_some())
        })
        .await;
    let lead = world.kommo.lead(LEAD).expect("the deal is there");
    assert_eq!(lead["status_id"], 142);

    world.later(time::Duration::hours(2));
    paddle.renew(&sale.subscription.expect("a subscription")).expect("a renewal");
    paddle.deliver_due().await;
    // It is tried some times, whatever the clock says.
    for _ in 0..7 {
        sync.attempt(&job).await.expect("the store answers");
        world.later(time::Duration::minutes(20));
    }
    world
        .until("it is parked", async || {
            let parked = sync.parked(10).await.expect("the store answers");
            parked.iter().any(|row| row.event_id == job && row.parked.detail.contains("`files`"))
        })
        .await;
    world.kommo.set_files_scope(true);
    sync.resume(&job).await.expect("the store answers");
    world.until("it is attached", async || !files(&world).is_empty()).await;
}

#[tokio::test]
async fn a_refund_of_a_sale_from_before_our_time_finds_its_deal() {
    for kind in BOTH {
        let (paddle, world) = shop(kind).await;
        // Nobody listened when it was sold.
        let sale = paddle.buy(&purchase());
        subscribe(&paddle, &world);
        paddle.refund(&sale.transaction, None).expect("a refund");
        paddle.settle_refunds(true);
        paddle.deliver_due().await;
        world.settled().await;
        let lead: Value = world.kommo.lead(LEAD).expect("the deal is there");
        assert_ne!(lead["status_id"], 142, "{kind:?}: a refund wins nothing");
        let notes = world.kommo.note_texts(LEAD);
        assert!(notes[0].starts_with("Refunded"), "{kind:?}: {notes:?}");
        assert_eq!(files(&world).len(), 1, "{kind:?}: its credit note");
    }
}
