//! Contacts: the people behind leads.

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    error::Error,
    id::ContactId,
    page::{self, PAGE, Pages, Row},
    person_filter::{joined, person_filter},
    query::Query,
};

mod contact;
mod write;

pub use contact::Contact;
pub use write::{ContactPatch, NewContact};

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
