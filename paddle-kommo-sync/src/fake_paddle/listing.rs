//! Lists: what they may be asked for, and their pages.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::answer::{Answer, Outcome};
use super::server::Call;
use super::state::{State, str_of};
use super::time::parse;

/// What a list can be asked for.
pub(super) struct Rules {
    pub(super) default: usize,
    pub(super) most: usize,
    /// The key that rows are told apart by.
    pub(super) id: &'static str,
    /// Keys of rows that `order_by` takes.
    pub(super) orders: &'static [&'static str],
    /// Keys of rows that a comma list of values filters by.
    pub(super) filters: &'static [&'static str],
    /// Keys of rows that `key[GTE]` and its like filter by.
    pub(super) times: &'static [&'static str],
    /// Parameters that were dealt with already.
    pub(super) done: &'static [&'static str],
}

impl State {
    pub(super) fn list(&self, call: &Call, mut rows: Vec<Value>, rules: &Rules) -> Outcome {
        let mut per_page = rules.default;
        let (mut order, mut descending) = (rules.id, true);
        for (key, value) in &call.query {
            match key.as_str() {
                "after" => {}
                "per_page" => {
                    per_page = value
                        .parse()
                        .ok()
                        .filter(|count| (1..=rules.most).contains(count))
                        .ok_or_else(|| Answer::bad("per_page", "out of range for this list"))?;
                }
                "order_by" => {
                    let parts = value.strip_suffix(']').and_then(|value| value.split_once('['));
                    let (name, direction) = parts.unwrap_or((value.as_str(), ""));
                    // Events are sorted by their id, which Paddle calls `id` here and `event_id` there.
                    let name = if name == "id" { rules.id } else { name };
                    order = std::iter::once(&rules.id)
                        .chain(rules.orders)
                        .find(|known| **known == name)
                        .ok_or_else(|| Answer::bad("order_by", "not a field to sort by"))?;
                    descending = match direction {
                        "ASC" => false,
                        "DESC" => true,
                        _ => return Err(Answer::bad("order_by", "neither [ASC] nor [DESC]")),
                    };
                }
                key if rules.done.contains(&key) => {}
                key if rules.filters.contains(&key) => {
                    let values: Vec<&str> = value.split(',').collect();
                    let name = if key == "id" { rules.id } else { key };
                    rows.retain(|row| match row.get(name) {
                        Some(Value::String(text)) => values.contains(&text.as_str()),
                        Some(Value::Bool(flag)) => values.contains(&flag.to_string().as_str()),
                        _ => values.contains(&"null"),
                    });
                }
                key => retain_by_time(&mut rows, key, value, rules.times)?,
            }
        }
        rows.sort_by(|a, b| {
            let key =
                |row: &Value| (str_of(row, order).to_owned(), str_of(row, rules.id).to_owned());
            if descending { key(b).cmp(&key(a)) } else { key(a).cmp(&key(b)) }
        });
        Ok(self.page(call, rows, rules, per_page, (order, descending)))
    }

    fn page(
        &self,
        call: &Call,
        mut rows: Vec<Value>,
        rules: &Rules,
        per_page: usize,
        (order, descending): (&str, bool),
    ) -> Answer {
        let total = rows.len();
        if let Some(after) = call.parameter("after") {
            match rows.iter().position(|row| str_of(row, rules.id) == after) {
                Some(position) => drop(rows.drain(..=position)),
                // A cursor that is no row of the list: what sorts behind it.
                None if order == rules.id => rows.retain(|row| {
                    let id = str_of(row, rules.id);
                    if descending { id < after } else { id > after }
                }),
                None => rows.clear(),
            }
        }
        let has_more = rows.len() > per_page;
        rows.truncate(per_page);
        // Paddle's `next` is there on the last page too.
        let cursor = rows.last().map(|row| str_of(row, rules.id)).unwrap_or("none");
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        let kept = call.query.iter().filter(|(key, _)| key != "after");
        next.extend_pairs(kept).append_pair("after", cursor);
        let next = format!("{}{}?{}", self.uri, call.path, next.finish());
        Answer::json(
            200,
            &json!({
                "data": rows,
                "meta": {
                    "request_id": "00000000-0000-4000-8000-000000000000",
                    "pagination": {
                        "per_page": per_page, "next": next, "has_more": has_more,
                        "estimated_total": total,
                    },
                },
            }),
        )
    }
}

fn retain_by_time(
    rows: &mut Vec<Value>,
    key: &str,
    value: &str,
    times: &[&str],
) -> Result<(), Answer> {
    let unknown = || Answer::bad(key, "unknown query parameter");
    let (name, operator) = match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
        Some(parts) => parts,
        None => (key, ""),
    };
    if !times.contains(&name) {
        return Err(unknown());
    }
    let bound = parse(value).ok_or_else(|| {
        let detail = "the time is not RFC 3339";
        Answer::error(400, "invalid_time_query_parameter", detail)
    })?;
    let keep: fn(OffsetDateTime, OffsetDateTime) -> bool = match operator {
        "" => |at, bound| at == bound,
        "LT" => |at, bound| at < bound,
        "LTE" => |at, bound| at <= bound,
        "GT" => |at, bound| at > bound,
        "GTE" => |at, bound| at >= bound,
        _ => return Err(unknown()),
    };
    rows.retain(|row| parse(str_of(row, name)).is_some_and(|at| keep(at, bound)));
    Ok(())
}
