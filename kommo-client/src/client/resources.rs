//! Where resources come from.

use super::Client;
use crate::{
    account::AccountHandle,
    calls::Calls,
    catalogs::Catalogs,
    companies::Companies,
    contacts::Contacts,
    custom_fields::CustomFields,
    entity::EntityType,
    events::Events,
    files::Files,
    id::CatalogId,
    leads::Leads,
    links::{Links, MassLinks},
    notes::Notes,
    pipelines::Pipelines,
    salesbots::Salesbots,
    sources::Sources,
    tags::Tags,
    tasks::Tasks,
    unsorted::Unsorted,
    users::Users,
    webhooks::Webhooks,
};

impl Client {
    /// Leads.
    #[must_use]
    pub fn leads(&self) -> Leads {
        Leads::new(self.clone())
    }

    /// Notes of leads, contacts or companies.
    #[must_use]
    pub fn notes(&self, of: EntityType) -> Notes {
        Notes::new(self.clone(), of)
    }

    /// Tasks.
    #[must_use]
    pub fn tasks(&self) -> Tasks {
        Tasks::new(self.clone())
    }

    /// Contacts.
    #[must_use]
    pub fn contacts(&self) -> Contacts {
        Contacts::new(self.clone())
    }

    /// Companies.
    #[must_use]
    pub fn companies(&self) -> Companies {
        Companies::new(self.clone())
    }

    /// What one entity is linked with.
    #[must_use]
    pub fn links(&self, of: EntityType, id: u64) -> Links {
        Links::new(self.clone(), of, id)
    }

    /// What many entities of one kind are linked with.
    #[must_use]
    pub fn mass_links(&self, of: EntityType) -> MassLinks {
        MassLinks::new(self.clone(), of)
    }

    /// Tags of leads, contacts or companies.
    #[must_use]
    pub fn tags(&self, of: EntityType) -> Tags {
        Tags::new(self.clone(), of)
    }

    /// Files, and what they are attached to.
    #[must_use]
    pub fn files(&self) -> Files {
        Files::new(self.clone())
    }

    /// The log of what happened.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::new(self.clone())
    }

    /// Where Kommo sends word of changes.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks {
        Webhooks::new(self.clone())
    }

    /// Incoming leads.
    #[must_use]
    pub fn unsorted(&self) -> Unsorted {
        Unsorted::new(self.clone())
    }

    /// Salesbots.
    #[must_use]
    pub fn salesbots(&self) -> Salesbots {
        Salesbots::new(self.clone())
    }

    /// Calls.
    #[must_use]
    pub fn calls(&self) -> Calls {
        Calls::new(self.clone())
    }

    /// Sources of leads.
    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources::new(self.clone())
    }

    /// Catalogs and their elements.
    #[must_use]
    pub fn catalogs(&self) -> Catalogs {
        Catalogs::new(self.clone())
    }

    /// Definitions of the custom fields of leads, contacts or companies.
    #[must_use]
    pub fn custom_fields(&self, of: EntityType) -> CustomFields {
        CustomFields::new(self.clone(), &of)
    }

    /// Definitions of the custom fields of a catalog's elements.
    #[must_use]
    pub fn catalog_fields(&self, of: CatalogId) -> CustomFields {
        CustomFields::of_catalog(self.clone(), of)
    }

    /// Pipelines and their stages.
    #[must_use]
    pub fn pipelines(&self) -> Pipelines {
        Pipelines::new(self.clone())
    }

    /// Users. Only an administrator's token may ask for them.
    #[must_use]
    pub fn users(&self) -> Users {
        Users::new(self.clone())
    }

    /// The account itself.
    #[must_use]
    pub fn account(&self) -> AccountHandle {
        AccountHandle::new(self.clone())
    }
}
