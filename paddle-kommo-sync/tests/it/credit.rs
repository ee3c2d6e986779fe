//! Credit is no money that came in, and the sign of a sum says nothing.

use kommo_client::LeadId;
use paddle_kommo_sync::{Config, PriceBasis, Reason, RefundedDeal};
use serde_json::json;

use crate::{
    money::{sums, with_sums},
    support::{
        LEAD, World,
        events::{event, refund, renewal, transaction},
    },
};

#[tokio::test]
async fn what_credit_has_paid_is_told_and_not_summed() {
    let amount = |config: &mut Config| config.fields.amount_paid = "AMOUNT".into();
    let world = with_sums(amount).await;
    world.kommo.add_field(Some("AMOUNT"), "AMOUNT", "numeric");
    world.done(&event("transaction.completed", 0, &transaction())).await;
    let mut data = renewal();
    data["details"]["totals"]["credit"] = json!("30000");
    data["details"]["totals"]["grand_total"] = json!("2662");
    world.done(&event("transaction.completed", 10, &data)).await;
    assert_eq!(sums(&world), ["678.77", "0.00", "678.77"]);
    assert_eq!(world.field("AMOUNT"), json!("26.62"));
    let note = &world.notes()[1];
    assert!(
        note.starts_with(
            "Renewal paid 326.62 USD (net 300.00 + tax 26.62) · 300.00 USD of it by credit · "
        ),
        "{note}"
    );
    // All that was charged went back.
    let mut back = refund("approved");
    back["transaction_id"] = json!("txn_renewal");
    back["totals"]["total"] = json!("2662");
    world.done(&event("adjustment.updated", 20, &back)).await;
    assert_eq!(sums(&world), ["678.77", "26.62", "652.15"]);
    let notes = world.notes();
    assert!(notes[2].starts_with("Refunded 26.62 USD of 26.62 USD, 0.00 USD remains"), "{notes:?}");
}

/// The price is that of the sale, however it was paid.
#[tokio::test]
async fn the_price_follows_what_went_back_of_the_sale_with_its_credit() {
    for (basis, won, after) in [(PriceBasis::Gross, 652, 552), (PriceBasis::Net, 599, 507)] {
        for is_refunded_first in [false, true] {
            let world = with_sums(|config| {
                config.price_basis = basis;
                config.refunds.deal = RefundedDeal::LowerPrice;
            })
            .await;
            let mut data = transaction();
            data["details"]["totals"]["credit"] = json!("30000");
            data["details"]["totals"]["grand_total"] = json!("35215");
            let payment = event("transaction.completed", 0, &data);
            let back = event("adjustment.updated", 10, &refund("approved"));
            if is_refunded_first {
                world.sync.link("txn_first", LeadId::new(LEAD)).await.unwrap();
                world.done(&back).await;
                world.done(&payment).await;
            } else {
                world.done(&payment).await;
                assert_eq!(world.price(), won);
                world.done(&back).await;
            }
            assert_eq!(world.price(), after, "{basis:?} {is_refunded_first}");
            assert_eq!(sums(&world), ["352.15", "100.00", "252.15"]);
        }
    }
}

/// Paddle's own example of a reversal has sums below zero.
#[tokio::test]
async fn a_reversal_brings_the_money_back_whatever_its_sign() {
    for sign in ["", "-"] {
        let world = with_sums(|_| {}).await;
        world.done(&event("transaction.completed", 0, &transaction())).await;
        for (seconds, action, sign) in [(10, "chargeback", ""), (20, "chargeback_reverse", sign)] {
            let mut data = refund("approved");
            (data["id"], data["action"]) = (json!(format!("adj_{action}")), json!(action));
            data["totals"]["total"] = json!(format!("{sign}65215"));
            world.done(&event("adjustment.created", seconds, &data)).await;
        }
        assert_eq!(sums(&world), ["652.15", "0.00", "652.15"], "{sign}");
        let notes = world.notes();
        assert!(
            notes[2].starts_with("Chargeback reversed, the money is back: 652.15 USD"),
            "{notes:?}"
        );
    }
}

#[tokio::test]
async fn credit_that_is_taken_back_is_told() {
    let world = World::new().await;
    world.done(&event("transaction.completed", 0, &transaction())).await;
    for (seconds, action, reason) in
        [(10, "credit", Reason::Credited), (20, "credit_reverse", Reason::CreditReversed)]
    {
        let mut data = refund("approved");
        (data["id"], data["action"]) = (json!(format!("adj_{action}")), json!(action));
        assert_eq!(world.done(&event("adjustment.created", seconds, &data)).await, [reason]);
    }
    assert!(world.notes()[2].starts_with("Credit taken back: 100.00 USD"), "{:?}", world.notes());
}
