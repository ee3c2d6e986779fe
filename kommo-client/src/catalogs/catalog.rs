//! Catalogs as they are read and written.

use serde::{Deserialize, Serialize};

use crate::{
    id::CatalogId,
    page::{Row, RowKey},
    wire::{lenient, or_default},
};

/// A catalog.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Catalog {
    /// Its id.
    pub id: CatalogId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Its kind: `regular`, `products`, `invoices` or `suppliers`.
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub catalog_type: String,
    /// Its place.
    #[serde(default, deserialize_with = "lenient")]
    pub sort: Option<i64>,
    /// Whether people may add elements from the card of an entity.
    #[serde(default, deserialize_with = "lenient")]
    pub can_add_elements: Option<bool>,
    /// Whether it has a tab in the cards of entities.
    #[serde(default, deserialize_with = "lenient")]
    pub can_show_in_cards: Option<bool>,
    /// Whether an element may be linked with several entities.
    #[serde(default, deserialize_with = "lenient")]
    pub can_link_multiple: Option<bool>,
    /// Whether it can be deleted; those of the system cannot.
    #[serde(default, deserialize_with = "lenient")]
    pub can_be_deleted: Option<bool>,
}

impl Row for Catalog {
    const KEY: &'static str = "catalogs";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

/// What creations and changes of catalogs share.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_add_elements: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_show_in_cards: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    can_link_multiple: Option<bool>,
}

macro_rules! settings_setters {
    () => {
        /// Sets the place.
        pub fn sort(mut self, sort: i64) -> Self {
            self.settings.sort = Some(sort);
            self
        }

        /// Whether people may add elements from the card of an entity.
        pub fn can_add_elements(mut self, can: bool) -> Self {
            self.settings.can_add_elements = Some(can);
            self
        }

        /// Whether it has a tab in the cards of entities.
        pub fn can_show_in_cards(mut self, can: bool) -> Self {
            self.settings.can_show_in_cards = Some(can);
            self
        }

        /// Whether an element may be linked with several entities.
        pub fn can_link_multiple(mut self, can: bool) -> Self {
            self.settings.can_link_multiple = Some(can);
            self
        }
    };
}

/// A catalog to make.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewCatalog {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    catalog_type: Option<String>,
    #[serde(flatten)]
    settings: Settings,
}

impl NewCatalog {
    /// A catalog of this name, of the kind `regular`.
    pub fn new(name: impl Into<String>) -> Self {
        let settings = Settings { name: Some(name.into()), ..Settings::default() };
        Self { catalog_type: None, settings }
    }

    /// Sets the kind: `regular`, `products`, `invoices` or `suppliers`.
    pub fn catalog_type(mut self, catalog_type: impl Into<String>) -> Self {
        self.catalog_type = Some(catalog_type.into());
        self
    }

    settings_setters!();
}

/// A change of one catalog. What is not set is not sent, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct CatalogPatch {
    pub(super) id: CatalogId,
    #[serde(flatten)]
    settings: Settings,
}

impl CatalogPatch {
    /// A change of the catalog `id` that changes nothing yet.
    pub fn new(id: CatalogId) -> Self {
        Self { id, settings: Settings::default() }
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    settings_setters!();
}
