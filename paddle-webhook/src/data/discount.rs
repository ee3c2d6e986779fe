//! Discounts and their groups.

use time::OffsetDateTime;

use super::{ImportMeta, Status, entity};
use crate::{
    Currency, CustomData, DecimalText, DiscountGroupId, DiscountId, Money, open_enum::open_enum,
};

open_enum! {
    /// What `amount` of a discount means.
    pub enum DiscountType {
        /// A sum off the transaction.
        Flat = "flat",
        /// A sum off each unit.
        FlatPerSeat = "flat_per_seat",
        /// A percentage.
        Percentage = "percentage",
    }

    /// Whether a discount is part of the catalog.
    pub enum DiscountMode {
        /// Part of the catalog.
        Standard = "standard",
        /// Made for one transaction or subscription.
        Custom = "custom",
    }

    /// Whether a discount can be used.
    pub enum DiscountStatus {
        /// It can.
        Active = "active",
        /// It was put away.
        Archived = "archived",
        /// Its time is over.
        Expired = "expired",
        /// It was used as often as allowed.
        Used = "used",
    }
}

entity! {
    /// A discount. Webhooks do not say how often it was used.
    pub struct Discount {
        /// Its id.
        pub id: DiscountId,
        /// Whether it can be used.
        pub status: DiscountStatus,
        /// For the seller.
        pub description: Option<String>,
        /// Whether customers can enter it at checkout.
        pub enabled_for_checkout: Option<bool>,
        /// What customers enter.
        pub code: Option<String>,
        /// What `amount` means.
        pub r#type: DiscountType,
        /// Whether it is part of the catalog.
        pub mode: DiscountMode,
        /// A percentage, or minor units of `currency_code`: see [`percentage`](Self::percentage) and
        /// [`sum`](Self::sum).
        pub amount: Option<DecimalText>,
        /// The currency of a flat discount; none for a percentage.
        pub currency_code: Option<Currency>,
        /// Whether it goes on in later billing periods.
        pub recur: Option<bool>,
        /// For how many billing periods; none for ever.
        pub maximum_recurring_intervals: Option<i64>,
        /// How often it can be used; none for ever.
        pub usage_limit: Option<i64>,
        /// Ids of the prices or products it is for; empty for all.
        pub restrict_to: Vec<String>,
        /// What the seller attached.
        pub custom_data: CustomData,
        /// Where it was imported from.
        pub import_meta: Option<ImportMeta>,
        /// When it ends.
        pub expires_at: Option<OffsetDateTime>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// Its group.
        pub discount_group_id: Option<DiscountGroupId>,
    }
}

impl Discount {
    /// The percentage of a percentage discount, for example `10`.
    #[must_use]
    pub fn percentage(&self) -> Option<&DecimalText> {
        self.amount.as_ref().filter(|_| self.r#type == DiscountType::Percentage)
    }

    /// The sum of a flat discount: off the transaction, or off each unit.
    ///
    /// Trap: `amount` of a percentage discount looks the same.
    #[must_use]
    pub fn sum(&self) -> Option<Money> {
        match self.r#type {
            DiscountType::Flat | DiscountType::FlatPerSeat => {
                Some(Money::new(self.amount.as_ref()?.as_str().parse().ok()?, self.currency_code?))
            }
            DiscountType::Percentage | DiscountType::Unknown(_) => None,
        }
    }
}

entity! {
    /// A group of discounts.
    pub struct DiscountGroup {
        /// Its id.
        pub id: DiscountGroupId,
        /// Whether it is in use.
        pub status: Status,
        /// Its name, for the seller.
        pub name: Option<String>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// Where it was imported from.
        pub import_meta: Option<ImportMeta>,
    }
}
