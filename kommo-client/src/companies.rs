//! Companies.

use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    error::Error,
    field::FieldValues,
    id::{CompanyId, ContactId, LeadId, UserId},
    leads::{LeadElement, Tag},
    page::{self, Pages, Row, RowKey},
    person_filter::{joined, person_filter},
    profile::{Profile, profile_setters},
    query::Query,
    wire::{Linked, ids, lenient, list, or_default, timestamp},
};

const PATH: &str = "/api/v4/companies";
const WITH: &str = "leads,contacts";

/// The companies of an account; from [`Client::companies`].
#[derive(Clone, Debug)]
pub struct Companies {
    client: Client,
}

impl Companies {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The company with this id, with the ids of its leads and contacts; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: CompanyId) -> Result<Option<Company>, Error> {
        self.get_with(id, &[]).await
    }

    /// The same, with what a company only tells when asked.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get_with(
        &self,
        id: CompanyId,
        with: &[CompanyWith],
    ) -> Result<Option<Company>, Error> {
        let with = joined(WITH, with.iter().map(|with| with.as_str()));
        self.client.find(format!("{PATH}/{id}"), Query::default().with("with", with)).await
    }

    /// The companies with these ids, in the order asked for, each once; those that do not exist are left out. One request
    /// for 250 companies, as [`Contacts::list_by_ids`](crate::Contacts::list_by_ids).
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list_by_ids(&self, ids: &[CompanyId]) -> Result<Vec<Company>, Error> {
        page::by_ids(&self.client, PATH, Some(WITH), ids, |company: &Company| company.id).await
    }

    /// The companies that pass the filter, page by page.
    pub fn list(&self, filter: &CompanyFilter) -> Pages<Company> {
        Pages::new(self.client.clone(), PATH.to_owned(), filter.0.to_query(WITH))
    }

    /// Adds companies, up to 250, in one request. The answers come in their order.
    ///
    /// # Errors
    ///
    /// As [`Leads::create`](crate::Leads::create).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, companies: &[NewCompany]) -> Result<Vec<Created<CompanyId>>, Error> {
        batch::create(&self.client, PATH, Company::KEY, companies).await
    }

    /// Adds companies, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(
        &self,
        companies: &[NewCompany],
    ) -> Vec<ItemOutcome<Created<CompanyId>>> {
        batch::create_each(&self.client, PATH, Company::KEY, companies).await
    }

    /// Changes companies, up to 250 in one request, and more in several. The answers come in the order of the patches.
    ///
    /// # Errors
    ///
    /// As [`Leads::update`](crate::Leads::update): when a later request fails, the patches of earlier ones (250 each) may
    /// have been written, whatever the error's fate.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[CompanyPatch]) -> Result<Vec<Updated<CompanyId>>, Error> {
        batch::update(&self.client, PATH, Company::KEY, patches, CompanyPatch::id).await
    }

    /// Changes companies, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in the
    /// order of the patches: as [`Leads::update_each`](crate::Leads::update_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_each(
        &self,
        patches: &[CompanyPatch],
    ) -> Vec<ItemOutcome<Updated<CompanyId>>> {
        batch::update_each(&self.client, PATH, Company::KEY, patches, CompanyPatch::id).await
    }
}

person_filter! {
    /// Which companies to list, and in which order.
    CompanyFilter of CompanyId, with CompanyWith
}

/// What a company only tells when asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CompanyWith {
    /// [`Company::catalog_elements`]: the elements of catalogs that it is linked with.
    CatalogElements,
}

impl CompanyWith {
    fn as_str(self) -> &'static str {
        match self {
            Self::CatalogElements => "catalog_elements",
        }
    }
}

/// A company to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct NewCompany {
    #[serde(flatten)]
    profile: Profile,
}

impl NewCompany {
    /// A company without a name.
    pub fn new() -> Self {
        Self::default()
    }

    profile_setters!();
}

/// A change of one company. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct CompanyPatch {
    id: CompanyId,
    #[serde(flatten)]
    profile: Profile,
}

impl CompanyPatch {
    /// A change of the company `id` that changes nothing yet.
    pub fn new(id: CompanyId) -> Self {
        Self { id, profile: Profile::default() }
    }

    profile_setters!();

    crate::authorship::tag_set_setters!(profile.tags);

    /// Takes a tag off the company.
    pub fn delete_tag(mut self, tag: crate::leads::TagRef) -> Self {
        self.profile.tags_to_delete.push(tag);
        self
    }

    /// The company that is changed.
    #[must_use]
    pub fn id(&self) -> CompanyId {
        self.id
    }
}

/// A company, with what Kommo keeps under `_embedded` beside the rest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Company {
    /// Its id.
    pub id: CompanyId,
    /// Its name.
    pub name: Option<String>,
    /// Whose it is.
    pub responsible_user_id: Option<UserId>,
    /// The group of the responsible user.
    pub group_id: Option<u64>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// Who changed it last.
    pub updated_by: Option<UserId>,
    /// Whether it is in the trash.
    pub is_deleted: bool,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed last.
    pub updated_at: Option<OffsetDateTime>,
    /// When its next task is due.
    pub closest_task_at: Option<OffsetDateTime>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The custom fields that have values.
    pub custom_fields_values: Vec<FieldValues>,
    /// Its leads.
    pub lead_ids: Vec<LeadId>,
    /// Its contacts.
    pub contact_ids: Vec<ContactId>,
    /// With [`CompanyWith::CatalogElements`]: the elements of catalogs that it is linked with.
    pub catalog_elements: Vec<LeadElement>,
}

impl Row for Company {
    const KEY: &'static str = "companies";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

#[derive(Deserialize)]
struct Wire {
    id: CompanyId,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    responsible_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "lenient")]
    group_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    created_by: Option<UserId>,
    #[serde(default, deserialize_with = "lenient")]
    updated_by: Option<UserId>,
    #[serde(default, deserialize_with = "or_default")]
    is_deleted: bool,
    #[serde(default, deserialize_with = "timestamp")]
    created_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "timestamp")]
    updated_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "timestamp")]
    closest_task_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "list")]
    custom_fields_values: Vec<FieldValues>,
    #[serde(default, rename = "_embedded", deserialize_with = "or_default")]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "list")]
    tags: Vec<Tag>,
    #[serde(default, deserialize_with = "list")]
    catalog_elements: Vec<LeadElement>,
    #[serde(default, deserialize_with = "list")]
    leads: Vec<Linked<LeadId>>,
    #[serde(default, deserialize_with = "list")]
    contacts: Vec<Linked<ContactId>>,
}

impl<'de> Deserialize<'de> for Company {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self {
            id: wire.id,
            name: wire.name,
            responsible_user_id: wire.responsible_user_id,
            group_id: wire.group_id,
            created_by: wire.created_by,
            updated_by: wire.updated_by,
            is_deleted: wire.is_deleted,
            created_at: wire.created_at,
            updated_at: wire.updated_at,
            closest_task_at: wire.closest_task_at,
            tags: wire.embedded.tags,
            catalog_elements: wire.embedded.catalog_elements,
            custom_fields_values: wire.custom_fields_values,
            lead_ids: ids(wire.embedded.leads),
            contact_ids: ids(wire.embedded.contacts),
        })
    }
}
