//! Whether what was paid is what the deal says.

use paddle_webhook::Transaction;

use super::{Facts, money, say};
use crate::{
    config::AgreedPrice,
    known::Deal,
    plan::{Field, Price},
    texts::{Placeholder, Values, clean::clean},
};

/// Compares the sum, the currency, the products and their quantities with what the deal says of them; a part of which the
/// deal says nothing is not compared.
pub(super) fn differs(
    facts: &Facts<'_>,
    transaction: &Transaction,
    deal: &Deal,
    paid: Option<Price>,
) -> bool {
    // What we wrote ourselves nobody has agreed upon.
    let agreed = deal.price.filter(|price| Some(*price) != facts.known.sale.price);
    facts.config.agreed_price != AgreedPrice::Off
        && (money::is_below_agreed(facts.config, agreed, paid)
            || currency(facts, transaction, deal)
            || plan(facts, transaction, deal))
}

fn currency(facts: &Facts<'_>, transaction: &Transaction, deal: &Deal) -> bool {
    let agreed = said(facts, deal, Field::PaymentCurrency);
    let Some(total) = transaction.total() else { return false };
    agreed.is_some_and(|agreed| !agreed.trim().eq_ignore_ascii_case(total.currency().code()))
}

/// The names alone say nothing of the quantity; "10 × Pro" does.
fn plan(facts: &Facts<'_>, transaction: &Transaction, deal: &Deal) -> bool {
    let Some(agreed) = said(facts, deal, Field::PlanName) else { return false };
    let (names, items) = (transaction.product_names(), transaction.named_items());
    let counted = items.iter().map(|(quantity, name)| format!("{quantity} × {name}")).collect();
    let agreed = plain(agreed);
    ![names, counted, say::bought(transaction)].iter().any(|paid| plain(&paid.join(", ")) == agreed)
}

/// As people may write it: upper or lower case, "10 x" for "10 ×".
fn plain(text: &str) -> String {
    clean(text).to_lowercase().replace(" x ", " × ")
}

/// What a field says, unless it is what we wrote.
fn said<'d>(facts: &Facts<'_>, deal: &'d Deal, field: Field) -> Option<&'d str> {
    let ours = facts.known.sale.written.get(&field).map(|written| written.text.as_str());
    deal.field(field).filter(|text| !text.trim().is_empty() && Some(*text) != ours)
}

/// What the deal says, for the note about it.
pub(super) fn values(facts: &Facts<'_>, deal: &Deal, values: Values) -> Values {
    let price = deal.price.map(|price| price.to_string()).unwrap_or_default();
    values
        .set(Placeholder::Price, price)
        .set(Placeholder::Before, said(facts, deal, Field::PlanName).unwrap_or_default())
}
