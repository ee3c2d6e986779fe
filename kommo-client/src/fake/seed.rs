use std::collections::{BTreeMap, BTreeSet};

use super::drive::Drive;
use super::fault::Script;
use super::gate::Gate;
use super::kind::{Kind, Owner};
use super::oauth::Grants;
use super::state::{Field, FieldOption, Lead, Pipeline, Stage, State, User, is_closed};
use super::unsorted::Sorted;
use super::users::all_rights;

pub(super) const ACCOUNT: u64 = 31_361_463;
pub(super) const PIPELINE: u64 = 6_950_551;
const NEGOTIATION: u64 = 58_141_811;
const REP: u64 = 8_375_357;

/// A lead to put into the fake account with [`FakeKommo::add_lead`](super::FakeKommo::add_lead).
///
/// Unless set otherwise it is in Negotiation (58141811) of the pipeline 6950551, belongs to the user
/// 8375357, has the price 0 and gets the next free id.
///
/// ```
/// use kommo_client::fake::FakeLead;
///
/// let lead = FakeLead::new("Acme Inc.").id(20_024_930).price(1_200);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct FakeLead {
    name: String,
    id: Option<u64>,
    price: i64,
    pipeline_id: u64,
    status_id: u64,
    responsible_user_id: u64,
}

impl FakeLead {
    /// A lead with this name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: None,
            price: 0,
            pipeline_id: PIPELINE,
            status_id: NEGOTIATION,
            responsible_user_id: REP,
        }
    }

    /// Its id. A lead that already has it is replaced.
    pub fn id(self, id: u64) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Its price in whole units of the account's currency.
    pub fn price(self, price: i64) -> Self {
        Self { price, ..self }
    }

    /// Its stage, unchecked: 142 and 143 make a closed lead.
    pub fn stage(self, pipeline_id: u64, status_id: u64) -> Self {
        Self { pipeline_id, status_id, ..self }
    }

    /// Its responsible user, unchecked.
    pub fn responsible(self, user_id: u64) -> Self {
        Self { responsible_user_id: user_id, ..self }
    }
}

/// Phones and e-mail addresses, which contacts and companies of every account have.
fn predefined() -> Vec<Field> {
    const PHONES: [&str; 6] = ["WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER"];
    const EMAILS: [&str; 3] = ["WORK", "PRIV", "OTHER"];
    let of = |kind, id: u64, code: &str, name: &str, codes: &[&str]| Field {
        owner: Owner::All(kind),
        id,
        code: Some(code.to_owned()),
        name: name.to_owned(),
        field_type: "multitext".to_owned(),
        group_id: None,
        is_api_only: false,
        currency: None,
        options: (id.saturating_mul(10)..)
            .zip(codes)
            .map(|(id, code)| FieldOption {
                id,
                code: Some((*code).to_owned()),
                value: (*code).to_owned(),
            })
            .collect(),
    };
    vec![
        of(Kind::Contacts, 771_906, "PHONE", "Phone", &PHONES),
        of(Kind::Contacts, 771_908, "EMAIL", "Email", &EMAILS),
        of(Kind::Companies, 771_916, "PHONE", "Phone", &PHONES),
        of(Kind::Companies, 771_918, "EMAIL", "Email", &EMAILS),
    ]
}

impl State {
    /// The ordinary account that [`FakeKommo::start`](super::FakeKommo::start) describes.
    pub(super) fn ordinary(base: String) -> Self {
        let stages = [
            (58_141_803, "Incoming leads"),
            (58_141_807, "Initial contact"),
            (NEGOTIATION, "Negotiation"),
            (58_141_815, "Payment"),
        ];
        let stages = stages.map(|(id, name)| stage(id, name, id == 58_141_803));
        let users = [
            (REP, "Rep", true, true),
            (8_375_358, "Second rep", false, true),
            (8_375_359, "Gone", false, false),
        ];
        let users = users.map(|(id, name, is_admin, is_active)| User {
            id,
            name: name.to_owned(),
            email: format!("{}@example.com", name.to_lowercase().replace(' ', ".")),
            rights: all_rights(),
            is_admin,
            is_active,
        });
        let loss_reasons = [(16_823_701, "Too expensive"), (16_823_703, "No answer")];
        Self {
            base,
            token_valid: true,
            account_id: ACCOUNT,
            token_user: REP,
            currency: "USD".to_owned(),
            timezone: "UTC".to_owned(),
            timezone_offset: "+00:00".to_owned(),
            minor_units: false,
            ignore_filters: false,
            bare_patch: false,
            partial_batches: false,
            time: None,
            read_lag: 0,
            answering: false,
            last_id: 30_000_000,
            pipelines: vec![pipeline(PIPELINE, 1, "Sales", stages.to_vec())],
            users: users.to_vec(),
            roles: BTreeMap::new(),
            fields: predefined(),
            groups: Vec::new(),
            loss_reasons: loss_reasons.map(|(id, name)| (id, name.to_owned())).into(),
            tags: BTreeMap::new(),
            leads: BTreeMap::new(),
            trash: BTreeMap::new(),
            contacts: BTreeMap::new(),
            companies: BTreeMap::new(),
            links: BTreeMap::new(),
            catalogs: BTreeMap::new(),
            elements: BTreeMap::new(),
            drive: Drive::new(),
            hooks: Vec::new(),
            sources: Vec::new(),
            unsorted: Vec::new(),
            sorted: Sorted::default(),
            events: Vec::new(),
            grants: Grants::default(),
            bots: BTreeSet::new(),
            notes: BTreeMap::new(),
            tasks: BTreeMap::new(),
            ledger: Vec::new(),
            requests: Vec::new(),
            script: Script::default(),
            held: Vec::new(),
            gate: Gate::new(),
        }
    }

    pub(super) fn add_pipeline(&mut self, name: &str, stages: &[&str]) -> u64 {
        let id = self.next_id();
        let stages: Vec<Stage> =
            stages.iter().map(|name| stage(self.next_id(), name, false)).collect();
        let place = i64::try_from(self.pipelines.len()).unwrap_or(0).saturating_add(1);
        self.pipelines.push(pipeline(id, place, name, stages));
        id
    }

    pub(super) fn add_field(
        &mut self,
        owner: Owner,
        code: Option<&str>,
        name: &str,
        field_type: &str,
        options: &[&str],
    ) -> u64 {
        if let Some(field) = code.and_then(|code| self.field_by_code(owner, code)) {
            return field.id;
        }
        let id = self.next_id();
        self.fields.push(Field {
            owner,
            id,
            code: code.map(str::to_owned),
            name: name.to_owned(),
            field_type: field_type.to_owned(),
            group_id: None,
            is_api_only: false,
            currency: None,
            options: Vec::new(),
        });
        for option in options {
            self.add_option(id, option);
        }
        id
    }

    pub(super) fn add_option(&mut self, field: u64, value: &str) -> u64 {
        let option = FieldOption { id: self.next_id(), code: None, value: value.to_owned() };
        let id = option.id;
        if let Some(field) = self.fields.iter_mut().find(|own| own.id == field) {
            field.options.push(option);
        }
        id
    }

    pub(super) fn remove_option(&mut self, field: u64, value: &str) {
        if let Some(field) = self.fields.iter_mut().find(|own| own.id == field) {
            field.options.retain(|option| option.value != value);
        }
    }

    pub(super) fn add_lead(&mut self, lead: FakeLead) -> u64 {
        let id = lead.id.unwrap_or_else(|| self.next_id());
        let now = self.now();
        self.trash.remove(&id);
        self.leads.insert(
            id,
            Lead {
                id,
                name: lead.name,
                price_minor: lead.price.saturating_mul(100),
                responsible_user_id: lead.responsible_user_id,
                status_id: lead.status_id,
                pipeline_id: lead.pipeline_id,
                loss_reason_id: None,
                created_by: lead.responsible_user_id,
                updated_by: lead.responsible_user_id,
                created_at: now,
                updated_at: now,
                closed_at: is_closed(lead.status_id).then_some(now),
                fields: BTreeMap::new(),
                tags: BTreeSet::new(),
            },
        );
        id
    }

    pub(super) fn move_lead(&mut self, id: u64, pipeline_id: u64, status_id: u64) {
        let now = self.now();
        if let Some(lead) = self.leads.get_mut(&id) {
            (lead.pipeline_id, lead.status_id) = (pipeline_id, status_id);
            lead.closed_at = is_closed(status_id).then_some(now);
            lead.updated_at = now;
        }
    }

    pub(super) fn remove_lead(&mut self, id: u64) {
        if self.leads.remove(&id).is_some() {
            self.trash.insert(id, self.now());
        }
    }

    pub(super) fn remove_field(&mut self, id: u64) {
        self.fields.retain(|field| field.id != id);
        for lead in self.leads.values_mut() {
            lead.fields.remove(&id);
        }
    }
}

/// The first is the main one. Stages stand ten apart.
fn pipeline(id: u64, sort: i64, name: &str, mut stages: Vec<Stage>) -> Pipeline {
    for (stage, sort) in stages.iter_mut().zip(1_i64..) {
        stage.sort = sort.saturating_mul(10);
    }
    let name = name.to_owned();
    Pipeline { id, name, sort, is_main: sort == 1, closed_names: BTreeMap::new(), stages }
}

fn stage(id: u64, name: &str, is_incoming: bool) -> Stage {
    Stage { id, name: name.to_owned(), sort: 10, color: "#99ccff".to_owned(), is_incoming }
}
