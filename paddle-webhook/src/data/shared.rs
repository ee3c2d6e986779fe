//! Objects that several entities have.

use time::OffsetDateTime;

use super::{object, private_object};
use crate::{Amount, CountryCode, Currency, DecimalText, Money, open_enum::open_enum};

open_enum! {
    /// Whether an entity is in use: of prices, products, customers, addresses, businesses, discount groups.
    pub enum Status {
        /// In use.
        Active = "active",
        /// Put away; it cannot be used for anything new.
        Archived = "archived",
    }

    /// How money is collected.
    pub enum CollectionMode {
        /// From a saved payment method, or at checkout.
        Automatic = "automatic",
        /// By invoice.
        Manual = "manual",
    }

    /// The unit of a [`CalendarDuration`].
    pub enum Interval {
        /// Days.
        Day = "day",
        /// Weeks.
        Week = "week",
        /// Months.
        Month = "month",
        /// Years.
        Year = "year",
    }
}

object! {
    /// A span of calendar time, for example every 3 months. Paddle calls it `Duration`.
    pub struct CalendarDuration {
        /// The unit.
        pub interval: Interval,
        /// How many of it.
        pub frequency: Option<i64>,
    }
}

object! {
    /// A span between two instants.
    pub struct TimePeriod {
        /// Its beginning.
        pub starts_at: Option<OffsetDateTime>,
        /// Its end.
        pub ends_at: Option<OffsetDateTime>,
    }
}

object! {
    /// An amount with its currency, as prices have it. Paddle calls it `Money`.
    pub struct UnitPrice {
        /// Minor units.
        pub amount: Option<Amount>,
        /// Its currency. Null in some events of 2023.
        pub currency_code: Option<Currency>,
    }
}

impl UnitPrice {
    /// Both in one, where both are there.
    #[must_use]
    pub fn money(&self) -> Option<Money> {
        money(self.amount, self.currency_code)
    }
}

/// An amount and the currency that stands elsewhere in the same object.
pub(super) fn money(amount: Option<Amount>, currency: Option<Currency>) -> Option<Money> {
    Some(Money::new(amount?.minor(), currency?))
}

object! {
    /// Another unit price for some countries.
    pub struct UnitPriceOverride {
        /// Where.
        pub country_codes: Vec<CountryCode>,
        /// The price there.
        pub unit_price: Option<UnitPrice>,
    }
}

object! {
    /// Where an entity that was imported comes from.
    pub struct ImportMeta {
        /// Its id there.
        pub external_id: Option<String>,
        /// The platform, for example `paddle_classic`.
        pub imported_from: Option<String>,
    }
}

object! {
    /// How much of a full period is charged for.
    pub struct Proration {
        /// The fraction, 1 for a full period.
        pub rate: Option<DecimalText>,
        /// The period that is charged for.
        pub billing_period: Option<TimePeriod>,
    }
}

object! {
    /// What something costs. The currency stands in the totals of the transaction.
    pub struct Totals {
        /// Before discount and tax.
        pub subtotal: Option<Amount>,
        /// What was deducted.
        pub discount: Option<Amount>,
        /// The tax.
        pub tax: Option<Amount>,
        /// After discount and tax.
        pub total: Option<Amount>,
    }
}

object! {
    /// What was taxed at one rate.
    pub struct TaxRateUsed {
        /// The rate, for example `0.08875`.
        pub tax_rate: Option<DecimalText>,
        /// The sums taxed at this rate. Adjustments have no discount here.
        pub totals: Option<Totals>,
    }
}

private_object! {
    /// What is written on an invoice that is collected manually.
    pub struct BillingDetails {
        /// Whether it can be paid at a checkout too.
        pub enable_checkout: Option<bool>,
        /// The customer's purchase order.
        pub purchase_order_number: Option<String>,
        /// Notes for the customer.
        pub additional_information: Option<String>,
        /// How long the customer has to pay.
        pub payment_terms: Option<CalendarDuration>,
    }
}

object! {
    /// What a chargeback cost, in the payout currency.
    pub struct ChargebackFee {
        /// The fee.
        pub amount: Option<Amount>,
        /// The fee before its conversion; none where nothing was converted.
        pub original: Option<UnitPrice>,
    }
}
