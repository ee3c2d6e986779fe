//! What can be filled in.

use super::named::named;

named! {
    /// What can be filled in: `{sum}` in a template is [`Placeholder::Sum`].
    ///
    /// Which texts get which of them tells [`Text::placeholders`](super::Text::placeholders).
    pub enum Placeholder,
    /// The name between the braces.
    name {
        /// What the text is about in money, with its currency: `652.15 USD`.
        Sum = "sum",
        /// The sum without tax, a bare number: `599.00`. Comes together with the tax.
        Net = "net",
        /// The tax in the sum, a bare number: `53.15`.
        Tax = "tax",
        /// What the customer's credit has paid of the sum, with its currency; not there where that is nothing.
        Credit = "credit",
        /// The currency of the sum: `USD`.
        Currency = "currency",
        /// What was bought; several names joined with ", ".
        Plan = "plan",
        /// What was bought before the change, if that is known, or what the deal says was agreed.
        Before = "before",
        /// The time that was paid for, its first and its last day: `2026-02-15 – 2026-03-15`.
        Period = "period",
        /// The first day of the time that was paid for. Comes together with the last.
        From = "from",
        /// The last day of the time that was paid for.
        To = "to",
        /// The day that the text is about; [`Text`](super::Text) tells which.
        Date = "date",
        /// The number of the invoice: `325-10566`.
        Invoice = "invoice",
        /// Paddle's transaction, `txn_…`.
        Transaction = "transaction",
        /// Paddle's subscription, `sub_…`.
        Subscription = "subscription",
        /// Paddle's adjustment, `adj_…`.
        Adjustment = "adjustment",
        /// Why: of an adjustment what was entered for it, of a failed payment what the bank said.
        Reason = "reason",
        /// What had been paid at first, with its currency.
        Total = "total",
        /// What is left of the total after a refund, with its currency.
        Remains = "remains",
        /// The price that the deal says, a bare number in the currency of the account.
        Price = "price",
        /// Where it can be paid.
        Link = "link",
        /// The name of the deal that was paid for.
        Deal = "deal",
        /// How many attempts to pay have failed, if it was more than one.
        Attempts = "attempts",
        /// The card, as far as a rep may know it: `…4242`.
        Card = "card",
    }
}

impl Placeholder {
    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|placeholder| placeholder.name() == name)
    }
}
