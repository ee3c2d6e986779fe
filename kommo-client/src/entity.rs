//! The kinds of things that notes, tasks and custom fields belong to.

use crate::open_enum::open_enum;

open_enum! {
    /// A kind of entity, in the plural, as it stands in Kommo's paths.
    pub enum EntityType {
        /// Leads.
        Leads = "leads",
        /// Contacts.
        Contacts = "contacts",
        /// Companies.
        Companies = "companies",
        /// Customers: only where the account has them.
        Customers = "customers",
    }
}
