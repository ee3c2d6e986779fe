//! Groups of custom fields: the tabs of a card.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CustomFields;
use crate::{
    error::Error,
    id::FieldId,
    page::{self, PAGE, Row, RowKey},
    query::Query,
    transport::{Method, Request},
    wire::{JsonFault, lenient, or_default},
};

impl CustomFields {
    /// All groups.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn groups(&self) -> Result<Vec<FieldGroup>, Error> {
        page::all(&self.client, self.group_path(None)?, Query::default().with("limit", PAGE)).await
    }

    /// The group with this id, such as `leads_29741591099841`; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn group(&self, id: &str) -> Result<Option<FieldGroup>, Error> {
        match self.client.find(self.group_path(Some(id))?, Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// Makes a group of this name at this place, and says what Kommo calls it. Only an administrator's token may.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`]. After [`Fate::Unknown`](crate::Fate::Unknown) look with
    /// [`groups`](Self::groups).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create_group(&self, name: &str, sort: i64) -> Result<FieldGroup, Error> {
        #[derive(Serialize)]
        struct New<'a> {
            name: &'a str,
            sort: i64,
        }
        #[derive(Deserialize)]
        struct Envelope {
            #[serde(rename = "_embedded")]
            embedded: Embedded,
        }
        #[derive(Deserialize)]
        struct Embedded {
            custom_field_groups: [Value; 1],
        }
        let request =
            Request::new(Method::Post, self.group_path(None)?).json(&[New { name, sort }])?;
        let answer = self.client.send(&request).await?;
        let [group] = answer.decode::<Envelope>()?.embedded.custom_field_groups;
        FieldGroup::deserialize(group).map_err(|error| answer.undecodable(JsonFault::from(error)))
    }

    /// Changes name or place of a group: what is `None` stays. Only an administrator's token may.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update_group(
        &self,
        id: &str,
        name: Option<&str>,
        sort: Option<i64>,
    ) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Patch<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            sort: Option<i64>,
        }
        let path = self.group_path(Some(id))?;
        let request = Request::new(Method::Patch, path).json(&Patch { name, sort })?;
        self.client.send(&request).await.map(drop)
    }

    /// Deletes a group; its fields stay. Only an administrator's token may.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn delete_group(&self, id: &str) -> Result<(), Error> {
        let request = Request::new(Method::Delete, self.group_path(Some(id))?);
        self.client.send(&request).await.map(drop)
    }

    /// Deletes a field, and its values everywhere. Only an administrator's token may. amoCRM documents it, Kommo's pages
    /// leave it out.
    ///
    /// # Errors
    ///
    /// As every call: see [`Error::kind`].
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn delete(&self, id: FieldId) -> Result<(), Error> {
        let path = self.path(&[&id.to_string()])?;
        self.client.send(&Request::new(Method::Delete, path)).await.map(drop)
    }

    fn group_path(&self, id: Option<&str>) -> Result<String, Error> {
        match id {
            None => self.path(&["groups"]),
            Some(id) => self.path(&["groups", id]),
        }
    }
}

/// A group of custom fields.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldGroup {
    /// Its id: text, such as `leads_29741591099841`, or `default`.
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Its place.
    #[serde(default, deserialize_with = "lenient")]
    pub sort: Option<i64>,
    /// Whether every account has it.
    #[serde(default, deserialize_with = "or_default")]
    pub is_predefined: bool,
}

impl Row for FieldGroup {
    const KEY: &'static str = "custom_field_groups";

    fn row_key(&self) -> RowKey {
        RowKey::Text(self.id.clone())
    }
}
