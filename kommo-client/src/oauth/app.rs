//! The integration, and the way to a grant.

use std::fmt;

use url::{Host, Url};
use zeroize::Zeroizing;

/// An integration that accounts grant access to.
#[derive(Clone)]
pub struct OAuthApp {
    pub(super) client_id: String,
    pub(super) client_secret: Zeroizing<String>,
    pub(super) redirect_uri: String,
    pub(super) follows: bool,
}

impl OAuthApp {
    /// The integration, as its page in Kommo shows it. `redirect_uri` has to be the same to the letter.
    #[must_use]
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: Zeroizing::new(client_secret.into()),
            redirect_uri: redirect_uri.into(),
            follows: true,
        }
    }

    /// Whether to go on at the new address when an account was renamed. Default: yes.
    ///
    /// An administrator can change the subdomain at any time. The new one is asked for where the access token says, which
    /// has to be a host of Kommo's, and has to be an account of Kommo's itself. That asking leaves the refresh token
    /// intact is what the vendor's own client relies on, and is written nowhere.
    #[must_use]
    pub fn follow_renamed_account(mut self, follow: bool) -> Self {
        self.follows = follow;
        self
    }

    /// The page where an administrator grants access.
    ///
    /// `state` comes back with the code. Let it be something that nobody can guess and that belongs to one session, and
    /// compare it, or a stranger can have you use his account.
    #[must_use]
    pub fn authorize_url(&self, state: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &self.client_id);
        query.append_pair("state", state).append_pair("mode", "popup");
        format!("https://www.kommo.com/oauth?{}", query.finish())
    }
}

impl fmt::Debug for OAuthApp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OAuthApp")
            .field("client_id", &self.client_id)
            .field("client_secret", &format_args!("[redacted]"))
            .field("redirect_uri", &self.redirect_uri)
            .field("follows", &self.follows)
            .finish()
    }
}

/// The base URL of the account that a redirect's `referer` names; `None` unless it is an account of Kommo's.
///
/// The parameter comes from whoever opens the redirect's address. Taken as it stands it would have the integration's
/// secret sent anywhere.
///
/// ```
/// use kommo_client::account_url;
///
/// assert_eq!(account_url("acme.kommo.com").as_deref(), Some("https://acme.kommo.com"));
/// assert_eq!(account_url("acme.kommo.com.evil.example"), None);
/// ```
#[must_use]
pub fn account_url(referer: &str) -> Option<String> {
    const DOMAINS: [&str; 3] = [".kommo.com", ".amocrm.ru", ".amocrm.com"];
    let subdomain = DOMAINS.iter().find_map(|domain| referer.strip_suffix(domain))?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (1..=63).contains(&subdomain.len()) && subdomain.bytes().all(plain);
    let url = Url::parse(&format!("https://{referer}")).ok()?;
    let same = matches!(url.host(), Some(Host::Domain(host)) if host == referer);
    (fits && subdomain != "www" && same).then(|| format!("https://{referer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accounts_of_kommo_are_accounts() {
        for (referer, want) in [
            ("acme.kommo.com", Some("https://acme.kommo.com")),
            ("acme-2.amocrm.ru", Some("https://acme-2.amocrm.ru")),
            ("www.kommo.com", None),
            ("kommo.com", None),
            (".kommo.com", None),
            ("a.b.kommo.com", None),
            ("evil.example", None),
            ("evilkommo.com", None),
            ("evil.example/.kommo.com", None),
            ("evil.example?.kommo.com", None),
            ("evil.example#.kommo.com", None),
            ("user@acme.kommo.com", None),
            ("acme.kommo.com:8443", None),
            ("acme.kommo.com/", None),
            ("https://acme.kommo.com", None),
            ("acme.kommo.com\n", None),
            ("ACME.kommo.com", None),
            ("ácme.kommo.com", None),
            ("", None),
        ] {
            assert_eq!(account_url(referer).as_deref(), want, "{referer:?}");
        }
    }

    #[test]
    fn the_state_goes_to_the_page_encoded() {
        let app = OAuthApp::new("id", "secret", "https://a.example");
        let want = "https://www.kommo.com/oauth?client_id=id&state=a%26b%3D&mode=popup";
        assert_eq!(app.authorize_url("a&b="), want);
    }

    #[test]
    fn the_secret_does_not_print() {
        let app = OAuthApp::new("id", "canary-secret", "https://a.example");
        let text = format!("{app:?}");
        assert!(text.contains("[redacted]") && !text.contains("canary"), "{text}");
        assert!(!app.authorize_url("s").contains("canary"));
    }
}
