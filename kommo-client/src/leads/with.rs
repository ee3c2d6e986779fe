//! What leads only tell when asked.

/// What a lead only tells when asked; contacts and the loss reason are always asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LeadWith {
    /// [`Lead::catalog_elements`](super::Lead::catalog_elements): its products and other elements of catalogs.
    CatalogElements,
    /// [`Lead::is_price_modified_by_robot`](super::Lead::is_price_modified_by_robot).
    IsPriceModifiedByRobot,
    /// [`Lead::source_id`](super::Lead::source_id).
    SourceId,
    /// [`Lead::source`](super::Lead::source). amoCRM's page and the vendor's PHP client have it, one of Kommo's pages has not.
    Source,
}

impl LeadWith {
    fn as_str(self) -> &'static str {
        match self {
            Self::CatalogElements => "catalog_elements",
            Self::IsPriceModifiedByRobot => "is_price_modified_by_robot",
            Self::SourceId => "source_id",
            Self::Source => "source",
        }
    }

    /// `base`, and these after it.
    pub(super) fn join(base: &str, with: &[Self]) -> String {
        with.iter().fold(base.to_owned(), |all, with| format!("{all},{}", with.as_str()))
    }
}
