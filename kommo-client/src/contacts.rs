//! Contacts: the people behind leads.

use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    error::Error,
    field::{FieldInput, FieldValue, FieldValues, FieldWrite},
    id::{CompanyId, ContactId, LeadId, UserId},
    leads::{LeadElement, Tag},
    page::{self, PAGE, Pages, Row, RowKey},
    person_filter::{joined, person_filter},
    profile::{Profile, profile_setters},
    query::Query,
    wire::{Linked, ids, lenient, list, or_default, timestamp},
};

const PATH: &str = "/api/v4/contacts";
const WITH: &str = "leads";

/// The contacts of an account; from [`Client::contacts`].
#[derive(Clone, Debug)]
pub struct Contacts {
    client: Client,
}

impl Contacts {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The contact with this id, with the ids of its leads; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: ContactId) -> Result<Option<Contact>, Error> {
        self.get_with(id, &[]).await
    }

    /// The same, with what a contact only tells when asked.
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
        id: ContactId,
        with: &[ContactWith],
    ) -> Result<Option<Contact>, Error> {
        let with = joined(WITH, with.iter().map(|with| with.as_str()));
        self.client.find(format!("{PATH}/{id}"), Query::default().with("with", with)).await
    }

    /// The contacts that pass the filter, page by page.
    pub fn list(&self, filter: &ContactFilter) -> Pages<Contact> {
        Pages::new(self.client.clone(), PATH.to_owned(), filter.0.to_query(WITH))
    }

    /// The contacts with these ids, in the order asked for, each once; those that do not exist are left out. One request for
    /// 250 contacts: this is how the contacts of many leads, with their e-mail addresses, are read.
    ///
    /// An account without the API filter answers with contacts nobody asked for; they are dropped, and those that were
    /// asked for but not given are asked for one by one.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list_by_ids(&self, ids: &[ContactId]) -> Result<Vec<Contact>, Error> {
        page::by_ids(&self.client, PATH, Some(WITH), ids, |contact: &Contact| contact.id).await
    }

    /// Adds contacts, up to 250, in one request. The answers come in their order.
    ///
    /// # Errors
    ///
    /// As [`Leads::create`](crate::Leads::create).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, contacts: &[NewContact]) -> Result<Vec<Created<ContactId>>, Error> {
        batch::create(&self.client, PATH, Contact::KEY, contacts).await
    }

    /// Adds contacts, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(
        &self,
        contacts: &[NewContact],
    ) -> Vec<ItemOutcome<Created<ContactId>>> {
        batch::create_each(&self.client, PATH, Contact::KEY, contacts).await
    }

    /// Changes contacts, up to 250 in one request, and more in several. The answers come in the order of the patches.
    ///
    /// # Errors
    ///
    /// As [`Leads::update`](crate::Leads::update): when a later request fails, the patches of earlier ones (250 each) may
    /// have been written, whatever the error's fate.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[ContactPatch]) -> Result<Vec<Updated<ContactId>>, Error> {
        batch::update(&self.client, PATH, Contact::KEY, patches, ContactPatch::id).await
    }

    /// Changes contacts, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in the
    /// order of the patches: as [`Leads::update_each`](crate::Leads::update_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_each(
        &self,
        patches: &[ContactPatch],
    ) -> Vec<ItemOutcome<Updated<ContactId>>> {
        batch::update_each(&self.client, PATH, Contact::KEY, patches, ContactPatch::id).await
    }

    /// The contacts with exactly this e-mail address, whatever its case, with the ids of their leads.
    ///
    /// Kommo only searches; what it finds is compared here. Which of several contacts is meant is for the caller to
    /// decide. A contact made a moment ago may not be found yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when there is no `@` in the address: Kommo
    /// would list contacts without end. Otherwise as every call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn find_by_email(&self, email: &str) -> Result<Vec<Contact>, Error> {
        let wanted = normalize(email);
        if !wanted.contains('@') {
            return Err(Error::invalid_request("an e-mail address without @"));
        }
        let query = Query::default().with("query", &wanted).with("with", WITH).with("limit", PAGE);
        let mut contacts: Vec<Contact> = page::all(&self.client, PATH.to_owned(), query).await?;
        contacts.retain(|contact| contact.emails().any(|email| normalize(email) == wanted));
        Ok(contacts)
    }
}

person_filter! {
    /// Which contacts to list, and in which order.
    ContactFilter of ContactId, with ContactWith
}

fn normalize(email: &str) -> String {
    email.trim().to_lowercase()
}

/// What a contact only tells when asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ContactWith {
    /// [`Contact::catalog_elements`]: the elements of catalogs that it is linked with.
    CatalogElements,
}

impl ContactWith {
    fn as_str(self) -> &'static str {
        match self {
            Self::CatalogElements => "catalog_elements",
        }
    }
}

/// A contact to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[must_use]
pub struct NewContact {
    #[serde(flatten)]
    profile: Profile,
}

impl NewContact {
    /// A contact without a name.
    pub fn new() -> Self {
        Self::default()
    }

    profile_setters!();

    /// Sets the first name; Kommo makes the name in full of both.
    pub fn first_name(mut self, name: impl Into<String>) -> Self {
        self.profile.first_name = Some(name.into());
        self
    }

    /// Sets the last name; Kommo makes the name in full of both.
    pub fn last_name(mut self, name: impl Into<String>) -> Self {
        self.profile.last_name = Some(name.into());
        self
    }

    /// Sets the only e-mail address, for work.
    pub fn email(self, email: impl Into<String>) -> Self {
        self.multitext("EMAIL", email.into())
    }

    /// Sets the only phone number, for work.
    pub fn phone(self, phone: impl Into<String>) -> Self {
        self.multitext("PHONE", phone.into())
    }

    fn multitext(self, code: &str, text: String) -> Self {
        let input = FieldInput::Multitext(vec![(text, Some("WORK".to_owned()))]);
        self.field(FieldWrite::new(code, input))
    }
}

/// A change of one contact. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct ContactPatch {
    id: ContactId,
    #[serde(flatten)]
    profile: Profile,
}

impl ContactPatch {
    /// A change of the contact `id` that changes nothing yet.
    pub fn new(id: ContactId) -> Self {
        Self { id, profile: Profile::default() }
    }

    profile_setters!();

    /// Sets the first name.
    pub fn first_name(mut self, name: impl Into<String>) -> Self {
        self.profile.first_name = Some(name.into());
        self
    }

    /// Sets the last name.
    pub fn last_name(mut self, name: impl Into<String>) -> Self {
        self.profile.last_name = Some(name.into());
        self
    }

    /// Takes a tag off the contact.
    pub fn delete_tag(mut self, tag: crate::leads::TagRef) -> Self {
        self.profile.tags_to_delete.push(tag);
        self
    }

    /// The contact that is changed.
    #[must_use]
    pub fn id(&self) -> ContactId {
        self.id
    }
}

/// A contact, with what Kommo keeps under `_embedded` beside the rest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Its name in full.
    pub name: Option<String>,
    /// Its first name.
    pub first_name: Option<String>,
    /// Its last name.
    pub last_name: Option<String>,
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
    /// The custom fields that have values; phones and e-mail addresses are among them.
    pub custom_fields_values: Vec<FieldValues>,
    /// Its leads.
    pub lead_ids: Vec<LeadId>,
    /// Its companies.
    pub company_ids: Vec<CompanyId>,
    /// With [`ContactWith::CatalogElements`]: the elements of catalogs that it is linked with.
    pub catalog_elements: Vec<LeadElement>,
}

impl Contact {
    /// Its e-mail addresses, as written in Kommo.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.texts_of("EMAIL")
    }

    /// Its phone numbers, as written in Kommo.
    pub fn phones(&self) -> impl Iterator<Item = &str> {
        self.texts_of("PHONE")
    }

    fn texts_of(&self, code: &'static str) -> impl Iterator<Item = &str> {
        self.custom_fields_values
            .iter()
            .filter(move |field| field.field_code.as_deref() == Some(code))
            .flat_map(|field| field.values.iter().filter_map(FieldValue::as_str))
    }
}

impl Row for Contact {
    const KEY: &'static str = "contacts";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

#[derive(Deserialize)]
struct Wire {
    id: ContactId,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    last_name: Option<String>,
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
    companies: Vec<Linked<CompanyId>>,
}

impl<'de> Deserialize<'de> for Contact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self {
            id: wire.id,
            name: wire.name,
            first_name: wire.first_name,
            last_name: wire.last_name,
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
            company_ids: ids(wire.embedded.companies),
        })
    }
}
