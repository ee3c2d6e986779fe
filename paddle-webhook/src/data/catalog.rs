//! Prices and products.

use time::OffsetDateTime;

use super::{
    CalendarDuration, ImportMeta, Interval, Status, UnitPrice, UnitPriceOverride, entity, object,
};
use crate::{CustomData, PriceId, ProductId, open_enum::open_enum};

open_enum! {
    /// Whether a price or product is part of the catalog.
    pub enum CatalogType {
        /// Part of the catalog.
        Standard = "standard",
        /// Made for one transaction or subscription.
        Custom = "custom",
    }

    /// How tax relates to the unit price.
    pub enum TaxMode {
        /// As the account is set.
        AccountSetting = "account_setting",
        /// Tax comes on top.
        External = "external",
        /// Tax is included.
        Internal = "internal",
        /// As is usual where the customer is.
        Location = "location",
    }

    /// The tax category of a product.
    pub enum TaxCategory {
        /// Digital goods for download.
        DigitalGoods = "digital-goods",
        /// Books for download.
        Ebooks = "ebooks",
        /// Help with setting up a product.
        ImplementationServices = "implementation-services",
        /// Consulting and the like.
        ProfessionalServices = "professional-services",
        /// Software as a service.
        Saas = "saas",
        /// Programming for a customer.
        SoftwareProgrammingServices = "software-programming-services",
        /// Software in general.
        Standard = "standard",
        /// Training.
        TrainingServices = "training-services",
        /// Hosting of web sites.
        WebsiteHosting = "website-hosting",
    }
}

entity! {
    /// What a product costs, and how often.
    ///
    /// Nested in transactions and subscriptions it is a reduced copy: dates, name and custom data may be missing.
    pub struct Price {
        /// Its id.
        pub id: PriceId,
        /// The product it is a price of.
        pub product_id: Option<ProductId>,
        /// For the seller; customers see `name`.
        pub description: Option<String>,
        /// Whether it is part of the catalog.
        pub r#type: CatalogType,
        /// For the customer, for example the name of the plan.
        pub name: Option<String>,
        /// How often it is billed; none for what is paid once.
        pub billing_cycle: Option<CalendarDuration>,
        /// The trial before the first payment.
        pub trial_period: Option<TrialPeriod>,
        /// How tax relates to the unit price.
        pub tax_mode: TaxMode,
        /// The price of one.
        pub unit_price: Option<UnitPrice>,
        /// Other prices for some countries.
        pub unit_price_overrides: Vec<UnitPriceOverride>,
        /// How many can be bought at once.
        pub quantity: Option<PriceQuantity>,
        /// Whether it is in use.
        pub status: Status,
        /// What the seller attached.
        pub custom_data: CustomData,
        /// Where it was imported from.
        pub import_meta: Option<ImportMeta>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
    }
}

object! {
    /// The trial of a price.
    pub struct TrialPeriod {
        /// The unit.
        pub interval: Interval,
        /// How many of it.
        pub frequency: Option<i64>,
        /// Whether a payment method is asked for at its start. Missing before December 2025, where it always was.
        pub requires_payment_method: Option<bool>,
        /// What a paid trial costs.
        pub unit_price: Option<UnitPrice>,
        /// What a paid trial costs in some countries.
        pub unit_price_overrides: Vec<UnitPriceOverride>,
    }
}

object! {
    /// How many can be bought at once.
    pub struct PriceQuantity {
        /// At least.
        pub minimum: Option<i64>,
        /// At most.
        pub maximum: Option<i64>,
    }
}

entity! {
    /// What is sold.
    ///
    /// Nested in transactions and subscriptions it is a reduced copy, as prices are.
    pub struct Product {
        /// Its id.
        pub id: ProductId,
        /// For the customer.
        pub name: Option<String>,
        /// A longer description.
        pub description: Option<String>,
        /// Whether it is part of the catalog.
        pub r#type: CatalogType,
        /// How it is taxed.
        pub tax_category: TaxCategory,
        /// A picture; may be empty. Do not fetch it: whoever can edit the catalog chooses where it leads.
        pub image_url: Option<String>,
        /// What the seller attached.
        pub custom_data: CustomData,
        /// Whether it is in use.
        pub status: Status,
        /// Where it was imported from.
        pub import_meta: Option<ImportMeta>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
    }
}

/// What people call the thing that is sold: the price's name (mostly that of the plan), else the product's, else
/// the price's description, which is meant for the seller. A blank name is none.
pub(super) fn item_name<'a>(
    price: Option<&'a Price>,
    product: Option<&'a Product>,
) -> Option<&'a str> {
    [
        price.and_then(|price| price.name.as_deref()),
        product.and_then(|product| product.name.as_deref()),
        price.and_then(|price| price.description.as_deref()),
    ]
    .into_iter()
    .flatten()
    .find(|name| !name.trim().is_empty())
}
