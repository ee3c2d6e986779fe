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
//! # What it answers
//!
//! | Path below `/api/v4` | Methods |
//! |---|---|
//! | `/leads` | GET (`filter`, `query`, `with`, `order`, `page`, `limit`), POST, PATCH |
//! | `/leads/{id}` | GET, PATCH |
//! | `/leads/notes`, `/leads/{id}/notes` | GET, POST |
//! | `/leads/notes/{id}`, `/leads/{id}/notes/{note id}` | GET |
//! | `/leads/custom_fields`, `/leads/custom_fields/{id}` | GET |
//! | `/leads/pipelines`, `/leads/pipelines/{id}` | GET |
//! | `/leads/loss_reasons` | GET |
//! | `/tasks` | GET, POST, PATCH |
//! | `/tasks/{id}` | GET, PATCH |
//! | `/contacts` (`query`, `with=leads`), `/contacts/{id}` | GET |
//! | `/users`, `/users/{id}` | GET |
//! | `/account` | GET |
//! | `/bots/{id}/run` | POST |
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
//! It checks no rights and no scopes, has no unsorted leads, sources, companies and files (so it refuses
//! `_embedded.source` and `_embedded.companies` of a new lead), takes no writes of contacts, and sends no
//! webhooks. Values of composite custom fields, such as addresses, are kept unchecked. wiremock keeps every
//! request in memory for as long as the fake lives.

mod account;
mod answer;
mod bots;
mod check;
mod contacts;
mod fault;
mod field_values;
mod gate;
mod lead_checks;
mod leads;
mod ledger;
mod notes;
mod query;
mod routes;
mod seed;
mod server;
mod state;
mod tasks;

use std::fmt;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use wiremock::MockServer;

use self::answer::Answer;
pub(crate) use self::fault::Fallen;
use self::state::State;

pub use self::fault::Fault;
pub use self::ledger::{LedgerEntry, LedgerKind, RecordedRequest};
pub use self::seed::FakeLead;

/// A Kommo account on 127.0.0.1. See the [module](self) for an example.
///
/// Clones share the account. The server stops when the last clone is dropped.
#[derive(Clone)]
pub struct FakeKommo {
    /// Held for its drop, which stops the server.
    _server: Option<Arc<MockServer>>,
    state: Arc<Mutex<State>>,
    uri: String,
}

/// Made up; what matters is that every other token gets the 401.
const TOKEN: &str = "fake-kommo-long-lived-token";

#[expect(clippy::must_use_candidate, reason = "what adds something is called for its effect")]
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
        let server = server::start(listener, &state).await;
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

    /// Asks this for every request that no scripted fault strikes: method, path, and how many items its body holds (0 when
    /// it is no list). What it gives strikes that request.
    pub fn fail_when(
        &self,
        chance: impl FnMut(&str, &str, usize) -> Option<Fault> + Send + 'static,
    ) {
        lock(&self.state).script.set_chance(Box::new(chance));
    }

    pub(crate) fn answer_in_memory(
        &self,
        request: &wiremock::Request,
    ) -> Result<(http::Response<Vec<u8>>, Duration), Fallen> {
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

    /// Whether the token works; `false` is a token that was revoked. Default `true`.
    pub fn set_token_valid(&self, valid: bool) {
        self.state().token_valid = valid;
    }

    /// Sets the account's currency, an ISO code. Default USD.
    pub fn set_currency(&self, code: &str) {
        code.clone_into(&mut self.state().currency);
    }

    /// Whether the account takes prices with decimals and answers `price_with_minor_units` beside the
    /// truncated `price`. Default `false`: a price is an integer and anything else is refused.
    pub fn set_minor_units(&self, on: bool) {
        self.state().minor_units = on;
    }

    /// Whether filters on leads and contacts are silently ignored, as on accounts without the API filter.
    /// Default `false`.
    pub fn set_ignore_filters(&self, ignore: bool) {
        self.state().ignore_filters = ignore;
    }

    /// Whether a PATCH of one id answers the bare object (amoCRM's docs) and not the wrapped list (Kommo's).
    /// Default `false`.
    pub fn set_bare_patch_answers(&self, bare: bool) {
        self.state().bare_patch = bare;
    }

    /// Whether the good items of a batch with bad ones are written although the answer is the 400.
    ///
    /// Kommo does not document which it is. Default `false`: nothing of such a batch is written.
    pub fn set_partial_batches(&self, partial: bool) {
        self.state().partial_batches = partial;
    }

    /// Stops the fake's clock at these Unix seconds, or lets it follow the machine's with `None` (the default).
    ///
    /// The rate limit always goes by the machine's clock.
    pub fn set_time(&self, unix_seconds: Option<i64>) {
        self.state().time = unix_seconds;
    }

    /// For how many requests after its own a new note or task is missing from the lists, as if the read side lagged.
    /// Default 0. [`notes`](Self::notes) and [`tasks`](Self::tasks) always show everything.
    pub fn set_read_lag(&self, requests: u64) {
        self.state().read_lag = requests;
    }

    /// How many requests in any one second are answered; more get a 429. `None` is no limit. Default 7.
    pub fn set_rate_limit(&self, per_second: Option<u32>) {
        self.state().gate.limit = per_second;
    }

    /// After how many 429s the fake blocks, until [`unblock`](Self::unblock). `None`, the default, is never.
    pub fn set_block_after(&self, refusals: Option<usize>) {
        self.state().gate.block_after = refusals;
    }

    /// Blocks: everything gets the HTML 403.
    pub fn block(&self) {
        self.state().gate.blocked = true;
    }

    /// Ends the block.
    pub fn unblock(&self) {
        self.state().gate.blocked = false;
    }

    /// How many requests were more than the rate limit allows.
    #[must_use]
    pub fn rate_limited(&self) -> usize {
        self.state().gate.refused
    }

    /// Adds a pipeline with these ordinary stages (142 and 143 come by themselves). Returns the pipeline's id;
    /// those of its stages are in [`stage_ids`](Self::stage_ids).
    pub fn add_pipeline(&self, name: &str, stages: &[&str]) -> u64 {
        self.state().add_pipeline(name, stages)
    }

    /// The ids of the stages of a pipeline in their order, without 142 and 143.
    #[must_use]
    pub fn stage_ids(&self, pipeline: u64) -> Vec<u64> {
        let state = self.state();
        state.pipeline(pipeline).map_or_else(Vec::new, |pipeline| {
            pipeline.stages.iter().map(|stage| stage.id).collect()
        })
    }

    /// Adds a custom field of leads and returns its id. `field_type` is Kommo's word: `text`, `numeric`, `date`, …
    ///
    /// Codes are unique: for a code that is there already this returns the id of the field that has it.
    pub fn add_field(&self, code: Option<&str>, name: &str, field_type: &str) -> u64 {
        self.state().add_field(code, name, field_type, &[])
    }

    /// Adds a custom field of the type `select` with these options and returns its id.
    pub fn add_select_field(&self, code: Option<&str>, name: &str, options: &[&str]) -> u64 {
        self.state().add_field(code, name, "select", options)
    }

    /// Adds an option to a field of the type `select`, `radiobutton` or `multiselect` and returns the option's id.
    pub fn add_option(&self, field: u64, value: &str) -> u64 {
        self.state().add_option(field, value)
    }

    /// Adds a Salesbot that can be started and returns its id.
    pub fn add_bot(&self) -> u64 {
        let mut state = self.state();
        let id = state.next_id();
        state.bots.insert(id);
        id
    }

    /// Removes an option; values that chose it stay as they are.
    pub fn remove_option(&self, field: u64, value: &str) {
        self.state().remove_option(field, value);
    }

    /// Removes a custom field and its values, as an administrator would do in the middle of things.
    pub fn remove_field(&self, id: u64) {
        self.state().remove_field(id);
    }

    /// Adds the eight fields that billing needs: `PADDLE_TXN_ID`, `INVOICE_NUMBER`, `PLAN_NAME`, `PAYMENT_CURRENCY`,
    /// `PADDLE_SUB_ID`, `SUBSCRIPTION_STATUS` and `PAYMENT_STATUS` as `text`, and `NEXT_BILLING_DATE` as `date`.
    pub fn add_paddle_fields(&self) {
        let fields = [
            ("PADDLE_TXN_ID", "Paddle transaction", "text"),
            ("INVOICE_NUMBER", "Invoice number", "text"),
            ("PLAN_NAME", "Plan", "text"),
            ("PAYMENT_CURRENCY", "Payment currency", "text"),
            ("PADDLE_SUB_ID", "Paddle subscription", "text"),
            ("NEXT_BILLING_DATE", "Next billing date", "date"),
            ("SUBSCRIPTION_STATUS", "Subscription status", "text"),
            ("PAYMENT_STATUS", "Payment status", "text"),
        ];
        for (code, name, field_type) in fields {
            self.add_field(Some(code), name, field_type);
        }
    }

    /// Puts a lead into the account and returns its id. This is no write of a client: the ledger stays as it is.
    pub fn add_lead(&self, lead: FakeLead) -> u64 {
        self.state().add_lead(lead)
    }

    /// Puts a contact with these e-mail addresses, linked to these leads, into the account and returns its id.
    pub fn add_contact(&self, name: &str, emails: &[&str], lead_ids: &[u64]) -> u64 {
        self.state().add_contact(name, emails, lead_ids)
    }

    /// Moves a lead to the trash: GET answers 204 afterwards, and a write to it is refused.
    pub fn remove_lead(&self, id: u64) {
        self.state().remove_lead(id);
    }

    /// Moves a lead to another stage, unchecked, as a person would do in the middle of things. Not in the ledger.
    pub fn move_lead(&self, id: u64, pipeline_id: u64, status_id: u64) {
        self.state().move_lead(id, pipeline_id, status_id);
    }

    /// Deactivates a user: from now on it is refused wherever a user is named.
    pub fn deactivate_user(&self, id: u64) {
        for user in &mut self.state().users {
            user.is_active &= user.id != id;
        }
    }

    /// The lead as `GET /api/v4/leads/{id}` would answer it.
    #[must_use]
    pub fn lead(&self, id: u64) -> Option<Value> {
        let state = self.state();
        state.leads.get(&id).map(|lead| state.lead_json(lead, &[]))
    }

    /// The first value of a lead's custom field, as it reads back: text, bool, or Unix seconds.
    #[must_use]
    pub fn field_value(&self, lead: u64, code: &str) -> Option<Value> {
        let state = self.state();
        let field = state.field_by_code(code)?;
        state.leads.get(&lead)?.fields.get(&field.id)?.first()?.get("value").cloned()
    }

    /// The notes of a lead as GET would answer them, oldest first.
    #[must_use]
    pub fn notes(&self, lead: u64) -> Vec<Value> {
        self.state().notes_of(lead)
    }

    /// The `params.text` of the notes of a lead, oldest first.
    #[must_use]
    pub fn note_texts(&self, lead: u64) -> Vec<String> {
        let notes = self.notes(lead);
        let texts = notes.iter().filter_map(|note| note.pointer("/params/text")?.as_str());
        texts.map(str::to_owned).collect()
    }

    /// The tasks on a lead as GET would answer them, oldest first.
    #[must_use]
    pub fn tasks(&self, lead: u64) -> Vec<Value> {
        self.state().tasks_of(lead)
    }

    /// Every write that was accepted and applied, in order.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.state().ledger.clone()
    }

    /// Every request that came, in order, whatever was answered. Those to `/__fake` are left out.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    /// Lets a coming request fail. Several faults wait side by side; the first that is due strikes.
    ///
    /// A fault goes before the rate limit, the block and the token.
    pub fn fail_next(&self, fault: Fault) {
        self.state().script.push(fault);
    }

    /// Takes back all faults that have not struck yet.
    pub fn clear_faults(&self) {
        self.state().script.clear();
    }

    /// Applies the requests that [`Fault::applied_later`] held back, in the order in which they came, and returns
    /// how many of them were accepted.
    pub fn apply_held(&self) -> usize {
        self.state().apply_held()
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
