//! What Kommo sends to a webhook: a form, all of whose values are text.

use crate::{
    form::{FormFault, FormNode},
    id::AccountId,
    open_enum::open_enum,
};

mod contact;
mod element;
mod lead;
mod message;
mod note;
mod talk;
mod task;
mod unsorted;
mod values;

pub use contact::WebhookContact;
pub use element::{WebhookCustomer, WebhookElement};
pub use lead::{WebhookLead, WebhookTag};
pub use message::WebhookMessage;
pub use note::WebhookNote;
pub use talk::WebhookTalk;
pub use task::WebhookTask;
pub use unsorted::{WebhookDecision, WebhookUnsorted};
pub use values::WebhookField;

use values::{number, text};

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
    /// Of a message of a chat.
    Message(Box<WebhookMessage>),
    /// Of an incoming lead.
    Unsorted(Box<WebhookUnsorted>),
    /// Of an element of a catalog.
    Element(Box<WebhookElement>),
    /// Of a customer.
    Customer(Box<WebhookCustomer>),
    /// Of something that has no type here, or has no id: see [`WebhookEvent::form`].
    Unknown,
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
                // amoCRM's page says of deletions: `leads[delete]=7`.
                if let Some(id) = items.text().filter(|id| !id.is_empty()) {
                    events.push(event(entity, action, &FormNode::with("id", id)));
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
    use WebhookEntity as Entity;
    let data = match (&entity, &action) {
        (_, WebhookAction::Note) => item.get("note").map(note::note).map(boxed(WebhookData::Note)),
        (Entity::Lead, _) => lead::lead(item).map(boxed(WebhookData::Lead)),
        (Entity::Contact | Entity::Company, _) => {
            contact::contact(item).map(boxed(WebhookData::Contact))
        }
        (Entity::Task, _) => task::task(item).map(boxed(WebhookData::Task)),
        (Entity::Talk, _) => talk::talk(item).map(boxed(WebhookData::Talk)),
        (Entity::Message, _) => message::message(item).map(boxed(WebhookData::Message)),
        (Entity::Unsorted, _) => unsorted::unsorted(item).map(boxed(WebhookData::Unsorted)),
        (Entity::Catalog, _) => element::element(item).map(boxed(WebhookData::Element)),
        (Entity::Customer, _) => element::customer(item).map(boxed(WebhookData::Customer)),
        (Entity::Unknown(_), _) => None,
    };
    WebhookEvent { entity, action, data: data.unwrap_or(WebhookData::Unknown), form: item.clone() }
}

fn boxed<T>(data: fn(Box<T>) -> WebhookData) -> impl FnOnce(T) -> WebhookData {
    move |own| data(Box::new(own))
}
