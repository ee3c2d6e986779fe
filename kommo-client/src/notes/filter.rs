//! Which notes to list.

use time::OffsetDateTime;

use super::NoteType;
use crate::{id::NoteId, page::PAGE, query::Query};

/// Which notes to list.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct NoteFilter {
    ids: Vec<NoteId>,
    entity_ids: Vec<u64>,
    note_types: Vec<NoteType>,
    updated_from: Option<OffsetDateTime>,
    updated_to: Option<OffsetDateTime>,
    with: Vec<NoteWith>,
    order: Option<(&'static str, &'static str)>,
}

impl NoteFilter {
    /// All notes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The note with this id; several calls add up.
    pub fn id(mut self, id: NoteId) -> Self {
        self.ids.push(id);
        self
    }

    /// Notes of this entity, for [`Notes::list_all`](super::Notes::list_all); several calls add up. amoCRM documents it, Kommo does not: compare
    /// what comes.
    pub fn entity(mut self, id: u64) -> Self {
        self.entity_ids.push(id);
        self
    }

    /// Notes of this kind, such as `common`; several calls add up.
    pub fn note_type(mut self, note_type: impl Into<NoteType>) -> Self {
        self.note_types.push(note_type.into());
        self
    }

    /// Notes changed at this time or later, to the second.
    pub fn updated_from(mut self, time: OffsetDateTime) -> Self {
        self.updated_from = Some(time);
        self
    }

    /// Notes changed at this time or before, to the second.
    pub fn updated_to(mut self, time: OffsetDateTime) -> Self {
        self.updated_to = Some(time);
        self
    }

    /// Has each note tell this, too.
    pub fn with(mut self, with: NoteWith) -> Self {
        self.with.push(with);
        self
    }

    /// The newest first, by id.
    pub fn newest_first(mut self) -> Self {
        self.order = Some(("order[id]", "desc"));
        self
    }

    /// Those changed last first.
    pub fn last_updated_first(mut self) -> Self {
        self.order = Some(("order[updated_at]", "desc"));
        self
    }

    pub(super) fn to_query(&self) -> Query {
        let mut query = Query::default();
        for id in &self.ids {
            query.push("filter[id][]", id);
        }
        for id in &self.entity_ids {
            query.push("filter[entity_id][]", id);
        }
        for note_type in &self.note_types {
            query.push("filter[note_type][]", note_type);
        }
        if let Some(time) = self.updated_from {
            query.push_time("filter[updated_at][from]", time);
        }
        if let Some(time) = self.updated_to {
            query.push_time("filter[updated_at][to]", time);
        }
        if !self.with.is_empty() {
            let with: Vec<_> = self.with.iter().map(|with| with.as_str()).collect();
            query.push("with", with.join(","));
        }
        let (key, direction) = self.order.unwrap_or(("order[id]", "asc"));
        query.with(key, direction).with("limit", PAGE)
    }
}

/// What a note only tells when asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NoteWith {
    /// [`Note::is_pinned`](super::Note::is_pinned): whether it is pinned to the top.
    IsPinned,
}

impl NoteWith {
    fn as_str(self) -> &'static str {
        match self {
            Self::IsPinned => "is_pinned",
        }
    }
}
