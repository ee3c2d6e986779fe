//! A deal per product: made once, findable after a lost answer, and summing exactly.

use std::time::Duration;

use kommo_client::{
    LeadId, LeadPatch,
    fake::{FakeLead, Fault, LedgerKind},
};
use paddle_kommo_sync::{
    Config, LeftOutPart, LostDeals, MemoryStore, Outcome, ParkReason, PriceBasis, Products, Reason,
    RefundedDeal, plan::Field,
};
use paddle_webhook::Event;
use serde_json::{Value, json};

use crate::support::{
    LEAD, LOST, NEGOTIATION, NOW, PIPELINE, REP, WON, World, client,
    events::{event, named, refund, renewal, transaction},
};

const SETTLE: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(120);

/// Three lines: 500.00, 90.00 and 9.00 USD net, 598.17 USD with a discount that is in none of them exactly.
pub(crate) fn lines() -> Value {
    let mut data = transaction();
    let line = |id: &str, price: &str, product: &str, total: &str, tax: &str| {
        json!({"id": id, "price_id": price, "product": {"id": format!("pro_{id}"), "name": product},
            "totals": {"subtotal": total, "tax": tax, "total": total}})
    };
    data["items"] = json!([
        {"price": {"id": "pri_seat", "product_id": "pro_pro", "name": "Pro, yearly"}, "quantity": 10},
        {"price": {"id": "pri_setup", "product_id": "pro_setup"}, "quantity": 1},
        {"price": {"id": "pri_hour", "description": "an hour"}, "quantity": 2},
    ]);
    data["details"]["line_items"] = json!([
        line("txnitm_1", "pri_seat", "Pro", "54400", "4400"),
        line("txnitm_2", "pri_setup", "Set-up", "9800", "800"),
        line("txnitm_3", "pri_hour", "Hours", "1015", "115"),
    ]);
    data["details"]["line_items"][2]["product"] = Value::Null;
    data
}

fn paid() -> Event {
    event("transaction.completed", 0, &lines())
}

async fn world() -> World {
    World::with(|config| config.products = Products::DealPerProduct).await
}

/// The ids of the deals that were made, in their order.
pub(crate) fn made(world: &World) -> Vec<u64> {
    let ledger = world.kommo.ledger();
    ledger
        .iter()
        .filter(|entry| entry.kind == LedgerKind::LeadAdded)
        .map(|entry| entry.id)
        .collect()
}

fn lead(world: &World, id: u64) -> Value {
    world.kommo.lead(id).unwrap()
}

#[tokio::test]
async fn every_line_but_the_first_gets_a_deal() {
    let world = world().await;
    let jo = world.kommo.add_contact("Jo", &["jo@example.com"], &[LEAD]);
    let al = world.kommo.add_contact("Al", &["al@example.com"], &[LEAD]);
    assert_eq!(world.done(&paid()).await, [Reason::FirstPayment, Reason::DealPerProduct]);

    assert_eq!((world.stage(), world.field("PLAN_NAME")), (WON, json!("Pro, yearly")));
    let made = made(&world);
    assert_eq!(made.len(), 2);
    let mut sum = world.price();
    for (id, name, plan) in [
        (made[0], "New deal: Acme · Set-up", "Set-up"),
        (made[1], "New deal: Acme · an hour", "an hour"),
    ] {
        let deal = lead(&world, id);
        assert_eq!(deal["name"], name);
        assert_eq!(
            (&deal["status_id"], &deal["pipeline_id"], &deal["responsible_user_id"]),
            (&json!(WON), &json!(PIPELINE), &json!(REP))
        );
        sum += deal["price"].as_i64().unwrap();
        for (code, want) in [
            ("PADDLE_TXN_ID", "txn_first"),
            ("INVOICE_NUMBER", "325-10566"),
            ("PLAN_NAME", plan),
            ("PAYMENT_CURRENCY", "USD"),
            ("PADDLE_SUB_ID", "sub_seats"),
        ] {
            assert_eq!(world.kommo.field_value(id, code), Some(json!(want)), "{code}");
        }
        assert_eq!(
            world.kommo.field_value(id, "PAYMENT_STATUS"),
            None,
            "that is told on the first"
        );
    }
    assert_eq!(sum, 599, "the parts sum to what one deal would show");
    let created: Vec<Value> = world
        .kommo
        .ledger()
        .iter()
        .filter(|entry| entry.kind == LedgerKind::LeadAdded)
        .map(|entry| entry.body["_embedded"]["contacts"].clone())
        .collect();
    let contacts = json!([{"id": jo, "is_main": true}, {"id": al, "is_main": false}]);
    assert_eq!(created, [contacts.clone(), contacts]);
    assert!(world.kommo.ledger().iter().all(|entry| !entry.closed_without_pipeline));
}

#[tokio::test]
async fn the_parts_follow_the_price_basis_and_sum_exactly() {
    for (basis, whole, want) in [
        // Weights 50000, 9000, 900 of 59900.
        (PriceBasis::Net, 599, [500, 90, 9]),
        // Weights 54400, 9800, 1015 of 65215: 543.84, 97.97, 10.15 of 652.
        (PriceBasis::Gross, 652, [544, 98, 10]),
        // Of 566: 472.45, 85.04, 8.50 ...
        (PriceBasis::Earnings, 566, [472, 85, 9]),
    ] {
        let world = World::with(|config| {
            config.products = Products::DealPerProduct;
            config.price_basis = basis;
        })
        .await;
        world.done(&paid()).await;
        let mut prices = vec![world.price()];
        prices.extend(made(&world).iter().map(|id| lead(&world, *id)["price"].as_i64().unwrap()));
        assert_eq!(prices, want, "{basis:?}");
        assert_eq!(prices.iter().sum::<i64>(), whole, "{basis:?}");
    }
}

#[tokio::test]
async fn the_parts_have_decimals_where_the_account_has_them() {
    let world = world().await;
    world.kommo.set_minor_units(true);
    let mut data = lines();
    // A cent more than the lines say, as a discount on the whole may leave it.
    data["details"]["totals"]["total"] = json!("65216");
    world.done(&event("transaction.completed", 0, &data)).await;
    let price = |id: u64| lead(&world, id)["price_with_minor_units"].to_string();
    let mut prices = vec![price(LEAD)];
    prices.extend(made(&world).into_iter().map(price));
    assert_eq!(prices, ["500.01", "90", "9"], "599.01 in all");
}

#[tokio::test]
async fn the_deals_go_to_the_configured_pipeline() {
    let world = world_with_pipeline().await;
    world.done(&paid()).await;
    for id in made(&world) {
        assert_eq!(lead(&world, id)["status_id"], WON);
        assert_ne!(lead(&world, id)["pipeline_id"], PIPELINE);
    }
}

async fn world_with_pipeline() -> World {
    // The ids of the fake count up, so the one of the pipeline is known before there is a world.
    let probe = World::new().await;
    let pipeline = probe.kommo.add_pipeline("Products", &["New"]);
    let world = World::with(|config| {
        config.products = Products::DealPerProduct;
        config.product_deals_pipeline = pipeline;
    })
    .await;
    assert_eq!(world.kommo.add_pipeline("Products", &["New"]), pipeline);
    world
}

#[tokio::test]
async fn one_line_or_another_configuration_is_one_deal() {
    let world = world().await;
    let mut data = lines();
    data["details"]["line_items"].as_array_mut().unwrap().truncate(1);
    assert_eq!(world.done(&event("transaction.completed", 0, &data)).await, [Reason::FirstPayment]);
    assert!(made(&world).is_empty());

    let world = World::new().await;
    assert_eq!(world.done(&paid()).await, [Reason::FirstPayment]);
    assert!(made(&world).is_empty());
    assert_eq!((world.price(), world.field("PLAN_NAME")), (599, json!("Pro, yearly, an hour")));
}

#[tokio::test]
async fn where_lines_have_no_sums_the_first_deal_keeps_the_whole() {
    let world = world().await;
    let mut data = lines();
    data["details"]["line_items"][1]["totals"] = Value::Null;
    world.done(&event("transaction.completed", 0, &data)).await;
    assert_eq!(world.price(), 599);
    let made = made(&world);
    assert_eq!(made.len(), 2);
    assert!(made.iter().all(|id| lead(&world, *id)["price"] == 0));
}

#[tokio::test]
async fn any_number_of_deliveries_makes_the_deals_once() {
    let world = world().await;
    let payment = paid();
    for _ in 0..5 {
        world.done(&payment).await;
    }
    assert_eq!(made(&world).len(), 2);

    // The same payment by another event, after a person reopened the deal.
    world.kommo.move_lead(LEAD, PIPELINE, NEGOTIATION);
    let again = named("evt_again", "transaction.completed", 5, &lines());
    assert_eq!(world.done(&again).await, [Reason::FirstPayment]);
    assert_eq!((made(&world).len(), world.price()), (2, 500));

    // A renewal has lines too.
    let mut data = renewal();
    data["details"]["line_items"] = lines()["details"]["line_items"].clone();
    world.done(&event("transaction.completed", 10, &data)).await;
    assert_eq!(made(&world).len(), 2);
}

#[tokio::test]
async fn a_lost_deal_that_is_won_again_shows_the_whole_of_its_new_payment() {
    let world = World::with(|config| {
        config.products = Products::DealPerProduct;
        config.lost_deals = LostDeals::Win;
        config.refunds.deal = RefundedDeal::LowerPrice;
    })
    .await;
    world.done(&paid()).await;
    world.kommo.move_lead(LEAD, PIPELINE, LOST);
    let mut again = lines();
    again["id"] = json!("txn_again");
    assert_eq!(
        world.done(&event("transaction.completed", 10, &again)).await,
        [Reason::LostDealWon]
    );
    assert_eq!((made(&world).len(), world.price()), (2, 599), "no deal takes a part of it");
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_again");
    world.done(&event("adjustment.updated", 20, &back)).await;
    assert_eq!(world.price(), 507, "599.00 less 91.85");
}

#[tokio::test]
async fn a_deal_whose_answer_was_lost_is_found_by_the_marker_in_its_name() {
    for fault in [
        Fault::status(502).applied(),
        Fault::truncated().applied(),
        Fault::hang(Duration::from_secs(2)).applied(),
    ] {
        let world = world().await;
        world.kommo.fail_next(fault.at("POST", "/api/v4/leads"));
        let payment = paid();
        let (_, until) = world.waiting(&payment).await;
        assert_eq!(until, NOW + SETTLE);
        let first = made(&world)[0];
        assert!(lead(&world, first)["name"].as_str().unwrap().contains(" · Set-up [pk-"));
        // Others make deals meanwhile.
        for number in 0..3 {
            world.kommo.add_lead(FakeLead::new(&format!("Somebody else {number}")));
        }
        world.advance(SETTLE);
        world.done(&payment).await;
        assert_eq!(made(&world).len(), 2);
        assert_eq!(lead(&world, first)["name"], "New deal: Acme · Set-up");
    }
}

#[tokio::test]
async fn a_lost_deal_is_found_where_filters_are_ignored() {
    let world = world().await;
    world.kommo.set_ignore_filters(true);
    world.kommo.fail_next(Fault::status(502).applied().at("POST", "/api/v4/leads"));
    let payment = paid();
    world.waiting(&payment).await;
    for number in 0..300 {
        world.kommo.add_lead(FakeLead::new(&format!("Somebody else {number}")));
    }
    world.advance(SETTLE);
    world.done(&payment).await;
    assert_eq!(made(&world).len(), 2, "on the second page");
}

#[tokio::test]
async fn a_deal_that_was_not_made_is_made_after_two_looks() {
    for ignore_filters in [false, true] {
        let world = world().await;
        world.kommo.set_ignore_filters(ignore_filters);
        world.kommo.fail_next(Fault::status(502).at("POST", "/api/v4/leads"));
        let payment = paid();
        world.waiting(&payment).await;
        world.advance(SETTLE);
        let (reason, _) = world.waiting(&payment).await;
        assert!(reason.contains("looked for once more"), "{reason}");
        assert!(made(&world).is_empty());
        world.advance(SETTLE);
        world.done(&payment).await;
        assert_eq!(made(&world).len(), 2);
    }
}

#[tokio::test]
async fn a_late_deal_is_found_at_the_second_look() {
    let world = world().await;
    world.kommo.fail_next(Fault::status(504).applied_later().at("POST", "/api/v4/leads"));
    let payment = paid();
    world.waiting(&payment).await;
    world.advance(SETTLE);
    world.waiting(&payment).await;
    assert_eq!(world.kommo.apply_held(), 1, "Kommo commits only now");
    world.advance(SETTLE);
    world.done(&payment).await;
    assert_eq!(made(&world).len(), 2);
}

#[tokio::test]
async fn a_process_that_stops_at_any_write_makes_each_deal_once() {
    let leads = "/api/v4/leads";
    for (writes, (method, path, nth)) in [
        ("PATCH", leads, 1),
        ("POST", "/api/v4/leads/notes", 1),
        ("POST", leads, 1),
        ("PATCH", leads, 2),
        ("POST", leads, 2),
        ("PATCH", leads, 3),
    ]
    .into_iter()
    .enumerate()
    {
        let store = MemoryStore::new();
        let change =
            |config: &mut paddle_kommo_sync::Config| config.products = Products::DealPerProduct;
        let world = World::built(change, store.clone(), |builder| builder).await;
        let fault = Fault::hang(Duration::from_secs(5)).applied();
        world.kommo.fail_next(fault.at(method, path).nth(nth));
        let payment = paid();
        {
            // Dropped while Kommo has the write and we have no answer, like a process that is killed.
            let handling = world.sync.handle(&payment);
            let written = async {
                while world.writes() <= writes {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                () = written => {}
                outcome = handling => panic!("it ended: {outcome:?}"),
            }
        }
        world.advance(LEASE);
        let outcome = world.handle(&payment).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{method} {path} {nth}: {outcome}");
        assert_eq!((made(&world).len(), world.notes().len()), (2, 1), "{method} {path} {nth}");
        for id in made(&world) {
            let name = lead(&world, id)["name"].clone();
            assert!(!name.as_str().unwrap().contains("[pk-"), "{method} {path} {nth}: {name}");
        }
    }
}

#[tokio::test]
async fn a_name_that_a_person_gave_stays() {
    let world = world().await;
    world
        .kommo
        .fail_next(Fault::too_many_requests().retry_after("3").nth(2).on("PATCH", "/api/v4/leads"));
    let payment = paid();
    world.waiting(&payment).await;
    let first = made(&world)[0];
    let renamed = LeadPatch::new(LeadId::new(first)).name("My own name");
    client(&world.kommo).leads().update(&[renamed]).await.unwrap();
    world.advance(Duration::from_secs(3));
    world.done(&payment).await;
    assert_eq!(lead(&world, first)["name"], "My own name");
}

#[tokio::test]
async fn a_deal_that_is_gone_needs_no_name() {
    let world = world().await;
    world
        .kommo
        .fail_next(Fault::too_many_requests().retry_after("3").nth(2).on("PATCH", "/api/v4/leads"));
    let payment = paid();
    world.waiting(&payment).await;
    world.kommo.remove_lead(made(&world)[0]);
    world.advance(Duration::from_secs(3));
    world.done(&payment).await;
    assert_eq!(made(&world).len(), 2);
}

#[tokio::test]
async fn what_kommo_does_not_take_of_a_new_deal_is_left_out() {
    let world = World::with(|config| {
        config.products = Products::DealPerProduct;
        config.fields.invoice_number = "NO_SUCH_FIELD".into();
    })
    .await;
    world.kommo.deactivate_user(REP);
    let done = world.done_with_report(&paid()).await;
    assert_eq!(made(&world).len(), 2);
    let fields = done
        .left_out
        .iter()
        .filter(|left_out| left_out.what == LeftOutPart::Field(Field::InvoiceNumber));
    assert_eq!(fields.count(), 3, "of each deal: {:?}", done.left_out);
    assert_eq!(lead(&world, made(&world)[0])["responsible_user_id"], 8_375_357, "the token's user");
}

#[tokio::test]
async fn a_pipeline_that_is_gone_parks_at_the_end_and_goes_on_from_there() {
    let config = |pipeline| {
        move |config: &mut Config| {
            config.products = Products::DealPerProduct;
            config.product_deals_pipeline = pipeline;
        }
    };
    let store = MemoryStore::new();
    let world = World::built(config(77), store.clone(), |builder| builder).await;
    let payment = paid();
    let parked = world.parked(&payment).await;
    assert_eq!(parked.reason, ParkReason::Refused);
    assert!(parked.detail.contains("pipeline_id"), "{}", parked.detail);
    assert_eq!((world.stage(), world.notes().len()), (WON, 1), "everything else is done");
    assert!(made(&world).is_empty());
    assert!(world.sync.resume(payment.id().as_str()).await.unwrap());
    assert_eq!(world.parked(&payment).await.reason, ParkReason::Refused);
    assert_eq!(world.notes().len(), 1);

    let mut mended = Config::default();
    config(0)(&mut mended);
    let mended = world.restarted_with(store, |builder| builder.config(mended)).await;
    assert!(mended.resume(payment.id().as_str()).await.unwrap());
    let outcome = mended.handle(&payment).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome}");
    assert_eq!((made(&world).len(), world.notes().len()), (2, 1));
    assert_eq!(lead(&world, made(&world)[0])["pipeline_id"], PIPELINE);
}

#[tokio::test]
async fn a_refund_lowers_the_first_deal_and_leaves_the_others() {
    let world = World::with(|config| {
        config.products = Products::DealPerProduct;
        config.refunds.deal = RefundedDeal::LowerPrice;
    })
    .await;
    world.done(&paid()).await;
    // 100.00 with 8.15 tax: 91.85 net, of 599.00.
    world.done(&event("adjustment.updated", 10, &refund("approved"))).await;
    assert_eq!(world.price(), 408, "507 remain, 99 of them elsewhere");
    assert!(made(&world).iter().all(|id| world.kommo.notes(*id).is_empty()));
    let mut all = refund("approved");
    all["id"] = json!("adj_all");
    all["totals"]["total"] = json!("60000");
    world.done(&event("adjustment.updated", 20, &all)).await;
    assert_eq!(world.price(), 0, "not below zero");
}

#[tokio::test]
async fn a_preview_tells_the_new_deals() {
    let world = world().await;
    let preview = world.sync.preview(&paid()).await.unwrap();
    let paddle_kommo_sync::Preview::Plan { changes, .. } = preview else { panic!("{preview:?}") };
    let deals: Vec<_> = changes.iter().filter(|change| change.starts_with("+ deal")).collect();
    assert_eq!(
        deals,
        [
            "+ deal: New deal: Acme · Set-up (price 90)",
            "+ deal: New deal: Acme · an hour (price 9)"
        ]
    );
    assert!(changes.contains(&"price 0 → 500".to_owned()), "{changes:?}");
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn a_field_that_is_off_or_has_no_value_is_not_written_to_a_new_deal() {
    let world = World::with(|config| {
        config.products = Products::DealPerProduct;
        config.fields.plan_name = "".into();
    })
    .await;
    let mut data = lines();
    data["subscription_id"] = Value::Null;
    let done = world.done_with_report(&event("transaction.completed", 0, &data)).await;
    assert!(done.left_out.is_empty(), "{:?}", done.left_out);
    for id in made(&world) {
        assert_eq!(world.kommo.field_value(id, "PLAN_NAME"), None);
        assert_eq!(world.kommo.field_value(id, "PADDLE_SUB_ID"), None);
        assert_eq!(world.kommo.field_value(id, "PADDLE_TXN_ID"), Some(json!("txn_first")));
    }
}
