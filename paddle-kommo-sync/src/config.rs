//! What the operator may set. Parsed once into types that cannot be wrong.

pub(crate) mod checkout;
mod field_target;
mod on_won;
mod overwrite;
mod stages;

use std::collections::BTreeMap;

use kommo_client::PipelineId;
use serde::{Deserialize, Serialize};

pub use self::{
    checkout::{CheckoutItems, CheckoutRules, PaymentStage},
    field_target::FieldTarget,
    on_won::{OnWon, OnWonAction, OnWonCondition, OnWonDeal, OnWonTask},
    overwrite::{Overwrite, OverwriteRules},
    stages::Stages,
};
use crate::plan::Field;
pub use crate::texts::Language;

/// Everything that the rules of billing can be told. Every key has a default.
///
/// It deserializes from the tables of `config.toml` (see the repository's README for the whole file); an unknown key is an
/// error, so that a misspelt one is not silently without effect.
///
/// ```
/// use paddle_kommo_sync::{Config, PriceBasis};
///
/// let mut config = Config::default();
/// config.price_basis = PriceBasis::Gross;
/// config.fields.last_payment_date = "LAST_PAYMENT".into();
/// ```
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Which sum a won deal shows as its price.
    pub price_basis: PriceBasis,
    /// Whether a price may have decimals.
    pub price_decimals: PriceDecimals,
    /// What a payment on a deal does that was already marked as lost.
    pub lost_deals: LostDeals,
    /// What the first charge after a trial does to a deal that is still open.
    pub trial_conversion: TrialConversion,
    /// How a payment for several products is shown.
    pub products: Products,
    /// The pipeline of the deals that [`Products::DealPerProduct`] makes; 0 is that of the deal that was paid for.
    pub product_deals_pipeline: u64,
    /// Whether sandbox, simulated and test events may write to Kommo.
    pub sandbox: SandboxEvents,
    /// What becomes of an event that concerns a sale, but names no deal and none can be found.
    pub unlinked: Unlinked,
    /// What a `kommo_lead_id` without a signature counts, where keys for [`DealRef`](crate::DealRef)s are set.
    pub unsigned_links: UnsignedLinks,
    /// Whether what was paid is compared with what the deal says before it is won.
    pub agreed_price: AgreedPrice,
    /// By how many percent less may be paid than the deal says.
    pub agreed_price_tolerance_percent: u32,
    /// Whether plans are carried out, or only recorded.
    pub mode: Mode,
    /// In shadow mode, the pipelines whose deals are written all the same.
    pub live_pipelines: Vec<u64>,
    /// The language of notes and tasks.
    pub language: Language,
    /// The operator's own texts, by their keys; see [`Language`].
    pub templates: BTreeMap<String, String>,
    /// Which custom fields of the deal are written.
    pub fields: Fields,
    /// Which fields keep what a person wrote into them.
    pub overwrite: OverwriteRules,
    /// The stage that means "won", per pipeline; 142 where a pipeline is not named.
    pub stages: Stages,
    /// How tasks for the reps are made.
    pub tasks: TaskRules,
    /// What a refund does to the deal.
    pub refunds: RefundRules,
    /// Whether the PDFs of invoices and credit notes are attached to the deal, where there is a
    /// [`DocumentSource`](crate::DocumentSource) to get them from.
    pub invoices: Invoices,
    /// How checkout links are made for deals.
    pub checkout: CheckoutRules,
    /// What else is done when a deal is won.
    pub on_won: Vec<OnWon>,
}

impl Config {
    /// Whether deals are made in this pipeline when others are won.
    pub(crate) fn makes_deals_in(&self, pipeline: PipelineId) -> bool {
        self.on_won.iter().any(
            |on_won| matches!(&on_won.action, OnWonAction::CreateDeal(deal) if deal.pipeline == pipeline),
        )
    }
}

/// Which sum a won deal shows as its price.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PriceBasis {
    /// What the customer paid without tax: total − tax.
    #[default]
    Net,
    /// What the customer paid, tax included.
    Gross,
    /// What Paddle pays out: total − tax − Paddle's fee.
    Earnings,
}

/// Whether a price may have decimals.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PriceDecimals {
    /// Where the account has them: Kommo then tells `price_with_minor_units` with the deal. Where it refuses them all the
    /// same, the price is rounded.
    #[default]
    Auto,
    /// Never: whole units, rounded half away from zero.
    Never,
}

/// What a first payment does when the deal is already lost (status 143).
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LostDeals {
    /// The event waits for a person.
    #[default]
    Park,
    /// The deal is won like an open one.
    Win,
}

/// What the first charge after a trial does to a deal that is still open.
///
/// Paddle completes a trial's checkout with a total of zero, which wins nothing, and charges the trial's end as it charges
/// a renewal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TrialConversion {
    /// It is told as a renewal, and the stage stays. For teams that win a deal when its trial starts.
    #[default]
    KeepStage,
    /// The deal is won, as by a first payment.
    Win,
}

/// How a payment for several products is shown.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Products {
    /// One deal; the plan field holds all names, joined with ", ".
    #[default]
    Join,
    /// A deal for each line of the payment. The deal that was paid for keeps the first; for every other a new one is made,
    /// won like it and for the same contacts. Their prices sum exactly to what one deal would show.
    DealPerProduct,
}

/// Whether sandbox, simulated and test events may write to Kommo.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SandboxEvents {
    /// They are recorded and logged, nothing more.
    #[default]
    Log,
    /// They write. Only for a Kommo account that is itself a test account.
    Write,
}

/// What becomes of an event that concerns a sale, but for which no deal can be found.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unlinked {
    /// It waits for a person, so that no sale of a rep is missed.
    #[default]
    Park,
    /// It is recorded as not ours. For companies where most customers buy without a rep.
    Ignore,
}

/// What a `kommo_lead_id` without a signature counts, where keys for [`DealRef`](crate::DealRef)s are set.
///
/// With Paddle.js the buyer's browser chooses `custom_data`, so it may name somebody else's deal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnsignedLinks {
    /// It names the deal.
    Accept,
    /// It names the deal if the customer's e-mail address is that of one of the deal's contacts.
    #[default]
    ConfirmByEmail,
    /// It waits for a person.
    Park,
}

/// Whether what was paid is compared with what the deal says before it is won.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgreedPrice {
    /// It is not.
    #[default]
    Off,
    /// What was paid is not what the deal says (less, another currency, another plan): the deal is won, with a note and a
    /// task to look at it.
    Warn,
    /// What was paid is not what the deal says: the payment waits for a person.
    Park,
}

/// Whether the PDFs of invoices and credit notes are attached to the deal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Invoices {
    /// They are, each with a note.
    #[default]
    Attach,
    /// They are not.
    Off,
}

/// Whether plans are carried out, or only recorded.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// They are carried out.
    #[default]
    Live,
    /// They are recorded with the event, and nothing is written to Kommo.
    Shadow,
}

/// Which custom field of the deal holds what. See [`FieldTarget`] for the values.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Fields {
    /// The Paddle transaction that won the deal, `txn_…`.
    pub transaction_id: FieldTarget,
    /// The number of the newest invoice, for example `325-10566`.
    pub invoice_number: FieldTarget,
    /// What was bought; several names joined with ", ".
    pub plan_name: FieldTarget,
    /// The currency the customer paid in, for example `EUR`.
    pub payment_currency: FieldTarget,
    /// The Paddle subscription, `sub_…`.
    pub subscription_id: FieldTarget,
    /// When Paddle will charge next.
    pub next_billing_date: FieldTarget,
    /// The status of the subscription in Paddle's words, for example `active`.
    pub subscription_status: FieldTarget,
    /// `paid`, `partially_refunded`, `refunded` or `charged_back`.
    pub payment_status: FieldTarget,
    /// When the last payment was made. Not written by default.
    pub last_payment_date: FieldTarget,
    /// When the subscription ends or ended. Not written by default.
    pub subscription_ends: FieldTarget,
    /// What the newest payment came to, tax included, without its currency. Not written by default.
    pub amount_paid: FieldTarget,
    /// The tax in it. Not written by default.
    pub tax_paid: FieldTarget,
    /// What all payments of the deal come to, where they are in one currency. Not written by default.
    pub total_paid: FieldTarget,
    /// What of it went back, by refunds and by chargebacks that stand. Not written by default.
    pub total_refunded: FieldTarget,
    /// The difference. Not written by default.
    pub total_net: FieldTarget,
    /// What the subscription comes to in a month, in its own currency, without its currency. Not written by default.
    pub monthly_recurring_revenue: FieldTarget,
    /// Where the deal can be paid. Not written by default.
    pub checkout_url: FieldTarget,
}

impl Fields {
    /// Where a field goes.
    #[must_use]
    pub fn target(&self, field: Field) -> &FieldTarget {
        match field {
            Field::TransactionId => &self.transaction_id,
            Field::InvoiceNumber => &self.invoice_number,
            Field::PlanName => &self.plan_name,
            Field::PaymentCurrency => &self.payment_currency,
            Field::SubscriptionId => &self.subscription_id,
            Field::NextBillingDate => &self.next_billing_date,
            Field::SubscriptionStatus => &self.subscription_status,
            Field::PaymentStatus => &self.payment_status,
            Field::LastPaymentDate => &self.last_payment_date,
            Field::SubscriptionEnds => &self.subscription_ends,
            Field::AmountPaid => &self.amount_paid,
            Field::TaxPaid => &self.tax_paid,
            Field::TotalPaid => &self.total_paid,
            Field::TotalRefunded => &self.total_refunded,
            Field::TotalNet => &self.total_net,
            Field::MonthlyRecurringRevenue => &self.monthly_recurring_revenue,
            Field::CheckoutUrl => &self.checkout_url,
        }
    }
}

impl Fields {
    /// Whether a field is written at all.
    pub(crate) fn is_written(&self, field: Field) -> bool {
        *self.target(field) != FieldTarget::Off
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            transaction_id: "PADDLE_TXN_ID".into(),
            invoice_number: "INVOICE_NUMBER".into(),
            plan_name: "PLAN_NAME".into(),
            payment_currency: "PAYMENT_CURRENCY".into(),
            subscription_id: "PADDLE_SUB_ID".into(),
            next_billing_date: "NEXT_BILLING_DATE".into(),
            subscription_status: "SUBSCRIPTION_STATUS".into(),
            payment_status: "PAYMENT_STATUS".into(),
            last_payment_date: FieldTarget::Off,
            subscription_ends: FieldTarget::Off,
            amount_paid: FieldTarget::Off,
            tax_paid: FieldTarget::Off,
            total_paid: FieldTarget::Off,
            total_refunded: FieldTarget::Off,
            total_net: FieldTarget::Off,
            monthly_recurring_revenue: FieldTarget::Off,
            checkout_url: FieldTarget::Off,
        }
    }
}

/// How tasks for the reps are made.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TaskRules {
    /// Kommo's task type; 1 is "Follow-up" in every account.
    pub type_id: u64,
    /// Hours from now until the task is due.
    pub due_in_hours: u32,
    /// Who gets the task when neither the payment nor the deal names an active user; 0 is the token's user.
    pub fallback_user_id: u64,
    /// Whether a payment on a deal that was already won makes a task for the rep to check it.
    pub second_payment: bool,
}

impl Default for TaskRules {
    fn default() -> Self {
        Self { type_id: 1, due_in_hours: 24, fallback_user_id: 0, second_payment: true }
    }
}

/// What a refund does to the deal.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RefundRules {
    /// Whether money that went back changes the price of the deal.
    pub deal: RefundedDeal,
}

/// Whether money that went back, by an approved refund or a chargeback, changes the price of the deal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefundedDeal {
    /// The price stays; the payment status and a note tell of it.
    #[default]
    Leave,
    /// The price becomes what remains of the payment that won the deal, and comes back with a reversal. One that Paddle
    /// converted from another currency stays.
    LowerPrice,
}
