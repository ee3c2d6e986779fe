//! Incoming leads to add.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::{PATH, Unsorted, UnsortedLead};
use crate::{
    batch::{self, Done, ItemOutcome, Posting, numbered},
    companies::NewCompany,
    contacts::NewContact,
    error::Error,
    id::PipelineId,
    leads::NewLead,
    transport::Answer,
    wire::{list, write_timestamp},
};

impl Unsorted {
    /// Adds what came through forms, up to 250, in one request. The answers come in their order.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. After [`Fate::Unknown`](crate::Fate::Unknown) look with
    /// [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create_forms(
        &self,
        forms: &[NewUnsorted<FormMetadata>],
    ) -> Result<Vec<UnsortedLead>, Error> {
        self.add("forms", forms).await
    }

    /// Adds what came through calls, up to 250, in one request. The answers come in their order.
    ///
    /// # Errors
    ///
    /// As [`create_forms`](Self::create_forms).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create_sip(
        &self,
        calls: &[NewUnsorted<SipMetadata>],
    ) -> Result<Vec<UnsortedLead>, Error> {
        self.add("sip", calls).await
    }

    /// Adds what came through forms, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became
    /// of each, in their order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_forms_each(
        &self,
        forms: &[NewUnsorted<FormMetadata>],
    ) -> Vec<ItemOutcome<UnsortedLead>> {
        self.add_each("forms", forms).await
    }

    /// Adds what came through calls: as [`create_forms_each`](Self::create_forms_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_sip_each(
        &self,
        calls: &[NewUnsorted<SipMetadata>],
    ) -> Vec<ItemOutcome<UnsortedLead>> {
        self.add_each("sip", calls).await
    }

    async fn add<M: Serialize + Sync>(
        &self,
        category: &str,
        items: &[NewUnsorted<M>],
    ) -> Result<Vec<UnsortedLead>, Error> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let path = format!("{PATH}/{category}");
        let answer = batch::post(&self.client, &path, &numbered(items), items.len()).await?;
        batch::whole(&answer, added(&answer, items.len())?)
    }

    async fn add_each<M: Serialize + Sync>(
        &self,
        category: &str,
        items: &[NewUnsorted<M>],
    ) -> Vec<ItemOutcome<UnsortedLead>> {
        let path = format!("{PATH}/{category}");
        let read = |answer: &Answer, items| batch::named(added(answer, items)?);
        batch::post_each(Posting::new(&self.client, &path, read), items).await
    }
}

impl Done for UnsortedLead {}

/// What a success says of each item: `None` for one that it does not name, or more than once.
fn added(answer: &Answer, items: usize) -> Result<Vec<Option<UnsortedLead>>, Error> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(rename = "_embedded")]
        embedded: Embedded,
    }
    #[derive(Deserialize)]
    struct Embedded {
        #[serde(deserialize_with = "list")]
        unsorted: Vec<Value>,
    }
    let Embedded { unsorted } = answer.decode::<Envelope>()?.embedded;
    let lead = |index: usize| {
        let index = index.to_string();
        let mut named = unsorted
            .iter()
            .filter(|item| item.get("request_id").and_then(Value::as_str) == Some(&index));
        match (named.next(), named.next()) {
            (Some(item), None) => UnsortedLead::deserialize(item).ok(),
            _ => None,
        }
    };
    Ok((0..items).map(lead).collect())
}

/// An incoming lead to add: `M` is what its category says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewUnsorted<M> {
    source_uid: String,
    source_name: String,
    metadata: M,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<PipelineId>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_timestamp")]
    created_at: Option<OffsetDateTime>,
    #[serde(rename = "_embedded")]
    embedded: New,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct New {
    #[serde(skip_serializing_if = "Option::is_none")]
    leads: Option<[NewLead; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contacts: Option<[NewContact; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    companies: Option<[NewCompany; 1]>,
}

impl<M> NewUnsorted<M> {
    /// An incoming lead of a source, by your own id of it and the name that people see.
    pub fn new(source_uid: impl Into<String>, source_name: impl Into<String>, metadata: M) -> Self {
        Self {
            source_uid: source_uid.into(),
            source_name: source_name.into(),
            metadata,
            pipeline_id: None,
            created_at: None,
            embedded: New::default(),
        }
    }

    /// Puts it into this pipeline; left out, it is the main one.
    pub fn pipeline(mut self, pipeline: PipelineId) -> Self {
        self.pipeline_id = Some(pipeline);
        self
    }

    /// Sets when it came.
    pub fn created_at(mut self, time: OffsetDateTime) -> Self {
        self.created_at = Some(time);
        self
    }

    /// Says what the lead is to be, once somebody takes it.
    pub fn lead(mut self, lead: NewLead) -> Self {
        self.embedded.leads = Some([lead]);
        self
    }

    /// Adds its contact.
    pub fn contact(mut self, contact: NewContact) -> Self {
        self.embedded.contacts = Some([contact]);
        self
    }

    /// Adds its company.
    pub fn company(mut self, company: NewCompany) -> Self {
        self.embedded.companies = Some([company]);
        self
    }
}

/// Through which form it came.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct FormMetadata {
    form_id: String,
    form_name: String,
    form_page: String,
    #[serde(serialize_with = "seconds")]
    form_sent_at: OffsetDateTime,
    ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    referer: Option<String>,
}

impl FormMetadata {
    /// A form by your own id of it, its name and its page, sent by this address at this time.
    pub fn new(
        form_id: impl Into<String>,
        form_name: impl Into<String>,
        form_page: impl Into<String>,
        ip: impl Into<String>,
        sent_at: OffsetDateTime,
    ) -> Self {
        Self {
            form_id: form_id.into(),
            form_name: form_name.into(),
            form_page: form_page.into(),
            form_sent_at: sent_at,
            ip: ip.into(),
            referer: None,
        }
    }

    /// Where the visitor came from.
    pub fn referer(mut self, referer: impl Into<String>) -> Self {
        self.referer = Some(referer.into());
        self
    }
}

/// Through which call it came.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct SipMetadata {
    from: String,
    phone: String,
    #[serde(serialize_with = "seconds")]
    called_at: OffsetDateTime,
    duration: u64,
    service_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uniq: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_call_event_needed: Option<bool>,
}

impl SipMetadata {
    /// A call from one number to another at this time, of so many seconds, through this service.
    pub fn new(
        from: impl Into<String>,
        phone: impl Into<String>,
        called_at: OffsetDateTime,
        duration_seconds: u64,
        service_code: impl Into<String>,
    ) -> Self {
        Self {
            from: from.into(),
            phone: phone.into(),
            called_at,
            duration: duration_seconds,
            service_code: service_code.into(),
            link: None,
            uniq: None,
            is_call_event_needed: None,
        }
    }

    /// Where the recording is.
    pub fn link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// Your own id of the call.
    pub fn uniq(mut self, uniq: impl Into<String>) -> Self {
        self.uniq = Some(uniq.into());
        self
    }

    /// Puts a note of the call into the lead.
    pub fn with_note(mut self) -> Self {
        self.is_call_event_needed = Some(true);
        self
    }
}

fn seconds<S: serde::Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(time.unix_timestamp())
}
