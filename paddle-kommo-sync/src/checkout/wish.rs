//! What is asked for, and the transaction that it becomes: pure.

use kommo_client::{LeadId, UserId};
use paddle_webhook::CustomerId;

use super::CheckoutItem;
use crate::{
    config::CheckoutRules,
    deal_ref,
    paddle::{NewTransaction, TransactionItemRequest},
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The deal.
    pub(crate) lead: LeadId,
    /// What is sold.
    pub(crate) items: Vec<CheckoutItem>,
    /// Who buys, as far as it is known.
    pub(crate) customer: Option<CustomerId>,
    /// Who looks after the deal.
    pub(crate) responsible: Option<UserId>,
    /// The signed reference to the deal, where there is a key.
    pub(crate) reference: Option<String>,
}

impl Wish {
    /// The items as Paddle takes them.
    pub(crate) fn requested(&self) -> Vec<TransactionItemRequest> {
        let item =
            |item: &CheckoutItem| TransactionItemRequest::new(item.price.clone(), item.quantity);
        self.items.iter().map(item).collect()
    }

    /// The transaction to make, known again by its key.
    pub(crate) fn transaction(&self, rules: &CheckoutRules, key: &str) -> NewTransaction {
        let mut new = NewTransaction::new(self.requested()).key(key);
        // Where references are signed, an id beside it would only be a hint, and tell the buyer one thing more.
        new = match &self.reference {
            Some(reference) => new.custom_data(deal_ref::KEY, reference),
            None => new.custom_data("kommo_lead_id", &self.lead.to_string()),
        };
        if let Some(user) = self.responsible {
            new = new.custom_data("kommo_responsible_id", &user.to_string());
        }
        if let Some(customer) = &self.customer {
            new = new.customer(customer.clone());
        }
        if let Some(discount) = &rules.discount {
            new = new.discount(discount.clone());
        }
        if let Some(currency) = rules.currency {
            new = new.currency(currency);
        }
        if let Some(page) = &rules.page {
            new = new.checkout_url(page);
        }
        new
    }

    /// What is asked for, in words: `10 × pri_…`.
    pub(crate) fn would(&self) -> String {
        let items: Vec<String> =
            self.items.iter().map(|item| format!("{} × {}", item.quantity, item.price)).collect();
        format!("+ checkout link: {}", items.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wish_becomes_a_transaction() {
        let item = CheckoutItem { price: "pri_1".into(), quantity: 10 };
        let plain = Wish {
            lead: LeadId::new(7),
            items: vec![item],
            customer: None,
            responsible: None,
            reference: None,
        };
        let written = |wish: &Wish, rules: &CheckoutRules| {
            serde_json::to_value(wish.transaction(rules, "k")).unwrap()
        };
        let items = json!([{"price_id": "pri_1", "quantity": 10}]);
        assert_eq!(
            written(&plain, &CheckoutRules::default()),
            json!({
                "items": items, "collection_mode": "automatic",
                "custom_data": {"kommo_lead_id": "7", "request_key": "k"},
            })
        );
        let full = Wish {
            customer: Some("ctm_1".into()),
            responsible: Some(UserId::new(9)),
            reference: Some("k1.7.1.0.ab".to_owned()),
            ..plain
        };
        let rules: CheckoutRules = serde_json::from_value(json!({
            "discount": "dsc_1", "currency": "EUR", "page": "https://pay.example/pay",
        }))
        .unwrap();
        assert_eq!(
            written(&full, &rules),
            json!({
                "items": items, "collection_mode": "automatic", "customer_id": "ctm_1",
                "currency_code": "EUR", "discount_id": "dsc_1",
                "custom_data": {
                    "kommo_ref": "k1.7.1.0.ab", "kommo_responsible_id": "9", "request_key": "k",
                },
                "checkout": {"url": "https://pay.example/pay"},
            })
        );
        assert_eq!(full.would(), "+ checkout link: 10 × pri_1");
    }
}
