//! `POST /checkout`: a link for a deal, with the admin token; and the look at the payment stage beside the worker.

use std::{future::Future, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use kommo_client::LeadId;
use paddle_kommo_sync::{Checkout, CheckoutState, Sync};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::app::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// The deal.
    lead: u64,
    /// What is sold; none: what the deal itself says.
    #[serde(default)]
    items: Vec<Item>,
    /// Another link, also where the last one was paid or canceled.
    #[serde(default)]
    anew: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    price_id: String,
    #[serde(default = "one")]
    quantity: u32,
}

const fn one() -> u32 {
    1
}

pub(crate) async fn ask(State(app): State<App>, Json(ask): Json<Ask>) -> Response {
    if ask.lead == 0 || i64::try_from(ask.lead).is_err() {
        let error = json!({"error": "`lead` is not the id of a deal"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    tracing::info!(lead = ask.lead, anew = ask.anew, "an operator asks for a checkout link");
    let checkout = Checkout::for_lead(LeadId::new(ask.lead));
    let checkout = if ask.anew { checkout.anew() } else { checkout };
    let checkout = ask.items.iter().fold(checkout, |checkout, item| {
        checkout.item(item.price_id.as_str().into(), item.quantity)
    });
    match app.sync.checkout(checkout).await {
        Ok(state) => answer(state),
        Err(error) => {
            tracing::error!(error = crate::chain(&error), "no checkout: the store does not answer");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn answer(state: CheckoutState) -> Response {
    let (status, body) = match state {
        CheckoutState::Open(link) => {
            let mut body = json!(link);
            set(&mut body, "state", json!("open"));
            (StatusCode::OK, body)
        }
        CheckoutState::Paid { transaction } => {
            (StatusCode::CONFLICT, json!({"state": "paid", "transaction": transaction}))
        }
        CheckoutState::Canceled { transaction } => {
            (StatusCode::CONFLICT, json!({"state": "canceled", "transaction": transaction}))
        }
        CheckoutState::Shadowed { would } => {
            (StatusCode::OK, json!({"state": "shadowed", "would": would}))
        }
        CheckoutState::Waiting { reason, until } => {
            let until = until.format(&Rfc3339).ok();
            (StatusCode::ACCEPTED, json!({"state": "waiting", "reason": reason, "until": until}))
        }
        CheckoutState::Refused(parked) => {
            let mut body = json!(parked);
            set(&mut body, "state", json!("refused"));
            (StatusCode::UNPROCESSABLE_ENTITY, body)
        }
        // A later version of the library knows more.
        _ => (StatusCode::INTERNAL_SERVER_ERROR, json!({"state": "unknown"})),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn set(body: &mut Value, key: &str, value: Value) {
    if let Value::Object(body) = body {
        body.insert(key.to_owned(), value);
    }
}

/// Looks at the payment stage again and again, until `stop` is ready: for accounts without webhooks.
pub(crate) async fn watch(sync: Sync, every: Duration, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            found = sync.look_at_stage() => match found {
                Ok(0) => {}
                Ok(deals) => tracing::info!(deals, "deals in the payment stage get their link"),
                Err(error) => {
                    tracing::warn!(error = crate::chain(&error), "the payment stage was not looked at");
                }
            },
        }
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}
