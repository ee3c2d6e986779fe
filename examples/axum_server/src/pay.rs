//! `GET /pay?_ptxn=txn_…`: the account's default payment link, where buyers pay. Paddle.js opens the checkout.

mod policy;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

use self::policy::policy;
use crate::settings::ClientToken;

/// Paddle wants its script to be loaded from there, in both environments (developer.paddle.com, "Include and initialize
/// Paddle.js").
const CDN: &str = "https://cdn.paddle.com";

const PAGE: &str = include_str!("pay/page.html");
const SCRIPT: &str = include_str!("pay/pay.js");
const STYLE: &str = include_str!("pay/pay.css");

/// No id of Paddle's comes near it.
const LONGEST_ID: usize = 64;

/// The page that opens the checkout of a transaction.
#[derive(Clone, Debug)]
pub struct PayPage {
    token: ClientToken,
    cdn: String,
}

impl PayPage {
    /// The page of the account that this token belongs to.
    #[must_use]
    pub fn new(token: ClientToken) -> Self {
        Self { token, cdn: CDN.to_owned() }
    }

    /// The same with Paddle.js from another place, such as `http://127.0.0.1:8080`: for tests without Paddle.
    #[must_use]
    pub fn with_cdn(self, origin: &str) -> Self {
        Self { cdn: origin.to_owned(), ..self }
    }

    /// Its routes, which ask for no token: whoever has a link may pay.
    pub fn routes<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/pay", get(page))
            .route("/pay/pay.js", get(async || file("text/javascript; charset=utf-8", SCRIPT)))
            .route("/pay/pay.css", get(async || file("text/css; charset=utf-8", STYLE)))
            .with_state(self)
    }

    fn html(&self, is_payable: bool) -> String {
        // Without a transaction there is nothing to load a foreign script for.
        let script = if is_payable {
            format!(
                r#"<script src="/pay/pay.js" defer data-token="{}" data-environment="{}" data-script="{}/paddle/v2/paddle.js"></script>"#,
                self.token.as_str(),
                if self.token.is_sandbox() { "sandbox" } else { "production" },
                self.cdn,
            )
        } else {
            String::new()
        };
        let (title, text) = if is_payable {
            ("Opening the checkout…", "It opens here in a moment.")
        } else {
            (
                "This payment link is not complete",
                "Please open the link exactly as you received it. If it still does not work, ask whoever sent it for a new one.",
            )
        };
        let noscript = if is_payable {
            "<noscript><p>The checkout needs JavaScript: please switch it on for this page and reload it.</p></noscript>"
        } else {
            ""
        };
        PAGE.replace("{script}", &script)
            .replace("{title}", title)
            .replace("{text}", text)
            .replace("{noscript}", noscript)
    }
}

async fn page(State(pay): State<PayPage>, uri: Uri) -> Response {
    let is_payable = transaction(uri.query().unwrap_or_default()).is_some();
    let status = if is_payable { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let mut response = (status, pay.html(is_payable)).into_response();
    let policy = policy(&pay.cdn, pay.token.is_sandbox());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Paddle compares the origin with the approved domains; the id in the link is nobody else's business.
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `payment`: the wallets in Paddle's frame need it.
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    match HeaderValue::try_from(policy) {
        Ok(policy) => {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        // Only another place of the script can make it so. Never without the policy.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// The transaction that the link is for; none where it is missing or cannot be one. Paddle.js reads it by itself.
fn transaction(query: &str) -> Option<&str> {
    let mut named = query.split('&').filter_map(|pair| pair.strip_prefix("_ptxn="));
    // Two of them are none: Paddle.js may open the other one.
    let (Some(id), None) = (named.next(), named.next()) else { return None };
    let rest = id.strip_prefix("txn_")?;
    let is_id = !rest.is_empty()
        && rest.len() <= LONGEST_ID
        && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_id.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_one_transaction() {
        const ID: &str = "txn_01hv8wptq8987qeep44cyrewp9";
        for (query, is_payable) in [
            (format!("_ptxn={ID}"), true),
            (format!("utm_source=mail&_ptxn={ID}&x"), true),
            (String::new(), false),
            ("_ptxn=".to_owned(), false),
            ("_ptxn=txn_".to_owned(), false),
            ("_ptxn=01hv8wptq8987qeep44cyrewp9".to_owned(), false),
            ("_ptxn=txn_%22%3E%3Cscript%3E".to_owned(), false),
            ("_ptxn=txn_\"><script>".to_owned(), false),
            (format!("_ptxn={ID}&_ptxn=txn_2"), false),
            (format!("ptxn={ID}"), false),
            (format!("_ptxn=txn_{}", "a".repeat(LONGEST_ID + 1)), false),
        ] {
            assert_eq!(transaction(&query).is_some(), is_payable, "{query}");
        }
    }

    #[test]
    fn the_page_holds_nothing_of_the_link_and_no_inline_script() {
        let token = ClientToken::new("test_7d279f61a3499fed520f7cd8c08").unwrap();
        let page = PayPage::new(token).html(true);
        assert!(page.contains(r#"data-token="test_7d279f61a3499fed520f7cd8c08""#), "{page}");
        assert!(page.contains(r#"data-environment="sandbox""#), "{page}");
        assert!(page.contains("https://cdn.paddle.com/paddle/v2/paddle.js"), "{page}");
        assert_eq!(page.matches("<script").count(), page.matches("<script src=").count());
        assert!(!page.contains("style="), "{page}");
        assert!(!page.contains('{'), "{page}");
    }

    #[test]
    fn without_a_transaction_no_script_is_loaded() {
        let token = ClientToken::new("live_7d279f61a3499fed520f7cd8c08").unwrap();
        let page = PayPage::new(token).html(false);
        assert!(!page.contains("<script") && !page.contains("live_"), "{page}");
        assert!(page.contains("This payment link is not complete"), "{page}");
    }
}
