//! Adjustments: refunds, credits, chargebacks.

use time::OffsetDateTime;

use super::{ChargebackFee, Proration, TaxRateUsed, entity, object, shared::money};
use crate::{
    AdjustmentId, AdjustmentItemId, Amount, Currency, CustomerId, Money, SubscriptionId,
    TransactionId, TransactionItemId, open_enum::open_enum,
};

open_enum! {
    /// What an adjustment does.
    pub enum AdjustmentAction {
        /// Takes a sum off an invoice that is not paid, or adds it to the customer's credit balance.
        Credit = "credit",
        /// Gives money back.
        Refund = "refund",
        /// The customer's bank took money back.
        Chargeback = "chargeback",
        /// A chargeback was won: the money is back with the seller.
        ChargebackReverse = "chargeback_reverse",
        /// A bank says that a chargeback may come. No money moves.
        ChargebackWarning = "chargeback_warning",
        /// That warning is settled.
        ChargebackWarningReverse = "chargeback_warning_reverse",
        /// A credit was taken back.
        CreditReverse = "credit_reverse",
    }

    /// How far an adjustment has come.
    pub enum AdjustmentStatus {
        /// Paddle has yet to approve it.
        PendingApproval = "pending_approval",
        /// It is done.
        Approved = "approved",
        /// Paddle refused it.
        Rejected = "rejected",
        /// Another adjustment undid it.
        Reversed = "reversed",
    }

    /// How much of a transaction is adjusted.
    pub enum AdjustmentType {
        /// All of it.
        Full = "full",
        /// Some of it.
        Partial = "partial",
    }

    /// How much of an item is adjusted.
    pub enum AdjustmentItemType {
        /// All of it.
        Full = "full",
        /// Some of it.
        Partial = "partial",
        /// Its tax.
        Tax = "tax",
        /// What was prorated.
        Proration = "proration",
    }
}

entity! {
    /// A refund, credit or chargeback of a transaction.
    ///
    /// It has no custom data: what it belongs to is known by its `transaction_id`. Only its status ever changes.
    pub struct Adjustment {
        /// Its id.
        pub id: AdjustmentId,
        /// What it does.
        pub action: AdjustmentAction,
        /// How much of the transaction it is about. Missing before December 2024: see
        /// [`is_partial`](Self::is_partial).
        pub r#type: AdjustmentType,
        /// The transaction it is about.
        pub transaction_id: Option<TransactionId>,
        /// That transaction's subscription.
        pub subscription_id: Option<SubscriptionId>,
        /// Whose it is.
        pub customer_id: Option<CustomerId>,
        /// Why, as somebody wrote it.
        pub reason: Option<String>,
        /// Of a credit: whether it went to the customer's balance.
        pub credit_applied_to_balance: Option<bool>,
        /// The currency of all sums but the payout's.
        pub currency_code: Option<Currency>,
        /// How far it has come.
        pub status: AdjustmentStatus,
        /// What of the transaction is adjusted.
        pub items: Vec<AdjustmentItem>,
        /// Its sums, in the currency of the transaction.
        pub totals: Option<AdjustmentTotals>,
        /// Its sums in the currency that the seller is paid in.
        pub payout_totals: Option<AdjustmentPayoutTotals>,
        /// What was taxed at which rate.
        pub tax_rates_used: Vec<TaxRateUsed>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
    }
}

object! {
    /// An item of a transaction that is adjusted.
    pub struct AdjustmentItem {
        /// Its id.
        pub id: Option<AdjustmentItemId>,
        /// The item of the transaction.
        pub item_id: Option<TransactionItemId>,
        /// How much of it.
        pub r#type: AdjustmentItemType,
        /// How much, where it is not all.
        pub amount: Option<Amount>,
        /// How much of a full period.
        pub proration: Option<Proration>,
        /// Its sums.
        pub totals: Option<AdjustmentItemTotals>,
    }
}

object! {
    /// The sums of an adjusted item.
    pub struct AdjustmentItemTotals {
        /// Before tax.
        pub subtotal: Option<Amount>,
        /// The tax.
        pub tax: Option<Amount>,
        /// After tax.
        pub total: Option<Amount>,
    }
}

object! {
    /// The sums of an adjustment, in the currency of the transaction.
    pub struct AdjustmentTotals {
        /// Before tax.
        pub subtotal: Option<Amount>,
        /// The tax.
        pub tax: Option<Amount>,
        /// After tax.
        pub total: Option<Amount>,
        /// Paddle's fee.
        pub fee: Option<Amount>,
        /// The part of Paddle's fee that is not given back. Missing before October 2025.
        pub retained_fee: Option<Amount>,
        /// What the seller gets less.
        pub earnings: Option<Amount>,
        /// The currency of all these.
        pub currency_code: Option<Currency>,
    }
}

object! {
    /// The sums of an adjustment in the currency that the seller is paid in.
    pub struct AdjustmentPayoutTotals {
        /// Before tax.
        pub subtotal: Option<Amount>,
        /// The tax.
        pub tax: Option<Amount>,
        /// After tax.
        pub total: Option<Amount>,
        /// Paddle's fee.
        pub fee: Option<Amount>,
        /// The part of Paddle's fee that is not given back. Missing before October 2025.
        pub retained_fee: Option<Amount>,
        /// Of a chargeback or its warning: what it cost.
        pub chargeback_fee: Option<ChargebackFee>,
        /// What the seller gets less.
        pub earnings: Option<Amount>,
        /// The currency of all these.
        pub currency_code: Option<Currency>,
    }
}

impl Adjustment {
    /// Whether it takes money from the seller and gives it back to the customer: refunds and chargebacks, but not
    /// the warning of a chargeback, and not a credit.
    ///
    /// Trap: a refund that was only asked for is one too; money moves when [`is_approved`](Self::is_approved).
    #[must_use]
    pub fn is_money_back(&self) -> bool {
        matches!(self.action, AdjustmentAction::Refund | AdjustmentAction::Chargeback)
    }

    /// Whether it is done. Most live refunds begin as `pending_approval`, and some end as `rejected`.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.status == AdjustmentStatus::Approved
    }

    /// Whether it is about a part of the transaction; `None` where that cannot be told.
    ///
    /// Adjustments from before December 2024 do not say. There an item that is adjusted in part is proof of a part;
    /// the opposite is none, because other items may not be in it.
    #[must_use]
    pub fn is_partial(&self) -> Option<bool> {
        match self.r#type {
            AdjustmentType::Full => Some(false),
            AdjustmentType::Partial => Some(true),
            AdjustmentType::Unknown(_) => {
                let in_part = |item: &AdjustmentItem| item.r#type == AdjustmentItemType::Partial;
                self.items.iter().any(in_part).then_some(true)
            }
        }
    }

    /// The sum, tax included, in the currency of the transaction. Positive, whatever the adjustment does.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        self.in_own_currency(self.totals.as_ref()?.total)
    }

    /// The sum without tax: total less tax.
    #[must_use]
    pub fn net(&self) -> Option<Money> {
        self.total()?.checked_sub(self.in_own_currency(self.totals.as_ref()?.tax)?)
    }

    /// What the seller gets less, in the currency of the transaction.
    #[must_use]
    pub fn earnings(&self) -> Option<Money> {
        self.in_own_currency(self.totals.as_ref()?.earnings)
    }

    fn in_own_currency(&self, amount: Option<Amount>) -> Option<Money> {
        let totals = self.totals.as_ref()?;
        money(amount, totals.currency_code.or(self.currency_code))
    }
}
