//! What to change in a lead.

use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    authorship::{Authorship, TagSet, authorship_setters, tag_set_setters},
    field::{FieldRef, FieldWrite},
    id::{LeadId, LossReasonId, PipelineId, StatusId, TagId, UserId},
    price::PriceInput,
};

/// A change of one lead. What is not set is not sent, and stays as it is.
///
/// ```
/// use kommo_client::{LeadId, LeadPatch, PipelineId, StatusId};
///
/// let won = LeadPatch::new(LeadId::new(54886))
///     .status(PipelineId::new(47521), StatusId::WON)
///     .price(2400);
/// assert!(!won.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct LeadPatch {
    id: LeadId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<PriceInput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<PipelineId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_id: Option<StatusId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responsible_user_id: Option<UserId>,
    // Outside of these it is whether to send them, inside null.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_reason_id: Option<Option<LossReasonId>>,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags_to_add: Vec<TagRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags_to_delete: Vec<TagRef>,
    #[serde(rename = "custom_fields_values", skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldWrite>,
    #[serde(flatten)]
    authorship: Authorship,
    #[serde(rename = "_embedded", skip_serializing_if = "TagSet::is_empty")]
    tags: TagSet,
}

impl LeadPatch {
    /// A change of the lead `id` that changes nothing yet.
    pub fn new(id: LeadId) -> Self {
        Self {
            id,
            name: None,
            price: None,
            pipeline_id: None,
            status_id: None,
            responsible_user_id: None,
            loss_reason_id: None,
            closed_at: None,
            tags_to_add: Vec::new(),
            tags_to_delete: Vec::new(),
            fields: Vec::new(),
            authorship: Authorship::default(),
            tags: TagSet::default(),
        }
    }

    authorship_setters!(authorship);

    tag_set_setters!(tags);

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the price, in whole units of the account's currency.
    pub fn price(mut self, units: i64) -> Self {
        self.price = Some(PriceInput::whole(units));
        self
    }

    /// Sets the price to a decimal such as `1234.56`, for accounts whose prices have decimals.
    ///
    /// Only the vendor's own client (since 1.16) shows that Kommo takes them; an account that does not refuses the lead.
    /// What is not a decimal makes the update fail before it is sent.
    pub fn price_decimal(mut self, decimal: &str) -> Self {
        self.price = Some(PriceInput::decimal(decimal));
        self
    }

    /// Moves the lead to a stage. The pipeline goes along always, since 142 and 143 stand in every one.
    pub fn status(mut self, pipeline: PipelineId, status: StatusId) -> Self {
        self.pipeline_id = Some(pipeline);
        self.status_id = Some(status);
        self
    }

    /// Sets the responsible user. Kommo refuses users that are unknown or deactivated.
    pub fn responsible_user(mut self, user: UserId) -> Self {
        self.responsible_user_id = Some(user);
        self
    }

    /// Says why the lead was lost. Kommo takes it only together with the status [`StatusId::LOST`].
    pub fn loss_reason(mut self, reason: LossReasonId) -> Self {
        self.loss_reason_id = Some(Some(reason));
        self
    }

    /// Takes the loss reason away, by null: that Kommo takes it is not documented.
    pub fn without_loss_reason(mut self) -> Self {
        self.loss_reason_id = Some(None);
        self
    }

    /// Says when the lead was closed; left out, Kommo sets it itself.
    pub fn closed_at(mut self, at: OffsetDateTime) -> Self {
        self.closed_at = Some(Some(at.unix_timestamp()));
        self
    }

    /// Takes the closing time away, by null: that Kommo takes it is not documented.
    pub fn without_closed_at(mut self) -> Self {
        self.closed_at = Some(None);
        self
    }

    /// Adds a tag; a name that is new makes a new tag.
    pub fn add_tag(mut self, tag: TagRef) -> Self {
        self.tags_to_add.push(tag);
        self
    }

    /// Takes a tag off the lead.
    pub fn delete_tag(mut self, tag: TagRef) -> Self {
        self.tags_to_delete.push(tag);
        self
    }

    /// Writes a custom field. A second write of the same field takes the place of the first.
    pub fn field(mut self, write: FieldWrite) -> Self {
        write.put_into(&mut self.fields);
        self
    }

    /// The lead that is changed.
    #[must_use]
    pub fn id(&self) -> LeadId {
        self.id
    }

    /// The custom fields that are written, in the order in which they are sent.
    #[must_use]
    pub fn fields(&self) -> &[FieldWrite] {
        &self.fields
    }

    /// The stage the lead is moved to.
    #[must_use]
    pub fn target_status(&self) -> Option<(PipelineId, StatusId)> {
        self.pipeline_id.zip(self.status_id)
    }

    /// Leaves out the custom field at this position in [`fields`](Self::fields); `None` when there is none.
    ///
    /// [`FieldError::field_index`](crate::FieldError::field_index) gives the position of a field that was refused.
    pub fn remove_field(&mut self, index: usize) -> Option<FieldWrite> {
        (index < self.fields.len()).then(|| self.fields.remove(index))
    }

    /// Leaves out a custom field; `None` when it was not written.
    pub fn remove_field_named(&mut self, field: &FieldRef) -> Option<FieldWrite> {
        let index = self.fields.iter().position(|write| write.field() == field)?;
        self.remove_field(index)
    }

    /// Leaves the stage as it is, and with it what belongs to closing: loss reason and closing time.
    pub fn clear_status(&mut self) {
        self.pipeline_id = None;
        self.status_id = None;
        self.loss_reason_id = None;
        self.closed_at = None;
    }

    /// Leaves the responsible user as it is.
    pub fn clear_responsible_user(&mut self) {
        self.responsible_user_id = None;
    }

    /// Leaves the price as it is.
    pub fn clear_price(&mut self) {
        self.price = None;
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::new(self.id)
    }
}

/// A tag, by id or by name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "the API names tags in these two ways")]
pub enum TagRef {
    /// By its id.
    Id(TagId),
    /// By its name.
    Name(String),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{field::FieldInput, id::FieldId};

    fn write(id: u64, text: &str) -> FieldWrite {
        FieldWrite::new(FieldId::new(id), FieldInput::Text(text.into()))
    }

    #[test]
    fn only_what_is_set_is_sent() {
        let id = LeadId::new(1);
        for (patch, want) in [
            (LeadPatch::new(id), json!({"id": 1})),
            (LeadPatch::new(id).name("A"), json!({"id": 1, "name": "A"})),
            (LeadPatch::new(id).price(-5), json!({"id": 1, "price": -5})),
            (
                LeadPatch::new(id).status(PipelineId::new(2), StatusId::WON),
                json!({"id": 1, "pipeline_id": 2, "status_id": 142}),
            ),
            (
                LeadPatch::new(id)
                    .add_tag(TagRef::Name("a".into()))
                    .delete_tag(TagRef::Id(TagId::new(3))),
                json!({"id": 1, "tags_to_add": [{"name": "a"}], "tags_to_delete": [{"id": 3}]}),
            ),
            (
                LeadPatch::new(id)
                    .closed_at(OffsetDateTime::UNIX_EPOCH)
                    .responsible_user(UserId::new(4)),
                json!({"id": 1, "closed_at": 0, "responsible_user_id": 4}),
            ),
            (
                LeadPatch::new(id).without_loss_reason().without_closed_at().without_tags(),
                json!({"id": 1, "loss_reason_id": null, "closed_at": null, "_embedded": {"tags": null}}),
            ),
            (
                LeadPatch::new(id)
                    .tags([TagRef::Id(TagId::new(3)), TagRef::Name("a".into())])
                    .created_by(UserId::ROBOT)
                    .updated_by(UserId::new(9))
                    .created_at(OffsetDateTime::UNIX_EPOCH)
                    .updated_at(OffsetDateTime::UNIX_EPOCH),
                json!({"id": 1, "created_by": 0, "updated_by": 9, "created_at": 0, "updated_at": 0,
                    "_embedded": {"tags": [{"id": 3}, {"name": "a"}]}}),
            ),
        ] {
            assert_eq!(serde_json::to_value(&patch).unwrap(), want);
        }
    }

    #[test]
    fn a_decimal_price_keeps_its_digits() {
        let patch = LeadPatch::new(LeadId::new(1)).price_decimal("0.30");
        assert_eq!(serde_json::to_string(&patch).unwrap(), r#"{"id":1,"price":0.30}"#);
        let bad = LeadPatch::new(LeadId::new(1)).price_decimal("1,5");
        assert!(serde_json::to_string(&bad).is_err());
    }

    #[test]
    fn a_field_is_written_once_and_can_be_left_out() {
        let mut patch = LeadPatch::new(LeadId::new(1))
            .field(write(1, "a"))
            .field(write(2, "b"))
            .field(write(1, "c"));
        assert_eq!(patch.fields(), [write(1, "c"), write(2, "b")]);
        assert_eq!(patch.remove_field(2), None);
        assert_eq!(patch.remove_field(0), Some(write(1, "c")));
        assert_eq!(patch.remove_field_named(&FieldId::new(2).into()), Some(write(2, "b")));
        assert!(patch.is_empty());
    }

    #[test]
    fn clearing_the_status_clears_what_belongs_to_it() {
        let mut patch = LeadPatch::new(LeadId::new(1))
            .status(PipelineId::new(2), StatusId::LOST)
            .loss_reason(LossReasonId::new(3))
            .closed_at(OffsetDateTime::UNIX_EPOCH);
        assert_eq!(patch.target_status(), Some((PipelineId::new(2), StatusId::LOST)));
        patch.clear_status();
        assert!(patch.is_empty());
    }
}
