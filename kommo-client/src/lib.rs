//! A typed, polite and resilient client of the Kommo (amoCRM) API v4.
//!
//! # Features
//!
//! * `rustls` (default): TLS by rustls with the platform's certificates.
//!
//! Without it, TLS is whatever your application switches on in `reqwest` 0.13 (for example its feature `native-tls`).

mod account;
mod auth;
mod batch;
mod chance;
mod client;
mod contacts;
mod custom_fields;
mod entity;
mod error;
#[cfg(feature = "fake")]
pub mod fake;
mod field;
mod field_set;
mod id;
mod leads;
mod limit;
mod notes;
mod open_enum;
mod pace;
mod page;
mod path;
mod pipelines;
mod price;
mod problem;
mod query;
mod retry;
mod tasks;
mod transport;
mod users;
mod wire;

pub use crate::{
    account::{Account, AccountHandle, AccountWith, TaskType},
    auth::{AccessToken, InvalidToken},
    batch::{Created, ItemOutcome, Updated},
    client::{BuildError, Client, ClientBuilder},
    contacts::{Contact, Contacts},
    custom_fields::{CustomFields, FieldDefinition, FieldEnum},
    entity::EntityType,
    error::{Error, ErrorKind, Fate, FieldError, ItemError},
    field::{FieldChoice, FieldInput, FieldRef, FieldType, FieldValue, FieldValues, FieldWrite},
    field_set::{FieldSet, SetFieldError, SetValue},
    id::{
        AccountId, CompanyId, ContactId, EnumId, FieldId, LeadId, LossReasonId, NoteId, PipelineId,
        StatusId, TagId, TaskId, TaskTypeId, UserId,
    },
    leads::{Lead, LeadContact, LeadPatch, Leads, LossReason, Tag, TagRef},
    limit::Priority,
    notes::{NewNote, Note, NoteFilter, NoteType, Notes},
    open_enum::UnknownValue,
    pipelines::{Pipeline, Pipelines, Status},
    price::Price,
    retry::RetryPolicy,
    tasks::{NewTask, Task, TaskFilter, TaskPatch, Tasks},
    users::{User, Users},
};
