//! Checkout links: from what a deal says to a transaction in Paddle, and back into the deal.

use std::time::Duration;

use kommo_client::{
    CatalogElementId, CatalogElementPatch, CatalogId, ContactPatch, FieldInput, FieldWrite, LeadId,
    LeadPatch, PipelineId, StatusId, WebhookBody,
};
use paddle_kommo_sync::{
    Checkout, CheckoutItems, CheckoutLink, CheckoutState, Config, DealRef, DealRefKey, MemoryStore,
    Mode, Outcome, PaymentStage, SyncBuilder,
    fake_paddle::{FakePaddle, Fault, PRO_MONTHLY, SETUP_ONCE},
    paddle,
};
use paddle_webhook::{Environment, Event, TransactionId};
use serde_json::{Value, json};

use crate::support::{LEAD, NEGOTIATION, NOW, PIPELINE, REP, WON, World, client};

const PAYMENT: u64 = 58_141_815;
const EMAIL: &str = "jo@example.com";

/// A world with Paddle in it, and a deal that sells ten seats to Jo.
struct Shop {
    world: World,
    paddle: FakePaddle,
}

impl Shop {
    async fn new() -> Self {
        Self::with(|_| {}, |builder| builder).await
    }

    async fn with(
        change: impl FnOnce(&mut Config),
        build: impl FnOnce(SyncBuilder) -> SyncBuilder,
    ) -> Self {
        Self::of(FakePaddle::start().await, change, build).await
    }

    async fn of(
        paddle: FakePaddle,
        change: impl FnOnce(&mut Config),
        build: impl FnOnce(SyncBuilder) -> SyncBuilder,
    ) -> Self {
        paddle.set_time(NOW);
        let client = paddle::Client::builder(paddle::ApiKey::new(paddle.api_key()).unwrap())
            .base_url(&paddle.uri())
            .first_delay(Duration::ZERO)
            .build()
            .unwrap();
        let config = |config: &mut Config| {
            config.fields.checkout_url = "PADDLE_CHECKOUT_URL".into();
            config.checkout.quantity_field = "SEATS".into();
            config.checkout.stage =
                Some(PaymentStage::new(PipelineId::new(PIPELINE), StatusId::new(PAYMENT)));
            change(config);
        };
        let world =
            World::built(config, MemoryStore::new(), |builder| build(builder.checkouts(client)))
                .await;
        world.kommo.add_field(Some("PADDLE_CHECKOUT_URL"), "Payment link", "url");
        world.kommo.add_field(Some("PADDLE_PRICE_ID"), "Price", "text");
        world.kommo.add_field(Some("SEATS"), "Seats", "numeric");
        world.kommo.add_contact("Jo Brown", &[EMAIL], &[LEAD]);
        let shop = Self { world, paddle };
        shop.sells(PRO_MONTHLY, 10).await;
        shop
    }

    /// A rep says what the deal sells.
    async fn sells(&self, price: &str, quantity: u32) {
        self.rep(|deal| {
            deal.field(FieldWrite::new("PADDLE_PRICE_ID", FieldInput::Text(price.to_owned())))
                .field(FieldWrite::new("SEATS", FieldInput::Numeric(quantity.to_string())))
        })
        .await;
    }

    /// A rep changes the deal.
    async fn rep(&self, change: impl FnOnce(LeadPatch) -> LeadPatch) {
        self.world.advance(Duration::from_secs(1));
        let patch = change(LeadPatch::new(LeadId::new(LEAD)));
        client(&self.world.kommo).leads().update(&[patch]).await.unwrap();
    }

    async fn ask(&self, checkout: Checkout) -> CheckoutState {
        self.world.advance(Duration::from_secs(1));
        self.world.sync.checkout(checkout).await.unwrap()
    }

    async fn link(&self) -> CheckoutLink {
        self.link_for(deal()).await
    }

    async fn link_for(&self, checkout: Checkout) -> CheckoutLink {
        match self.ask(checkout).await {
            CheckoutState::Open(link) => link,
            other => panic!("no link but {other:?}"),
        }
    }

    async fn refused(&self, checkout: Checkout) -> String {
        match self.ask(checkout).await {
            CheckoutState::Refused(parked) => {
                assert_eq!(self.world.sync.parked(10).await.unwrap(), [], "nothing waits");
                parked.detail
            }
            other => panic!("not refused but {other:?}"),
        }
    }

    fn transaction(&self, id: &TransactionId) -> Value {
        self.paddle.transaction(id).unwrap()
    }

    /// What Kommo sends when the deal comes to this stage.
    async fn moved_to(&self, stage: u64) -> usize {
        self.world.advance(Duration::from_secs(1));
        self.world.kommo.move_lead(LEAD, PIPELINE, stage);
        self.webhook(stage, &self.world.lead()["updated_at"].to_string()).await
    }

    async fn webhook(&self, stage: u64, changed_at: &str) -> usize {
        let body = format!(
            "leads[status][0][id]={LEAD}&leads[status][0][status_id]={stage}&leads[status][0][pipeline_id]={PIPELINE}\
             &leads[status][0][old_status_id]={NEGOTIATION}&leads[status][0][last_modified]={changed_at}&account[id]=31361463"
        );
        let delivery = WebhookBody::parse(body.as_bytes()).unwrap();
        self.world.sync.accept_kommo(&delivery).await.unwrap()
    }

    /// The worker does what is due.
    async fn work(&self) {
        let all = async {
            while self.world.sync.stats().await.unwrap().open > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), self.world.sync.run(all)).await.unwrap();
    }

    async fn look(&self) -> usize {
        let found = self.world.sync.look_at_stage().await.unwrap();
        self.work().await;
        found
    }
}

fn deal() -> Checkout {
    Checkout::for_lead(LeadId::new(LEAD))
}

fn quantity(transaction: &Value) -> &Value {
    &transaction["items"][0]["quantity"]
}

#[tokio::test]
async fn a_deal_gets_its_link_in_a_field_and_a_note() {
    let shop = Shop::new().await;
    let before = shop.world.writes();
    let link = shop.link().await;
    assert!(link.url.ends_with(&format!("?_ptxn={}", link.transaction)), "{}", link.url);
    assert_eq!(link.left_out, []);
    assert_eq!(shop.world.field("PADDLE_CHECKOUT_URL"), link.url.as_str());
    let note = format!("Payment link: {} · Pro × 10 · {}", link.url, link.transaction);
    assert_eq!(shop.world.notes(), [note]);
    assert_eq!(shop.world.writes() - before, 2);

    let transaction = shop.transaction(&link.transaction);
    assert_eq!(transaction["items"][0]["price"]["id"], PRO_MONTHLY);
    assert_eq!(*quantity(&transaction), 10);
    let custom_data = &transaction["custom_data"];
    assert_eq!(custom_data["kommo_lead_id"], LEAD.to_string());
    assert_eq!(custom_data["kommo_responsible_id"], REP.to_string());
    let jo = shop.paddle.add_customer(EMAIL, None);
    assert_eq!(transaction["customer_id"], jo.as_str(), "Jo was made, and is found now");
}

#[tokio::test]
async fn asked_again_it_is_the_same_link_and_revised_when_the_deal_sells_something_else() {
    let shop = Shop::new().await;
    let link = shop.link().await;
    let before = shop.world.writes();
    assert_eq!(shop.link().await, link);
    assert_eq!(shop.world.writes(), before, "nothing is written twice");

    shop.sells(PRO_MONTHLY, 12).await;
    assert_eq!(shop.link().await, link);
    assert_eq!(*quantity(&shop.transaction(&link.transaction)), 12);
    assert_eq!(shop.paddle.transactions().len(), 1);
    let note = format!(
        "The payment link stays, what it is for changed · now: Pro × 12 · {} · {}",
        link.url, link.transaction
    );
    assert_eq!(shop.world.notes()[1..], [note]);

    let by_call = deal().item(SETUP_ONCE.into(), 1).item(SETUP_ONCE.into(), 1);
    assert_eq!(shop.link_for(by_call).await, link);
    let transaction = shop.transaction(&link.transaction);
    assert_eq!(transaction["items"][0]["price"]["id"], SETUP_ONCE);
    assert_eq!(*quantity(&transaction), 2);
}

#[tokio::test]
async fn a_checkout_that_was_paid_or_canceled_says_so_and_another_is_made_only_when_wanted() {
    let shop = Shop::new().await;
    let first = shop.link().await;
    shop.paddle.pay(&first.transaction, EMAIL).unwrap();
    let paid = CheckoutState::Paid { transaction: first.transaction.clone() };
    assert_eq!(shop.ask(deal()).await, paid);
    // Even when nothing is told any more of what is sold.
    shop.sells("to be agreed", 1).await;
    assert_eq!(shop.ask(deal()).await, paid);
    shop.sells(PRO_MONTHLY, 1).await;

    let second = shop.link_for(deal().anew()).await;
    assert_ne!(second.transaction, first.transaction);
    assert_eq!(shop.world.field("PADDLE_CHECKOUT_URL"), second.url.as_str());
    assert_eq!(shop.link_for(deal().anew()).await, second, "while it is open there is no other");
    let client = paddle::Client::builder(paddle::ApiKey::new(shop.paddle.api_key()).unwrap())
        .base_url(&shop.paddle.uri())
        .build()
        .unwrap();
    client.transactions().cancel(&second.transaction).await.unwrap();
    let canceled = CheckoutState::Canceled { transaction: second.transaction.clone() };
    assert_eq!(shop.ask(deal()).await, canceled);
    // Whoever moves the deal to the stage wants a link that works.
    assert_eq!(shop.moved_to(PAYMENT).await, 1);
    shop.work().await;
    let third = shop.link().await;
    assert_ne!(third.transaction, second.transaction);
    assert_eq!(shop.paddle.transactions().len(), 3);
}

#[tokio::test]
async fn the_products_of_a_deal_are_what_is_sold() {
    let change = |config: &mut Config| config.checkout.items = CheckoutItems::Products;
    let shop = Shop::with(change, |builder| builder).await;
    assert!(shop.refused(deal()).await.contains("no product is linked"));
    let kommo = &shop.world.kommo;
    let catalog = kommo.add_catalog("Products");
    kommo.add_catalog_field(catalog, Some("PADDLE_PRICE_ID"), "Price", "text");
    let (seats, setup) = (kommo.add_element(catalog, "Seats"), kommo.add_element(catalog, "Setup"));
    kommo.link_element(LEAD, seats, 3);
    kommo.link_element(LEAD, setup, 1);
    let missing = shop.refused(deal()).await;
    assert!(
        missing.contains(&format!("product {seats} of list {catalog} has no Paddle price")),
        "{missing}"
    );

    let products = client(kommo).catalogs();
    let priced = |element: u64, price: &str| {
        let write = FieldWrite::new("PADDLE_PRICE_ID", FieldInput::Text(price.to_owned()));
        CatalogElementPatch::new(CatalogElementId::new(element)).field(write)
    };
    let patches = [priced(seats, PRO_MONTHLY), priced(setup, SETUP_ONCE)];
    products.update_elements(CatalogId::new(catalog), &patches).await.unwrap();
    let link = shop.link().await;
    let transaction = shop.transaction(&link.transaction);
    let items: Vec<(&Value, &Value)> = transaction["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["price"]["id"], &item["quantity"]))
        .collect();
    assert_eq!(items, [(&json!(PRO_MONTHLY), &json!(3)), (&json!(SETUP_ONCE), &json!(1))]);
}

#[tokio::test]
async fn what_stands_in_the_way_is_said_with_the_way_out() {
    let shop = Shop::new().await;
    let gone = shop.refused(Checkout::for_lead(LeadId::new(404))).await;
    assert!(gone.contains("404"), "{gone}");
    for (item, want) in [
        ("pri_unknown", "sandbox and live have prices of their own"),
        ("seats", "not the id of a Paddle price"),
    ] {
        let why = shop.refused(deal().item(item.into(), 1)).await;
        assert!(why.contains(want), "{item}: {why}");
    }
    let why = shop.refused(deal().item(PRO_MONTHLY.into(), 101)).await;
    assert!(why.contains("does not allow this quantity"), "{why}");
    shop.paddle.set_payment_link(None);
    let why = shop.refused(deal()).await;
    assert!(why.contains("set the default payment link"), "{why}");
    shop.paddle.set_key_valid(false);
    let why = shop.refused(deal()).await;
    assert!(why.contains("PADDLE_API_KEY"), "{why}");
    assert!(shop.paddle.transactions().is_empty());
    assert_eq!(shop.world.notes(), [""; 0]);
    assert_eq!(shop.world.sync.checkout_counts().refused, 6);
}

#[tokio::test]
async fn an_address_that_paddle_does_not_take_keeps_nobody_from_paying() {
    let shop = Shop::new().await;
    let contact = client(&shop.world.kommo).contacts().find_by_email(EMAIL).await.unwrap();
    let nowhere = FieldInput::Multitext(vec![("jo@nowhere".to_owned(), None)]);
    let patch = ContactPatch::new(contact[0].id).field(FieldWrite::new("EMAIL", nowhere));
    client(&shop.world.kommo).contacts().update(&[patch]).await.unwrap();
    let link = shop.link().await;
    assert_eq!(shop.transaction(&link.transaction)["customer_id"], Value::Null);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_transaction() {
    let shop = Shop::new().await;
    // It is found at once.
    shop.paddle.fail_next(Fault::status(502).on("POST", "/transactions").applied());
    let link = shop.link().await;
    assert_eq!(shop.paddle.transactions().len(), 1);
    assert_eq!(shop.world.notes().len(), 1);

    // Nobody is there any more to look for it: the next one who comes does.
    shop.paddle.pay(&link.transaction, EMAIL).unwrap();
    let hang = Fault::hang(Duration::from_secs(60)).applied();
    shop.paddle.fail_next(hang.on("POST", "/transactions"));
    let killed = async {
        while shop.paddle.transactions().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        state = shop.ask(deal().anew()) => panic!("answered: {state:?}"),
        () = killed => {}
    }
    shop.world.advance(Duration::from_secs(121));
    let second = shop.link_for(deal().anew()).await;
    assert_eq!(shop.paddle.transactions().len(), 2, "the lost one was found");
    assert_ne!(second.transaction, link.transaction);
    assert_eq!(shop.world.notes().len(), 2);
}

#[tokio::test]
async fn while_paddle_is_down_the_wish_waits_and_is_carried_out_later() {
    let shop = Shop::new().await;
    shop.paddle.fail_next(Fault::status(503).on("POST", "/transactions").always());
    let CheckoutState::Waiting { reason, .. } = shop.ask(deal()).await else {
        panic!("it does not wait")
    };
    assert!(reason.contains("Paddle failed with status 503"), "{reason}");
    assert_eq!(shop.world.sync.trouble(), None, "it is not about Kommo");
    shop.paddle.clear_faults();
    shop.world.advance(Duration::from_secs(60));
    shop.work().await;
    assert_eq!((shop.paddle.transactions().len(), shop.world.notes().len()), (1, 1));
}

#[tokio::test]
async fn whoever_is_killed_between_paddle_and_kommo_goes_on_where_it_was() {
    let shop = Shop::new().await;
    // Kommo does not take the writes: the answer of Paddle is journalled, and they go on by themselves.
    shop.world
        .kommo
        .fail_next(kommo_client::fake::Fault::status(503).on("PATCH", "/api/v4/leads").times(50));
    let CheckoutState::Waiting { .. } = shop.ask(deal()).await else { panic!("it does not wait") };
    shop.world.kommo.clear_faults();
    shop.world.advance(Duration::from_secs(600));
    let link = shop.link().await;
    assert_eq!(shop.paddle.transactions().len(), 1);
    assert_eq!(shop.world.notes().len(), 1);
    assert_eq!(shop.world.field("PADDLE_CHECKOUT_URL"), link.url.as_str());
}

#[tokio::test]
async fn a_transaction_that_cannot_be_changed_just_now_is_looked_at_again() {
    let shop = Shop::new().await;
    let link = shop.link().await;
    shop.sells(PRO_MONTHLY, 3).await;
    let immutable =
        json!({"error": {"type": "request_error", "code": "transaction_immutable", "detail": ""}});
    shop.paddle.fail_next(Fault::answer(400, immutable.to_string()).on("PATCH", "/transactions"));
    assert_eq!(shop.link().await, link);
    assert_eq!(*quantity(&shop.transaction(&link.transaction)), 3);
}

#[tokio::test]
async fn a_deal_that_comes_to_the_stage_gets_its_link_once() {
    let shop = Shop::new().await;
    assert_eq!(shop.moved_to(58_141_807).await, 0, "another stage");
    // The webhook lies: the deal is read again.
    assert_eq!(shop.webhook(PAYMENT, "1").await, 1);
    shop.work().await;
    assert!(shop.paddle.transactions().is_empty());

    assert_eq!(shop.moved_to(PAYMENT).await, 1);
    let requests = shop.world.kommo.requests().len();
    let changed_at = shop.world.lead()["updated_at"].to_string();
    for _ in 0..3 {
        shop.webhook(PAYMENT, &changed_at).await;
    }
    assert_eq!(shop.world.kommo.requests().len(), requests, "taking a webhook in asks nobody");
    shop.work().await;
    assert_eq!((shop.paddle.transactions().len(), shop.world.notes().len()), (1, 1));

    // Of another account.
    shop.sells(PRO_MONTHLY, 2).await;
    let body = format!(
        "leads[status][0][id]={LEAD}&leads[status][0][status_id]={PAYMENT}&leads[status][0][last_modified]=2&account[id]=5"
    );
    let delivery = WebhookBody::parse(body.as_bytes()).unwrap();
    assert_eq!(shop.world.sync.accept_kommo(&delivery).await.unwrap(), 1);
    shop.work().await;
    assert_eq!(*quantity(&shop.paddle.transactions()[0]), 10);
}

#[tokio::test]
async fn what_a_stage_cannot_do_waits_for_a_person_until_the_deal_is_mended() {
    let shop = Shop::new().await;
    shop.sells("Pro", 1).await;
    shop.moved_to(PAYMENT).await;
    shop.work().await;
    let parked = shop.world.sync.parked(10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert!(parked[0].parked.detail.contains("PADDLE_PRICE_ID"), "{parked:?}");
    assert!(!format!("{parked:?}").contains("\"Pro\""), "{parked:?}");

    shop.sells(PRO_MONTHLY, 1).await;
    shop.moved_to(PAYMENT).await;
    shop.work().await;
    assert_eq!(shop.world.sync.parked(10).await.unwrap(), [], "it is mended");
    assert_eq!((shop.paddle.transactions().len(), shop.world.notes().len()), (1, 1));
}

#[tokio::test]
async fn a_look_at_the_stage_finds_what_is_missing_and_is_not_misled_by_its_own_writes() {
    let shop = Shop::new().await;
    assert_eq!(shop.look().await, 0, "the deal is elsewhere");
    shop.world.kommo.move_lead(LEAD, PIPELINE, PAYMENT);
    shop.world.kommo.set_ignore_filters(true);
    assert_eq!(shop.look().await, 1);
    assert_eq!((shop.paddle.transactions().len(), shop.world.notes().len()), (1, 1));
    let (requests, asked) = (shop.world.kommo.requests().len(), shop.paddle.requests().len());
    assert_eq!(shop.look().await, 0, "our own write changed the deal");
    assert_eq!(shop.world.kommo.requests().len(), requests + 1, "one look at the list");
    assert_eq!(shop.paddle.requests().len(), asked);

    shop.rep(|deal| deal.name("Acme, renamed")).await;
    assert_eq!(shop.look().await, 0, "what is sold is the same");
    shop.sells(PRO_MONTHLY, 5).await;
    assert_eq!(shop.look().await, 1);
    assert_eq!(*quantity(&shop.paddle.transactions()[0]), 5);
    assert_eq!(shop.world.notes().len(), 2);

    let url = shop.world.field("PADDLE_CHECKOUT_URL");
    shop.rep(|deal| deal.field(FieldWrite::new("PADDLE_CHECKOUT_URL", FieldInput::Clear))).await;
    assert_eq!(shop.look().await, 1);
    assert_eq!(shop.world.field("PADDLE_CHECKOUT_URL"), url, "it is written again");
    assert_eq!((shop.paddle.transactions().len(), shop.world.notes().len()), (1, 2));
}

#[tokio::test]
async fn with_a_key_the_deal_is_named_by_a_signed_reference_and_the_payment_wins_it() {
    let key = || DealRefKey::new("k".repeat(40)).unwrap();
    let shop = Shop::with(|_| {}, |builder| builder.deal_ref_keys([key()])).await;
    let link = shop.link().await;
    let custom_data = shop.transaction(&link.transaction)["custom_data"].clone();
    assert_eq!(custom_data.get("kommo_lead_id"), None);
    let reference = DealRef::verify(custom_data["kommo_ref"].as_str().unwrap(), &[key()]).unwrap();
    assert_eq!(reference.lead(), LeadId::new(LEAD));

    shop.paddle.pay(&link.transaction, "somebody.else@example.com").unwrap();
    let completed = |event: &Value| event["event_type"] == "transaction.completed";
    let event = shop.paddle.events().into_iter().find(completed).unwrap();
    let event = Event::from_trusted(event.to_string().as_bytes(), Environment::Live).unwrap();
    assert!(matches!(shop.world.handle(&event).await, Outcome::Done(_)));
    assert_eq!(shop.world.stage(), WON);
}

#[tokio::test]
async fn a_field_that_the_account_does_not_have_does_not_keep_the_link_back() {
    let change = |config: &mut Config| config.fields.checkout_url = "NO_SUCH_FIELD".into();
    let shop = Shop::with(change, |builder| builder).await;
    let link = shop.link().await;
    assert_eq!(link.left_out.len(), 1, "{link:?}");
    assert_eq!(shop.world.notes().len(), 1);
}

#[tokio::test]
async fn in_shadow_mode_and_with_a_sandbox_key_nothing_is_made() {
    let shop = Shop::with(|config| config.mode = Mode::Shadow, |builder| builder).await;
    let would = vec![format!("+ checkout link: 10 × {PRO_MONTHLY}")];
    assert_eq!(shop.ask(deal()).await, CheckoutState::Shadowed { would });
    assert!(shop.paddle.transactions().is_empty());

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = FakePaddle::start_on(listener, Environment::Sandbox).await;
    let shop = Shop::of(sandbox, |_| {}, |builder| builder).await;
    assert!(shop.refused(deal()).await.contains("sandbox"));
    shop.moved_to(PAYMENT).await;
    shop.work().await;
    assert!(shop.paddle.transactions().is_empty());
}

#[tokio::test]
async fn without_paddle_a_call_is_told_so_at_once() {
    let world = World::new().await;
    let CheckoutState::Refused(parked) = world.sync.checkout(deal()).await.unwrap() else {
        panic!("not refused")
    };
    assert!(parked.detail.contains("PADDLE_API_KEY"), "{parked:?}");
    assert!(world.kommo.requests().is_empty());
    assert_eq!(world.sync.look_at_stage().await.unwrap(), 0);
}

#[tokio::test]
async fn calls_for_one_deal_at_the_same_time_wait_for_each_other() {
    let shop = Shop::new().await;
    let sync = &shop.world.sync;
    let (one, same, other) = tokio::join!(
        sync.checkout(deal()),
        sync.checkout(deal()),
        sync.checkout(deal().item(SETUP_ONCE.into(), 1)),
    );
    for state in [one, same, other] {
        assert!(matches!(state, Ok(CheckoutState::Open(_))), "{state:?}");
    }
    assert_eq!(shop.paddle.transactions().len(), 1);
}

#[tokio::test]
async fn a_call_is_answered_while_the_worker_runs_beside_it() {
    let shop = Shop::new().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let asking = async {
        let state = shop.world.sync.checkout(deal()).await.unwrap();
        drop(stop);
        state
    };
    let stopped = async { drop(stopped.await) };
    let (state, ()) = tokio::join!(asking, shop.world.sync.run(stopped));
    assert!(matches!(state, CheckoutState::Open(_)), "{state:?}");
    assert_eq!(shop.world.notes().len(), 1);
}
