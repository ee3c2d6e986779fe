//! Contacts: the people behind leads.

use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

use crate::{
    client::Client,
    error::Error,
    field::{FieldValue, FieldValues},
    id::{CompanyId, ContactId, LeadId, UserId},
    page::{self, PAGE, Row},
    query::Query,
    wire::{lenient, list, or_default, timestamp},
};

const PATH: &str = "/api/v4/contacts";

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
        self.client.find(format!("{PATH}/{id}"), Query::default().with("with", "leads")).await
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
        let query =
            Query::default().with("query", &wanted).with("with", "leads").with("limit", PAGE);
        let mut contacts: Vec<Contact> = page::all(&self.client, PATH.to_owned(), query).await?;
        contacts.retain(|contact| contact.emails().any(|email| normalize(email) == wanted));
        Ok(contacts)
    }
}

fn normalize(email: &str) -> String {
    email.trim().to_lowercase()
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
    /// Whether it is in the trash.
    pub is_deleted: bool,
    /// When it was made.
    pub created_at: Option<OffsetDateTime>,
    /// When it was changed last.
    pub updated_at: Option<OffsetDateTime>,
    /// The custom fields that have values; phones and e-mail addresses are among them.
    pub custom_fields_values: Vec<FieldValues>,
    /// Its leads.
    pub lead_ids: Vec<LeadId>,
    /// Its companies.
    pub company_ids: Vec<CompanyId>,
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

    fn row_id(&self) -> u64 {
        self.id.get()
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
    #[serde(default, deserialize_with = "or_default")]
    is_deleted: bool,
    #[serde(default, deserialize_with = "timestamp")]
    created_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "timestamp")]
    updated_at: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "list")]
    custom_fields_values: Vec<FieldValues>,
    #[serde(default, rename = "_embedded", deserialize_with = "or_default")]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "list")]
    leads: Vec<Linked<LeadId>>,
    #[serde(default, deserialize_with = "list")]
    companies: Vec<Linked<CompanyId>>,
}

#[derive(Deserialize)]
struct Linked<I> {
    id: I,
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
            is_deleted: wire.is_deleted,
            created_at: wire.created_at,
            updated_at: wire.updated_at,
            custom_fields_values: wire.custom_fields_values,
            lead_ids: wire.embedded.leads.into_iter().map(|lead| lead.id).collect(),
            company_ids: wire.embedded.companies.into_iter().map(|company| company.id).collect(),
        })
    }
}
