//! The sums of a transaction.

use super::{ChargebackFee, Product, Proration, TaxRateUsed, Totals, object};
use crate::{Amount, Currency, DecimalText, PriceId, TransactionItemId};

object! {
    /// Sums, taxes and products of a transaction.
    pub struct TransactionDetails {
        /// What was taxed at which rate.
        pub tax_rates_used: Vec<TaxRateUsed>,
        /// The sums, in the currency of the transaction.
        pub totals: Option<TransactionTotals>,
        /// The sums after refunds and chargebacks.
        pub adjusted_totals: Option<AdjustedTotals>,
        /// The sums in the currency that the seller is paid in; none until the transaction is completed.
        pub payout_totals: Option<PayoutTotals>,
        /// The payout sums after refunds and chargebacks; none without any.
        pub adjusted_payout_totals: Option<AdjustedPayoutTotals>,
        /// What is bought, with sums and products.
        pub line_items: Vec<LineItem>,
    }
}

object! {
    /// The sums of a transaction, in its currency.
    pub struct TransactionTotals {
        /// Before discount and tax.
        pub subtotal: Option<Amount>,
        /// What was deducted.
        pub discount: Option<Amount>,
        /// The tax.
        pub tax: Option<Amount>,
        /// After discount and tax.
        pub total: Option<Amount>,
        /// What was paid from the customer's credit balance.
        pub credit: Option<Amount>,
        /// What was added to the customer's credit balance.
        pub credit_to_balance: Option<Amount>,
        /// What is still to be paid.
        pub balance: Option<Amount>,
        /// What is to be paid after credit, before payments.
        pub grand_total: Option<Amount>,
        /// The tax in `grand_total`. Missing before February 2026.
        pub grand_total_tax: Option<Amount>,
        /// Paddle's fee; none until the transaction is completed.
        pub fee: Option<Amount>,
        /// What is left for the seller; none until the transaction is completed.
        pub earnings: Option<Amount>,
        /// The currency of all these.
        pub currency_code: Option<Currency>,
    }
}

object! {
    /// The sums of a transaction after refunds and chargebacks, in its currency.
    pub struct AdjustedTotals {
        /// Before tax.
        pub subtotal: Option<Amount>,
        /// The tax.
        pub tax: Option<Amount>,
        /// After tax.
        pub total: Option<Amount>,
        /// What is to be paid after credit.
        pub grand_total: Option<Amount>,
        /// The tax in `grand_total`. Missing before February 2026.
        pub grand_total_tax: Option<Amount>,
        /// Paddle's fee.
        pub fee: Option<Amount>,
        /// The part of Paddle's fee that is not given back. Missing before October 2025.
        pub retained_fee: Option<Amount>,
        /// What is left for the seller.
        pub earnings: Option<Amount>,
        /// The currency of all these.
        pub currency_code: Option<Currency>,
    }
}

object! {
    /// The sums of a transaction in the currency that the seller is paid in.
    pub struct PayoutTotals {
        /// Before discount and tax.
        pub subtotal: Option<Amount>,
        /// What was deducted.
        pub discount: Option<Amount>,
        /// The tax.
        pub tax: Option<Amount>,
        /// After discount and tax.
        pub total: Option<Amount>,
        /// What was paid from the customer's credit balance.
        pub credit: Option<Amount>,
        /// What was added to the customer's credit balance.
        pub credit_to_balance: Option<Amount>,
        /// What is still to be paid.
        pub balance: Option<Amount>,
        /// What is to be paid after credit, before payments.
        pub grand_total: Option<Amount>,
        /// The tax in `grand_total`. Missing before February 2026.
        pub grand_total_tax: Option<Amount>,
        /// Paddle's fee.
        pub fee: Option<Amount>,
        /// What is left for the seller.
        pub earnings: Option<Amount>,
        /// The currency of all these.
        pub currency_code: Option<Currency>,
        /// From the currency of the transaction to this one, fee included. Missing before July 2025.
        pub exchange_rate: Option<DecimalText>,
        /// The fee in `exchange_rate`. Missing before July 2025.
        pub fee_rate: Option<DecimalText>,
    }
}

object! {
    /// The payout sums of a transaction after refunds and chargebacks.
    pub struct AdjustedPayoutTotals {
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
        /// What chargebacks cost.
        pub chargeback_fee: Option<ChargebackFee>,
        /// What is left for the seller.
        pub earnings: Option<Amount>,
        /// The currency of all these.
        pub currency_code: Option<Currency>,
        /// From the currency of the transaction to this one. Missing before July 2025.
        pub exchange_rate: Option<DecimalText>,
    }
}

object! {
    /// Something that is bought, with its sums.
    pub struct LineItem {
        /// Its id, which a refund of it names.
        pub id: Option<TransactionItemId>,
        /// Its price.
        pub price_id: Option<PriceId>,
        /// How many.
        pub quantity: Option<i64>,
        /// How much of a full period, where it is less.
        pub proration: Option<Proration>,
        /// The tax rate, for example `0.08875`.
        pub tax_rate: Option<DecimalText>,
        /// The sums of one.
        pub unit_totals: Option<Totals>,
        /// The sums of all.
        pub totals: Option<Totals>,
        /// The product.
        pub product: Option<Product>,
    }
}
