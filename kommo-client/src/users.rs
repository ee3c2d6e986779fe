//! Users. Only an administrator's token may ask for them.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    client::Client,
    error::Error,
    id::{RoleId, UserId},
    page::{self, PAGE, Row, RowKey},
    query::Query,
    wire::{lenient, or_default},
};

mod rights;
mod write;

pub use rights::{Access, EntityRights, Rights, StatusActions, StatusRights, TaskRights};
pub use write::{NewRole, NewUser, RolePatch};

const PATH: &str = "/api/v4/users";
const ROLES: &str = "/api/v4/roles";

/// The users of an account; from [`Client::users`].
#[derive(Clone, Debug)]
pub struct Users {
    client: Client,
}

impl Users {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All users.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Forbidden`](crate::ErrorKind::Forbidden) when the token is not an administrator's. Otherwise as
    /// every call.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn list(&self) -> Result<Vec<User>, Error> {
        page::all(&self.client, PATH.to_owned(), Query::default().with("limit", PAGE)).await
    }

    /// The user with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn get(&self, id: UserId) -> Result<Option<User>, Error> {
        match self.client.find(format!("{PATH}/{id}"), Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// The roles that users may have. Only an administrator's token may ask for them.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn roles(&self) -> Result<Vec<Role>, Error> {
        let query = Query::default().with("limit", PAGE);
        page::all(&self.client, ROLES.to_owned(), query).await
    }
}

/// A user.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub name: Option<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Its language.
    pub lang: Option<String>,
    /// Whether it can work; Kommo refuses tasks and leads for those that cannot.
    pub is_active: bool,
    /// Whether it is an administrator.
    pub is_admin: bool,
    /// Whether it is one of the free users, who cannot use the API.
    pub is_free: bool,
    /// Its group.
    pub group_id: Option<u64>,
    /// Its role.
    pub role_id: Option<RoleId>,
    /// What it may do.
    pub rights: Rights,
}

impl Row for User {
    const KEY: &'static str = "users";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

/// A role of users.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// What its users may do.
    #[serde(default, deserialize_with = "or_default")]
    pub rights: Rights,
}

impl Row for Role {
    const KEY: &'static str = "roles";

    fn row_key(&self) -> RowKey {
        RowKey::Number(self.id.get())
    }
}

#[derive(Deserialize)]
struct Wire {
    id: UserId,
    #[serde(default, deserialize_with = "lenient")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    lang: Option<String>,
    #[serde(default)]
    rights: Value,
}

/// What the rights say besides what may be done.
#[derive(Default, Deserialize)]
struct State {
    #[serde(default, deserialize_with = "or_default")]
    is_active: bool,
    #[serde(default, deserialize_with = "or_default")]
    is_admin: bool,
    #[serde(default, deserialize_with = "or_default")]
    is_free: bool,
    #[serde(default, deserialize_with = "lenient")]
    group_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    role_id: Option<RoleId>,
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        // One object says what may be done and what the user is.
        let state: State = State::deserialize(&wire.rights).unwrap_or_default();
        Ok(Self {
            id: wire.id,
            name: wire.name,
            email: wire.email,
            lang: wire.lang,
            is_active: state.is_active,
            is_admin: state.is_admin,
            is_free: state.is_free,
            group_id: state.group_id,
            role_id: state.role_id,
            rights: Rights::deserialize(wire.rights).unwrap_or_default(),
        })
    }
}
