//! Where an account is that was renamed.

use serde::Deserialize;
use url::Url;

use super::{HASTE, account_url, pair::TokenPair};
use crate::{
    host::is_local,
    id::AccountId,
    transport::{Method, Request, Transport},
    wire::lenient,
};

const PATH: &str = "/oauth2/account/current/subdomain";

#[derive(Deserialize)]
struct Renamed {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<AccountId>,
    domain: String,
}

/// The new address of the account; `None` when it has none, or none that can be trusted.
pub(super) async fn find(transport: &Transport, pair: &TokenPair) -> Option<Url> {
    let base = transport.base();
    let claims = pair.access.claims()?;
    let asked = trusted(&claims.api_domain?, &base)?;
    let request = Request::new(Method::Get, PATH.to_owned()).host(asked);
    let request = request.secret("x-refresh-token", &pair.refresh).ok()?;
    let renamed: Renamed = transport.send(&request, None, &HASTE).await.ok()?.decode().ok()?;
    if claims.account_id.is_some() && renamed.id.is_some() && claims.account_id != renamed.id {
        return None;
    }
    trusted(&renamed.domain, &base).filter(|address| *address != base)
}

/// A host of Kommo's by its name. Where the account is a server on this machine, only others on it: a test must not send
/// its tokens out.
fn trusted(name: &str, base: &Url) -> Option<Url> {
    if !is_local(base) {
        return account_url(name).and_then(|url| Url::parse(&url).ok());
    }
    let url = Url::parse(&format!("http://{name}")).ok()?;
    let bare = !name.contains('@') && url.as_str() == format!("http://{name}/");
    (bare && is_local(&url)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_of_kommo_is_only_found_at_kommo() {
        let base = Url::parse("https://acme.kommo.com").unwrap();
        for (name, want) in [
            ("api-c.kommo.com", Some("https://api-c.kommo.com/")),
            ("new.amocrm.ru", Some("https://new.amocrm.ru/")),
            ("new.kommo.com.evil.example", None),
            ("evil.example/.kommo.com", None),
            ("evil.example#.kommo.com", None),
            ("user:pw@new.kommo.com", None),
            ("new.kommo.com:8443", None),
            ("127.0.0.1", None),
            ("localhost", None),
            ("", None),
        ] {
            assert_eq!(trusted(name, &base).as_ref().map(Url::as_str), want, "{name:?}");
        }
    }

    #[test]
    fn a_server_on_this_machine_only_leads_to_this_machine() {
        let base = Url::parse("http://127.0.0.1:1000").unwrap();
        for (name, want) in [
            ("127.0.0.1:2000", Some("http://127.0.0.1:2000/")),
            ("api-c.kommo.com", None),
            ("127.0.0.1:2000/x", None),
            ("127.0.0.1:2000?x", None),
            ("user@127.0.0.1:2000", None),
            ("127.0.0.1.evil.example", None),
            ("169.254.169.254", None),
        ] {
            assert_eq!(trusted(name, &base).as_ref().map(Url::as_str), want, "{name:?}");
        }
    }
}
