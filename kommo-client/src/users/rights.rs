//! What a user or a role may do.

use serde::{Deserialize, Serialize};

use crate::{
    entity::EntityType,
    id::{PipelineId, RoleId, StatusId},
    open_enum::open_enum,
    wire::{lenient, list, or_default},
};

open_enum! {
    /// Whose things an action is allowed for.
    pub enum Access {
        /// Everybody's.
        All = "A",
        /// Those of the user's group.
        Group = "G",
        /// The user's own.
        Own = "M",
        /// Nobody's.
        Denied = "D",
    }
}

/// What a user or a role may do, as read and as written.
///
/// What is `None` is not written, and Kommo then denies it. With a role Kommo looks at nothing else.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rights {
    /// With leads.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub leads: Option<EntityRights>,
    /// With contacts.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub contacts: Option<EntityRights>,
    /// With companies.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub companies: Option<EntityRights>,
    /// With tasks.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub tasks: Option<TaskRights>,
    /// Whether the mail is open to them.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub mail_access: Option<bool>,
    /// Whether the catalogs are open to them.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub catalog_access: Option<bool>,
    /// Exceptions for single stages.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub status_rights: Vec<StatusRights>,
    /// The role of a user.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub role_id: Option<RoleId>,
    /// The group of a user.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub group_id: Option<u64>,
    /// Whether a user is a free one.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub is_free: Option<bool>,
}

impl Rights {
    /// The same access to all leads, contacts, companies and tasks.
    #[must_use]
    pub fn same(access: &Access) -> Self {
        let entity = EntityRights::same(access);
        Self {
            leads: Some(entity.clone()),
            contacts: Some(entity.clone()),
            companies: Some(entity),
            tasks: Some(TaskRights { edit: access.clone(), delete: access.clone() }),
            ..Self::default()
        }
    }

    /// Those of a role.
    #[must_use]
    pub fn of_role(role: RoleId) -> Self {
        Self { role_id: Some(role), ..Self::default() }
    }
}

/// What may be done with one kind of entity.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EntityRights {
    /// Look at them.
    #[serde(default = "denied", deserialize_with = "access")]
    pub view: Access,
    /// Change them.
    #[serde(default = "denied", deserialize_with = "access")]
    pub edit: Access,
    /// Make some.
    #[serde(default = "denied", deserialize_with = "access")]
    pub add: Access,
    /// Delete them.
    #[serde(default = "denied", deserialize_with = "access")]
    pub delete: Access,
    /// Take them out.
    #[serde(default = "denied", deserialize_with = "access")]
    pub export: Access,
}

impl EntityRights {
    /// The same access for every action.
    #[must_use]
    pub fn same(access: &Access) -> Self {
        let access = || access.clone();
        Self { view: access(), edit: access(), add: access(), delete: access(), export: access() }
    }
}

/// What may be done with tasks.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskRights {
    /// Change them.
    #[serde(default = "denied", deserialize_with = "access")]
    pub edit: Access,
    /// Delete them.
    #[serde(default = "denied", deserialize_with = "access")]
    pub delete: Access,
}

/// What may be done with the leads of one stage.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StatusRights {
    /// Always leads.
    #[serde(default = "leads")]
    pub entity_type: EntityType,
    /// The pipeline of the stage.
    pub pipeline_id: PipelineId,
    /// The stage.
    pub status_id: StatusId,
    /// What may be done.
    pub rights: StatusActions,
}

impl StatusRights {
    /// The same access for every action with the leads of this stage.
    #[must_use]
    pub fn same(pipeline: PipelineId, status: StatusId, access: &Access) -> Self {
        let rights = StatusActions {
            view: access.clone(),
            edit: access.clone(),
            delete: access.clone(),
            export: None,
        };
        Self { entity_type: EntityType::Leads, pipeline_id: pipeline, status_id: status, rights }
    }
}

/// Access by action with the leads of one stage.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StatusActions {
    /// Look at them.
    #[serde(default = "denied", deserialize_with = "access")]
    pub view: Access,
    /// Change them.
    #[serde(default = "denied", deserialize_with = "access")]
    pub edit: Access,
    /// Delete them.
    #[serde(default = "denied", deserialize_with = "access")]
    pub delete: Access,
    /// Take them out; not every stage has it.
    #[serde(default, deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub export: Option<Access>,
}

fn leads() -> EntityType {
    EntityType::Leads
}

/// What Kommo does not name it denies.
fn denied() -> Access {
    Access::Denied
}

fn access<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Access, D::Error> {
    or_default::<D, Option<Access>>(deserializer).map(|access| access.unwrap_or_else(denied))
}
