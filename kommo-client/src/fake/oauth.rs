use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Answer;
use super::check::{Reader, single};
use super::routes::not_found;
use super::state::{Call, State};

/// What tokens and codes are good for, in seconds (amoCRM docs, oauth/step-by-step).
const ACCESS: i64 = 86_400;
const REFRESH: i64 = 90 * 86_400;
const CODE: i64 = 20 * 60;

/// The integration and what it was given: codes and tokens with when they end.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// Its id, its secret and its redirect URI.
    app: Option<[String; 3]>,
    codes: BTreeMap<String, i64>,
    access: BTreeMap<String, i64>,
    refresh: BTreeMap<String, i64>,
    made: u64,
}

impl Grants {
    pub(super) fn set_app(&mut self, app: [String; 3]) {
        self.app = Some(app);
    }

    pub(super) fn code(&mut self, now: i64) -> String {
        let code = self.fresh("code");
        self.codes.insert(code.clone(), now.saturating_add(CODE));
        code
    }

    pub(super) fn revoke(&mut self) {
        self.access.clear();
        self.refresh.clear();
        self.codes.clear();
    }

    pub(super) fn takes(&self, token: &str, now: i64) -> bool {
        self.access.get(token).is_some_and(|end| now < *end)
    }

    fn fresh(&mut self, kind: &str) -> String {
        self.made = self.made.saturating_add(1);
        format!("fake-{kind}-{}", self.made)
    }
}

impl State {
    /// What is below `/oauth2/`, where no token is asked for.
    pub(super) fn oauth_route(&mut self, call: &Call) -> Answer {
        if (call.method.as_str(), call.path.as_str()) != ("POST", "/oauth2/access_token") {
            return not_found();
        }
        self.exchange(call).unwrap_or_else(|refusal| refusal)
    }

    fn exchange(&mut self, call: &Call) -> Result<Answer, Answer> {
        let body = single(&call.body, |item, _, problems| {
            let mut reader = Reader::new(item, "", problems);
            let keys = ["client_id", "client_secret", "grant_type", "redirect_uri"];
            reader.expect_keys(&[keys.as_slice(), &["code", "refresh_token"]].concat());
            Some(())
        })
        .map(|()| &call.body);
        let body = body.map_err(|_| refusal(400, "Check the request parameters"))?;
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let Some([id, secret, redirect]) = &self.grants.app else {
            return Err(refusal(400, "Check the `client_id` parameter"));
        };
        if text("client_id") != id || text("client_secret") != secret {
            return Err(refusal(400, "Check the `client_id` parameter"));
        }
        if text("redirect_uri") != redirect {
            return Err(refusal(400, "Check the `redirect_uri` parameter"));
        }
        let now = self.now();
        // Both are good for one use.
        let (given, ended) = match text("grant_type") {
            "authorization_code" => {
                (self.grants.codes.remove(text("code")), "Authorization code has expired")
            }
            "refresh_token" => {
                (self.grants.refresh.remove(text("refresh_token")), "Token has been revoked")
            }
            _ => return Err(refusal(400, "Check the `grant_type` parameter")),
        };
        if given.is_none_or(|end| now >= end) {
            let status = if text("grant_type") == "refresh_token" { 401 } else { 400 };
            return Err(refusal(status, ended));
        }
        let (access, refresh) = (self.grants.fresh("access"), self.grants.fresh("refresh"));
        self.grants.access.insert(access.clone(), now.saturating_add(ACCESS));
        self.grants.refresh.insert(refresh.clone(), now.saturating_add(REFRESH));
        Ok(Answer::ok(&json!({
            "token_type": "Bearer",
            "expires_in": ACCESS,
            "server_time": now,
            "access_token": access,
            "refresh_token": refresh,
        })))
    }
}

/// Shape D. Its texts are localized on the real one: only status and `hint` mean anything.
fn refusal(status: u16, hint: &str) -> Answer {
    let body = json!({
        "hint": hint,
        "title": "Error",
        "type": "https://developers.amocrm.ru/v3/errors/OAuthProblemJson",
        "status": status,
        "detail": "Error",
    });
    Answer::raw(status, "application/problem+json", body.to_string().into_bytes())
}
