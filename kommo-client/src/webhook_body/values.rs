//! Reading what stands in a form: everything is text, and empty text is nothing.

use time::OffsetDateTime;

use crate::{
    form::FormNode,
    id::{EnumId, FieldId},
};

/// A custom field in a webhook.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct WebhookField {
    /// The field.
    pub id: FieldId,
    /// Its name.
    pub name: Option<String>,
    /// Its code.
    pub code: Option<String>,
    /// Its values, as text and, for options, by id.
    pub values: Vec<(String, Option<EnumId>)>,
}

pub(super) fn fields(item: &FormNode) -> Vec<WebhookField> {
    let fields = item.get("custom_fields").map(FormNode::children).unwrap_or_default();
    fields
        .into_iter()
        .filter_map(|(_, field)| {
            Some(WebhookField {
                id: FieldId::new(positive(field, "id")?),
                name: text(field, "name"),
                code: text(field, "code"),
                values: values(field),
            })
        })
        .collect()
}

/// `values[0][value]`, or the bare `values[0]` of dates and checkboxes.
fn values(field: &FormNode) -> Vec<(String, Option<EnumId>)> {
    let values = field.get("values").map(FormNode::children).unwrap_or_default();
    values
        .into_iter()
        .filter_map(|(_, value)| {
            let text = value.get("value").and_then(FormNode::text).or_else(|| value.text())?;
            Some((text.to_owned(), positive(value, "enum").map(EnumId::new)))
        })
        .collect()
}

pub(super) fn text(node: &FormNode, key: &str) -> Option<String> {
    node.text_of(key).map(str::to_owned)
}

pub(super) fn number(node: &FormNode, key: &str) -> Option<u64> {
    node.text_of(key)?.parse().ok().filter(|number| i64::try_from(*number).is_ok())
}

pub(super) fn positive(node: &FormNode, key: &str) -> Option<u64> {
    number(node, key).filter(|number| *number > 0)
}

pub(super) fn time(node: &FormNode, key: &str) -> Option<OffsetDateTime> {
    let seconds = node.text_of(key)?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

pub(super) fn flag(node: &FormNode, key: &str) -> Option<bool> {
    match number(node, key)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// The ids below a node: `leads[0]=7`, or `leads[0][id]=7`.
pub(super) fn ids(node: Option<&FormNode>, key: &str) -> Vec<u64> {
    let ids = node.and_then(|node| node.get(key)).map(FormNode::children).unwrap_or_default();
    let id = |item: &FormNode| match item.text() {
        Some(text) => text.parse().ok().filter(|id| *id > 0),
        None => positive(item, "id"),
    };
    ids.into_iter().filter_map(|(_, item)| id(item)).collect()
}
