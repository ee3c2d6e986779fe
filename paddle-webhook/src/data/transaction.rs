//! Transactions: what was bought, and what came of it.

use time::OffsetDateTime;

use super::{
    BillingDetails, CollectionMode, PaymentAttempt, PaymentErrorCode, Price, Product, Proration,
    TimePeriod, TransactionDetails, catalog::item_name, entity, object, shared::money,
};
use crate::{
    AddressId, Amount, BusinessId, Currency, CustomData, CustomerId, DiscountId, InvoiceId, Money,
    PriceId, SubscriptionId, TransactionId, open_enum::open_enum,
};

open_enum! {
    /// How far a transaction has come.
    ///
    /// There is no `refunded`: a refund is an [`Adjustment`](crate::Adjustment), and the transaction stays
    /// `completed`.
    pub enum TransactionStatus {
        /// Something is missing: customer, address or items.
        Draft = "draft",
        /// It can be paid.
        Ready = "ready",
        /// An invoice was issued.
        Billed = "billed",
        /// The money is captured; processing goes on.
        Paid = "paid",
        /// Paid and processed.
        Completed = "completed",
        /// It was canceled.
        Canceled = "canceled",
        /// It should have been paid.
        PastDue = "past_due",
    }

    /// What a transaction was made by.
    pub enum TransactionOrigin {
        /// The seller, through the API or the dashboard.
        Api = "api",
        /// A one-time charge of a subscription.
        SubscriptionCharge = "subscription_charge",
        /// A customer who changed the payment method of a subscription.
        SubscriptionPaymentMethodChange = "subscription_payment_method_change",
        /// A renewal of a subscription.
        SubscriptionRecurring = "subscription_recurring",
        /// A change of a subscription's items.
        SubscriptionUpdate = "subscription_update",
        /// A checkout.
        Web = "web",
    }
}

entity! {
    /// A transaction: a checkout, an invoice, a renewal, or any other charge.
    pub struct Transaction {
        /// Its id.
        pub id: TransactionId,
        /// How far it has come.
        pub status: TransactionStatus,
        /// Who buys; none in a draft.
        pub customer_id: Option<CustomerId>,
        /// Their address; none in a draft.
        pub address_id: Option<AddressId>,
        /// The business they buy for.
        pub business_id: Option<BusinessId>,
        /// What the seller attached. Renewals and other charges of a subscription have that of the first transaction.
        pub custom_data: CustomData,
        /// The currency of every sum but the payout's.
        pub currency_code: Option<Currency>,
        /// What it was made by.
        pub origin: TransactionOrigin,
        /// The subscription it belongs to. Of a first payment it may be missing until it is completed.
        pub subscription_id: Option<SubscriptionId>,
        /// Legacy: people know the invoice by its number.
        pub invoice_id: Option<InvoiceId>,
        /// The number of the invoice, for example `325-10567`.
        pub invoice_number: Option<String>,
        /// How the money is collected.
        pub collection_mode: CollectionMode,
        /// The discount.
        pub discount_id: Option<DiscountId>,
        /// What stands on the invoice, where it is collected manually.
        pub billing_details: Option<BillingDetails>,
        /// The period that is paid for.
        pub billing_period: Option<TimePeriod>,
        /// What is bought. Sums are in `details.line_items`.
        pub items: Vec<TransactionItem>,
        /// Sums, taxes and products.
        pub details: Option<TransactionDetails>,
        /// Attempts to pay, newest first.
        pub payments: Vec<PaymentAttempt>,
        /// Where it can be paid.
        pub checkout: Option<Checkout>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// When it was billed or completed.
        pub billed_at: Option<OffsetDateTime>,
        /// When customer details were corrected. Missing before December 2024.
        pub revised_at: Option<OffsetDateTime>,
    }
}

object! {
    /// Something that is bought.
    pub struct TransactionItem {
        /// The same as `price.id`.
        pub price_id: Option<PriceId>,
        /// Its price.
        pub price: Option<Price>,
        /// How many.
        pub quantity: Option<i64>,
        /// How much of a full period, where it is less.
        pub proration: Option<Proration>,
    }
}

object! {
    /// Where a transaction can be paid.
    pub struct Checkout {
        /// The seller's own payment page with the transaction's id; not a page of Paddle's.
        pub url: Option<String>,
    }
}

impl Transaction {
    /// The gross sum, what the customer pays, tax included: `details.totals.total`.
    ///
    /// Trap: credit from the customer's balance may have paid part of it; `details.totals.grand_total` is what is
    /// left to pay then, see [`charged`](Self::charged).
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        self.in_own_currency(self.details.as_ref()?.totals.as_ref()?.total)
    }

    /// What was charged: [`total`](Self::total) less what the customer's credit has paid of it, `details.totals.grand_total`.
    /// The credit is that of the customer's balance, and of an invoice that was credited before it was paid.
    #[must_use]
    pub fn charged(&self) -> Option<Money> {
        let totals = self.details.as_ref()?.totals.as_ref()?;
        self.in_own_currency(totals.grand_total.or(totals.total))
    }

    /// The tax in [`total`](Self::total). Paddle owes it to the state; it never is the seller's.
    #[must_use]
    pub fn tax(&self) -> Option<Money> {
        self.in_own_currency(self.details.as_ref()?.totals.as_ref()?.tax)
    }

    /// The price without tax: total less tax. Paddle's fee is still in it, see [`earnings`](Self::earnings).
    ///
    /// Trap: `subtotal` is not this; the discount is not yet taken off there.
    #[must_use]
    pub fn net(&self) -> Option<Money> {
        self.total()?.checked_sub(self.tax()?)
    }

    /// What is left for the seller after tax and Paddle's fee, in the currency of the transaction.
    ///
    /// Trap: none until the transaction is completed. In the seller's own currency it is
    /// [`payout_earnings`](Self::payout_earnings).
    #[must_use]
    pub fn earnings(&self) -> Option<Money> {
        self.in_own_currency(self.details.as_ref()?.totals.as_ref()?.earnings)
    }

    /// Paddle's fee, in the currency of the transaction. None until it is completed.
    #[must_use]
    pub fn fee(&self) -> Option<Money> {
        self.in_own_currency(self.details.as_ref()?.totals.as_ref()?.fee)
    }

    /// What is left of [`total`](Self::total) after refunds and chargebacks.
    ///
    /// Trap: it is as of this event; an adjustment that follows has an event of its own, and whether Paddle then sends
    /// the transaction again is not documented.
    #[must_use]
    pub fn adjusted_total(&self) -> Option<Money> {
        let totals = self.details.as_ref()?.adjusted_totals.as_ref()?;
        money(totals.total, totals.currency_code.or(self.currency_code))
    }

    /// Why the newest attempt to pay failed; `None` where it did not, or where Paddle does not say.
    ///
    /// Trap: earlier attempts may have failed, and the transaction may be paid all the same.
    #[must_use]
    pub fn payment_error(&self) -> Option<&PaymentErrorCode> {
        self.payments.first().map(|payment| &payment.error_code).filter(|code| !code.is_absent())
    }

    /// [`total`](Self::total) in the currency that Paddle pays the seller in, by Paddle's own exchange rate.
    ///
    /// Trap: none until the transaction is completed; and the currency is mostly not that of the transaction, so
    /// the two do not add up.
    #[must_use]
    pub fn payout_total(&self) -> Option<Money> {
        let totals = self.details.as_ref()?.payout_totals.as_ref()?;
        money(totals.total, totals.currency_code)
    }

    /// [`net`](Self::net) in the currency that Paddle pays the seller in. None until it is completed.
    #[must_use]
    pub fn payout_net(&self) -> Option<Money> {
        let totals = self.details.as_ref()?.payout_totals.as_ref()?;
        let tax = money(totals.tax, totals.currency_code)?;
        self.payout_total()?.checked_sub(tax)
    }

    /// [`earnings`](Self::earnings) in the currency that Paddle pays the seller in. None until it is completed.
    #[must_use]
    pub fn payout_earnings(&self) -> Option<Money> {
        let totals = self.details.as_ref()?.payout_totals.as_ref()?;
        money(totals.earnings, totals.currency_code)
    }

    fn in_own_currency(&self, amount: Option<Amount>) -> Option<Money> {
        let totals = self.details.as_ref()?.totals.as_ref()?;
        money(amount, totals.currency_code.or(self.currency_code))
    }

    /// What was bought, by the names that customers know: of each item the name of its price, else of its product,
    /// else the description of its price. In the order of the items; one without any name is left out, and so is what a
    /// change of a plan has taken away.
    ///
    /// Trap: the price's description is written for the seller, so it comes last.
    #[must_use]
    pub fn product_names(&self) -> Vec<String> {
        let bought = self.named_items().into_iter().filter(|(quantity, _)| *quantity > 0);
        bought.map(|(_, name)| name).collect()
    }

    /// Every item that has a name: its quantity, 1 where none is said, and the name as in
    /// [`product_names`](Self::product_names).
    ///
    /// Trap: a prorated change of a plan says only what changed, and what was taken away has a quantity below zero
    /// (Paddle's changelog, 11 March 2024).
    #[must_use]
    pub fn named_items(&self) -> Vec<(i64, String)> {
        let named = |item: &TransactionItem| {
            let price = item.price.as_ref();
            let product = price.and_then(|price| self.product_of(price));
            Some((item.quantity.unwrap_or(1), item_name(price, product)?.to_owned()))
        };
        self.items.iter().filter_map(named).collect()
    }

    /// The items have no product; the line items have.
    fn product_of(&self, price: &Price) -> Option<&Product> {
        let product_id = price.product_id.as_ref()?;
        self.details
            .as_ref()?
            .line_items
            .iter()
            .filter_map(|line| line.product.as_ref())
            .find(|product| product.id == *product_id)
    }

    /// Whether a person buys here, by checkout or invoice: origin `web` or `api`. The opposite are charges of a
    /// subscription that already exists.
    ///
    /// Trap: a total of zero (a trial, a coupon) is a first payment too; look at [`total`](Self::total).
    #[must_use]
    pub fn is_first_payment(&self) -> bool {
        matches!(self.origin, TransactionOrigin::Web | TransactionOrigin::Api)
    }

    /// Whether a subscription is renewed. Paddle has no event of its own for that.
    #[must_use]
    pub fn is_renewal(&self) -> bool {
        self.origin == TransactionOrigin::SubscriptionRecurring
    }

    /// Whether the items of a subscription changed: an upgrade, a downgrade, more seats. Its sum is only the
    /// prorated difference, and may be zero or negative.
    #[must_use]
    pub fn is_plan_change(&self) -> bool {
        self.origin == TransactionOrigin::SubscriptionUpdate
    }

    /// Whether something was charged once on top of a subscription.
    #[must_use]
    pub fn is_one_time_charge(&self) -> bool {
        self.origin == TransactionOrigin::SubscriptionCharge
    }

    /// Whether a customer only changed the card. Its total is mostly zero, and it is `completed` all the same: the
    /// trap for whoever takes every completed transaction for a sale.
    #[must_use]
    pub fn is_card_change(&self) -> bool {
        self.origin == TransactionOrigin::SubscriptionPaymentMethodChange
    }
}
