//! A fake Kommo that is small and fast: it keeps deals and notes, takes as long as a real one, and is strict about the limit.

use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What Kommo's page "Limitations" allows in any one second.
const LIMIT: usize = 7;
const SECOND: Duration = Duration::from_secs(1);

/// What an answer takes, and what each entity adds.
const BASE: Duration = Duration::from_millis(250);
const PER_ENTITY: Duration = Duration::from_millis(2);

const WON: u64 = 142;
const OPEN: u64 = 32_392_159;
const PIPELINE: u64 = 3_177_727;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    ReadLeads,
    UpdateLeads,
    AddNotes,
    AddTasks,
    /// The notes of a deal, to look for one.
    ReadNotes,
    /// The account, its fields and its users.
    Settings,
}

impl Kind {
    pub fn is_write(self) -> bool {
        matches!(self, Self::UpdateLeads | Self::AddNotes | Self::AddTasks)
    }

    pub fn is_read(self) -> bool {
        matches!(self, Self::ReadLeads | Self::ReadNotes)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::ReadLeads => "read_leads",
            Self::UpdateLeads => "update_leads",
            Self::AddNotes => "add_notes",
            Self::AddTasks => "add_tasks",
            Self::ReadNotes => "read_notes",
            Self::Settings => "settings",
        }
    }
}

/// One request, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub kind: Kind,
    pub entities: usize,
    pub arrived: Instant,
    /// None while it is under way.
    pub answered: Option<Instant>,
}

#[derive(Clone, Debug)]
pub struct Lead {
    pub status: u64,
    /// How often it was moved to "won".
    pub wins: u32,
    /// When each of its notes was written, with the id and the text.
    pub notes: Vec<(Instant, u64, String)>,
}

impl Default for Lead {
    fn default() -> Self {
        Self { status: OPEN, wins: 0, notes: Vec::new() }
    }
}

#[derive(Debug, Default)]
pub struct Account {
    pub calls: Vec<Call>,
    pub refused: u64,
    pub leads: BTreeMap<u64, Lead>,
    /// How often each marker was written.
    pub markers: BTreeMap<String, u32>,
    /// The least time in which one more than the limit arrived.
    pub closest: Option<Duration>,
    arrivals: VecDeque<Instant>,
    last_id: u64,
}

/// A running fake; it ends with the value.
#[derive(Debug)]
pub struct Kommo {
    pub url: String,
    account: Arc<Mutex<Account>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Kommo {
    /// On a thread of its own, so that nothing else in this process delays the stamps of arrival.
    pub fn start() -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let router = Router::new().fallback(receive).with_state(Arc::clone(&account));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                listener.set_nonblocking(true).expect("a socket");
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let serving = axum::serve(listener, router);
                tokio::select! {
                    served = async { serving.await } => served.expect("it serves"),
                    _ = stopped => {}
                }
            });
        });
        Self { url, account, stop: Some(stop) }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }
}

impl Drop for Kommo {
    fn drop(&mut self) {
        // The thread may have ended by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    /// Strict: what is refused counts as well.
    fn admit(&mut self, now: Instant) -> bool {
        if let Some(first) = self.arrivals.len().checked_sub(LIMIT).map(|at| self.arrivals[at]) {
            let span = now - first;
            self.closest = Some(self.closest.map_or(span, |closest| closest.min(span)));
        }
        while self.arrivals.front().is_some_and(|first| now - *first >= SECOND) {
            self.arrivals.pop_front();
        }
        let fits = self.arrivals.len() < LIMIT;
        self.arrivals.push_back(now);
        fits
    }

    pub fn count(&self, matches: impl Fn(Kind) -> bool) -> usize {
        self.calls.iter().filter(|call| matches(call.kind)).count()
    }

    /// Notes that were written, on whatever deal.
    pub fn notes(&self) -> usize {
        self.leads.values().map(|lead| lead.notes.len()).sum()
    }

    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// What a request wants.
enum Wish {
    Account,
    Fields,
    Users,
    ReadLead(u64),
    ReadLeads(Vec<u64>),
    UpdateLeads(Vec<Update>),
    AddNotes(Vec<NewNote>),
    AddTasks(Vec<NewTask>),
    ReadNotes(u64),
    Unknown,
}

#[derive(Deserialize)]
struct Update {
    id: u64,
    status_id: Option<u64>,
    pipeline_id: Option<u64>,
    request_id: Value,
}

#[derive(Deserialize)]
struct NewNote {
    entity_id: u64,
    params: Params,
    request_id: Value,
}

#[derive(Deserialize)]
struct Params {
    text: String,
}

#[derive(Deserialize)]
struct NewTask {
    request_id: Value,
}

impl Wish {
    fn read(method: &Method, path: &str, query: &str, body: &[u8]) -> Self {
        let segments: Vec<&str> = path.trim_start_matches("/api/v4/").split('/').collect();
        let list = serde_json::from_slice::<Value>(body).unwrap_or_default();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["account"]) => Self::Account,
            ("GET", ["leads", "custom_fields"]) => Self::Fields,
            ("GET", ["users"]) => Self::Users,
            ("GET", ["leads"]) => Self::ReadLeads(ids(query)),
            ("GET", ["leads", id]) => id.parse().map_or(Self::Unknown, Self::ReadLead),
            ("GET", ["leads", id, "notes"]) => id.parse().map_or(Self::Unknown, Self::ReadNotes),
            ("PATCH", ["leads"]) => {
                serde_json::from_value(list).map_or(Self::Unknown, Self::UpdateLeads)
            }
            ("POST", ["leads", "notes"]) => {
                serde_json::from_value(list).map_or(Self::Unknown, Self::AddNotes)
            }
            ("POST", ["tasks"]) => {
                serde_json::from_value(list).map_or(Self::Unknown, Self::AddTasks)
            }
            _ => Self::Unknown,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::ReadLead(_) | Self::ReadLeads(_) => Kind::ReadLeads,
            Self::UpdateLeads(_) => Kind::UpdateLeads,
            Self::AddNotes(_) => Kind::AddNotes,
            Self::AddTasks(_) => Kind::AddTasks,
            Self::ReadNotes(_) => Kind::ReadNotes,
            Self::Account | Self::Fields | Self::Users | Self::Unknown => Kind::Settings,
        }
    }

    fn entities(&self) -> usize {
        match self {
            Self::ReadLeads(ids) => ids.len(),
            Self::UpdateLeads(updates) => updates.len(),
            Self::AddNotes(notes) => notes.len(),
            Self::AddTasks(tasks) => tasks.len(),
            _ => 1,
        }
    }
}

/// The ids of `filter[id][]`, however its brackets are written.
fn ids(query: &str) -> Vec<u64> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| key.starts_with("filter"))
        .filter_map(|(_, value)| value.parse().ok())
        .collect()
}

async fn receive(State(account): State<Arc<Mutex<Account>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 4 << 20).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let arrived = Instant::now();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or("").to_owned());
    // What has arrived is carried out, even when whoever sent it is gone before the answer.
    let work = carry_out(account, parts.method, path, query, body, arrived);
    tokio::spawn(work).await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn carry_out(
    account: Arc<Mutex<Account>>,
    method: Method,
    path: String,
    query: String,
    body: Bytes,
    arrived: Instant,
) -> Response {
    let wish = Wish::read(&method, &path, &query, &body);
    let place = {
        let mut account = lock(&account);
        if !account.admit(arrived) {
            account.refused += 1;
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response();
        }
        let (kind, entities) = (wish.kind(), wish.entities());
        account.calls.push(Call { kind, entities, arrived, answered: None });
        account.calls.len() - 1
    };
    let entities = u32::try_from(wish.entities()).unwrap_or(u32::MAX);
    let until = arrived + BASE + PER_ENTITY * entities;
    tokio::time::sleep_until(until.into()).await;
    let mut account = lock(&account);
    let answer = account.grant(wish);
    account.calls[place].answered = Some(Instant::now());
    answer
}

impl Account {
    fn grant(&mut self, wish: Wish) -> Response {
        match wish {
            Wish::Account => json_response(&json!({
                "id": 31, "name": "Bench", "subdomain": "bench", "currency": "USD", "country": "US",
                "current_user_id": 1, "_embedded": {"datetime_settings": {"timezone_offset": "+00:00"}},
            })),
            Wish::Fields => list("custom_fields", FIELDS.iter().zip(1_u64..).map(|(code, id)| {
                json!({"id": id, "name": code, "code": code, "type": "text", "enums": null, "is_computed": false})
            }).collect()),
            Wish::Users => {
                list("users", vec![json!({"id": 1, "name": "Rep", "rights": {"is_active": true}})])
            }
            Wish::ReadLead(id) => json_response(&self.lead(id)),
            Wish::ReadLeads(ids) => list("leads", ids.iter().map(|id| self.lead(*id)).collect()),
            Wish::UpdateLeads(updates) => {
                list("leads", updates.iter().map(|update| self.update(update)).collect())
            }
            Wish::AddNotes(notes) => {
                list("notes", notes.into_iter().map(|note| self.add_note(note)).collect())
            }
            Wish::AddTasks(tasks) => {
                let made = |task: NewTask| json!({"id": self.id(), "request_id": task.request_id});
                list("tasks", tasks.into_iter().map(made).collect())
            }
            Wish::ReadNotes(id) => {
                let Some(lead) = self.leads.get(&id).filter(|lead| !lead.notes.is_empty()) else {
                    return StatusCode::NO_CONTENT.into_response();
                };
                list("notes", lead.notes.iter().map(|(_, note, text)| {
                    json!({"id": note, "entity_id": id, "note_type": "common", "params": {"text": text}})
                }).collect())
            }
            Wish::Unknown => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn lead(&self, id: u64) -> Value {
        let status = self.leads.get(&id).map_or(OPEN, |lead| lead.status);
        json!({
            "id": id, "name": "Acme Inc., 10 seats", "price": 599, "responsible_user_id": 1, "group_id": 0,
            "status_id": status, "pipeline_id": PIPELINE, "loss_reason_id": null,
            "created_by": 1, "updated_by": 1, "created_at": 1_700_000_000, "updated_at": 1_700_000_000,
            "closed_at": null, "closest_task_at": null, "is_deleted": false, "custom_fields_values": null,
            "score": null, "account_id": 31, "labor_cost": null,
            "_embedded": {"tags": [], "companies": [], "contacts": [{"id": id, "is_main": true}]},
        })
    }

    fn update(&mut self, update: &Update) -> Value {
        let lead = self.leads.entry(update.id).or_default();
        if let Some(status) = update.status_id {
            // Without its pipeline a closed deal would land in the account's main one.
            lead.wins += u32::from(status == WON && update.pipeline_id == Some(PIPELINE));
            lead.status = status;
        }
        json!({"id": update.id, "updated_at": 1_700_000_001, "request_id": update.request_id})
    }

    fn add_note(&mut self, note: NewNote) -> Value {
        let (id, text) = (self.id(), note.params.text);
        if let Some((_, marker)) = text.rsplit_once(' ') {
            *self.markers.entry(marker.to_owned()).or_default() += 1;
        }
        self.leads.entry(note.entity_id).or_default().notes.push((Instant::now(), id, text));
        json!({"id": id, "entity_id": note.entity_id, "request_id": note.request_id})
    }
}

fn list(key: &str, rows: Vec<Value>) -> Response {
    json_response(&json!({"_page": 1, "_embedded": {key: rows}}))
}

fn json_response(value: &Value) -> Response {
    let body = Body::from(value.to_string());
    ([(header::CONTENT_TYPE, "application/hal+json")], body).into_response()
}

/// The codes of the fields that are configured by default.
const FIELDS: [&str; 8] = [
    "PADDLE_TXN_ID",
    "INVOICE_NUMBER",
    "PLAN_NAME",
    "PAYMENT_CURRENCY",
    "PADDLE_SUB_ID",
    "NEXT_BILLING_DATE",
    "SUBSCRIPTION_STATUS",
    "PAYMENT_STATUS",
];
