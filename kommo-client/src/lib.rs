//! A typed, polite and resilient client of the [Kommo](https://www.kommo.com) (amoCRM) API v4.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # use wiremock::{Mock, MockServer, ResponseTemplate, matchers::{method, path}};
//! # let server = MockServer::start().await;
//! # let answer = |text: &str| ResponseTemplate::new(200).set_body_raw(text.to_owned(), "application/hal+json");
//! # for (verb, at, text) in [
//! #     ("GET", "/api/v4/leads/7", r#"{"id":7,"name":"Acme","status_id":51,"pipeline_id":5,"responsible_user_id":9}"#),
//! #     ("PATCH", "/api/v4/leads", r#"{"_embedded":{"leads":[{"id":7,"updated_at":1}]}}"#),
//! #     ("POST", "/api/v4/leads/notes", r#"{"_embedded":{"notes":[{"id":1,"request_id":"0"}]}}"#),
//! #     ("POST", "/api/v4/tasks", r#"{"_embedded":{"tasks":[{"id":1,"request_id":"0"}]}}"#),
//! # ] {
//! #     Mock::given(method(verb)).and(path(at)).respond_with(answer(text)).expect(1).mount(&server).await;
//! # }
//! # let base_url = server.uri();
//! # let base_url = base_url.as_str();
//! use kommo_client::{
//!     AccessToken, Client, EntityType, LeadId, LeadPatch, NewNote, NewTask, StatusId,
//! };
//! use time::macros::datetime;
//!
//! # if false {
//! let base_url = "https://acme.kommo.com";
//! # }
//! let token = AccessToken::new("made-up-token")?;
//! let client = Client::builder(base_url, token).build()?;
//!
//! let lead = client.leads().get(LeadId::new(7)).await?.ok_or("there is no such deal")?;
//! if lead.is_open() {
//!     let pipeline = lead.pipeline_id.ok_or("a deal without a pipeline")?;
//!     let won = LeadPatch::new(lead.id).status(pipeline, StatusId::WON).price(2400);
//!     client.leads().update(&[won]).await?;
//! }
//! let note = NewNote::common(lead.id.get(), "Paid by card.");
//! client.notes(EntityType::Leads).create(&[note]).await?;
//! let task = NewTask::new("Send the welcome package", datetime!(2026-12-01 17:00 UTC)).lead(lead.id);
//! client.tasks().create(&[task]).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it takes care of
//!
//! * **Did it happen?** Every [`Error`] has a [`Fate`]: not sent, refused, or unknown. Kommo has no idempotency keys, so
//!   after [`Fate::Unknown`] look before sending a creation again. The client itself never sends one twice, except after
//!   a 401 with OAuth, which is a complete refusal.
//! * **Pace.** All clones of a [`Client`] share one limiter: never more than seven requests leave in any one second, 149 ms
//!   apart, and urgent calls go first ([`Priority`]). Where the network holds some of them up, they may still arrive together:
//!   then a 429 pauses and slows down all clones. When Kommo blocks the address ([`ErrorKind::Blocked`]), everything stops
//!   but one probe now and then. Several processes share a pace by a [`Pacer`].
//! * **Batches.** [`Leads::update_each`] and its like split by [`ClientBuilder::batch_size`], leave out what Kommo refuses,
//!   halve what ends in a 504, and say what became of each item. A 400 names items by the caller's index and fields by path.
//! * **Fields.** A [`FieldSet`] writes custom fields by code or id, in the form their type asks for, or says why a value
//!   does not fit before anything is sent.
//! * **Hostile answers.** No redirects, bodies capped at 8 MiB, deadlines, links that stay at the account's host, pages
//!   that end. Tokens and secrets are in no `Debug`, `Display`, error or log, and logs hold nothing of any entity. `Debug` of
//!   an error or the client shows nothing personal; that of an entity shows what it holds.
//!
//! It spawns no tasks and has no global state. It logs with `tracing`: one debug event per request.
//!
//! # Endpoints
//!
//! | endpoint of `/api/v4` | here |
//! |---|---|
//! | `leads`, `leads/{id}` | [`Leads::get`], [`get_with`](Leads::get_with), [`list`](Leads::list), [`list_by_ids`](Leads::list_by_ids), [`create`](Leads::create), [`create_each`](Leads::create_each), [`update`](Leads::update), [`update_each`](Leads::update_each) |
//! | `leads/complex`, `leads/loss_reasons` | [`Leads::create_complex`], [`loss_reasons`](Leads::loss_reasons), [`loss_reason`](Leads::loss_reason) |
//! | `leads/pipelines` | [`Pipelines::list`], [`get`](Pipelines::get), [`create`](Pipelines::create), [`create_each`](Pipelines::create_each), [`update`](Pipelines::update), [`delete`](Pipelines::delete); the stages: [`statuses`](Pipelines::statuses), [`create_statuses`](Pipelines::create_statuses), [`create_statuses_each`](Pipelines::create_statuses_each), [`update_status`](Pipelines::update_status), [`delete_status`](Pipelines::delete_status) |
//! | `leads/unsorted` | [`Unsorted::list`], [`get`](Unsorted::get), [`summary`](Unsorted::summary), [`create_forms`](Unsorted::create_forms), [`create_forms_each`](Unsorted::create_forms_each), [`create_sip`](Unsorted::create_sip), [`create_sip_each`](Unsorted::create_sip_each), [`accept`](Unsorted::accept), [`decline`](Unsorted::decline), [`link`](Unsorted::link) |
//! | `contacts` | [`Contacts::get`], [`get_with`](Contacts::get_with), [`list`](Contacts::list), [`list_by_ids`](Contacts::list_by_ids), [`find_by_email`](Contacts::find_by_email), [`create`](Contacts::create), [`create_each`](Contacts::create_each), [`update`](Contacts::update), [`update_each`](Contacts::update_each) |
//! | `companies` | [`Companies::get`], [`get_with`](Companies::get_with), [`list`](Companies::list), [`list_by_ids`](Companies::list_by_ids), [`create`](Companies::create), [`create_each`](Companies::create_each), [`update`](Companies::update), [`update_each`](Companies::update_each) |
//! | `{entity}/notes` | [`Notes::get`], [`list`](Notes::list), [`list_all`](Notes::list_all), [`create`](Notes::create), [`create_each`](Notes::create_each), [`update`](Notes::update), [`update_each`](Notes::update_each), [`pin`](Notes::pin) |
//! | `tasks` | [`Tasks::get`], [`list`](Tasks::list), [`list_pages`](Tasks::list_pages), [`create`](Tasks::create), [`create_each`](Tasks::create_each), [`update`](Tasks::update), [`update_each`](Tasks::update_each) |
//! | `{entity}/custom_fields` | [`CustomFields::get`], [`list`](CustomFields::list), [`list_of`](CustomFields::list_of), [`field_set`](CustomFields::field_set), [`create`](CustomFields::create), [`create_each`](CustomFields::create_each), [`update`](CustomFields::update), [`update_each`](CustomFields::update_each), [`set_code`](CustomFields::set_code), [`delete`](CustomFields::delete); of catalogs: [`Client::catalog_fields`] |
//! | `{entity}/custom_fields/groups` | [`CustomFields::groups`], [`group`](CustomFields::group), [`create_group`](CustomFields::create_group), [`update_group`](CustomFields::update_group), [`delete_group`](CustomFields::delete_group) |
//! | `{entity}/{id}/links`, `link`, `unlink` | [`Links::list`], [`link`](Links::link), [`link_each`](Links::link_each), [`unlink`](Links::unlink), [`unlink_each`](Links::unlink_each) |
//! | `{entity}/links`, `link`, `unlink` | [`MassLinks::list`], [`link`](MassLinks::link), [`link_each`](MassLinks::link_each), [`unlink`](MassLinks::unlink), [`unlink_each`](MassLinks::unlink_each) |
//! | `{entity}/tags` | [`Tags::list`], [`list_pages`](Tags::list_pages), [`create`](Tags::create), [`create_each`](Tags::create_each) |
//! | `{entity}/{id}/files`, the drive | [`Files::upload`], [`attach`](Files::attach), [`detach`](Files::detach), [`attached`](Files::attached), [`links`](Files::links), [`get`](Files::get), [`list`](Files::list), [`delete`](Files::delete) |
//! | `catalogs`, `catalogs/{id}/elements` | [`Catalogs::list`], [`get`](Catalogs::get), [`create`](Catalogs::create), [`create_each`](Catalogs::create_each), [`update`](Catalogs::update), [`update_each`](Catalogs::update_each), [`rename`](Catalogs::rename), [`elements`](Catalogs::elements), [`elements_by_ids`](Catalogs::elements_by_ids), [`element`](Catalogs::element), [`find_elements`](Catalogs::find_elements), [`create_elements`](Catalogs::create_elements), [`create_elements_each`](Catalogs::create_elements_each), [`update_elements`](Catalogs::update_elements), [`update_elements_each`](Catalogs::update_elements_each) |
//! | `calls` | [`Calls::create`], [`create_each`](Calls::create_each) |
//! | `/api/v2/salesbot/run` | [`Salesbots::run`] |
//! | `sources` | [`Sources::list`], [`get`](Sources::get), [`create`](Sources::create), [`create_each`](Sources::create_each), [`update`](Sources::update), [`update_each`](Sources::update_each), [`delete`](Sources::delete) |
//! | `users`, `roles` | [`Users::list`], [`get`](Users::get), [`create`](Users::create), [`create_each`](Users::create_each), [`activate`](Users::activate), [`deactivate`](Users::deactivate), [`roles`](Users::roles), [`role`](Users::role), [`create_roles`](Users::create_roles), [`create_roles_each`](Users::create_roles_each), [`update_role`](Users::update_role), [`delete_role`](Users::delete_role) |
//! | `account` | [`AccountHandle::get`], [`get_with`](AccountHandle::get_with) |
//! | `events` | [`Events::list`], [`get`](Events::get), [`types`](Events::types) |
//! | `webhooks` | [`Webhooks::list`], [`get`](Webhooks::get), [`subscribe`](Webhooks::subscribe), [`unsubscribe`](Webhooks::unsubscribe); deliveries: [`WebhookBody`] |
//! | `/oauth2/access_token` | [`Client::oauth`], [`Client::authorize`] |
//! | `/oauth2/account/current/subdomain` | by itself: [`Client::current_base_url`] |
//! | everything else | [`Client::raw`] |
//!
//! `GUIDE.md` in the crate's folder begins with the way from a token to a closed deal, and says for each endpoint by which
//! of the vendor's own samples its method is tested. The samples are not part of the repository; without them those tests
//! are skipped.
//!
//! # What is not certain
//!
//! Kommo's pages, those of its sister amoCRM and what is seen on the wire do not always agree. Both variants are read
//! wherever they differ. Decimal prices are only written when asked for ([`LeadPatch::price_decimal`]); that a batch is
//! refused as a whole is nowhere promised, which is why [`Notes::create_each`] calls the good items of a refused batch
//! [`ItemOutcome::Unknown`]. `GUIDE.md` lists everything of this kind: where it stands, and how to have it otherwise.
//!
//! # What it does not do
//!
//! Chats are an API of its own. What has no method here, [`Client::raw`] reaches. A client with a
//! long-lived token does not follow an account that was renamed: build a new one with the new address.
//!
//! # Features
//!
//! * `rustls` (default): TLS by rustls with the platform's certificates.
//! * `fake`: a fake Kommo on this machine, for tests.
//!
//! Without `rustls`, TLS is whatever your application switches on in `reqwest` 0.13 (for example its feature
//! `native-tls`); with none, only servers on this machine can be reached.

mod account;
mod auth;
mod authorship;
mod batch;
mod calls;
mod catalogs;
mod chance;
mod client;
mod companies;
mod contacts;
mod custom_fields;
mod entity;
mod error;
mod events;
#[cfg(feature = "fake")]
pub mod fake;
mod field;
mod field_set;
mod files;
mod form;
mod host;
mod id;
mod leads;
mod limit;
mod links;
mod notes;
mod oauth;
mod open_enum;
mod pace;
mod pacer;
mod page;
mod path;
mod person_filter;
mod pipelines;
pub mod polite;
mod price;
mod problem;
mod profile;
mod query;
mod raw;
mod retry;
mod salesbots;
mod sources;
mod tags;
mod tasks;
mod transport;
mod unsorted;
mod users;
mod webhook_body;
mod webhooks;
mod wire;

pub use crate::{
    account::{Account, AccountHandle, AccountWith, TaskType, UserGroup},
    auth::{AccessToken, InvalidToken},
    batch::{Created, ItemOutcome, Updated},
    calls::{Call, CallDirection, Calls, CallsCreated, NewCall},
    catalogs::{
        Catalog, CatalogElement, CatalogElementPatch, CatalogPatch, Catalogs, NewCatalog,
        NewCatalogElement,
    },
    client::{BuildError, Client, ClientBuilder},
    companies::{Companies, Company, CompanyFilter, CompanyPatch, CompanyWith, NewCompany},
    contacts::{Contact, ContactFilter, ContactPatch, ContactWith, Contacts, NewContact},
    custom_fields::{CustomFields, FieldDefinition, FieldEnum, FieldGroup, FieldPatch, NewField},
    entity::EntityType,
    error::{Error, ErrorKind, Fate, FieldError, ItemError},
    events::{Event, EventFilter, EventKind, Events},
    field::{
        AddressPart, FieldChoice, FieldInput, FieldRef, FieldType, FieldValue, FieldValues,
        FieldWrite, FileValue, LegalEntity, LinkedEntity,
    },
    field_set::{FieldSet, SetFieldError, SetValue},
    files::{AttachedFile, DriveFile, FileFilter, FileLink, Files},
    form::FormNode,
    id::{
        AccountId, CatalogElementId, CatalogId, CompanyId, ContactId, EnumId, FieldId, LeadId,
        LossReasonId, NoteId, PipelineId, RoleId, SalesbotId, SourceId, StatusId, TagId, TalkId,
        TaskId, TaskTypeId, UserId,
    },
    leads::{
        ComplexCreated, Lead, LeadContact, LeadElement, LeadFilter, LeadPatch, LeadSource,
        LeadWith, Leads, LossReason, NewLead, Tag, TagRef,
    },
    limit::{Priority, Turn},
    links::{Link, LinkTo, Links, MassLink, MassLinks},
    notes::{
        AttachmentContent, CallContent, CallResponsible, CashierContent, CashierStatus,
        GeolocationContent, InvoiceContent, NewNote, Note, NoteContent, NoteFilter, NotePatch,
        NoteType, NoteWith, Notes, RawContent, ServiceContent, SmsContent, TextContent,
    },
    oauth::{
        FileTokenStore, MemoryTokenStore, OAuthApp, TokenPair, TokenStore, TokenStoreError,
        account_url,
    },
    open_enum::UnknownValue,
    pacer::Pacer,
    page::Pages,
    pipelines::{NewPipeline, NewStatus, Pipeline, PipelinePatch, Pipelines, Status, StatusPatch},
    price::Price,
    raw::{RawAnswer, RawMethod, RawRequest},
    retry::RetryPolicy,
    salesbots::Salesbots,
    sources::{NewSource, Source, SourcePatch, Sources},
    tags::{NewTag, TagFilter, Tags},
    tasks::{NewTask, Task, TaskFilter, TaskPatch, Tasks},
    unsorted::{
        FormMetadata, NewUnsorted, SipMetadata, Unsorted, UnsortedCount, UnsortedFilter,
        UnsortedLead, UnsortedSummary,
    },
    users::{
        Access, EntityRights, NewRole, NewUser, Rights, Role, RolePatch, StatusActions,
        StatusRights, TaskRights, User, Users,
    },
    webhook_body::{
        WebhookAction, WebhookBody, WebhookBodyError, WebhookContact, WebhookCustomer, WebhookData,
        WebhookDecision, WebhookElement, WebhookEntity, WebhookEvent, WebhookField, WebhookLead,
        WebhookMessage, WebhookNote, WebhookTag, WebhookTalk, WebhookTask, WebhookUnsorted,
    },
    webhooks::{Webhook, Webhooks},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "fake"))]
#[doc = include_str!("../GUIDE.md")]
struct Guide;
