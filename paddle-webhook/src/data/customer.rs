//! Customers, and what belongs to them.

use time::OffsetDateTime;

use super::{ImportMeta, Status, entity, private_object};
use crate::{AddressId, BusinessId, CountryCode, CustomData, CustomerId};

entity! {
    /// A customer. The only webhook data with a name and an e-mail address: transactions have only the id.
    pub struct Customer {
        /// Its id.
        pub id: CustomerId,
        /// The full name.
        pub name: Option<String>,
        /// The e-mail address. No two active customers share one.
        pub email: Option<String>,
        /// Whether they agreed to marketing.
        pub marketing_consent: Option<bool>,
        /// Whether it is in use.
        pub status: Status,
        /// What the seller attached.
        pub custom_data: CustomData,
        /// The language, for example `en`.
        pub locale: Option<String>,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// Where it was imported from.
        pub import_meta: Option<ImportMeta>,
    }
}

entity! {
    /// An address of a customer. From a checkout it mostly has only the country and perhaps the postal code.
    pub struct Address {
        /// Its id.
        pub id: AddressId,
        /// Whose it is.
        pub customer_id: Option<CustomerId>,
        /// For the seller.
        pub description: Option<String>,
        /// Street.
        pub first_line: Option<String>,
        /// More of the street.
        pub second_line: Option<String>,
        /// City.
        pub city: Option<String>,
        /// Postal code.
        pub postal_code: Option<String>,
        /// State, county or region.
        pub region: Option<String>,
        /// The country.
        pub country_code: Option<CountryCode>,
        /// What the seller attached.
        pub custom_data: CustomData,
        /// Whether it is in use.
        pub status: Status,
        /// When it was made.
        pub created_at: Option<OffsetDateTime>,
        /// When it last changed.
        pub updated_at: Option<OffsetDateTime>,
        /// Where it was imported from.
        pub import_meta: Option<ImportMeta>,
    }
}

entity! {
    /// A business that a customer buys for.
    pub struct Business {
        /// Its id.
        pub id: BusinessId,
        /// The customer it belongs to.
        pub customer_id: Option<CustomerId>,
        /// Its name.
        pub name: Option<String>,
        /// Its company number.
        pub company_number: Option<String>,
        /// Its tax or VAT number.
        pub tax_identifier: Option<String>,
        /// Whether it is in use.
        pub status: Status,
        /// People who get its invoices.
        pub contacts: Vec<Contact>,
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

private_object! {
    /// A person of a [`Business`].
    pub struct Contact {
        /// The full name.
        pub name: Option<String>,
        /// The e-mail address.
        pub email: Option<String>,
    }
}
