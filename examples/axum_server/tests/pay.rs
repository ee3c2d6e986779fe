//! The page that opens checkouts: its headers, and in a real browser as far as that goes without Paddle.
#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    process::{Command, Stdio},
};

use axum::{Router, routing::get};
use axum_server::{pay::PayPage, settings::ClientToken};

const TOKEN: &str = "test_7d279f61a3499fed520f7cd8c08";
const TRANSACTION: &str = "txn_01hv8wptq8987qeep44cyrewp9";

/// A stand-in for Paddle.js. It does what Paddle's does at the start, and tries what the policy must not let through.
const STAND_IN: &str = r#"
    window.Paddle = {
        Environment: { set: (name) => { document.body.dataset.environment = name; } },
        Initialize: ({ token, eventCallback }) => {
            document.body.dataset.token = token;
            document.body.dataset.transaction = new URLSearchParams(location.search).get("_ptxn");
            const inline = document.createElement("script");
            inline.textContent = "document.body.dataset.inline = 'ran'";
            document.body.append(inline);
            eventCallback({ name: "checkout.loaded" });
        },
    };
"#;

/// Serves on a free port of this machine, for as long as the test runs.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

fn page() -> PayPage {
    PayPage::new(ClientToken::new(TOKEN).unwrap())
}

/// What the browser makes of an address, as HTML; none where there is no browser. It reaches nothing but this machine.
async fn browse(url: String) -> Option<String> {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: there is no Chromium here");
        return None;
    };
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(chromium);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--dump-dom",
        ])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .stderr(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    Some(String::from_utf8(output.stdout).unwrap())
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places = std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser"].map(|name| folder.join(name)));
    places.into_iter().find(|place| place.is_file())
}

#[tokio::test]
async fn the_page_comes_with_a_policy_and_is_kept_by_nobody() {
    let uri = serve(page().routes()).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: String| http.get(format!("{uri}{path}")).send().await.unwrap();

    let answer = get(format!("/pay?_ptxn={TRANSACTION}")).await;
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    for directive in [
        "default-src 'none'",
        "script-src 'self' https://cdn.paddle.com https://sandbox-cdn.paddle.com",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(policy.split("; ").any(|each| each == directive), "{directive} is not in {policy}");
    }
    for (name, want) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
    ] {
        assert_eq!(header(name), want, "{name}");
    }
    let body = answer.text().await.unwrap();
    assert!(body.contains(TOKEN) && !body.contains(TRANSACTION), "{body}");

    let answer = get("/pay?_ptxn=%3Cscript%3E".to_owned()).await;
    assert_eq!(answer.status(), 400);
    assert!(answer.headers().contains_key("content-security-policy"));
    let body = answer.text().await.unwrap();
    assert!(body.contains("not complete") && !body.contains("script"), "{body}");

    for (path, content_type) in [
        ("/pay/pay.js", "text/javascript; charset=utf-8"),
        ("/pay/pay.css", "text/css; charset=utf-8"),
    ] {
        let answer = get(path.to_owned()).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], content_type, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_paddle_is_started_with_the_token_and_reads_the_transaction() {
    let script = get(async || ([("content-type", "text/javascript")], STAND_IN));
    let cdn = serve(Router::new().route("/paddle/v2/paddle.js", script)).await;
    let uri = serve(page().with_cdn(&cdn).routes()).await;
    let Some(page) = browse(format!("{uri}/pay?_ptxn={TRANSACTION}")).await else { return };
    for shown in [
        r#"data-state="open""#,
        &format!(r#"data-token="{TOKEN}""#),
        r#"data-environment="sandbox""#,
        &format!(r#"data-transaction="{TRANSACTION}""#),
        "Please finish your payment",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    assert!(!page.contains("data-inline"), "an inline script ran: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_the_buyer_is_told_that_the_script_cannot_be_loaded() {
    let uri = serve(page().routes()).await;
    let Some(page) = browse(format!("{uri}/pay?_ptxn={TRANSACTION}")).await else { return };
    assert!(page.contains(r#"data-state="no-script""#), "{page}");
    assert!(page.contains("The checkout could not be loaded"), "{page}");
    assert!(page.contains(r#"<button id="again" type="button">"#), "the button is hidden: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_a_link_without_a_transaction_says_so() {
    let uri = serve(page().routes()).await;
    let Some(page) = browse(format!("{uri}/pay")).await else { return };
    assert!(page.contains("This payment link is not complete"), "{page}");
    assert!(!page.contains("data-state"), "a script ran: {page}");
}
