//! Calls, for the statistics of an account.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    batch::{self, Done, ItemOutcome, Posting, numbered},
    client::Client,
    error::{Error, ErrorKind, ItemError},
    id::UserId,
    notes::CallResponsible,
    open_enum::open_enum,
    problem::refusal,
    transport::Answer,
    wire::{lenient, list, or_default},
};

const PATH: &str = "/api/v4/calls";

open_enum! {
    /// Who called whom.
    pub enum CallDirection {
        /// They called.
        Inbound = "inbound",
        /// We called.
        Outbound = "outbound",
    }
}

/// The calls of an account; from [`Client::calls`].
#[derive(Clone, Debug)]
pub struct Calls {
    client: Client,
}

impl Calls {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Adds calls, up to 250, in one request. Kommo finds the entity by the last ten digits of the number, and adds no
    /// call where there is none: unlike other creations, this one may succeed for some of the items.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, calls: &[NewCall]) -> Result<CallsCreated, Error> {
        if calls.is_empty() {
            return Ok(CallsCreated { created: Vec::new(), refused: 0 });
        }
        let answer = batch::post(&self.client, PATH, &numbered(calls), calls.len()).await?;
        let wire: Wire = answer.decode()?;
        Ok(CallsCreated { created: wire.embedded.calls, refused: wire.errors.len() })
    }

    /// Adds calls, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each). A call with a number that nobody has is
    /// [`ItemOutcome::Refused`], and the others are made all the same.
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, calls: &[NewCall]) -> Vec<ItemOutcome<Call>> {
        batch::post_each(Posting::new(&self.client, PATH, outcomes), calls).await
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "list")]
    errors: Vec<Value>,
    #[serde(default, rename = "_embedded", deserialize_with = "or_default")]
    embedded: Embedded,
}

#[derive(Default, Deserialize)]
struct Embedded {
    #[serde(default, deserialize_with = "list")]
    calls: Vec<Call>,
}

fn outcomes(answer: &Answer, items: usize) -> Result<Vec<ItemOutcome<Call>>, Error> {
    let Wire { errors, embedded } = answer.decode()?;
    let refusals: Vec<ItemError> = errors.iter().filter_map(refusal).collect();
    let outcome = |index| {
        let mut calls = embedded.calls.iter().filter(|call| call.index == Some(index));
        let mut refusals = refusals.iter().filter(|error| error.index == Some(index));
        match (calls.next(), calls.next(), refusals.next()) {
            (Some(call), None, None) => ItemOutcome::Done(call.clone()),
            (None, _, Some(error)) => {
                ItemOutcome::Refused(ErrorKind::Validation(vec![error.clone()]))
            }
            _ => ItemOutcome::Unknown(ErrorKind::Decode),
        }
    };
    Ok((0..items).map(outcome).collect())
}

/// A call to add.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewCall {
    direction: CallDirection,
    phone: String,
    duration: u64,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uniq: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_status: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_responsible: Option<CallResponsible>,
}

impl NewCall {
    /// A call with this number, of so many seconds, told by this integration.
    pub fn new(
        direction: CallDirection,
        phone: impl Into<String>,
        duration_seconds: u64,
        source: impl Into<String>,
    ) -> Self {
        Self {
            direction,
            phone: phone.into(),
            duration: duration_seconds,
            source: source.into(),
            uniq: None,
            link: None,
            call_result: None,
            call_status: None,
            call_responsible: None,
        }
    }

    /// Your own id of the call. That Kommo leaves out a second call with it is not documented.
    pub fn uniq(mut self, uniq: impl Into<String>) -> Self {
        self.uniq = Some(uniq.into());
        self
    }

    /// Where the recording is.
    pub fn link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// What came of it, in words.
    pub fn result(mut self, result: impl Into<String>) -> Self {
        self.call_result = Some(result.into());
        self
    }

    /// What came of it, by number: 1 left a message, 2 call back later, 3 not available, 4 talked, 5 wrong number, 6 no
    /// answer, 7 busy.
    pub fn status(mut self, status: u8) -> Self {
        self.call_status = Some(status);
        self
    }

    /// Who made or took it.
    pub fn responsible_user(mut self, user: UserId) -> Self {
        self.call_responsible = Some(CallResponsible::User(user));
        self
    }

    /// Who made or took it, by name: for somebody who is no user of the account.
    pub fn responsible_name(mut self, name: impl Into<String>) -> Self {
        self.call_responsible = Some(CallResponsible::Name(name.into()));
        self
    }

    pub(crate) fn direction(&self) -> &CallDirection {
        &self.direction
    }

    /// The `params` of a note of the call: there its kind says the direction.
    pub(crate) fn to_params(&self) -> Value {
        let mut params = serde_json::to_value(self).unwrap_or_default();
        if let Some(params) = params.as_object_mut() {
            params.remove("direction");
        }
        params
    }
}

/// What Kommo made of calls.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CallsCreated {
    /// Those it added.
    pub created: Vec<Call>,
    /// How many it did not add, mostly since it knows nobody of that number.
    pub refused: usize,
}

/// A call that was added.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// The note that holds it.
    pub id: u64,
    /// Whose call it is.
    #[serde(default, deserialize_with = "lenient")]
    pub entity_id: Option<u64>,
    /// The kind of that, in the singular.
    #[serde(default, deserialize_with = "or_default")]
    pub entity_type: String,
    /// The position of the item in what the caller passed.
    #[serde(default, rename = "request_id", deserialize_with = "index")]
    pub index: Option<usize>,
}

impl Done for Call {
    fn set_index(&mut self, index: usize) {
        self.index = Some(index);
    }
}

fn index<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Ok(lenient::<D, String>(deserializer)?.and_then(|text| text.parse().ok()))
}
