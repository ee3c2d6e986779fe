//! `check`: what the configuration means, without starting anything.

use std::io::Write;

use crate::{
    Failure,
    settings::{Settings, Variables},
};

/// Reads the configuration and says what it means. Calls nobody.
///
/// # Errors
///
/// One sentence that names the variable or key to mend.
pub fn check(variables: Variables<'_>, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let settings = Settings::read(variables)?;
    let (live, sandbox) = settings.secrets;
    let token = match settings.kommo.token_expires_at() {
        Some(at) => format!("token until {}", at.date()),
        None => "token does not say when it ends".to_owned(),
    };
    writeln!(out, "configuration is complete")?;
    writeln!(out, "  listen     {}", settings.listen)?;
    writeln!(out, "  database   {}", settings.database)?;
    writeln!(out, "  paddle     {live} live and {sandbox} sandbox secrets")?;
    writeln!(out, "  kommo      {}, {token}", settings.kommo.base_url())?;
    writeln!(
        out,
        "  operator   {}",
        if settings.admin_token.is_some() { "with the admin token" } else { "off" }
    )?;
    writeln!(out, "  references {} keys", settings.deal_ref_keys.len())?;
    let checkouts = match (&settings.paddle, settings.rules.checkout.stage) {
        (None, _) => "off: they need PADDLE_API_KEY",
        (Some(_), None) => "by POST /checkout",
        (Some(_), Some(_)) => "by the payment stage and POST /checkout",
    };
    writeln!(out, "  checkouts  {checkouts}")?;
    let page = match &settings.client_token {
        None => "off",
        Some(token) if token.is_sandbox() => "/pay, sandbox",
        Some(_) => "/pay",
    };
    writeln!(out, "  pay page   {page}")?;
    for unused in &settings.unused {
        writeln!(out, "  note       {unused}")?;
    }
    writeln!(out, "\nthe rules:\n\n{}", toml::to_string(&settings.rules)?)?;
    Ok(())
}
