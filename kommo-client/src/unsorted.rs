//! Incoming leads, before somebody took or declined them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

use crate::{
    client::Client,
    error::Error,
    id::{CompanyId, ContactId, LeadId, PipelineId, StatusId, UserId},
    page::{PAGE, Pages, Row, RowKey},
    path,
    query::Query,
    transport::{Method, Request},
    wire::{Linked, ids, lenient, list, or_default, timestamp},
};

mod new;

pub use new::{FormMetadata, NewUnsorted, SipMetadata};

const PATH: &str = "/api/v4/leads/unsorted";

/// The incoming leads of an account; from [`Client::unsorted`].
#[derive(Clone, Debug)]
pub struct Unsorted {
    client: Client,
}

impl Unsorted {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The incoming leads that pass the filter, page by page: the oldest first, unless it says otherwise.
    pub fn list(&self, filter: &UnsortedFilter) -> Pages<UnsortedLead> {
        Pages::new(self.client.clone(), PATH.to_owned(), filter.to_query())
    }

    /// The incoming lead with this id; `None` when it is no longer incoming.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, uid: &str) -> Result<Option<UnsortedLead>, Error> {
        let path = path::of(&["leads", "unsorted", uid])?;
        match self.client.find(path, Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// How many there are and were.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn summary(&self) -> Result<UnsortedSummary, Error> {
        let request = Request::new(Method::Get, format!("{PATH}/summary"));
        self.client.send(&request).await?.decode()
    }

    /// Takes an incoming lead, in the name of this user and into this stage.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when it is no longer
    /// incoming.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn accept(
        &self,
        uid: &str,
        user: UserId,
        status: Option<StatusId>,
    ) -> Result<UnsortedLead, Error> {
        #[derive(Serialize)]
        struct Accept {
            user_id: UserId,
            #[serde(skip_serializing_if = "Option::is_none")]
            status_id: Option<StatusId>,
        }
        let body = Accept { user_id: user, status_id: status };
        let path = path::of(&["leads", "unsorted", uid, "accept"])?;
        self.client.send(&Request::new(Method::Post, path).json(&body)?).await?.decode()
    }

    /// Declines an incoming lead, in the name of this user.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn decline(&self, uid: &str, user: UserId) -> Result<UnsortedLead, Error> {
        #[derive(Serialize)]
        struct Decline {
            // Required by Kommo's page, optional by amoCRM's.
            user_id: UserId,
        }
        let path = path::of(&["leads", "unsorted", uid, "decline"])?;
        let request = Request::new(Method::Delete, path).json(&Decline { user_id: user })?;
        self.client.send(&request).await?.decode()
    }

    /// Puts an incoming chat into a lead that is there already, in the name of this user; with a contact, it becomes a chat
    /// of that contact. Only those of the category `chats` can be linked.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn link(
        &self,
        uid: &str,
        to: LeadId,
        contact: Option<ContactId>,
        user: UserId,
    ) -> Result<UnsortedLead, Error> {
        #[derive(Serialize)]
        struct Body {
            link: Link,
            user_id: UserId,
        }
        #[derive(Serialize)]
        struct Link {
            entity_id: LeadId,
            entity_type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            metadata: Option<Metadata>,
        }
        #[derive(Serialize)]
        struct Metadata {
            contact_id: ContactId,
        }
        let metadata = contact.map(|contact_id| Metadata { contact_id });
        let link = Link { entity_id: to, entity_type: "leads", metadata };
        let path = path::of(&["leads", "unsorted", uid, "link"])?;
        let request = Request::new(Method::Post, path).json(&Body { link, user_id: user })?;
        self.client.send(&request).await?.decode()
    }
}

/// Which incoming leads to list.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct UnsortedFilter {
    uids: Vec<String>,
    categories: Vec<String>,
    pipeline_id: Option<PipelineId>,
    order: Option<(&'static str, &'static str)>,
}

impl UnsortedFilter {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// The one with this id; several calls add up.
    pub fn uid(mut self, uid: impl Into<String>) -> Self {
        self.uids.push(uid.into());
        self
    }

    /// Those of this category: `sip`, `mail`, `forms` or `chats`; several calls add up.
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.categories.push(category.into());
        self
    }

    /// Those in this pipeline.
    pub fn pipeline(mut self, id: PipelineId) -> Self {
        self.pipeline_id = Some(id);
        self
    }

    /// The newest first.
    pub fn newest_first(mut self) -> Self {
        self.order = Some(("order[created_at]", "desc"));
        self
    }

    /// Those changed last first.
    pub fn last_updated_first(mut self) -> Self {
        self.order = Some(("order[updated_at]", "desc"));
        self
    }

    fn to_query(&self) -> Query {
        let mut query = Query::default();
        for uid in &self.uids {
            query.push("filter[uid][]", uid);
        }
        for category in &self.categories {
            query.push("filter[category][]", category);
        }
        if let Some(id) = self.pipeline_id {
            query.push("filter[pipeline_id]", id);
        }
        let (key, direction) = self.order.unwrap_or(("order[created_at]", "asc"));
        query.with(key, direction).with("limit", PAGE)
    }
}

/// How many incoming leads there are and were.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnsortedSummary {
    /// All.
    #[serde(default, deserialize_with = "lenient")]
    pub total: Option<u64>,
    /// Those that were taken.
    #[serde(default, deserialize_with = "lenient")]
    pub accepted: Option<u64>,
    /// Those that were declined.
    #[serde(default, deserialize_with = "lenient")]
    pub declined: Option<u64>,
    /// How long they waited on average, in seconds.
    #[serde(default, deserialize_with = "lenient")]
    pub average_sort_time: Option<u64>,
    /// By category: `sip`, `mail`, `forms`, `chats`.
    #[serde(default, deserialize_with = "or_default")]
    pub categories: BTreeMap<String, UnsortedCount>,
}

/// How many incoming leads of a category there are.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnsortedCount {
    /// All.
    #[serde(default, deserialize_with = "lenient")]
    pub total: Option<u64>,
}

/// An incoming lead.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnsortedLead {
    /// Its id while it is incoming.
    pub uid: String,
    /// Where it came from: `sip`, `mail`, `forms` or `chats`.
    pub category: String,
    /// Its pipeline.
    pub pipeline_id: Option<PipelineId>,
    /// When it came.
    pub created_at: Option<OffsetDateTime>,
    /// The leads it holds.
    pub lead_ids: Vec<LeadId>,
    /// The contacts it holds; they are not among the others until it is taken.
    pub contact_ids: Vec<ContactId>,
    /// The companies it holds.
    pub company_ids: Vec<CompanyId>,
}

impl Row for UnsortedLead {
    const KEY: &'static str = "unsorted";

    fn row_key(&self) -> RowKey {
        RowKey::Text(self.uid.clone())
    }
}

#[derive(Deserialize)]
struct Wire {
    uid: String,
    #[serde(default, deserialize_with = "or_default")]
    category: String,
    #[serde(default, deserialize_with = "lenient")]
    pipeline_id: Option<PipelineId>,
    #[serde(default, deserialize_with = "timestamp")]
    created_at: Option<OffsetDateTime>,
    #[serde(default, rename = "_embedded", deserialize_with = "or_default")]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "list")]
    leads: Vec<Linked<LeadId>>,
    #[serde(default, deserialize_with = "list")]
    contacts: Vec<Linked<ContactId>>,
    #[serde(default, deserialize_with = "list")]
    companies: Vec<Linked<CompanyId>>,
}

impl<'de> Deserialize<'de> for UnsortedLead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        Ok(Self {
            uid: wire.uid,
            category: wire.category,
            pipeline_id: wire.pipeline_id,
            created_at: wire.created_at,
            lead_ids: ids(wire.embedded.leads),
            contact_ids: ids(wire.embedded.contacts),
            company_ids: ids(wire.embedded.companies),
        })
    }
}
