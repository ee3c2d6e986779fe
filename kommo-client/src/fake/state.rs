use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::drive::Drive;
use super::fault::Script;
use super::gate::Gate;
use super::kind::{Entity, Kind, Owner};
use super::ledger::{LedgerEntry, RecordedRequest};
use super::links::LinkMeta;
use super::oauth::Grants;
use super::unsorted::{Incoming, Sorted};

/// Won, in every pipeline.
pub(super) const WON: u64 = 142;
/// Lost, in every pipeline.
pub(super) const LOST: u64 = 143;

/// The whole account, behind one lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) base: String,
    pub(super) token_valid: bool,
    pub(super) account_id: u64,
    pub(super) token_user: u64,
    pub(super) currency: String,
    pub(super) timezone: String,
    pub(super) timezone_offset: String,
    pub(super) minor_units: bool,
    pub(super) ignore_filters: bool,
    pub(super) bare_patch: bool,
    pub(super) partial_batches: bool,
    pub(super) time: Option<i64>,
    /// For how many requests after its own a new note or task is missing from the lists.
    pub(super) read_lag: u64,
    /// Whether a request is being answered right now.
    pub(super) answering: bool,
    pub(super) last_id: u64,
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) users: Vec<User>,
    pub(super) roles: BTreeMap<u64, Role>,
    pub(super) fields: Vec<Field>,
    pub(super) groups: Vec<FieldGroup>,
    pub(super) loss_reasons: BTreeMap<u64, String>,
    pub(super) tags: BTreeMap<u64, OwnTag>,
    pub(super) leads: BTreeMap<u64, Lead>,
    /// Trashed leads, with when they were trashed.
    pub(super) trash: BTreeMap<u64, i64>,
    pub(super) contacts: BTreeMap<u64, Person>,
    pub(super) companies: BTreeMap<u64, Person>,
    /// The lesser end first.
    pub(super) links: BTreeMap<(Entity, Entity), LinkMeta>,
    pub(super) catalogs: BTreeMap<u64, Catalog>,
    pub(super) elements: BTreeMap<u64, Element>,
    pub(super) drive: Drive,
    pub(super) hooks: Vec<Hook>,
    pub(super) sources: Vec<Source>,
    pub(super) unsorted: Vec<Incoming>,
    pub(super) sorted: Sorted,
    /// Oldest first.
    pub(super) events: Vec<Event>,
    pub(super) grants: Grants,
    pub(super) bots: BTreeSet<u64>,
    pub(super) notes: BTreeMap<u64, Note>,
    pub(super) tasks: BTreeMap<u64, Task>,
    pub(super) ledger: Vec<LedgerEntry>,
    pub(super) requests: Vec<RecordedRequest>,
    pub(super) script: Script,
    pub(super) held: Vec<Call>,
    pub(super) gate: Gate,
}

/// One request, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) at: u64,
    pub(super) method: String,
    pub(super) path: String,
    /// The query's pairs, decoded, in their order.
    pub(super) query: Vec<(String, String)>,
    /// The path, and after `?` the query as it was sent.
    pub(super) target: String,
    pub(super) body: Value,
    /// The body as it came.
    pub(super) bytes: Vec<u8>,
    pub(super) authorized: bool,
    pub(super) received: Instant,
}

#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) sort: i64,
    pub(super) is_main: bool,
    /// What 142 and 143 are called, where they have names of their own.
    pub(super) closed_names: BTreeMap<u64, String>,
    pub(super) stages: Vec<Stage>,
}

#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) sort: i64,
    pub(super) color: String,
    /// The stage of incoming leads, `type` 1.
    pub(super) is_incoming: bool,
}

#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) email: String,
    /// As Kommo reads them, without what is said of the user itself.
    pub(super) rights: Value,
    pub(super) is_admin: bool,
    pub(super) is_active: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) owner: Owner,
    pub(super) id: u64,
    pub(super) code: Option<String>,
    pub(super) name: String,
    pub(super) field_type: String,
    pub(super) group_id: Option<String>,
    pub(super) is_api_only: bool,
    pub(super) currency: Option<String>,
    pub(super) options: Vec<FieldOption>,
}

#[derive(Clone, Debug)]
pub(super) struct FieldOption {
    pub(super) id: u64,
    pub(super) code: Option<String>,
    pub(super) value: String,
}

#[derive(Clone, Debug)]
pub(super) struct Lead {
    pub(super) id: u64,
    pub(super) name: String,
    /// Hundredths of the currency's unit, so that both ways to show a price are exact.
    pub(super) price_minor: i64,
    pub(super) responsible_user_id: u64,
    pub(super) status_id: u64,
    pub(super) pipeline_id: u64,
    pub(super) loss_reason_id: Option<u64>,
    pub(super) created_by: u64,
    pub(super) updated_by: u64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) closed_at: Option<i64>,
    /// By field id: the values as they are read back.
    pub(super) fields: BTreeMap<u64, Vec<Value>>,
    pub(super) tags: BTreeSet<u64>,
}

/// A contact or a company, which has no first and last name.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) responsible_user_id: u64,
    pub(super) created_by: u64,
    pub(super) updated_by: u64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    /// By field id: the values as they are read back.
    pub(super) fields: BTreeMap<u64, Vec<Value>>,
    pub(super) tags: BTreeSet<u64>,
}

/// A tag of one kind of entity: each kind has a dictionary of its own.
#[derive(Clone, Debug)]
pub(super) struct OwnTag {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) color: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Catalog {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) catalog_type: String,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// An element of a catalog.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) id: u64,
    pub(super) catalog_id: u64,
    pub(super) name: String,
    pub(super) fields: BTreeMap<u64, Vec<Value>>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) rights: Value,
}

/// A group of custom fields; its id is text.
#[derive(Clone, Debug)]
pub(super) struct FieldGroup {
    pub(super) owner: Owner,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) sort: i64,
}

/// Where leads come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) external_id: String,
    pub(super) pipeline_id: Option<u64>,
    pub(super) is_default: bool,
}

/// A line of the log of what happened.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) event_type: &'static str,
    pub(super) kind: Kind,
    pub(super) entity_id: u64,
    pub(super) before: Value,
    pub(super) after: Value,
    pub(super) created_at: i64,
}

/// A subscription of webhooks.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) id: u64,
    pub(super) destination: String,
    pub(super) settings: Vec<String>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) id: u64,
    pub(super) on: Entity,
    pub(super) note_type: String,
    pub(super) params: Value,
    pub(super) is_pinned: bool,
    pub(super) written: Written,
    pub(super) created_by: u64,
    pub(super) responsible_user_id: u64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: u64,
    pub(super) entity: Option<(String, u64)>,
    pub(super) text: String,
    pub(super) complete_till: i64,
    pub(super) task_type_id: u64,
    pub(super) responsible_user_id: u64,
    pub(super) duration: i64,
    pub(super) is_completed: bool,
    pub(super) result: Option<String>,
    pub(super) written: Written,
    pub(super) created_by: u64,
    pub(super) updated_by: u64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// The number of the first request that may find something in a list, where nothing lags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written(u64);

impl State {
    pub(super) fn written(&self) -> Written {
        // A request is counted only after it was answered, and what was held back is written by none.
        Written(self.came().saturating_add(u64::from(self.answering)))
    }

    /// Whether the read lag of a note or task is over.
    pub(super) fn is_listed(&self, written: Written) -> bool {
        self.came() >= written.0.saturating_add(self.read_lag)
    }

    /// How many requests have come and were answered.
    pub(super) fn came(&self) -> u64 {
        u64::try_from(self.requests.len()).unwrap_or(u64::MAX)
    }

    /// Unix seconds of the fake's clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "the fake is a server: it has a clock of its own"
    )]
    pub(super) fn now(&self) -> i64 {
        self.time.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
    }

    /// Ids go up by two, as those of Kommo often do, so that nobody counts on neighbours.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id = self.last_id.saturating_add(2);
        while self.leads.contains_key(&self.last_id) {
            self.last_id = self.last_id.saturating_add(2);
        }
        self.last_id
    }

    pub(super) fn pipeline(&self, id: u64) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.id == id)
    }

    pub(super) fn is_active_user(&self, id: u64) -> bool {
        self.users.iter().any(|user| user.id == id && user.is_active)
    }

    /// The fields of one owner, in their order.
    pub(super) fn fields_of(&self, owner: Owner) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.owner == owner)
    }

    pub(super) fn field(&self, owner: Owner, id: u64) -> Option<&Field> {
        self.fields_of(owner).find(|field| field.id == id)
    }

    pub(super) fn field_by_code(&self, owner: Owner, code: &str) -> Option<&Field> {
        self.fields_of(owner).find(|field| field.code.as_deref() == Some(code))
    }

    pub(super) fn exists(&self, entity: Entity) -> bool {
        match entity.kind {
            Kind::Leads => self.leads.contains_key(&entity.id),
            Kind::Contacts => self.contacts.contains_key(&entity.id),
            Kind::Companies => self.companies.contains_key(&entity.id),
            Kind::Elements => self.elements.contains_key(&entity.id),
        }
    }

    /// The `_links` of an object at this path below `/api/v4/`.
    pub(super) fn links_of(&self, path: &str) -> Value {
        json!({"self": {"href": format!("{}/api/v4/{path}", self.base)}})
    }
}

impl Pipeline {
    /// Whether a lead of this pipeline may be in that status.
    pub(super) fn has(&self, status: u64) -> bool {
        status == WON || status == LOST || self.stages.iter().any(|stage| stage.id == status)
    }

    /// Where a lead goes that names the pipeline but no status.
    pub(super) fn first_stage(&self) -> Option<u64> {
        self.stages.iter().find(|stage| !stage.is_incoming).map(|stage| stage.id)
    }
}

/// Whether the status is won or lost.
pub(super) fn is_closed(status: u64) -> bool {
    status == WON || status == LOST
}
