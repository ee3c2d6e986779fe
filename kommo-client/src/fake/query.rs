use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answer::{Answer, set};
use super::state::{Call, State};

/// The query of a list, read once.
#[derive(Debug)]
pub(super) struct Query {
    page: usize,
    limit: usize,
    with: Vec<String>,
    search: Option<String>,
    order: Option<(String, bool)>,
    /// By name: what is between the brackets after it, and the value.
    filters: BTreeMap<String, Vec<(Vec<String>, String)>>,
}

/// How a filter compares.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    /// Any of the given values; the JSON key of the row.
    OneOf(&'static str),
    /// `[from]` and `[to]`, both inclusive; a bare value is "since".
    Range(&'static str),
    /// `0` or `1` against a bool.
    Flag(&'static str),
    /// `filter[statuses][n][pipeline_id]` with `[status_id]`.
    Stages,
}

pub(super) type Filters = &'static [(&'static str, Filter)];

const DEFAULT_LIMIT: usize = 50;
const LARGEST_LIMIT: usize = 250;

impl Query {
    /// The query of a list that has no `query=`, the search.
    pub(super) fn read(call: &Call) -> Result<Self, Answer> {
        let query = Self::read_searchable(call)?;
        if query.search.is_some() { Err(unknown("query")) } else { Ok(query) }
    }

    pub(super) fn read_searchable(call: &Call) -> Result<Self, Answer> {
        let mut query = Self {
            page: 1,
            limit: DEFAULT_LIMIT,
            with: with_of(call),
            search: None,
            order: None,
            filters: BTreeMap::new(),
        };
        for (key, value) in &call.query {
            let (name, brackets) = split_key(key);
            match (name, brackets.as_slice()) {
                ("with", []) => {}
                ("page", []) => query.page = positive(key, value)?,
                ("limit", []) => query.limit = positive(key, value)?.min(LARGEST_LIMIT),
                ("query", []) => query.search = Some(value.to_lowercase()),
                ("order", [field]) => {
                    let descending = match value.as_str() {
                        "asc" => false,
                        "desc" => true,
                        _ => return Err(unknown(key)),
                    };
                    query.order = Some((field.clone(), descending));
                }
                ("filter", [name, rest @ ..]) => {
                    let entries = query.filters.entry(name.clone()).or_default();
                    entries.push((rest.to_vec(), value.clone()));
                }
                _ => return Err(unknown(key)),
            }
        }
        Ok(query)
    }

    pub(super) fn has(&self, with: &str) -> bool {
        self.with.iter().any(|name| name == with)
    }

    pub(super) fn with(&self) -> Vec<&str> {
        self.with.iter().map(String::as_str).collect()
    }

    /// The first value of the filter of that name, which is then forgotten.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.take_all(name).into_iter().next()
    }

    /// The values of the filter of that name, which is then forgotten.
    pub(super) fn take_all(&mut self, name: &str) -> Vec<String> {
        let given = self.filters.remove(name).unwrap_or_default();
        given.into_iter().map(|(_, value)| value).collect()
    }

    /// Of that filter a comma stands between values.
    pub(super) fn split(&mut self, name: &str) {
        if let Some(given) = self.filters.get_mut(name) {
            let values = given.iter().flat_map(|(_, value)| value.split(','));
            *given = values.map(|value| (Vec::new(), value.to_owned())).collect();
        }
    }

    /// The search text in lower case.
    pub(super) fn search(&self) -> Option<&str> {
        self.search.as_deref()
    }

    /// How many values the filter of that name has.
    pub(super) fn count(&self, name: &str) -> usize {
        self.filters.get(name).map_or(0, Vec::len)
    }

    /// The same with no more than so many in a page.
    pub(super) fn at_most(self, limit: usize) -> Self {
        Self { limit: self.limit.min(limit), ..self }
    }

    /// Whether there is a filter of that name.
    pub(super) fn filters_by(&self, name: &str) -> bool {
        self.filters.contains_key(name)
    }

    pub(super) fn forget_filters(&mut self) {
        self.filters.clear();
    }

    /// Keeps the rows that pass every filter. One that `known` does not have is refused: a typo that
    /// returns everything would pass for a result.
    pub(super) fn filter(&self, rows: &mut Vec<Value>, known: Filters) -> Result<(), Answer> {
        for (name, given) in &self.filters {
            let filter = known.iter().find(|(known, _)| known == name);
            let Some((_, filter)) = filter else {
                return Err(unknown(&format!("filter[{name}]")));
            };
            let mut ranges = Vec::new();
            if let Filter::Range(_) = filter {
                for (brackets, value) in given {
                    let edge = brackets.first().map_or("from", String::as_str);
                    let number: i64 = value.parse().map_err(|_| unknown(name))?;
                    match edge {
                        "from" => ranges.push((number, i64::MAX)),
                        "to" => ranges.push((i64::MIN, number)),
                        _ => return Err(unknown(&format!("filter[{name}][{edge}]"))),
                    }
                }
            }
            let stages = stages(given);
            rows.retain(|row| match filter {
                Filter::OneOf(key) => {
                    let own = row.get(*key).map(plain);
                    given.iter().any(|(_, value)| own.as_ref() == Some(value))
                }
                Filter::Range(key) => {
                    let own = row.get(*key).and_then(Value::as_i64);
                    own.is_some_and(|own| {
                        ranges.iter().all(|(from, to)| (*from..=*to).contains(&own))
                    })
                }
                Filter::Flag(key) => {
                    let own = row.get(*key).and_then(Value::as_bool);
                    given.iter().any(|(_, value)| own == Some(value == "1"))
                }
                Filter::Stages => {
                    let own = (row.get("pipeline_id").map(plain), row.get("status_id").map(plain));
                    stages.iter().any(|(pipeline, status)| {
                        own.1.as_ref() == Some(status)
                            && (pipeline.is_empty() || own.0.as_ref() == Some(pipeline))
                    })
                }
            });
        }
        Ok(())
    }

    /// Sorts by the ordered field if `known` has it, else by id as they come.
    pub(super) fn sort(&self, rows: &mut [Value], known: &[&str]) -> Result<(), Answer> {
        let Some((field, descending)) = &self.order else { return Ok(()) };
        if !known.contains(&field.as_str()) {
            return Err(unknown(&format!("order[{field}]")));
        }
        rows.sort_by_key(|row| row.get(field).and_then(Value::as_i64).unwrap_or(0));
        if *descending {
            rows.reverse();
        }
        Ok(())
    }
}

impl State {
    /// One page of a list. Past the end, and for an empty list, it is 204.
    ///
    /// `counted` lists also tell how many items and pages there are; most of Kommo's do not.
    pub(super) fn page(
        &self,
        call: &Call,
        query: &Query,
        key: &str,
        rows: Vec<Value>,
        counted: bool,
    ) -> Answer {
        let total = rows.len();
        let start = query.page.saturating_sub(1).saturating_mul(query.limit);
        let mut rows = rows.into_iter().skip(start);
        let items: Vec<Value> = rows.by_ref().take(query.limit).collect();
        let has_more = rows.next().is_some();
        if items.is_empty() {
            return Answer::nothing();
        }
        let mut links = Map::new();
        links.insert("self".to_owned(), self.page_link(call, query, query.page));
        if has_more {
            let next = query.page.saturating_add(1);
            links.insert("next".to_owned(), self.page_link(call, query, next));
        }
        let mut body = json!({"_page": query.page, "_links": links, "_embedded": {key: items}});
        if counted {
            set(&mut body, "_total_items", json!(total));
            set(&mut body, "_page_count", json!(total.div_ceil(query.limit)));
        }
        Answer::ok(&body)
    }

    fn page_link(&self, call: &Call, query: &Query, page: usize) -> Value {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in &call.query {
            if key != "page" && key != "limit" {
                pairs.append_pair(key, value);
            }
        }
        pairs.append_pair("page", &page.to_string());
        pairs.append_pair("limit", &query.limit.to_string());
        json!({"href": format!("{}{}?{}", self.base, call.path, pairs.finish())})
    }
}

pub(super) fn with_of(call: &Call) -> Vec<String> {
    let given = call.query.iter().filter(|(key, _)| key == "with");
    given.flat_map(|(_, value)| value.split(',')).map(str::to_owned).collect()
}

/// `filter[id][0]` → `filter` and `["id", "0"]`.
fn split_key(key: &str) -> (&str, Vec<String>) {
    let Some((name, rest)) = key.split_once('[') else { return (key, Vec::new()) };
    let rest = rest.strip_suffix(']').unwrap_or(rest);
    (name, rest.split("][").map(str::to_owned).collect())
}

/// The pairs of `filter[statuses]`; a pair without a pipeline has an empty text there.
fn stages(given: &[(Vec<String>, String)]) -> Vec<(String, String)> {
    let mut pairs: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for (brackets, value) in given {
        if let [index, name] = brackets.as_slice() {
            let pair = pairs.entry(index).or_default();
            match name.as_str() {
                "pipeline_id" => pair.0.clone_from(value),
                "status_id" => pair.1.clone_from(value),
                _ => {}
            }
        }
    }
    pairs.into_values().collect()
}

/// A JSON scalar as a query would write it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn positive(key: &str, value: &str) -> Result<usize, Answer> {
    value.parse().ok().filter(|number| *number > 0).ok_or_else(|| unknown(key))
}

fn unknown(what: &str) -> Answer {
    Answer::problem(400, &format!("FakeKommo does not know {what}"))
}
