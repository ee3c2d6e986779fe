//! What Kommo sends to a webhook: a form, all of whose values are text.

use time::OffsetDateTime;

use crate::{
    form::{FormFault, FormNode},
    id::{
        AccountId, ContactId, EnumId, FieldId, LeadId, NoteId, PipelineId, StatusId, TaskId,
        TaskTypeId, UserId,
    },
    open_enum::open_enum,
    price::Price,
};

mod talk;

pub use talk::WebhookTalk;
use talk::talk;

open_enum! {
    /// What a webhook is about, as its form calls it.
    pub enum WebhookEntity {
        /// A lead.
        Lead = "leads",
        /// A contact.
        Contact = "contacts",
        /// A company. Kommo sends it under `contacts`, with the type `company`.
        Company = "companies",
        /// A task.
        Task = "task",
        /// An incoming lead.
        Unsorted = "unsorted",
        /// A talk.
        Talk = "talk",
        /// A message of a chat.
        Message = "message",
        /// A customer.
        Customer = "customers",
        /// Elements of a catalog.
        Catalog = "catalogs",
    }
}

open_enum! {
    /// What happened to it.
    pub enum WebhookAction {
        /// It was made.
        Add = "add",
        /// It was changed.
        Update = "update",
        /// It was deleted. Taking or declining an incoming lead comes as this too.
        Delete = "delete",
        /// It came back from the trash.
        Restore = "restore",
        /// It moved to another stage.
        Status = "status",
        /// It became somebody else's.
        Responsible = "responsible",
        /// A note was added to it.
        Note = "note",
    }
}

/// A delivery of a Kommo webhook.
///
/// Kommo does not sign its deliveries, sends them again when it gets no 2xx within two seconds, and sends them for what
/// the API itself writes. So: compare [`account_id`](Self::account_id), have an address nobody can guess, answer first
/// and work later, and take a delivery as a hint to read the entity.
///
/// ```
/// use kommo_client::{StatusId, WebhookAction, WebhookBody, WebhookData};
///
/// let body = b"leads[status][0][id]=7&leads[status][0][status_id]=142&account[id]=5";
/// let delivery = WebhookBody::parse(body)?;
/// let event = &delivery.events[0];
/// assert_eq!(event.action, WebhookAction::Status);
/// let WebhookData::Lead(lead) = &event.data else { unreachable!() };
/// assert_eq!(lead.status_id, Some(StatusId::WON));
/// # Ok::<(), kommo_client::WebhookBodyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookBody {
    /// The account it claims to come from.
    pub account_id: Option<AccountId>,
    /// The first part of the host name of that.
    pub subdomain: Option<String>,
    /// What happened.
    pub events: Vec<WebhookEvent>,
    /// The whole form.
    pub form: FormNode,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// To what.
    pub entity: WebhookEntity,
    /// What.
    pub action: WebhookAction,
    /// What is said of it.
    pub data: WebhookData,
    /// The same as it came.
    pub form: FormNode,
}

/// What a webhook says of an entity. Only what this kind of delivery holds is set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WebhookData {
    /// Of a lead.
    Lead(Box<WebhookLead>),
    /// Of a contact or company.
    Contact(Box<WebhookContact>),
    /// Of a task.
    Task(Box<WebhookTask>),
    /// Of a note that was added to the entity.
    Note(Box<WebhookNote>),
    /// Of a talk.
    Talk(Box<WebhookTalk>),
    /// Of something that has no type here, or has no id: see [`WebhookEvent::form`].
    Unknown,
}

/// A lead in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookLead {
    /// Its id.
    pub id: LeadId,
    /// Its name.
    pub name: Option<String>,
    /// Its stage.
    pub status_id: Option<StatusId>,
    /// Its stage before.
    pub old_status_id: Option<StatusId>,
    /// Its pipeline.
    pub pipeline_id: Option<PipelineId>,
    /// Its pipeline before.
    pub old_pipeline_id: Option<PipelineId>,
    /// What it is worth.
    pub price: Price,
    /// Whose it is.
    pub responsible_user_id: Option<UserId>,
    /// Whose it was.
    pub old_responsible_user_id: Option<UserId>,
    /// Who changed it. Compare it with the token's user to pass over what you wrote yourself.
    pub modified_user_id: Option<UserId>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
    /// Its custom fields that have values.
    pub custom_fields: Vec<WebhookField>,
}

/// A contact or company in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookContact {
    /// Its id; that of a company when the event is of one.
    pub id: ContactId,
    /// Its name.
    pub name: Option<String>,
    /// Whose it is.
    pub responsible_user_id: Option<UserId>,
    /// Who changed it.
    pub modified_user_id: Option<UserId>,
    /// Its leads.
    pub lead_ids: Vec<LeadId>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
    /// Its custom fields that have values.
    pub custom_fields: Vec<WebhookField>,
}

/// A task in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookTask {
    /// Its id.
    pub id: TaskId,
    /// What is to be done.
    pub text: Option<String>,
    /// Its kind.
    pub task_type_id: Option<TaskTypeId>,
    /// What it is a task of.
    pub element_id: Option<u64>,
    /// The kind of that: 1 is a contact, 2 a lead, 3 a company.
    pub element_type: Option<u64>,
    /// Whether it is done.
    pub is_completed: Option<bool>,
    /// Who has to do it.
    pub responsible_user_id: Option<UserId>,
    /// When it is due.
    pub complete_before: Option<OffsetDateTime>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
}

/// A note in a webhook.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookNote {
    /// Its id.
    pub id: Option<NoteId>,
    /// What it is a note of.
    pub element_id: Option<u64>,
    /// Its kind, by number: 4 is text of a person, 5 a file.
    pub note_type: Option<u64>,
    /// Its text.
    pub text: Option<String>,
    /// When it was changed.
    pub updated_at: Option<OffsetDateTime>,
}

/// A custom field in a webhook.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct WebhookField {
    /// The field.
    pub id: FieldId,
    /// Its name.
    pub name: Option<String>,
    /// Its code.
    pub code: Option<String>,
    /// Its values, as text and, for options, by id.
    pub values: Vec<(String, Option<EnumId>)>,
}

/// Why a body cannot be taken for a webhook: it is larger than any of Kommo's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookBodyError {
    /// More than 4 MiB.
    #[error("the body is too large")]
    TooLarge,
    /// More than 50,000 pairs.
    #[error("the body has too many pairs")]
    TooMany,
    /// Keys with more than 16 parts.
    #[error("the body is nested too deeply")]
    TooDeep,
}

impl WebhookBody {
    /// Reads a delivery: the raw body of the request. Whatever is unknown is kept, nothing is refused for it.
    ///
    /// # Errors
    ///
    /// [`WebhookBodyError`] for a body that is larger than any of Kommo's: answer 413.
    pub fn parse(body: &[u8]) -> Result<Self, WebhookBodyError> {
        let form = FormNode::parse(body).map_err(|fault| match fault {
            FormFault::Size => WebhookBodyError::TooLarge,
            FormFault::Pairs => WebhookBodyError::TooMany,
            FormFault::Depth => WebhookBodyError::TooDeep,
        })?;
        let account = form.get("account");
        let mut events = Vec::new();
        for (entity, actions) in form.children() {
            if entity == "account" {
                continue;
            }
            for (action, items) in actions.children() {
                for (_, item) in items.children() {
                    events.push(event(entity, action, item));
                }
            }
        }
        Ok(Self {
            account_id: account.and_then(|account| number(account, "id")).map(AccountId::new),
            subdomain: account.and_then(|account| text(account, "subdomain")),
            events,
            form,
        })
    }
}

fn event(entity: &str, action: &str, item: &FormNode) -> WebhookEvent {
    // The vendor's own sample of a task has one level more: `task[update][0][0][id]`.
    let item = match (item.get("id"), item.get("0")) {
        (None, Some(inner)) => inner,
        _ => item,
    };
    let action = WebhookAction::from(action);
    let entity = match entity {
        "contacts" if item.text_of("type") == Some("company") => WebhookEntity::Company,
        entity => WebhookEntity::from(entity),
    };
    let data = match (&entity, &action) {
        (_, WebhookAction::Note) => item.get("note").map(note),
        (WebhookEntity::Lead, _) => lead(item),
        (WebhookEntity::Contact | WebhookEntity::Company, _) => contact(item),
        (WebhookEntity::Task, _) => task(item),
        (WebhookEntity::Talk, _) => talk(item).map(Box::new).map(WebhookData::Talk),
        _ => None,
    };
    WebhookEvent { entity, action, data: data.unwrap_or(WebhookData::Unknown), form: item.clone() }
}

fn lead(item: &FormNode) -> Option<WebhookData> {
    let price = text(item, "price_with_minor_units").or_else(|| text(item, "price"));
    Some(WebhookData::Lead(Box::new(WebhookLead {
        id: LeadId::new(positive(item, "id")?),
        name: text(item, "name"),
        status_id: positive(item, "status_id").map(StatusId::new),
        old_status_id: positive(item, "old_status_id").map(StatusId::new),
        pipeline_id: positive(item, "pipeline_id").map(PipelineId::new),
        old_pipeline_id: positive(item, "old_pipeline_id").map(PipelineId::new),
        price: price.and_then(|price| Price::parse(&price)).unwrap_or_default(),
        responsible_user_id: number(item, "responsible_user_id").map(UserId::new),
        old_responsible_user_id: number(item, "old_responsible_user_id").map(UserId::new),
        modified_user_id: number(item, "modified_user_id").map(UserId::new),
        updated_at: time(item, "updated_at").or_else(|| time(item, "last_modified")),
        custom_fields: fields(item),
    })))
}

fn contact(item: &FormNode) -> Option<WebhookData> {
    // The ids are the names of the children: `linked_leads_id[7][ID]=7`.
    let leads = item.get("linked_leads_id").map(FormNode::children).unwrap_or_default();
    let lead_ids = leads.iter().filter_map(|(id, _)| id.parse().ok()).map(LeadId::new).collect();
    Some(WebhookData::Contact(Box::new(WebhookContact {
        id: ContactId::new(positive(item, "id")?),
        name: text(item, "name"),
        responsible_user_id: number(item, "responsible_user_id").map(UserId::new),
        modified_user_id: number(item, "modified_user_id").map(UserId::new),
        lead_ids,
        updated_at: time(item, "updated_at").or_else(|| time(item, "last_modified")),
        custom_fields: fields(item),
    })))
}

fn task(item: &FormNode) -> Option<WebhookData> {
    Some(WebhookData::Task(Box::new(WebhookTask {
        id: TaskId::new(positive(item, "id")?),
        text: text(item, "text"),
        task_type_id: positive(item, "task_type").map(TaskTypeId::new),
        element_id: positive(item, "element_id"),
        element_type: positive(item, "element_type"),
        is_completed: number(item, "status").map(|status| status == 1),
        responsible_user_id: number(item, "responsible_user_id").map(UserId::new),
        complete_before: time(item, "complete_before"),
        updated_at: time(item, "updated_at"),
    })))
}

fn note(item: &FormNode) -> WebhookData {
    WebhookData::Note(Box::new(WebhookNote {
        id: positive(item, "id").map(NoteId::new),
        element_id: positive(item, "element_id"),
        note_type: positive(item, "note_type").or_else(|| positive(item, "type")),
        text: text(item, "text"),
        updated_at: time(item, "updated_at"),
    }))
}

fn fields(item: &FormNode) -> Vec<WebhookField> {
    let fields = item.get("custom_fields").map(FormNode::children).unwrap_or_default();
    fields
        .into_iter()
        .filter_map(|(_, field)| {
            Some(WebhookField {
                id: FieldId::new(positive(field, "id")?),
                name: text(field, "name"),
                code: text(field, "code"),
                values: values(field),
            })
        })
        .collect()
}

/// `values[0][value]`, or the bare `values[0]` of dates and checkboxes.
fn values(field: &FormNode) -> Vec<(String, Option<EnumId>)> {
    let values = field.get("values").map(FormNode::children).unwrap_or_default();
    values
        .into_iter()
        .filter_map(|(_, value)| {
            let text = value.get("value").and_then(FormNode::text).or_else(|| value.text())?;
            Some((text.to_owned(), positive(value, "enum").map(EnumId::new)))
        })
        .collect()
}

fn text(node: &FormNode, key: &str) -> Option<String> {
    node.text_of(key).map(str::to_owned)
}

fn number(node: &FormNode, key: &str) -> Option<u64> {
    node.text_of(key)?.parse().ok().filter(|number| i64::try_from(*number).is_ok())
}

fn positive(node: &FormNode, key: &str) -> Option<u64> {
    number(node, key).filter(|number| *number > 0)
}

fn time(node: &FormNode, key: &str) -> Option<OffsetDateTime> {
    let seconds = node.text_of(key)?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}
