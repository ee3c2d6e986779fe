//! What the browser may load for the page: itself, Paddle, nothing else.

use std::fmt::Write as _;

/// The Content-Security-Policy of the page.
///
/// Paddle publishes no list. These are the hosts that Paddle.js names in its own table of environments: its script,
/// style and pictures come from the CDN, the overlay is a frame of `buy.` or `create-checkout.`, and previews are asked
/// of the API. Retain (`profitwell.com`) is left out: it has no part in a checkout.
pub(super) fn policy(cdn: &str, is_sandbox: bool) -> String {
    let host = |name: &str| {
        format!("https://{}{name}.paddle.com", if is_sandbox { "sandbox-" } else { "" })
    };
    // The sandbox has a CDN of its own for what the script loads; the script itself comes from the one for all.
    let cdns = format!("{cdn} {}", host("cdn"));
    let directives = [
        ("default-src", "'none'".to_owned()),
        ("script-src", format!("'self' {cdns}")),
        ("style-src", format!("'self' {cdns}")),
        // The script gives its frame a place on the page. An attribute cannot load anything, and runs no script.
        ("style-src-attr", "'unsafe-inline'".to_owned()),
        ("img-src", format!("'self' data: {cdns}")),
        ("connect-src", format!("{} {}", host("api"), host("create-checkout"))),
        ("frame-src", format!("{} {} {cdns}", host("buy"), host("create-checkout"))),
        ("base-uri", "'none'".to_owned()),
        ("form-action", "'none'".to_owned()),
        ("frame-ancestors", "'none'".to_owned()),
    ];
    let mut policy = String::new();
    for (name, sources) in directives {
        let separator = if policy.is_empty() { "" } else { "; " };
        // Writing to a `String` cannot fail.
        let _ = write!(policy, "{separator}{name} {sources}");
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_but_ours_and_paddles_runs() {
        for (is_sandbox, frame) in
            [(false, "https://buy.paddle.com"), (true, "https://sandbox-buy.paddle.com")]
        {
            let policy = policy("https://cdn.paddle.com", is_sandbox);
            let directive = |name: &str| {
                let found = policy.split("; ").find_map(|each| each.strip_prefix(name));
                found.map(|sources| sources.split_whitespace().collect::<Vec<_>>())
            };
            let scripts = directive("script-src ").unwrap();
            assert!(scripts.contains(&"https://cdn.paddle.com"), "{policy}");
            for source in scripts {
                assert!(source == "'self'" || source.ends_with("cdn.paddle.com"), "{policy}");
            }
            assert_eq!(directive("default-src "), Some(vec!["'none'"]));
            assert_eq!(directive("frame-ancestors "), Some(vec!["'none'"]));
            assert!(directive("frame-src ").unwrap().contains(&frame), "{policy}");
            assert!(!policy.contains('*') && !policy.contains("unsafe-eval"), "{policy}");
        }
    }
}
