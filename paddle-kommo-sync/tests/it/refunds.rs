//! Refunds on the deal: when they count, how often they are told, and whose payment status they change.

use paddle_kommo_sync::{Reason, RefundedDeal};
use serde_json::{Value, json};

use crate::{
    rules::{changed, paid},
    support::{
        WON, World,
        events::{event, refund, renewal, transaction},
    },
};

#[tokio::test]
async fn an_approved_refund_is_told_once_and_the_deal_stays() {
    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    for (kind, status, want) in [
        ("adjustment.created", "pending_approval", Reason::RefundPending),
        ("adjustment.updated", "rejected", Reason::RefundRejected),
    ] {
        let mut data = refund(status);
        data["id"] = json!(format!("adj_{status}"));
        assert_eq!(world.ignored(&event(kind, 10, &data)).await, want);
    }
    let approved = refund("approved");
    assert_eq!(world.done(&event("adjustment.updated", 20, &approved)).await, [Reason::Refunded]);
    assert_eq!(
        world.done(&event("adjustment.updated", 21, &approved)).await,
        [Reason::RefundAlreadyTold],
        "the same refund in another event"
    );
    assert_eq!((world.stage(), world.price()), (WON, 599));
    assert_eq!(world.field("PAYMENT_STATUS"), json!("partially_refunded"));
    assert_eq!(
        world.notes()[1..],
        [
            "Refunded 100.00 USD of 652.15 USD, 552.15 USD remains · seats not used · adj_part · txn_first"
        ]
    );
}

#[tokio::test]
async fn refunds_add_up_to_the_whole() {
    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    world.done(&event("adjustment.updated", 20, &refund("approved"))).await;
    let mut rest = refund("approved");
    rest["id"] = json!("adj_rest");
    rest["totals"]["total"] = json!("55215");
    world.done(&event("adjustment.updated", 30, &rest)).await;
    assert_eq!(world.field("PAYMENT_STATUS"), json!("refunded"));
    assert!(world.notes()[2].starts_with("Refunded 552.15 USD of 652.15 USD, 0.00 USD remains"));
}

#[tokio::test]
async fn a_refund_lowers_the_price_only_where_configured() {
    let world = World::with(|config| config.refunds.deal = RefundedDeal::LowerPrice).await;
    world.done(&paid(&transaction())).await;
    world.done(&event("adjustment.updated", 20, &refund("approved"))).await;
    assert_eq!(world.price(), 507, "net 599.00 - 91.85, rounded");
    assert_eq!(world.stage(), WON);
}

#[tokio::test]
async fn a_refund_of_a_renewal_does_not_mark_the_sale_as_refunded() {
    // Nobody knows of a transaction that won it.
    let world = World::new().await;
    world.done(&paid(&renewal())).await;
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_renewal");
    world.done(&event("adjustment.updated", 20, &back)).await;
    assert_eq!(world.field("PAYMENT_STATUS"), Value::Null);

    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    world.done(&paid(&renewal())).await;
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_renewal");
    world.done(&event("adjustment.updated", 20, &back)).await;
    assert_eq!(world.field("PAYMENT_STATUS"), json!("paid"), "the deal's own transaction is paid");
    assert!(world.notes()[2].starts_with("Refunded 100.00 USD of 326.62 USD"));
}

#[tokio::test]
async fn a_refunded_renewal_is_told_apart_without_the_field_too() {
    let world = World::with(|config| config.fields.transaction_id = "".into()).await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    world.done(&event("transaction.completed", 10, &renewal())).await;
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_renewal");
    world.done(&event("adjustment.updated", 20, &back)).await;
    assert_eq!(world.field("PAYMENT_STATUS"), json!("paid"));
}

#[tokio::test]
async fn the_undocumented_status_counts_as_one_refund() {
    let refunded = changed(&["status"], json!("refunded"));
    let updated = |seconds| event("transaction.updated", seconds, &refunded);

    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    assert_eq!(world.done(&updated(10)).await, [Reason::Refunded]);
    assert_eq!(world.field("PAYMENT_STATUS"), json!("refunded"));
    assert_eq!(world.ignored(&updated(11)).await, Reason::RefundAlreadyTold);
    let mut whole = refund("approved");
    whole["type"] = json!("full");
    whole["totals"]["total"] = json!("65215");
    assert_eq!(
        world.done(&event("adjustment.updated", 20, &whole)).await,
        [Reason::RefundAlreadyTold]
    );
    let told = "Refunded 652.15 USD of 652.15 USD, 0.00 USD remains · txn_first";
    assert_eq!(world.notes()[1..], [told], "one refund, one note");
    assert_eq!(world.field("PAYMENT_STATUS"), json!("refunded"));

    let world = World::new().await;
    world.done(&paid(&transaction())).await;
    world.done(&event("adjustment.updated", 20, &whole)).await;
    assert_eq!(
        world.ignored(&updated(30)).await,
        Reason::RefundAlreadyTold,
        "the adjustment is known"
    );
    assert_eq!(world.notes().len(), 2);
}
