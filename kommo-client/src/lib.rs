//! A typed, polite and resilient client of the Kommo (amoCRM) API v4.
//!
//! # Features
//!
//! * `rustls` (default): TLS by rustls with the platform's certificates.
//! * `native-tls`: TLS by the platform's own library.

mod account;
mod auth;
mod batch;
mod catalogs;
mod chance;
mod client;
mod companies;
mod contacts;
mod custom_fields;
mod entity;
mod error;
mod events;
mod field;
mod field_set;
mod files;
mod form;
mod id;
mod leads;
mod limit;
mod links;
mod notes;
mod oauth;
mod open_enum;
mod pace;
mod page;
mod path;
mod pipelines;
mod price;
mod problem;
mod profile;
mod query;
mod raw;
mod retry;
mod tags;
mod tasks;
mod transport;
mod unsorted;
mod users;
mod webhook_body;
mod webhooks;
mod wire;

pub use crate::{
    account::{Account, AccountHandle, AccountWith, TaskType},
    auth::{AccessToken, InvalidToken},
    batch::{Created, ItemOutcome, Updated},
    catalogs::{Catalog, CatalogElement, CatalogElementPatch, Catalogs, NewCatalogElement},
    client::{BuildError, Client, ClientBuilder},
    companies::{Companies, Company, CompanyPatch, NewCompany},
    contacts::{Contact, ContactPatch, Contacts, NewContact},
    custom_fields::{CustomFields, FieldDefinition, FieldEnum, NewField},
    entity::EntityType,
    error::{Error, ErrorKind, Fate, FieldError, ItemError},
    events::{Event, EventFilter, Events},
    field::{FieldChoice, FieldInput, FieldRef, FieldType, FieldValue, FieldValues, FieldWrite},
    field_set::{FieldSet, SetFieldError, SetValue},
    files::{AttachedFile, Files, UploadedFile},
    form::FormNode,
    id::{
        AccountId, CatalogElementId, CatalogId, CompanyId, ContactId, EnumId, FieldId, LeadId,
        LossReasonId, NoteId, PipelineId, StatusId, TagId, TaskId, TaskTypeId, UserId,
    },
    leads::{
        ComplexCreated, Lead, LeadContact, LeadFilter, LeadPatch, Leads, LossReason, NewLead, Tag,
        TagRef,
    },
    limit::Priority,
    links::{Link, LinkTo, Links},
    notes::{NewNote, Note, NoteFilter, NotePatch, NoteType, Notes},
    oauth::{
        FileTokenStore, MemoryTokenStore, OAuthApp, TokenPair, TokenStore, TokenStoreError,
        account_url,
    },
    open_enum::UnknownValue,
    page::Pages,
    pipelines::{Pipeline, Pipelines, Status},
    price::Price,
    raw::{RawAnswer, RawMethod, RawRequest},
    retry::RetryPolicy,
    tags::Tags,
    tasks::{NewTask, Task, TaskFilter, TaskPatch, Tasks},
    unsorted::{Unsorted, UnsortedLead},
    users::{User, Users},
    webhook_body::{
        WebhookAction, WebhookBody, WebhookBodyError, WebhookContact, WebhookData, WebhookEntity,
        WebhookEvent, WebhookField, WebhookLead, WebhookNote, WebhookTask,
    },
    webhooks::{Webhook, Webhooks},
};
