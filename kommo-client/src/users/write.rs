//! Users and roles to make and to change. Only an administrator's token may.

use std::fmt;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::{PATH, ROLES, Rights, Role, User, Users};
use crate::{
    batch::{self, Created, ItemOutcome},
    error::Error,
    id::{RoleId, UserId},
    page::Row,
    query::Query,
    transport::{Method, Request},
};

/// The most users Kommo takes in one request.
const MOST_USERS: usize = 10;

impl Users {
    /// Adds users, up to ten, in one request. The answers come in their order.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list). More than ten are [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest). After
    /// [`Fate::Unknown`](crate::Fate::Unknown) look with [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create(&self, users: &[NewUser]) -> Result<Vec<Created<UserId>>, Error> {
        at_most_ten(users.len())?;
        batch::create(&self.client, PATH, User::KEY, users).await
    }

    /// Adds users, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_each(&self, users: &[NewUser]) -> Vec<ItemOutcome<Created<UserId>>> {
        batch::post_each(batch::creating(&self.client, PATH, User::KEY).at_most(MOST_USERS), users)
            .await
    }

    /// Lets users work again, up to ten. Not every plan has it, and Kommo does so for no administrator.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create). Doing it twice is harmless.
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn activate(&self, users: &[UserId]) -> Result<(), Error> {
        self.switch("activate", users).await
    }

    /// Lets users work no longer, up to ten. Kommo then refuses tasks and leads for them. Not every plan has it, and Kommo
    /// does so for no administrator.
    ///
    /// # Errors
    ///
    /// As [`activate`](Self::activate).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn deactivate(&self, users: &[UserId]) -> Result<(), Error> {
        self.switch("deactivate", users).await
    }

    async fn switch(&self, action: &str, users: &[UserId]) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Item {
            id: UserId,
        }
        if users.is_empty() {
            return Ok(());
        }
        at_most_ten(users.len())?;
        let items: Vec<Item> = users.iter().map(|id| Item { id: *id }).collect();
        let request = Request::new(Method::Post, format!("{PATH}/{action}")).json(&items)?;
        // The answer is empty, and says it is HTML.
        self.client.send(&request).await.map(drop)
    }

    /// The role with this id; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: it only reads.
    pub async fn role(&self, id: RoleId) -> Result<Option<Role>, Error> {
        match self.client.find(format!("{ROLES}/{id}"), Query::default()).await {
            Err(error) if error.status() == Some(404) => Ok(None),
            found => found,
        }
    }

    /// Makes roles in one request. The answers come in their order.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list). After [`Fate::Unknown`](crate::Fate::Unknown) look with [`roles`](Self::roles).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn create_roles(&self, roles: &[NewRole]) -> Result<Vec<Created<RoleId>>, Error> {
        batch::create(&self.client, ROLES, Role::KEY, roles).await
    }

    /// Makes roles, in batches of [`batch_size`](crate::ClientBuilder::batch_size), and says what became of each, in their
    /// order: as [`Leads::create_each`](crate::Leads::create_each).
    ///
    /// # Cancel safety
    ///
    /// Requests under way when the future is dropped may or may not be carried out.
    pub async fn create_roles_each(&self, roles: &[NewRole]) -> Vec<ItemOutcome<Created<RoleId>>> {
        batch::create_each(&self.client, ROLES, Role::KEY, roles).await
    }

    /// Changes a role, and with it what its users may do.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn update_role(&self, patch: &RolePatch) -> Result<(), Error> {
        let request = Request::new(Method::Patch, format!("{ROLES}/{}", patch.id)).json(patch)?;
        self.client.send(&request).await.map(drop)
    }

    /// Deletes a role.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    ///
    /// # Cancel safety
    ///
    /// A request under way when the future is dropped may or may not be carried out.
    pub async fn delete_role(&self, id: RoleId) -> Result<(), Error> {
        let request = Request::new(Method::Delete, format!("{ROLES}/{id}"));
        self.client.send(&request).await.map(drop)
    }
}

fn at_most_ten(users: usize) -> Result<(), Error> {
    if users > MOST_USERS {
        return Err(Error::invalid_request("Kommo takes at most ten users in one request"));
    }
    Ok(())
}

/// A user to add. Its password never prints.
#[derive(Clone, Serialize)]
#[must_use]
pub struct NewUser {
    name: String,
    email: String,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    password: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    rights: Rights,
}

impl NewUser {
    /// A user with these rights. Names have up to 50 characters.
    pub fn new(name: impl Into<String>, email: impl Into<String>, rights: Rights) -> Self {
        let (name, email) = (name.into(), email.into());
        Self { name, email, password: None, lang: None, rights }
    }

    /// Sets the password: at least six characters, with a digit, a small and a capital letter. amoCRM wants one.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Zeroizing::new(password.into()));
        self
    }

    /// Sets the language, such as `en`; left out, it is the account's.
    pub fn lang(mut self, lang: impl Into<String>) -> Self {
        self.lang = Some(lang.into());
        self
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NewUser").field("rights", &self.rights).finish_non_exhaustive()
    }
}

#[expect(clippy::ref_option, reason = "the signature serde's `serialize_with` asks for")]
fn exposed<S: Serializer>(
    password: &Option<Zeroizing<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    password.as_ref().map(|password| password.as_str()).serialize(serializer)
}

/// A role to make.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewRole {
    name: String,
    rights: Rights,
}

impl NewRole {
    /// A role of this name.
    pub fn new(name: impl Into<String>, rights: Rights) -> Self {
        Self { name: name.into(), rights }
    }
}

/// A change of one role. What is not set stays.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct RolePatch {
    #[serde(skip)]
    id: RoleId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Rights>,
}

impl RolePatch {
    /// Changes nothing yet.
    pub fn new(id: RoleId) -> Self {
        Self { id, name: None, rights: None }
    }

    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Replaces the rights: begin with those that were read.
    pub fn rights(mut self, rights: Rights) -> Self {
        self.rights = Some(rights);
        self
    }
}
