//! `FakeKommo`: a stateful, strict Kommo API v4 on 127.0.0.1, with a ledger of what was really written.
//!
//! It is for tests: give your code [`FakeKommo::uri`] as the account's address and
//! [`FakeKommo::token`] as its token, then ask the fake what is in the account, what was written
//! ([`FakeKommo::ledger`]) and what came at all ([`FakeKommo::requests`]). It speaks plain HTTP and JSON
//! and knows nothing of this crate's client, so anything that talks to Kommo can be tested with it.
//!
//! ```
//! use kommo_client::fake::{FakeKommo, FakeLead, Fault};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let kommo = FakeKommo::start().await;
//! kommo.add_field(Some("PLAN_NAME"), "Plan", "text");
//! let lead = kommo.add_lead(FakeLead::new("Acme Inc.").price(100));
//!
//! // What your code would do: close the deal, with its plan. The first answer is lost.
//! kommo.fail_next(Fault::status(502).on("PATCH", "/api/v4/leads").applied());
//! let body = format!(
//!     r#"[{{"id": {lead}, "pipeline_id": 6950551, "status_id": 142, "price": 1200,
//!          "custom_fields_values": [{{"field_code": "PLAN_NAME", "values": [{{"value": "Pro"}}]}}]}}]"#
//! );
//! let response = reqwest::Client::new()
//!     .patch(format!("{}/api/v4/leads", kommo.uri()))
//!     .bearer_auth(kommo.token())
//!     .body(body)
//!     .send()
//!     .await?;
//!
//! assert_eq!(response.status(), 502);
//! assert_eq!(kommo.lead(lead).map(|lead| lead["status_id"].clone()), Some(142.into()));
//! assert_eq!(kommo.field_value(lead, "PLAN_NAME"), Some("Pro".into()));
//! assert_eq!(kommo.ledger().len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! With this crate's client the same is shorter, and files go along, since the drive is on the same server:
//!
//! ```
//! use kommo_client::{
//!     AccessToken, Client, EntityType, SalesbotId,
//!     fake::{FakeKommo, FakeLead},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let kommo = FakeKommo::start().await;
//! kommo.add_salesbot(565);
//! let lead = kommo.add_lead(FakeLead::new("Acme Inc."));
//! let client = Client::builder(&kommo.uri(), AccessToken::new(kommo.token())?).build()?;
//!
//! let files = client.files();
//! let invoice = files.upload("invoice.pdf", "application/pdf", b"%PDF-1.7").await?;
//! files.attach(EntityType::Leads, lead, &[&invoice.uuid]).await?;
//! client.salesbots().run(SalesbotId::new(565), EntityType::Leads, &[lead]).await?;
//!
//! assert_eq!(kommo.file_names(lead), ["invoice.pdf"]);
//! assert_eq!(kommo.salesbots(), [(565, lead)]);
//! let kinds: Vec<_> = kommo.ledger().iter().map(|entry| entry.kind.as_str()).collect();
//! assert_eq!(kinds, ["file_uploaded", "file_attached", "salesbot_started"]);
//! # Ok(())
//! # }
//! ```
//!
//! # What it answers
//!
//! | Path below `/api/v4` | Methods |
//! |---|---|
//! | `/leads`, `/contacts`, `/companies` | GET (`filter`, `query`, `with`, `order`, `page`, `limit`), POST, PATCH |
//! | `/{e}/{id}` | GET, PATCH |
//! | `/{e}/notes`, `/{e}/{id}/notes` | GET, POST, PATCH; `/{e}/notes/{id}` also `pin`, `unpin` |
//! | `/{e}/tags` | GET, POST |
//! | `/{e}/custom_fields`, `…/{id}`, `…/groups`, `…/groups/{id}` | GET, POST, PATCH, DELETE |
//! | `/{e}/{id}/links`, `link`, `unlink`, and for many `/{e}/links`, `link`, `unlink` | GET, POST |
//! | `/{e}/{id}/files` | GET, PUT, DELETE |
//! | `/leads/complex` | POST |
//! | `/leads/pipelines`, `…/{id}`, `…/{id}/statuses`, `…/statuses/{id}` | GET, POST, PATCH, DELETE |
//! | `/leads/loss_reasons`, `…/{id}` | GET |
//! | `/leads/unsorted`, `…/{uid}`, `…/summary`, `forms`, `sip`, `…/{uid}/accept`, `decline`, `link` | as Kommo's |
//! | `/tasks`, `/tasks/{id}` | GET, POST, PATCH |
//! | `/catalogs`, `/catalogs/{id}/elements`, `/catalogs/{id}/custom_fields` | GET, POST, PATCH |
//! | `/users`, `/users/activate`, `/users/deactivate`, `/roles` | GET, POST, PATCH, DELETE |
//! | `/calls` | POST |
//! | `/sources` | GET, POST, PATCH, DELETE |
//! | `/events`, `/events/{id}`, `/events/types` | GET |
//! | `/files/{uuid}/links` | GET |
//! | `/webhooks` | GET, POST, DELETE |
//! | `/bots/run`, `/bots/{id}/run`, and `/api/v2/salesbot/run` | POST |
//! | `/account` | GET |
//!
//! Beside the API: `POST /oauth2/access_token` for the integration of [`FakeKommo::set_app`], and the drive on the same
//! server, `/v1.0/sessions`, `/v1.0/files` (GET, DELETE) and `/v1.0/files/{uuid}`, whose address the account tells with `with=drive_url`.
//!
//! Every other path is a 404. For a person with curl there are also `GET /__fake/leads/{id}` (the lead, its
//! notes and its tasks in one object) and `GET /__fake/ledger`; they ask for no token.
//!
//! # How strict it is
//!
//! At least as strict as Kommo is known to be: an unknown key, field, option, user, stage or type in any
//! item refuses the whole request, and each bad item is named as Kommo names it. More than 7 requests in
//! one second are a 429. Where Kommo's behaviour is not documented the fake takes the reading that a
//! careful client survives: `values: []`, blank texts and more than one value of a simple field are
//! refused; a filter or an order that the fake does not know is a 400, not ignored.
//!
//! # What it is not
//!
//! It checks no rights, and of the scopes only that of files. It has no customers and no chats but those of
//! [`FakeKommo::add_chat`], refuses `_embedded.source` of a new lead, looks for no duplicates, and sends no webhooks: it
//! only keeps their subscriptions. Its log of events knows what was created, stages and prices. Access tokens are plain
//! text without claims, and an account cannot be renamed. Values of composite custom fields, such as addresses, are kept
//! unchecked. Every request is kept in memory for as long as the fake lives.

mod account;
mod adding;
mod answer;
mod bots;
mod calls;
mod catalogs;
mod check;
mod complex;
mod definitions;
mod drive;
mod events;
mod fault;
mod field_values;
mod gate;
mod hooks;
mod kind;
mod lead_checks;
mod leads;
mod ledger;
mod links;
mod notes;
mod oauth;
mod people;
mod pipelines;
mod query;
mod reading;
mod routes;
mod seed;
mod sending;
mod server;
mod sources;
mod state;
mod switches;
mod tags;
mod tasks;
mod unsorted;
mod users;

use std::fmt;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::answer::Answer;
pub(crate) use self::fault::Fallen;
use self::sending::Sending;
pub(crate) use self::server::Asked;
use self::server::Server;
use self::state::State;

pub use self::fault::Fault;
pub use self::ledger::{LedgerEntry, LedgerKind, RecordedRequest};
pub use self::seed::FakeLead;

/// From now on, whatever clients leave to chance on this thread (the lengths of pauses) follows this seed, so that a
/// simulation in virtual time ([`FakeKommo::in_memory`]) can be played again.
pub fn seed_chance(seed: u64) {
    crate::chance::repeatable::seed(seed);
}

/// A Kommo account on 127.0.0.1. See the [module](self) for an example.
///
/// Clones share the account. The server stops when the last clone is dropped.
#[derive(Clone)]
pub struct FakeKommo {
    /// Held for its drop, which stops the server.
    _server: Option<Arc<Server>>,
    state: Arc<Mutex<State>>,
    uri: String,
}

/// Made up; what matters is that every other token gets the 401.
const TOKEN: &str = "fake-kommo-long-lived-token";

impl FakeKommo {
    /// Starts an ordinary account on a free port of 127.0.0.1.
    ///
    /// Account 31361463 in USD; one pipeline 6950551 "Sales" with the stages 58141803 Incoming leads
    /// (`type` 1), 58141807 Initial contact, 58141811 Negotiation, 58141815 Payment, 142 won and 143 lost;
    /// users 8375357 "Rep" (administrator, the token's user), 8375358 "Second rep", and 8375359 "Gone",
    /// who is inactive; loss reasons 16823701 and 16823703. No custom fields, no leads.
    ///
    /// # Panics
    ///
    /// When no port can be bound.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: a server that had started already stops.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on 127.0.0.1");
        Self::start_on(listener).await
    }

    /// The same on a listener of yours, for a fixed port.
    ///
    /// # Panics
    ///
    /// When the listener has no address.
    ///
    /// # Cancel safety
    ///
    /// As for [`start`](Self::start).
    pub async fn start_on(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("a listener that is bound");
        let uri = format!("http://{address}");
        let state = Arc::new(Mutex::new(State::ordinary(uri.clone())));
        let server = Server::start(listener, Arc::clone(&state));
        Self { _server: Some(Arc::new(server)), state, uri }
    }

    /// The same ordinary account without a server: only clients that are
    /// [answered by](crate::ClientBuilder::answered_by) it can ask it.
    ///
    /// With `tokio::time::pause` days pass in milliseconds, and the rate limit counts them. Kommo's own clock goes
    /// on as before: move it with [`set_time`](Self::set_time).
    ///
    /// ```
    /// use kommo_client::{AccessToken, Client, LeadId, fake::{FakeKommo, FakeLead}};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let fake = FakeKommo::in_memory();
    /// let lead = fake.add_lead(FakeLead::new("Acme"));
    /// let token = AccessToken::new(fake.token())?;
    /// let client = Client::builder(&fake.uri(), token).answered_by(&fake).build()?;
    /// let lead = client.leads().get(LeadId::new(lead)).await?;
    /// assert_eq!(lead.and_then(|lead| lead.name).as_deref(), Some("Acme"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn in_memory() -> Self {
        let uri = "http://localhost".to_owned();
        let state = Arc::new(Mutex::new(State::ordinary(uri.clone())));
        Self { _server: None, state, uri }
    }

    pub(crate) fn answer_in_memory(
        &self,
        request: Asked,
    ) -> Result<(http::Response<Sending>, Duration), Fallen> {
        lock(&self.state).serve(request).map(Answer::response)
    }

    /// The base address, such as `http://127.0.0.1:40123`, without a slash at the end.
    #[must_use]
    pub fn uri(&self) -> String {
        self.uri.clone()
    }

    /// The token that the fake accepts. Every other gets Kommo's 401.
    #[must_use]
    pub fn token(&self) -> &str {
        TOKEN
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl fmt::Debug for FakeKommo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeKommo").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// A test that panicked while it held the lock must not take the others' answers with it.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
