use serde_json::{Map, Value};

use super::check::{Problems, Reader};
use super::kind::{Entity, Kind, Owner};
use super::state::{Lead, State, is_closed};

/// A write to one lead, checked as a whole: it can be applied without another question.
#[derive(Debug)]
pub(super) struct LeadChange {
    /// 0 for a lead that is yet to be created.
    pub(super) id: u64,
    pub(super) request_id: String,
    pub(super) body: Value,
    pub(super) name: Option<String>,
    pub(super) price_minor: Option<i64>,
    pub(super) stage: Option<StageChange>,
    pub(super) loss_reason: Option<Option<u64>>,
    pub(super) responsible_user_id: Option<u64>,
    pub(super) created_by: Option<u64>,
    pub(super) updated_by: Option<u64>,
    pub(super) created_at: Option<i64>,
    pub(super) updated_at: Option<i64>,
    pub(super) closed_at: Option<Option<i64>>,
    /// By field id; `None` clears.
    pub(super) fields: Vec<(u64, Option<Vec<Value>>)>,
    pub(super) tags: Option<Vec<Tag>>,
    pub(super) tags_to_add: Vec<Tag>,
    pub(super) tags_to_delete: Vec<Tag>,
    /// Which contacts, and whether each is the main one.
    pub(super) contacts: Vec<(u64, bool)>,
    pub(super) companies: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct StageChange {
    pub(super) pipeline_id: u64,
    pub(super) status_id: u64,
    pub(super) closed_without_pipeline: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Tag {
    Id(u64),
    Name(String),
}

impl LeadChange {
    /// The key of shape C: the lead's id, or for a new lead its `request_id`.
    pub(super) fn key(&self) -> String {
        if self.id == 0 { self.request_id.clone() } else { self.id.to_string() }
    }
}

const COMMON: [&str; 15] = [
    "name",
    "price",
    "status_id",
    "pipeline_id",
    "responsible_user_id",
    "created_by",
    "updated_by",
    "created_at",
    "updated_at",
    "closed_at",
    "loss_reason_id",
    "custom_fields_values",
    "tags_to_add",
    "_embedded",
    "request_id",
];

impl State {
    pub(super) fn check_new_lead(
        &self,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<LeadChange> {
        self.check_new_lead_at(item, "", request_id, problems)
    }

    /// `prefix` is where the lead stands in the request: for one inside something else the paths begin there.
    pub(super) fn check_new_lead_at(
        &self,
        item: &Map<String, Value>,
        prefix: &str,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<LeadChange> {
        let mut reader = Reader::new(item, prefix, problems);
        reader.expect_keys(&[COMMON.as_slice(), &["visitor_uid"]].concat());
        let mut change = self.check_lead(&mut reader, None, request_id);
        let embedded = reader.object("_embedded");
        if let Some(embedded) = embedded {
            let mut reader = reader.nested(embedded, "_embedded");
            reader.expect_keys(&["tags", "contacts", "companies"]);
            change.tags = self.check_tag_set(Kind::Leads, &mut reader);
            change.contacts = self.check_people(Kind::Contacts, &mut reader);
            let companies = self.check_people(Kind::Companies, &mut reader);
            change.companies = companies.into_iter().map(|(id, _)| id).collect();
        }
        Some(change)
    }

    /// `addressed` is the id of the path, for a PATCH of one lead. The body may repeat it.
    pub(super) fn check_lead_update(
        &self,
        addressed: Option<u64>,
        item: &Map<String, Value>,
        request_id: String,
        problems: &mut Problems,
    ) -> Option<LeadChange> {
        let mut reader = Reader::new(item, "", problems);
        reader.expect_keys(&[COMMON.as_slice(), &["id", "tags_to_delete", "visitor_uid"]].concat());
        let current = self.check_id(&mut reader, addressed, |id| self.leads.get(&id));
        let mut change = self.check_lead(&mut reader, current, request_id);
        change.id = current?.id;
        change.tags_to_delete = self.check_tags(Kind::Leads, &mut reader, "tags_to_delete");
        if let Some(embedded) = reader.object("_embedded") {
            let mut reader = reader.nested(embedded, "_embedded");
            // Contacts and companies of an existing lead are linked by `/link`.
            reader.expect_keys(&["tags"]);
            change.tags = self.check_tag_set(Kind::Leads, &mut reader);
        }
        Some(change)
    }

    /// Finds what a PATCH means. That an unknown id is a 400 at `id` is our choice.
    pub(super) fn check_id<'s, T>(
        &'s self,
        reader: &mut Reader<'_, '_>,
        addressed: Option<u64>,
        find: impl FnOnce(u64) -> Option<&'s T>,
    ) -> Option<&'s T> {
        let sent = reader.id("id");
        let id = match addressed {
            Some(addressed) => {
                if sent.is_some_and(|sent| sent != addressed) {
                    reader.refuse_choice("id");
                }
                addressed
            }
            None => {
                reader.require("id");
                sent?
            }
        };
        let found = find(id);
        if found.is_none() {
            reader.refuse_choice("id");
        }
        found
    }

    fn check_lead(
        &self,
        reader: &mut Reader<'_, '_>,
        current: Option<&Lead>,
        request_id: String,
    ) -> LeadChange {
        reader.text("visitor_uid");
        LeadChange {
            id: 0,
            request_id,
            body: reader.whole(),
            name: reader.filled_text("name").map(str::to_owned),
            price_minor: self.check_price(reader),
            stage: self.check_stage(reader, current),
            loss_reason: self.check_loss_reason(reader),
            responsible_user_id: self.check_user(reader, "responsible_user_id"),
            created_by: self.check_author(reader, "created_by"),
            updated_by: self.check_author(reader, "updated_by"),
            created_at: reader.int("created_at"),
            updated_at: reader.int("updated_at"),
            closed_at: reader.nullable_int("closed_at"),
            fields: self.check_field_values(Owner::All(Kind::Leads), reader),
            tags: None,
            tags_to_add: self.check_tags(Kind::Leads, reader, "tags_to_add"),
            tags_to_delete: Vec::new(),
            contacts: Vec::new(),
            companies: Vec::new(),
        }
    }

    fn check_price(&self, reader: &mut Reader<'_, '_>) -> Option<i64> {
        let value = reader.get("price")?;
        let (minor, wanted) = if self.minor_units {
            let text = value.is_number().then(|| value.to_string());
            (text.and_then(|text| hundredths(&text)), "float")
        } else {
            (value.as_i64().and_then(|units| units.checked_mul(100)), "int")
        };
        if minor.is_none() {
            reader.refuse_type("price", wanted);
        }
        minor
    }

    fn check_stage(
        &self,
        reader: &mut Reader<'_, '_>,
        current: Option<&Lead>,
    ) -> Option<StageChange> {
        let status = reader.id("status_id");
        let pipeline = match reader.id("pipeline_id") {
            Some(id) => {
                let pipeline = self.pipeline(id);
                if pipeline.is_none() {
                    reader.refuse_choice("pipeline_id");
                    return None;
                }
                pipeline
            }
            None => None,
        };
        let home = match current {
            Some(lead) => self.pipeline(lead.pipeline_id),
            None => self.pipelines.first(),
        };
        let (pipeline, status, closed_without_pipeline) = match (pipeline, status) {
            (Some(pipeline), Some(status)) => (pipeline, status, false),
            (Some(pipeline), None) => {
                // Naming the pipeline it is in already moves nothing.
                if current.is_some_and(|lead| lead.pipeline_id == pipeline.id) {
                    return None;
                }
                (pipeline, pipeline.first_stage()?, false)
            }
            // 142 and 143 say nothing of the pipeline: the lead stays in its own. That is our choice.
            (None, Some(status)) if is_closed(status) => (home?, status, true),
            (None, Some(status)) => {
                let implied = self.pipelines.iter().find(|pipeline| pipeline.has(status));
                let Some(implied) = implied else {
                    reader.refuse_choice("status_id");
                    return None;
                };
                (implied, status, false)
            }
            (None, None) => match current {
                Some(_) => return None,
                None => (home?, home?.first_stage()?, false),
            },
        };
        if !pipeline.has(status) {
            reader.refuse_choice("status_id");
        }
        Some(StageChange { pipeline_id: pipeline.id, status_id: status, closed_without_pipeline })
    }

    fn check_loss_reason(&self, reader: &mut Reader<'_, '_>) -> Option<Option<u64>> {
        let reason = reader.nullable_int("loss_reason_id")?;
        let Some(reason) = reason else { return Some(None) };
        let known = u64::try_from(reason).ok().filter(|id| self.loss_reasons.contains_key(id));
        if known.is_none() {
            reader.refuse_choice("loss_reason_id");
        }
        known.map(Some)
    }

    /// A user that must exist and be active.
    pub(super) fn check_user(&self, reader: &mut Reader<'_, '_>, key: &str) -> Option<u64> {
        let id = reader.id(key)?;
        if !self.is_active_user(id) {
            reader.refuse_choice(key);
        }
        Some(id)
    }

    /// The same, but 0, the robot, may be named too.
    pub(super) fn check_author(&self, reader: &mut Reader<'_, '_>, key: &str) -> Option<u64> {
        match reader.get(key).and_then(Value::as_u64) {
            Some(0) => Some(0),
            _ => self.check_user(reader, key),
        }
    }

    pub(super) fn check_tag_set(
        &self,
        kind: Kind,
        reader: &mut Reader<'_, '_>,
    ) -> Option<Vec<Tag>> {
        match reader.get("tags")? {
            Value::Null => Some(Vec::new()),
            _ => Some(self.check_tags(kind, reader, "tags")),
        }
    }

    pub(super) fn check_tags(
        &self,
        kind: Kind,
        reader: &mut Reader<'_, '_>,
        key: &str,
    ) -> Vec<Tag> {
        let mut tags = Vec::new();
        for (index, item) in reader.array(key).unwrap_or_default().iter().enumerate() {
            let key = format!("{key}.{index}");
            let Value::Object(item) = item else {
                reader.refuse_type(&key, "array");
                continue;
            };
            let mut reader = reader.nested(item, &key);
            reader.expect_keys(&["id", "name"]);
            if let Some(id) = reader.id("id") {
                if self.tags.get(&id).is_none_or(|tag| tag.kind != kind) {
                    reader.refuse_choice("id");
                }
                tags.push(Tag::Id(id));
            } else if let Some(name) = reader.filled_text("name") {
                tags.push(Tag::Name(name.to_owned()));
            }
        }
        tags
    }

    /// The contacts or the company of a new lead, which must be there already.
    fn check_people(&self, kind: Kind, reader: &mut Reader<'_, '_>) -> Vec<(u64, bool)> {
        let mut people = Vec::new();
        let list = reader.array(kind.name()).unwrap_or_default();
        if kind == Kind::Companies && list.len() > 1 {
            let path = reader.path(kind.name());
            reader.problems.too_many(path);
        }
        for (index, item) in list.iter().enumerate() {
            let key = format!("{}.{index}", kind.name());
            let Value::Object(item) = item else {
                reader.refuse_type(&key, "array");
                continue;
            };
            let mut reader = reader.nested(item, &key);
            let main: &[&str] = if kind == Kind::Contacts { &["is_main"] } else { &[] };
            reader.expect_keys(&[&["id"], main].concat());
            reader.require("id");
            let is_main = reader.boolean("is_main").unwrap_or_default();
            let Some(id) = reader.id("id") else { continue };
            if !self.exists(Entity::new(kind, id)) {
                reader.refuse_choice("id");
            }
            people.push((id, is_main));
        }
        people
    }
}

/// A JSON number with at most two decimals, in hundredths.
fn hundredths(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (units, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let cents: i64 = match decimals.len() {
        1 => decimals.parse::<i64>().ok()?.checked_mul(10)?,
        2 => decimals.parse().ok()?,
        _ => return None,
    };
    units.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::hundredths;

    #[test]
    fn decimals_are_exact_or_refused() {
        for (text, want) in [
            ("0", Some(0)),
            ("199", Some(19_900)),
            ("199.5", Some(19_950)),
            ("199.05", Some(19_905)),
            ("-0.29", Some(-29)),
            ("92233720368547758.07", Some(i64::MAX)),
            ("92233720368547758.08", None),
            ("0.001", None),
            ("1e21", None),
        ] {
            assert_eq!(hundredths(text), want, "{text}");
        }
    }
}
