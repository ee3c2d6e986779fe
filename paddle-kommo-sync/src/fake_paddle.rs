//! `FakePaddle`: a stateful, strict Paddle Billing API on 127.0.0.1, which also delivers webhooks as Paddle does.
//!
//! It is for tests: give your code [`FakePaddle::uri`] as Paddle's address and [`FakePaddle::api_key`] as its key, tell
//! it where your webhook endpoint is, let things happen, and deliver. It speaks plain HTTP and JSON and knows nothing
//! of this crate's client, so anything that talks to Paddle can be tested with it.
//!
//! ```
//! use paddle_kommo_sync::fake_paddle::{FakePaddle, Purchase};
//! use paddle_webhook::{SecretKey, Verifier};
//! # use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let endpoint = MockServer::start().await;
//! # Mock::given(any()).respond_with(ResponseTemplate::new(503)).up_to_n_times(1).mount(&endpoint).await;
//! # Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&endpoint).await;
//! # let my_endpoint = format!("{}/paddle/webhook", endpoint.uri());
//! let paddle = FakePaddle::start().await;
//! let secret = "pdl_ntfset_01example_made_up";
//! paddle.add_destination(&my_endpoint, secret, &["transaction.completed", "adjustment.updated"]);
//!
//! // Somebody buys; the endpoint is down at first, and Paddle tries again a minute later.
//! let sale = paddle.buy(&Purchase::new("jo@example.com").custom_data("kommo_lead_id", "20024930"));
//! assert!(!paddle.deliver_due().await[0].is_delivered());
//! paddle.advance_to_next_delivery();
//! assert!(paddle.deliver_due().await[0].is_delivered());
//!
//! // A refund, and everything that is still to be delivered, without waiting for it.
//! paddle.refund(&sale.transaction, Some(10_000)).ok_or("no refund")?;
//! paddle.settle_refunds(true);
//! paddle.deliver_all().await;
//! assert_eq!(paddle.attempts().len(), 3);
//! # let requests = endpoint.received_requests().await.ok_or("not recorded")?;
//! # let signature = requests[0].headers["paddle-signature"].as_bytes();
//! # Verifier::new(SecretKey::new(secret)?).verify(signature, &requests[0].body)?.parse()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it answers
//!
//! | path | methods |
//! |---|---|
//! | `/customers` | GET, POST |
//! | `/customers/{id}` | GET |
//! | `/transactions` | GET, POST |
//! | `/transactions/{id}` | GET, PATCH |
//! | `/transactions/{id}/invoice`, `/adjustments/{id}/credit-note` | GET: a link to a PDF on this host, good for an hour of the fake's clock |
//! | `/subscriptions`, `/subscriptions/{id}` | GET |
//! | `/adjustments` | GET |
//! | `/events`, `/event-types` | GET |
//! | `/notifications`, `/notifications/{id}` | GET |
//! | `/notifications/{id}/replay` | POST |
//! | `/notification-settings`, `/notification-settings/{id}` | GET |
//! | `/prices`, `/prices/{id}` | GET |
//! | `/currencies`, `/ips` | GET |
//!
//! # How strict it is
//!
//! A wrong key is a 403, an unknown id a 404, an unknown field or parameter a 400 that names it, a page larger than the
//! list allows a 400, more than 240 requests in a minute a 429 with `Retry-After`. Where Paddle's behaviour is not
//! documented the fake takes the reading that a careful client survives.
//!
//! # How it delivers
//!
//! As Paddle's documentation describes it: signed afresh for each attempt, five seconds for an answer, any 2xx counts,
//! redirects do not; 60 retries in live and 3 in sandbox with gaps of 60 s × attempts^1.1, after which the notification
//! is `failed`. Nothing happens by itself and nothing waits: [`deliver_due`](FakePaddle::deliver_due) sends what is due
//! by the fake's clock, which [`advance`](FakePaddle::advance) moves. While the clock is not stopped
//! ([`set_time`](FakePaddle::set_time)), signatures carry the machine's time, so a real server takes them.
//!
//! # What it is not
//!
//! It has no manual collection, discounts, businesses, ad-hoc prices, other currencies of a price, `include`, trials,
//! simulations and permissions, and takes no writes but those above.

mod answer;
mod bodies;
mod customers;
mod delivery;
mod fault;
mod gate;
mod listing;
mod post;
mod routes;
mod schedule;
mod server;
mod state;
mod stories;
mod time;
mod transactions;

use std::{
    fmt,
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::time::OffsetDateTime;
use paddle_webhook::{
    AdjustmentId, CustomerId, Environment, PriceId, SecretKey, SubscriptionId, TransactionId,
};
use serde_json::Value;
use wiremock::MockServer;

use self::{delivery::Setting, post::Poster, state::State};

pub use self::{
    delivery::{Attempt, Order},
    fault::Fault,
    stories::Purchase,
};

/// The price "Pro" that is there from the start: 599.00 USD a month.
pub const PRO_MONTHLY: &str = state::MONTHLY;
/// The price "Setup" that is there from the start: 99.00 USD once.
pub const SETUP_ONCE: &str = state::ONE_TIME;

/// Made up; what matters is that every other key is refused.
fn key_of(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => {
            "pdl_live_apikey_01000000000000000000000000_FakePaddleMadeUpKey000_Abc"
        }
        Environment::Sandbox => {
            "pdl_sdbx_apikey_01000000000000000000000000_FakePaddleMadeUpKey000_Abc"
        }
    }
}

/// A Paddle account on 127.0.0.1. See the [module](self) for an example.
///
/// Clones share the account. The server stops when the last clone is dropped.
#[derive(Clone)]
pub struct FakePaddle {
    /// Held for its drop, which stops the server.
    _server: Arc<MockServer>,
    state: Arc<Mutex<State>>,
    poster: Poster,
    uri: String,
}

/// What came of a purchase.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sale {
    /// The transaction, completed.
    pub transaction: TransactionId,
    /// Who bought.
    pub customer: CustomerId,
    /// What was begun, where the price is recurring.
    pub subscription: Option<SubscriptionId>,
}

/// One request that came to the API, whatever became of it. It holds no header, so no key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The path and, after `?`, the query as it was sent.
    pub target: String,
    /// The body: `Null` when there was none, or no JSON.
    pub body: Value,
    /// The status that was answered; 0 when the connection was dropped without an answer.
    pub status: u16,
}

#[expect(
    clippy::must_use_candidate,
    reason = "what lets something happen is called for its effect"
)]
impl FakePaddle {
    /// Starts a live account on a free port of 127.0.0.1, with two prices and nothing else.
    ///
    /// # Panics
    ///
    /// When no port can be bound.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port on 127.0.0.1");
        Self::start_on(listener, Environment::Live).await
    }

    /// The same on a listener of yours, for a fixed port, and in this environment.
    ///
    /// # Panics
    ///
    /// When the listener has no address.
    ///
    /// # Cancel safety
    ///
    /// As for [`start`](Self::start).
    pub async fn start_on(listener: TcpListener, environment: Environment) -> Self {
        let address = listener.local_addr().expect("a listener that is bound");
        let uri = format!("http://{address}");
        let state = Arc::new(Mutex::new(State::new(environment, uri.clone())));
        let server = server::start(listener, &state).await;
        Self { _server: Arc::new(server), state, poster: Poster::default(), uri }
    }

    /// The base address, such as `http://127.0.0.1:40123`, without a slash at the end.
    #[must_use]
    pub fn uri(&self) -> String {
        self.uri.clone()
    }

    /// The key that the fake accepts. Every other gets a 403.
    #[must_use]
    pub fn api_key(&self) -> String {
        self.state().key.clone()
    }

    /// Whether the key works; `false` is a key that was revoked. Default `true`.
    pub fn set_key_valid(&self, valid: bool) {
        self.state().key_valid = valid;
    }

    /// The tax in percent, on top of prices. Default 10.
    pub fn set_tax(&self, percent: u8) {
        self.state().tax_percent = i64::from(percent);
    }

    /// The default payment link; `None` is an account that has not set one. Default `https://pay.example.com/`.
    pub fn set_payment_link(&self, url: Option<&str>) {
        self.state().payment_link = url.map(str::to_owned);
    }

    /// How many requests in any one minute are answered; `None` is no limit. Default 240.
    pub fn set_rate_limit(&self, per_minute: Option<usize>) {
        self.state().gate.limit = per_minute;
    }

    /// How many requests were more than the rate limit allows.
    #[must_use]
    pub fn rate_limited(&self) -> usize {
        self.state().gate.refused
    }

    /// The time by the fake's clock.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.state().now()
    }

    /// Stops the clock at this time; from then on only [`advance`](Self::advance) moves it, and signatures carry its time.
    pub fn set_time(&self, time: OffsetDateTime) {
        self.state().stop_at(time);
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.state().time.advance(by);
    }

    /// Adds a price, and a product of its own, and returns the price's id. `interval` is `month` or such for what is
    /// recurring.
    pub fn add_price(
        &self,
        name: &str,
        minor_units: i64,
        currency: &str,
        interval: Option<&str>,
    ) -> PriceId {
        let mut state = self.state();
        let id = state.id("pri");
        state.put_price(id.clone(), name, minor_units, currency, interval);
        PriceId::from(id.as_str())
    }

    /// Adds a customer, or finds the one who has this address.
    pub fn add_customer(&self, email: &str, name: Option<&str>) -> CustomerId {
        CustomerId::from(self.state().customer(email, name).as_str())
    }

    /// Adds a destination for these types of events and returns the id of its notification setting. It gets what happens
    /// from now on.
    ///
    /// # Panics
    ///
    /// When the secret is none.
    pub fn add_destination(&self, url: &str, secret: &str, types: &[&str]) -> String {
        let secret = SecretKey::new(secret).expect("a secret");
        let mut state = self.state();
        let setting = Setting {
            id: state.id("ntfset"),
            url: url.to_owned(),
            secret,
            active: true,
            types: types.iter().map(|name| (*name).to_owned()).collect(),
        };
        let id = setting.id.clone();
        state.settings.push(setting);
        id
    }

    /// The types that the fake makes events of: for a destination that wants all.
    #[must_use]
    pub fn event_types() -> &'static [&'static str] {
        &delivery::EVENT_TYPES
    }

    /// Switches a destination on or off.
    pub fn set_destination_active(&self, setting_id: &str, active: bool) {
        for setting in &mut self.state().settings {
            if setting.id == setting_id {
                setting.active = active;
            }
        }
    }

    /// Somebody opens a checkout and pays.
    ///
    /// # Panics
    ///
    /// When the price is not there, or the quantity out of its range.
    pub fn buy(&self, purchase: &Purchase) -> Sale {
        let mut state = self.state();
        let id = state.buy(purchase).expect("a price that is there, and a quantity from 1 to 100");
        sale(&state, &id)
    }

    /// Somebody pays a transaction that was made through the API. `None` when it is not open.
    pub fn pay(&self, transaction: &TransactionId, email: &str) -> Option<Sale> {
        let mut state = self.state();
        let id = transaction.as_str();
        state.pay(id, email, None).then(|| sale(&state, id))
    }

    /// A subscription is renewed and paid. `None` when there is none that runs.
    pub fn renew(&self, subscription: &SubscriptionId) -> Option<TransactionId> {
        let id = self.state().renew(subscription.as_str())?;
        Some(TransactionId::from(id.as_str()))
    }

    /// A renewal is due, and the card does not pay. `None` when there is no subscription that runs.
    pub fn fail_card(&self, subscription: &SubscriptionId) -> Option<TransactionId> {
        let id = self.state().fail_card(subscription.as_str())?;
        Some(TransactionId::from(id.as_str()))
    }

    /// What is past due is paid after all. `false` when nothing was.
    pub fn recover(&self, subscription: &SubscriptionId) -> bool {
        self.state().recover(subscription.as_str())
    }

    /// A subscription ends now. `false` when there is none that runs.
    pub fn cancel_subscription(&self, subscription: &SubscriptionId) -> bool {
        self.state().cancel(subscription.as_str())
    }

    /// A refund is asked for: of all, or of so many minor units. It waits for Paddle's approval. `None` when the
    /// transaction is not completed, or was for less.
    pub fn refund(
        &self,
        transaction: &TransactionId,
        minor_units: Option<i64>,
    ) -> Option<AdjustmentId> {
        let id = self.state().refund(transaction.as_str(), minor_units)?;
        Some(AdjustmentId::from(id.as_str()))
    }

    /// Paddle approves, or rejects, all refunds that wait. Returns how many those were.
    pub fn settle_refunds(&self, approve: bool) -> usize {
        self.state().settle_refunds(approve)
    }

    /// Lets a coming request to the API fail. Several faults wait side by side; the first that is due strikes.
    ///
    /// A fault goes before the rate limit and the key.
    pub fn fail_next(&self, fault: Fault) {
        self.state().script.push(fault);
    }

    /// Forgets all faults that have not struck.
    pub fn clear_faults(&self) {
        self.state().script.clear();
    }

    /// In which order deliveries that are due leave.
    pub fn set_order(&self, order: Order) {
        self.state().order = order;
    }

    /// The next so many answers of endpoints are lost: they did their work, and Paddle will try again.
    pub fn lose_answers(&self, count: u32) {
        self.state().answers_to_lose = count;
    }

    /// Sends the deliveries that are due now, one after the other, each once. What they make happen is not among them.
    ///
    /// # Cancel safety
    ///
    /// An attempt that was under way is not written down, and is due again.
    pub async fn deliver_due(&self) -> Vec<Attempt> {
        let due = self.state().due();
        let mut attempts = Vec::new();
        for id in due {
            let outgoing = self.state().outgoing(&id);
            let Some(outgoing) = outgoing else { continue };
            let heard = self.poster.post(&outgoing).await;
            attempts.push(self.state().heard(outgoing, heard));
        }
        attempts
    }

    /// Sends deliveries and moves the clock to the next ones until none is under way, and returns how many attempts those
    /// were. An endpoint that never answers costs all retries, but no time.
    ///
    /// # Cancel safety
    ///
    /// As [`deliver_due`](Self::deliver_due).
    pub async fn deliver_all(&self) -> usize {
        let mut attempts: usize = 0;
        loop {
            attempts = attempts.saturating_add(self.deliver_due().await.len());
            if !self.advance_to_next_delivery() {
                return attempts;
            }
        }
    }

    /// When the next delivery is due; `None` when none is under way.
    #[must_use]
    pub fn next_delivery(&self) -> Option<OffsetDateTime> {
        self.state().next_due()
    }

    /// Moves the clock to the next delivery. `false` when none is under way.
    pub fn advance_to_next_delivery(&self) -> bool {
        let mut state = self.state();
        let Some(due) = state.next_due() else { return false };
        state.time.advance_to(due);
        true
    }

    /// Makes an event due once more, at every destination that it was for: Paddle delivers at least once.
    pub fn deliver_again(&self, event_id: &str) {
        self.state().deliver_again(event_id);
    }

    /// Every attempt to deliver, in order.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        self.state().attempts.clone()
    }

    /// Every event that happened, as `GET /events` gives them, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.state().events.clone()
    }

    /// A price as the API gives it.
    #[must_use]
    pub fn price(&self, id: &str) -> Option<Value> {
        self.state().prices.get(id).cloned()
    }

    /// A transaction as the API gives it.
    #[must_use]
    pub fn transaction(&self, id: &TransactionId) -> Option<Value> {
        self.state().transactions.get(id.as_str()).cloned()
    }

    /// Every transaction there is, oldest first.
    #[must_use]
    pub fn transactions(&self) -> Vec<Value> {
        self.state().transactions.values().cloned().collect()
    }

    /// Every request that came to the API, in order, whatever was answered.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn sale(state: &State, id: &str) -> Sale {
    let transaction = state.transactions.get(id).cloned().unwrap_or_default();
    let subscription = transaction.get("subscription_id").and_then(Value::as_str);
    Sale {
        transaction: TransactionId::from(id),
        customer: CustomerId::from(state::str_of(&transaction, "customer_id")),
        subscription: subscription.map(SubscriptionId::from),
    }
}

/// A test that panicked in the middle of something leaves a state that others may still look at.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for FakePaddle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakePaddle").field("uri", &self.uri).finish_non_exhaustive()
    }
}
