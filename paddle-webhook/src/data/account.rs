//! The seller's own account: payouts, reports, keys.

use time::OffsetDateTime;

use super::{entity, object};
use crate::{
    Amount, ApiKeyExposureId, ApiKeyId, ClientTokenId, Currency, Money, PayoutId, ReportId,
    open_enum::open_enum,
};

open_enum! {
    /// Whether a payout was sent.
    pub enum PayoutStatus {
        /// Not yet.
        Unpaid = "unpaid",
        /// It was.
        Paid = "paid",
    }

    /// Whether a report can be fetched.
    pub enum ReportStatus {
        /// Not yet.
        Pending = "pending",
        /// It can.
        Ready = "ready",
        /// It could not be made.
        Failed = "failed",
        /// No longer.
        Expired = "expired",
    }

    /// What a report lists.
    pub enum ReportType {
        /// Refunds, credits, chargebacks.
        Adjustments = "adjustments",
        /// Their items.
        AdjustmentLineItems = "adjustment_line_items",
        /// The balance.
        Balance = "balance",
        /// Checkouts.
        Checkouts = "checkouts",
        /// Discounts.
        Discounts = "discounts",
        /// What a payout is made of.
        PayoutReconciliation = "payout_reconciliation",
        /// The catalog.
        ProductsPrices = "products_prices",
        /// Transactions.
        Transactions = "transactions",
        /// Their items.
        TransactionLineItems = "transaction_line_items",
    }

    /// Whether an API key can be used.
    pub enum ApiKeyStatus {
        /// It can.
        Active = "active",
        /// Its time is over.
        Expired = "expired",
        /// It was revoked.
        Revoked = "revoked",
    }

    /// Whether a client-side token can be used.
    pub enum ClientTokenStatus {
        /// It can.
        Active = "active",
        /// It was revoked.
        Revoked = "revoked",
    }

    /// How dangerous an exposure is.
    pub enum ExposureRiskLevel {
        /// The key works.
        High = "high",
        /// It does not, or not for much.
        Low = "low",
    }

    /// What Paddle did about an exposure.
    pub enum ExposureActionTaken {
        /// The key was revoked.
        Revoked = "revoked",
        /// Nothing.
        None = "none",
    }

    /// Where a key was found.
    pub enum ExposureSource {
        /// GitHub.
        Github = "github",
    }
}

entity! {
    /// A payout to the seller.
    pub struct Payout {
        /// Its id.
        pub id: PayoutId,
        /// Whether it was sent.
        pub status: PayoutStatus,
        /// How much, in minor units.
        pub amount: Option<Amount>,
        /// The currency of `amount`.
        pub currency_code: Option<Currency>,
        /// What stands on the bank statement.
        pub remittance_reference: Option<String>,
    }
}

impl Payout {
    /// What is paid out.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        super::shared::money(self.amount, self.currency_code)
    }
}

entity! {
    /// A report that was asked for.
    pub struct Report {
        /// Its id.
        pub id: ReportId,
        /// Whether it can be fetched.
        pub status: ReportStatus,
        /// How many rows it has; none until it is ready.
        pub rows: Option<i64>,
        /// Until when it can be fetched.
        pub expires_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// When it was asked for.
        pub created_at: Option<OffsetDateTime>,
        /// What it lists.
        pub r#type: ReportType,
        /// What it is restricted to.
        pub filters: Vec<ReportFilter>,
    }
}

object! {
    /// A restriction of a report.
    pub struct ReportFilter {
        /// The field it looks at.
        pub name: Option<String>,
        /// `lt`, `gte`, or none for equality.
        pub operator: Option<String>,
        /// What the field is compared with: one text, or one of several.
        pub value: Vec<String>,
    }
}

entity! {
    /// An API key. The key itself is obfuscated.
    pub struct ApiKey {
        /// Its id.
        pub id: ApiKeyId,
        /// Its name.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// The beginning of the key, the rest replaced by asterisks.
        pub key: Option<String>,
        /// Whether it can be used.
        pub status: ApiKeyStatus,
        /// What it may do, for example `transaction.read`.
        pub permissions: Vec<String>,
        /// Until when it can be used.
        pub expires_at: Option<OffsetDateTime>,
        /// When it was last used.
        pub last_used_at: Option<OffsetDateTime>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// When it was found in public.
        pub exposed_at: Option<OffsetDateTime>,
        /// Whether it can be exchanged for a new one.
        pub rotatable: Option<bool>,
    }
}

entity! {
    /// A report that an API key was found in public.
    pub struct ApiKeyExposure {
        /// Its id.
        pub id: ApiKeyExposureId,
        /// The key that was found.
        pub api_key_id: Option<ApiKeyId>,
        /// How dangerous it is.
        pub risk_level: ExposureRiskLevel,
        /// What Paddle did about it.
        pub action_taken: ExposureActionTaken,
        /// Where it was found.
        pub source: ExposureSource,
        /// The address where it was found.
        pub reference: Option<String>,
        /// More about it.
        pub description: Option<String>,
        /// When it was reported.
        pub created_at: Option<OffsetDateTime>,
    }
}

entity! {
    /// A client-side token, as Paddle.js uses it.
    pub struct ClientToken {
        /// Its id.
        pub id: ClientTokenId,
        /// The token. Web pages show it, but it need not stand in logs.
        pub token: Option<String>,
        /// Its name.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// Whether it can be used.
        pub status: ClientTokenStatus,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// When it was revoked.
        pub revoked_at: Option<OffsetDateTime>,
    }
}
