//! Groups of custom fields.

use serde_json::{Value, json};

use crate::fake::answer::{Answer, set};
use crate::fake::check::{Batch, Reader, batch, single};
use crate::fake::kind::Owner;
use crate::fake::ledger::LedgerKind;
use crate::fake::query::Query;
use crate::fake::routes::{Entry, not_found};
use crate::fake::state::{Call, FieldGroup, State};

impl State {
    pub(super) fn route_groups(
        &mut self,
        call: &Call,
        owner: Owner,
        rest: &[&str],
    ) -> Result<Answer, Answer> {
        let path = format!("{}/groups", owner.path());
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let query = Query::read(call)?;
                let groups = self.groups.iter().filter(|group| group.owner == owner);
                let rows = groups.map(|group| self.group_json(group)).collect();
                Ok(self.page(call, &query, "custom_field_groups", rows, true))
            }
            ("POST", []) => {
                let Batch { good, .. } = batch(&call.body, false, |item, request_id, problems| {
                    let mut reader = Reader::new(item, "", problems);
                    reader.require("name");
                    check_group(&mut reader).map(|group| (group, request_id, reader.whole()))
                })?;
                let mut items = Vec::new();
                for ((name, sort), request_id, body) in good {
                    let number = self.next_id();
                    let id = format!("{}_{number}", path.split('/').next().unwrap_or_default());
                    let group = FieldGroup {
                        owner,
                        id,
                        name: name.unwrap_or_default(),
                        sort: sort.unwrap_or(1),
                    };
                    let mut json = self.group_json(&group);
                    set(&mut json, "request_id", request_id.into());
                    items.push(json);
                    self.groups.push(group);
                    self.write_down(call, Entry::of(LedgerKind::Administered, number, body));
                }
                let answer = self.thin(&path, "custom_field_groups", items);
                Ok(Answer { status: 201, ..answer })
            }
            (method, [id]) => {
                let place =
                    self.groups.iter().position(|group| group.owner == owner && group.id == *id);
                let Some(place) = place else {
                    return Err(Answer::problem(404, "Custom field group not found"));
                };
                self.one_group(call, method, place)
            }
            _ => Ok(not_found()),
        }
    }

    fn one_group(&mut self, call: &Call, method: &str, place: usize) -> Result<Answer, Answer> {
        let change = match method {
            "PATCH" => single(&call.body, |item, _, problems| {
                check_group(&mut Reader::new(item, "", problems))
            })?,
            "DELETE" => {
                let group = self.groups.remove(place);
                for field in &mut self.fields {
                    if field.group_id.as_ref() == Some(&group.id) {
                        field.group_id = None;
                    }
                }
                self.write_down(call, Entry::of(LedgerKind::Administered, 0, Value::Null));
                return Ok(Answer::nothing());
            }
            "GET" => (None, None),
            _ => return Ok(Answer::problem(405, "Method Not Allowed")),
        };
        let Some(group) = self.groups.get_mut(place) else { return Ok(not_found()) };
        group.name = change.0.unwrap_or_else(|| group.name.clone());
        group.sort = change.1.unwrap_or(group.sort);
        let group = group.clone();
        if method == "PATCH" {
            self.write_down(call, Entry::of(LedgerKind::Administered, 0, call.body.clone()));
        }
        Ok(Answer::ok(&self.group_json(&group)))
    }

    pub(super) fn group(&self, owner: Owner, id: &str) -> Option<&FieldGroup> {
        self.groups.iter().find(|group| group.owner == owner && group.id == id)
    }

    fn group_json(&self, group: &FieldGroup) -> Value {
        let path = group.owner.path();
        json!({
            "id": group.id,
            "name": group.name,
            "is_predefined": false,
            "type": "custom_field_group",
            "entity_type": path.trim_end_matches("/custom_fields"),
            "sort": group.sort,
            "_links": self.links_of(&format!("{path}/groups/{}", group.id)),
        })
    }
}

fn check_group(reader: &mut Reader<'_, '_>) -> Option<(Option<String>, Option<i64>)> {
    reader.expect_keys(&["name", "sort", "request_id"]);
    let name = reader.filled_text("name").map(str::to_owned);
    Some((name, reader.int("sort")))
}
