//! Subscriptions.

use time::OffsetDateTime;

use super::{
    BillingDetails, CalendarDuration, CollectionMode, ImportMeta, Price, Product, TimePeriod,
    catalog::item_name, entity, object,
};
use crate::{
    AddressId, BusinessId, Currency, CustomData, CustomerId, DiscountId, SubscriptionId,
    TransactionId, open_enum::open_enum,
};

open_enum! {
    /// State of a subscription.
    pub enum SubscriptionStatus {
        /// It runs and is paid.
        Active = "active",
        /// It has ended, and cannot be started again.
        Canceled = "canceled",
        /// It runs, and a payment is missing.
        PastDue = "past_due",
        /// It rests, and is not billed.
        Paused = "paused",
        /// It runs as a trial.
        Trialing = "trialing",
        /// Known to one of Paddle's SDKs only.
        Inactive = "inactive",
    }

    /// State of an item of a subscription.
    pub enum SubscriptionItemStatus {
        /// It is billed.
        Active = "active",
        /// It is not billed: the subscription rests, or it was charged once.
        Inactive = "inactive",
        /// It is on trial.
        Trialing = "trialing",
    }

    /// What will happen to a subscription.
    pub enum ScheduledChangeAction {
        /// It will end.
        Cancel = "cancel",
        /// It will rest.
        Pause = "pause",
        /// It will go on.
        Resume = "resume",
    }
}

entity! {
    /// A subscription. Webhooks leave out the links by which a customer manages it.
    pub struct Subscription {
        /// Its id.
        pub id: SubscriptionId,
        /// Its state.
        pub status: SubscriptionStatus,
        /// Whose it is.
        pub customer_id: Option<CustomerId>,
        /// Their address.
        pub address_id: Option<AddressId>,
        /// The business it is for.
        pub business_id: Option<BusinessId>,
        /// Its currency.
        pub currency_code: Option<Currency>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// When it began, trial included.
        pub started_at: Option<OffsetDateTime>,
        /// When it was first paid; none during a trial.
        pub first_billed_at: Option<OffsetDateTime>,
        /// When it will be paid next; none where it rests, has ended or will end.
        pub next_billed_at: Option<OffsetDateTime>,
        /// Since when it rests.
        pub paused_at: Option<OffsetDateTime>,
        /// When it ended.
        pub canceled_at: Option<OffsetDateTime>,
        /// Its discount.
        pub discount: Option<SubscriptionDiscount>,
        /// How money is collected.
        pub collection_mode: CollectionMode,
        /// What stands on its invoices, where it is collected manually.
        pub billing_details: Option<BillingDetails>,
        /// The period that is paid for; none where it rests or has ended.
        pub current_billing_period: Option<TimePeriod>,
        /// How often it is billed.
        pub billing_cycle: Option<CalendarDuration>,
        /// What will happen to it.
        pub scheduled_change: Option<ScheduledChange>,
        /// What is subscribed to.
        pub items: Vec<SubscriptionItem>,
        /// What the seller attached to its first transaction.
        pub custom_data: CustomData,
        /// Where it was imported from.
        pub import_meta: Option<ImportMeta>,
        /// The transaction that made it: in [`SubscriptionCreated`](crate::EventType::SubscriptionCreated) only.
        pub transaction_id: Option<TransactionId>,
    }
}

object! {
    /// Something that is subscribed to.
    pub struct SubscriptionItem {
        /// Its state.
        pub status: SubscriptionItemStatus,
        /// How many.
        pub quantity: Option<i64>,
        /// Whether it is billed again and again.
        pub recurring: Option<bool>,
        /// When it was added.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// When it was last paid.
        pub previously_billed_at: Option<OffsetDateTime>,
        /// When it will be paid next.
        pub next_billed_at: Option<OffsetDateTime>,
        /// Its trial.
        pub trial_dates: Option<TimePeriod>,
        /// Its price.
        pub price: Option<Price>,
        /// Its product. Missing in older events.
        pub product: Option<Product>,
    }
}

object! {
    /// The discount of a subscription.
    pub struct SubscriptionDiscount {
        /// The discount.
        pub id: Option<DiscountId>,
        /// When it began; none where the subscription ended before it did.
        pub starts_at: Option<OffsetDateTime>,
        /// When it ends; none for never.
        pub ends_at: Option<OffsetDateTime>,
    }
}

object! {
    /// What will happen to a subscription.
    pub struct ScheduledChange {
        /// What.
        pub action: ScheduledChangeAction,
        /// When.
        pub effective_at: Option<OffsetDateTime>,
        /// When a pause will end; none for when somebody ends it.
        pub resume_at: Option<OffsetDateTime>,
    }
}

impl Subscription {
    /// When it will end, if somebody canceled it.
    ///
    /// Trap: until then its status stays `active`, and there is no other sign of it. Where a customer withdraws the
    /// cancellation, the scheduled change is gone from the next event.
    #[must_use]
    pub fn scheduled_cancel(&self) -> Option<OffsetDateTime> {
        self.scheduled(&ScheduledChangeAction::Cancel)
    }

    /// When it will begin to rest, if that is planned.
    #[must_use]
    pub fn scheduled_pause(&self) -> Option<OffsetDateTime> {
        self.scheduled(&ScheduledChangeAction::Pause)
    }

    /// When it will go on, if that is planned: after a pause that goes on now, or after one that is planned with an
    /// end.
    #[must_use]
    pub fn scheduled_resume(&self) -> Option<OffsetDateTime> {
        let change = self.scheduled_change.as_ref()?;
        match change.action {
            ScheduledChangeAction::Resume => change.effective_at,
            ScheduledChangeAction::Pause => change.resume_at,
            ScheduledChangeAction::Cancel | ScheduledChangeAction::Unknown(_) => None,
        }
    }

    /// When its trial ends, while it is on trial: the last end among its items.
    ///
    /// Trap: `next_billed_at` is the same instant mostly, but not where the trial was moved or will be canceled.
    #[must_use]
    pub fn trial_ends(&self) -> Option<OffsetDateTime> {
        let ends = self.items.iter().filter_map(|item| item.trial_dates.as_ref()?.ends_at).max();
        ends.filter(|_| self.status == SubscriptionStatus::Trialing)
    }

    fn scheduled(&self, action: &ScheduledChangeAction) -> Option<OffsetDateTime> {
        let change = self.scheduled_change.as_ref()?;
        change.effective_at.filter(|_| change.action == *action)
    }

    /// What is subscribed to, by the names that customers know: of each item the name of its price, else of its
    /// product, else the description of its price. In the order of the items; one without any name is left out.
    #[must_use]
    pub fn product_names(&self) -> Vec<String> {
        self.items
            .iter()
            .filter_map(|item| item_name(item.price.as_ref(), item.product.as_ref()))
            .map(str::to_owned)
            .collect()
    }
}
