//! Which hosts are this very machine.

use url::{Host, Url};

pub(crate) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A link, if it stays at the host of `base`. Its scheme does not matter: only path and query are used.
pub(crate) fn same_host(base: &Url, link: &str) -> Option<Url> {
    let link = base.join(link).ok()?;
    (link.host() == base.host() && link.port() == base.port()).then_some(link)
}
