//! Making customers through the API.

use serde_json::Value;

use super::answer::{Answer, Outcome};
use super::server::Call;
use super::state::{State, str_of};
use super::transactions::{check_custom_data, object};

const NEW: [&str; 4] = ["email", "name", "locale", "custom_data"];

impl State {
    pub(super) fn create_customer(&mut self, call: &Call) -> Outcome {
        let body = object(call, &NEW)?;
        check_custom_data(&body)?;
        let email = body.get("email").and_then(Value::as_str).unwrap_or_default();
        let is_address = email
            .split_once('@')
            .is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
        if !is_address || email.contains([' ', ',']) {
            let detail = "The e-mail address is not valid";
            return Err(Answer::error(400, "customer_email_invalid", detail));
        }
        if self.customers.values().any(|customer| str_of(customer, "email") == email) {
            let detail = "A customer has this e-mail address";
            return Err(Answer::error(409, "customer_already_exists", detail));
        }
        let id = self.customer(email, body.get("name").and_then(Value::as_str));
        Ok(Answer::data(201, self.customers.get(&id).unwrap_or(&Value::Null)))
    }
}
