//! A year of a subscription: one sale, eleven renewals, and a card that fails once.

use e2e::{
    Kind, LEAD, Story, World,
    story::{pays, rfc3339},
};
use kommo_client::fake::LedgerKind;
use serde_json::{Value, json};
use time::{Date, Duration, Month, OffsetDateTime, macros::datetime};

const SEATS: [&str; 3] = ["30000", "2662", "32662"];

/// When the month with this number begins, counted from the sale.
fn month(number: u8) -> OffsetDateTime {
    let sale = datetime!(2025-01-15 12:00 UTC);
    let (years, months) = (i32::from(number / 12), number % 12 + 1);
    let month = Month::try_from(months).expect("one of twelve");
    sale.replace_date(Date::from_calendar_date(2025 + years, month, 15).expect("a date"))
}

/// The subscription as it stands after the month with this number was paid.
fn paid_until(number: u8) -> impl FnOnce(&mut Value) {
    move |data| data["next_billed_at"] = json!(rfc3339(month(number + 1)))
}

/// The charge for the month with this number, in that status.
fn charge(number: u8, status: &str) -> impl FnOnce(&mut Value) {
    let status = status.to_owned();
    move |data| {
        pays(data, SEATS);
        if number > 0 {
            data["origin"] = json!("subscription_recurring");
        }
        data["status"] = json!(status);
        data["invoice_number"] = json!(format!("325-{number}"));
        data["billing_period"] =
            json!({"starts_at": rfc3339(month(number)), "ends_at": rfc3339(month(number + 1))});
    }
}

/// The sale, as Paddle tells it.
fn sale(story: &mut Story) -> Vec<Value> {
    vec![
        story.transaction("transaction.created", "0", charge(0, "draft")),
        story.customer("customer.created", "jo@example.com"),
        story.transaction("transaction.updated", "0", charge(0, "draft")),
        story.transaction("transaction.ready", "0", charge(0, "ready")),
        story.transaction("transaction.updated", "0", charge(0, "ready")),
        story.transaction("transaction.paid", "0", charge(0, "paid")),
        story.subscription("subscription.created", paid_until(0)),
        story.subscription("subscription.activated", paid_until(0)),
        story.transaction("transaction.updated", "0", charge(0, "paid")),
        story.transaction("transaction.updated", "0", charge(0, "completed")),
        story.transaction("transaction.completed", "0", charge(0, "completed")),
    ]
}

/// A renewal that is paid at once.
fn renewal(story: &mut Story, number: u8) -> Vec<Value> {
    let name = number.to_string();
    vec![
        story.subscription("subscription.updated", paid_until(number)),
        story.transaction("transaction.created", &name, charge(number, "billed")),
        story.transaction("transaction.billed", &name, charge(number, "billed")),
        story.transaction("transaction.updated", &name, charge(number, "billed")),
        story.transaction("transaction.paid", &name, charge(number, "paid")),
        story.transaction("transaction.updated", &name, charge(number, "completed")),
        story.transaction("transaction.completed", &name, charge(number, "completed")),
    ]
}

/// A renewal whose card is declined.
fn declined(story: &mut Story, number: u8) -> Vec<Value> {
    let name = number.to_string();
    let past_due = |data: &mut Value| {
        paid_until(number)(data);
        data["status"] = json!("past_due");
    };
    vec![
        story.transaction("transaction.created", &name, charge(number, "billed")),
        story.transaction("transaction.billed", &name, charge(number, "billed")),
        again_declined(story, number),
        story.transaction("transaction.updated", &name, charge(number, "past_due")),
        story.transaction("transaction.past_due", &name, charge(number, "past_due")),
        story.subscription("subscription.past_due", past_due),
        story.subscription("subscription.updated", past_due),
    ]
}

/// One attempt of it.
fn again_declined(story: &mut Story, number: u8) -> Value {
    story.transaction("transaction.payment_failed", &number.to_string(), |data| {
        charge(number, "past_due")(data);
        data["payments"] = json!([{"status": "error", "error_code": "declined"}]);
    })
}

/// The same charge, paid with another card.
fn recovery(story: &mut Story, number: u8) -> Vec<Value> {
    let name = number.to_string();
    vec![
        story.transaction("transaction.paid", &name, charge(number, "paid")),
        story.transaction("transaction.completed", &name, charge(number, "completed")),
        story.subscription("subscription.updated", paid_until(number)),
    ]
}

#[tokio::test]
async fn a_year_of_renewals_leaves_the_deal_as_it_was_won() {
    let world = World::start(Kind::Axum).await;
    let mut rep = world.rep(LEAD);
    let mut story = Story::of(LEAD).since(month(0));
    let mut year = sale(&mut story);
    world.tell(&year).await;
    assert_eq!(
        rep.news(),
        [
            "stage 142",
            "price 300",
            "PADDLE_TXN_ID: txn_0",
            "INVOICE_NUMBER: 325-0",
            "PLAN_NAME: Pro",
            "PAYMENT_CURRENCY: USD",
            "PADDLE_SUB_ID: sub_seats",
            "NEXT_BILLING_DATE: 2025-02-15",
            "SUBSCRIPTION_STATUS: active",
            "PAYMENT_STATUS: paid",
            "note: Paid 326.62 USD (net 300.00 + tax 26.62) · Pro · 2025-01-15 to 2025-02-15 · invoice 325-0 · txn_0",
        ]
    );

    for number in 1..12_u8 {
        story = story.since(month(number));
        let (from, to) = (month(number).date(), month(number + 1).date());
        let renewed = format!(
            "note: Renewal paid 326.62 USD (net 300.00 + tax 26.62) · Pro · {from} to {to} · invoice 325-{number} · txn_{number}"
        );
        let invoice = format!("INVOICE_NUMBER: 325-{number}");
        let next = format!("NEXT_BILLING_DATE: {to}");
        if number == 5 {
            let events = declined(&mut story, number);
            world.tell(&events).await;
            year.extend(events);
            let news = rep.news();
            assert_eq!(news[..2], [next, "SUBSCRIPTION_STATUS: past_due".to_owned()]);
            let due = format!(
                "Payment past due since {from}: talk to the customer · 326.62 USD · declined · Pro · sub_seats"
            );
            assert_eq!(news[2], format!("task: {due}"));
            assert!(news[3..].iter().all(|line| line == "task goes on"), "{news:#?}");
            assert_eq!(rep.open_tasks().len(), 1);

            story.wait(Duration::days(3));
            let attempt = again_declined(&mut story, number);
            world.tell([&attempt]).await;
            year.push(attempt);
            assert_eq!(rep.news(), [format!("task goes on: {due}")], "since the same day");

            story.wait(Duration::days(2));
            let events = recovery(&mut story, number);
            world.tell(&events).await;
            year.extend(events);
            assert_eq!(
                rep.news(),
                [
                    &invoice,
                    "SUBSCRIPTION_STATUS: active",
                    &renewed,
                    "note: Payment recovered: 326.62 USD (net 300.00 + tax 26.62) · Pro · invoice 325-5 · txn_5",
                    "task done: The customer has paid 326.62 USD · txn_5",
                ]
            );
            assert_eq!(rep.open_tasks(), [""; 0]);
        } else {
            let events = renewal(&mut story, number);
            world.tell(&events).await;
            year.extend(events);
            assert_eq!(rep.news(), [invoice, next, renewed], "month {number}");
        }
        assert_eq!((rep.stage(), rep.price()), (142, 300), "month {number}");
        assert_eq!(rep.field("PADDLE_TXN_ID"), "txn_0", "month {number}");
    }

    // Paddle may deliver everything once more, days later: nothing of it is written again.
    let writes = world.kommo.ledger().len();
    world.tell(&year).await;
    assert_eq!(world.kommo.ledger().len(), writes);
    assert_eq!(rep.notes().len(), 13, "the sale, eleven renewals and one recovery");
    let ledger = world.kommo.ledger();
    let times = |kind| ledger.iter().filter(|entry| entry.kind == kind).count();
    assert_eq!((times(LedgerKind::NoteAdded), times(LedgerKind::TaskAdded)), (13, 1));
    let stats = world.server.sync().stats().await.expect("the store answers");
    assert_eq!((stats.open, stats.parked), (0, Vec::new()));
}
