//! Leads: what salespeople call deals.

use std::collections::BTreeSet;

use crate::{
    batch::{self, Created, ItemOutcome, Updated},
    client::Client,
    error::Error,
    id::{LeadId, LossReasonId},
    page::{self, PAGE, Pages, Row},
    query::Query,
    transport::{Method, Request},
};

mod filter;
mod lead;
mod new;
mod patch;
mod with;

pub use filter::LeadFilter;
pub use lead::{Lead, LeadContact, LeadElement, LeadSource, LossReason, Tag};
pub use new::{ComplexCreated, NewLead};
pub use patch::{LeadPatch, TagRef};
pub use with::LeadWith;

use self::new::ComplexWire;

const PATH: &str = "/api/v4/leads";

/// What every read of leads asks to be told along: who is behind a deal, and why it was lost.
const WITH: &str = "contacts,loss_reason";

/// The leads of an account; from [`Client::leads`].
#[derive(Clone, Debug)]
pub struct Leads {
    client: Client,
}

impl Leads {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The lead with this id; `None` when there is none, or none any more.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. A missing lead is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: LeadId) -> Result<Option<Lead>, Error> {
        self.get_with(id, &[]).await
    }

    /// The same, with what a lead only tells when asked.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get_with(&self, id: LeadId, with: &[LeadWith]) -> Result<Option<Lead>, Error> {
        let query = Query::default().with("with", LeadWith::join(WITH, with));
        self.client.find(format!("{PATH}/{id}"), query).await
    }

    /// The leads with these ids, in the order asked for, each once; those that do not exist are left out.
    ///
    /// One request for 250 leads. An account without the API filter answers with leads nobody asked for; they
    /// are dropped, and those that were asked for but not given are asked for one by one.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list_by_ids(&self, ids: &[LeadId]) -> Result<Vec<Lead>, Error> {
        page::by_ids(&self.client, PATH, Some(WITH), ids, |lead: &Lead| lead.id).await
    }

    /// The leads that pass the filter, page by page.
    ///
    /// ```no_run
    /// # async fn example(client: kommo_client::Client) -> Result<(), kommo_client::Error> {
    /// use kommo_client::LeadFilter;
    ///
    /// let mut pages = client.leads().list(&LeadFilter::new().by_id());
    /// while let Some(leads) = pages.next().await? {
    ///     for lead in leads {
    ///         println!("{} {}", lead.id, lead.price);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self, filter: &LeadFilter) -> Pages<Lead> {
        Pages::new(self.client.clone(), PATH.to_owned(), filter.to_query(WITH))
    }

    /// The reasons for losing a lead.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn loss_reasons(&self) -> Result<Vec<LossReason>, Error> {
        let query = Query::default().with("limit", PAGE);
        page::all(&self.client, format!("{PATH}/loss_reasons"), query).await
    }

    /// The reason for losing a lead with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn loss_reason(&self, id: LossReasonId) -> Result<Option<LossReason>, Error> {
        match self.client.find(format!("{PATH}/loss_reasons/{id}"), Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// Adds leads, up to 250, in one request. The answers come in their order; no leads, no request.
    ///
    /// # Errors
    ///
    /// Kommo has no idempotency key. After [`Fate::Unknown`](crate::Fate::Unknown) look for what should be there before
    /// sending it again: an own custom field with a key of yours makes it findable. More than 250 leads are
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, leads: &[NewLead]) -> Result<Vec<Created<LeadId>>, Error> {
        batch::create(&self.client, PATH, Lead::KEY, leads).await
    }

    /// Adds leads, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order.
    ///
    /// Nothing is sent twice: when Kommo refuses some of a request, the others of it are [`ItemOutcome::Unknown`], and so
    /// is what the answer does not name. A failure that is not about items ends the work, and what was still to be sent is [`ItemOutcome::NotDone`].
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, leads: &[NewLead]) -> Vec<ItemOutcome<Created<LeadId>>> {
        batch::create_each(&self.client, PATH, Lead::KEY, leads).await
    }

    /// Adds leads, up to 50, each with a new contact and a new company. Only here Kommo looks for duplicates, where the
    /// account is set up so; it may make one lead of several, so the answers are fewer than the leads then.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create_complex(&self, leads: &[NewLead]) -> Result<Vec<ComplexCreated>, Error> {
        const MOST: usize = 50;
        if leads.is_empty() {
            return Ok(Vec::new());
        }
        if leads.len() > MOST {
            return Err(Error::invalid_request(
                "Kommo creates at most 50 leads with contacts in one request",
            ));
        }
        let request =
            Request::new(Method::Post, format!("{PATH}/complex")).json(&batch::numbered(leads))?;
        let answer =
            self.client.send(&request).await.map_err(|error| error.in_batch(0, leads.len()))?;
        let created: Vec<ComplexWire> = answer.decode()?;
        let created: Vec<_> = created.into_iter().map(ComplexWire::into_created).collect();
        let named: BTreeSet<usize> =
            created.iter().flat_map(|lead| lead.indexes.iter().copied()).collect();
        if (0..leads.len()).all(|index| named.contains(&index)) {
            Ok(created)
        } else {
            Err(answer.undecodable("the answer does not name every item"))
        }
    }

    /// Changes leads, up to 250 in one request, and more in several. The answers come in the order of the patches.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Validation`](crate::ErrorKind::Validation) names the refused patches by their index here; Kommo then
    /// wrote none of that request. Of more than 250 patches, those of earlier requests (250 each) may have been written
    /// when a later one fails, whatever the error's fate. Writing the same state twice is harmless, so after
    /// [`Fate::Unknown`](crate::Fate::Unknown) the same call may be made again.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update(&self, patches: &[LeadPatch]) -> Result<Vec<Updated<LeadId>>, Error> {
        batch::update(&self.client, PATH, Lead::KEY, patches, LeadPatch::id).await
    }

    /// Changes leads, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in the
    /// order of the patches.
    ///
    /// Items that Kommo refuses are taken out and the others sent again, since writing the same state twice is harmless.
    /// A batch that ends in a 504, and one whose refusal names nobody, is halved.
    /// Unlike [`update`](Self::update) it has no errors: a failure that is not about items ends the work, and what was
    /// still to be sent is [`ItemOutcome::NotDone`].
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn update_each(&self, patches: &[LeadPatch]) -> Vec<ItemOutcome<Updated<LeadId>>> {
        batch::update_each(&self.client, PATH, Lead::KEY, patches, LeadPatch::id).await
    }
}
