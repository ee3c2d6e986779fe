/// The kinds of things that have fields, tags, notes, files and links.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    Leads,
    Contacts,
    Companies,
    Elements,
}

impl Kind {
    /// The kind of that name in a path or in `entity_type`.
    pub(super) fn read(name: &str) -> Option<Self> {
        [Self::Leads, Self::Contacts, Self::Companies, Self::Elements]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Contacts => "contacts",
            Self::Companies => "companies",
            Self::Elements => "catalog_elements",
        }
    }

    /// The word of events and calls.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Leads => "lead",
            Self::Contacts => "contact",
            Self::Companies => "company",
            Self::Elements => "catalog_element",
        }
    }
}

/// One thing of the account.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Entity {
    pub(super) kind: Kind,
    pub(super) id: u64,
}

impl Entity {
    pub(super) fn new(kind: Kind, id: u64) -> Self {
        Self { kind, id }
    }
}

/// What a custom field belongs to. A field of one is unknown to all others.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Owner {
    All(Kind),
    Catalog(u64),
}

impl Owner {
    /// The path of its fields below `/api/v4/`.
    pub(super) fn path(self) -> String {
        match self {
            Self::All(kind) => format!("{}/custom_fields", kind.name()),
            Self::Catalog(id) => format!("catalogs/{id}/custom_fields"),
        }
    }
}
