//! What is to be done about a checkout: pure.

use paddle_webhook::{Transaction, TransactionStatus};

use super::{CheckoutItem, wish::Wish};
use crate::{config::checkout::price_id, paddle::TransactionPatch, plan::Reason};

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Next {
    /// Another transaction.
    Create,
    /// The open one becomes this.
    Revise(TransactionPatch),
    /// It is as it should be, or cannot be changed any more.
    Keep,
}

/// Whether another transaction is made in place of one that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Never.
    No,
    /// If it was canceled: whoever moves a deal to the stage wants a link that works.
    IfCanceled,
    /// If it was paid, too.
    IfPaid,
}

/// How the last transaction of the deal has ended, where that is the answer to whoever asks again.
pub(crate) fn ended(last: &Transaction, again: Again) -> Option<Reason> {
    match &last.status {
        TransactionStatus::Paid | TransactionStatus::Completed => {
            (again != Again::IfPaid).then_some(Reason::CheckoutPaid)
        }
        TransactionStatus::Canceled => (again == Again::No).then_some(Reason::CheckoutCanceled),
        _ => None,
    }
}

/// What is to be done for this wish, where this is the last transaction of the deal.
pub(crate) fn next(wish: &Wish, last: Option<&Transaction>) -> Next {
    let Some(last) = last else { return Next::Create };
    match &last.status {
        TransactionStatus::Draft | TransactionStatus::Ready => revise(wish, last),
        TransactionStatus::Paid | TransactionStatus::Completed | TransactionStatus::Canceled => {
            Next::Create
        }
        // An invoice was issued, or something that this version does not know: it is not ours to change.
        _ => Next::Keep,
    }
}

fn revise(wish: &Wish, last: &Transaction) -> Next {
    let mut patch = TransactionPatch::new();
    let mut differs = false;
    if !is_same(&items(last), &wish.items) {
        patch = patch.items(wish.requested());
        differs = true;
    }
    // A buyer who is there already has chosen an address; it need not be the one of our contact.
    if let (None, Some(customer)) = (&last.customer_id, &wish.customer) {
        patch = patch.customer(customer.clone());
        differs = true;
    }
    if differs { Next::Revise(patch) } else { Next::Keep }
}

/// What a transaction is for. Something that was not made here has no price of the catalog, and is like nothing.
pub(crate) fn items(transaction: &Transaction) -> Vec<CheckoutItem> {
    let item = |item: &paddle_webhook::TransactionItem| {
        let price = item.price_id.as_ref().or(item.price.as_ref().map(|price| &price.id))?;
        let quantity = u32::try_from(item.quantity?).ok()?;
        Some(CheckoutItem { price: price_id(price.as_str())?, quantity })
    };
    transaction.items.iter().filter_map(item).collect()
}

/// The order does not matter.
pub(crate) fn is_same(one: &[CheckoutItem], other: &[CheckoutItem]) -> bool {
    let sorted = |items: &[CheckoutItem]| {
        let mut items = items.to_vec();
        items.sort();
        items
    };
    sorted(one) == sorted(other)
}

/// What a transaction is for, in words: `Pro × 10, Setup × 1`.
pub(crate) fn names(transaction: &Transaction) -> String {
    let name = |item: &paddle_webhook::TransactionItem| {
        let price = item.price.as_ref();
        let names = [
            price.and_then(|price| price.name.as_deref()),
            price.and_then(|price| price.description.as_deref()),
            price.map(|price| price.id.as_str()),
        ];
        let name = names.into_iter().flatten().find(|name| !name.trim().is_empty())?;
        Some(format!("{name} × {}", item.quantity.unwrap_or(1)))
    };
    transaction.items.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use kommo_client::LeadId;
    use serde_json::json;

    use super::*;

    fn wish(customer: Option<&str>) -> Wish {
        let items = vec![CheckoutItem { price: "pri_1".into(), quantity: 2 }];
        Wish {
            lead: LeadId::new(7),
            items,
            customer: customer.map(Into::into),
            responsible: None,
            reference: None,
        }
    }

    fn transaction(status: &str, quantity: u32, customer: Option<&str>) -> Transaction {
        let items = json!([{"price": {"id": "pri_1", "name": "Pro"}, "quantity": quantity}]);
        serde_json::from_value(
            json!({"id": "txn_1", "status": status, "items": items, "customer_id": customer}),
        )
        .unwrap()
    }

    #[test]
    fn what_is_open_is_kept_or_revised_and_what_has_ended_is_told() {
        use Again::{IfCanceled, IfPaid, No};
        let told = |next: Next| match next {
            Next::Create => "create".to_owned(),
            Next::Revise(patch) => serde_json::to_string(&patch).unwrap(),
            Next::Keep => "keep".to_owned(),
        };
        let answer = |last: &Transaction, again| match ended(last, again) {
            Some(reason) => reason.code().to_owned(),
            None => told(next(&wish(None), Some(last))),
        };
        let two = r#"{"items":[{"price_id":"pri_1","quantity":2}]}"#;
        for (status, quantity, again, want) in [
            ("draft", 2, No, "keep"),
            ("ready", 2, IfPaid, "keep"),
            ("draft", 1, No, two),
            ("ready", 1, IfPaid, two),
            ("paid", 1, No, "checkout_paid"),
            ("completed", 1, IfCanceled, "checkout_paid"),
            ("completed", 1, IfPaid, "create"),
            ("canceled", 1, No, "checkout_canceled"),
            ("canceled", 1, IfCanceled, "create"),
            ("canceled", 1, IfPaid, "create"),
            ("billed", 1, IfPaid, "keep"),
            ("past_due", 1, IfPaid, "keep"),
            ("brand_new", 1, IfPaid, "keep"),
        ] {
            let last = transaction(status, quantity, None);
            assert_eq!(answer(&last, again), want, "{status} {again:?}");
        }
        assert_eq!(told(next(&wish(None), None)), "create");
        let with =
            |customer| told(next(&wish(Some("ctm_1")), Some(&transaction("draft", 2, customer))));
        assert_eq!(with(None), r#"{"customer_id":"ctm_1"}"#);
        assert_eq!(with(Some("ctm_2")), "keep", "the buyer's own choice stays");
    }

    #[test]
    fn what_is_sold_is_told_by_its_names() {
        let items = json!([
            {"price": {"id": "pri_1", "name": "Pro"}, "quantity": 10},
            {"price": {"id": "pri_2", "name": " ", "description": "Setup"}, "quantity": 1},
            {"price": {"id": "pri_3"}},
        ]);
        let transaction = serde_json::from_value(json!({"id": "txn_1", "items": items})).unwrap();
        assert_eq!(names(&transaction), "Pro × 10, Setup × 1, pri_3 × 1");
    }
}
