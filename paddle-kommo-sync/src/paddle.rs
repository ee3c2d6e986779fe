//! Paddle's own API: who paid, what was refunded, the checkout link, and what was never delivered.
//!
//! ```
//! use paddle_kommo_sync::{
//!     fake_paddle::{FakePaddle, Purchase},
//!     paddle::{ApiKey, Client, EventFilter},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A fake Paddle, in which somebody buys, stands in for `https://api.paddle.com`.
//! let fake = FakePaddle::start().await;
//! let sale = fake.buy(&Purchase::new("jo@example.com").custom_data("kommo_lead_id", "20024930"));
//!
//! let paddle = Client::builder(ApiKey::new(fake.api_key())?).base_url(&fake.uri()).build()?;
//! let transaction = paddle.transactions().get(&sale.transaction).await?.ok_or("not there")?;
//! assert_eq!(transaction.custom_data.text("kommo_lead_id").as_deref(), Some("20024930"));
//!
//! let mut pages = paddle.events().list(&EventFilter::new());
//! while let Some(page) = pages.next().await? {
//!     for event in page {
//!         // One that cannot be read does not take the others along.
//!         let Ok(event) = event else { continue };
//!         println!("{} {}", event.id(), event.event_type());
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it takes care of
//!
//! * **Did it happen?** Every [`Error`] has a [`Fate`]. Paddle has no idempotency keys, so a lost answer to a creation is
//!   looked up by a key of ours ([`Transactions::create_once`]).
//! * **Which environment.** The key's prefix says it, the address follows, and [`Client::check_environment`] compares it
//!   with the webhook secrets'.
//! * **Pace.** 240 requests in any minute for all clones; a 429 pauses all of them for as long as it says;
//!   [`Client::in_background`] leaves half to the others. Reads are repeated, writes only where Paddle did nothing.
//! * **Leniency.** Entities are read as `paddle_webhook` reads them: open enums, only the id must be there. An item that
//!   cannot be read is an [`Unread`] with its JSON; the rest of its page is not lost.
//! * **Hostile answers.** No redirects, bodies capped at 16 MiB, deadlines, pages that stay at the host and end. Nothing
//!   secret or personal is in `Debug`, `Display`, errors or logs.
//!
//! # Endpoints
//!
//! | endpoint | here |
//! |---|---|
//! | `customers` | [`Customers::get`], [`find_by_email`](Customers::find_by_email), [`create`](Customers::create), [`search`](Customers::search) |
//! | `transactions` | [`Transactions::get`], [`list`](Transactions::list), [`create`](Transactions::create), [`create_once`](Transactions::create_once), [`find_by_key`](Transactions::find_by_key), [`update`](Transactions::update), [`cancel`](Transactions::cancel), [`invoice_pdf`](Transactions::invoice_pdf) |
//! | `subscriptions` | [`Subscriptions::get`], [`list`](Subscriptions::list) |
//! | `adjustments` | [`Adjustments::get`], [`of_transaction`](Adjustments::of_transaction), [`list`](Adjustments::list), [`credit_note_pdf`](Adjustments::credit_note_pdf) |
//! | `events`, `event-types` | [`Events::list`], [`types`](Events::types) |
//! | `notifications` | [`Notifications::list`], [`replay`](Notifications::replay) |
//! | `notification-settings` | [`NotificationSettings::list`], [`get`](NotificationSettings::get) |
//! | `prices` | [`Prices::get`], [`list`](Prices::list) |
//! | the PDFs behind links | [`Client::download`] |
//! | `currencies`, `ips` | [`Client::currencies`], [`Client::webhook_addresses`] |

mod account;
mod adjustments;
mod client;
mod customers;
mod document;
mod error;
mod events;
mod key;
mod limit;
mod lookup;
mod notifications;
mod page;
mod prices;
mod problem;
mod query;
mod retry;
mod settings;
mod subscriptions;
mod transactions;
mod transport;

pub use self::{
    account::PaddleCurrency,
    adjustments::Adjustments,
    client::{BuildError, Client, ClientBuilder, WrongEnvironment},
    customers::{Customers, NewCustomer},
    document::DocumentLink,
    error::{Error, ErrorKind, Fate, FieldError},
    events::{EventFilter, Events},
    key::{ApiKey, InvalidApiKey},
    lookup::{TransactionLookup, TransactionReferences},
    notifications::{Notification, NotificationFilter, Notifications},
    page::{Pages, Unread},
    prices::Prices,
    settings::{NotificationSetting, NotificationSettingId, NotificationSettings},
    subscriptions::{SubscriptionFilter, Subscriptions},
    transactions::{
        NewTransaction, REQUEST_KEY, TransactionFilter, TransactionItemRequest, TransactionOrder,
        TransactionPatch, Transactions,
    },
};
