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
    let rules = &settings.rules;
    writeln!(out, "configuration is complete")?;
    writeln!(out, "  listen     {}", settings.listen)?;
    writeln!(out, "  database   {}", settings.database.display())?;
    writeln!(out, "  paddle     {live} live and {sandbox} sandbox secrets")?;
    writeln!(out, "  kommo      {}, {token}", settings.kommo.base_url())?;
    writeln!(out, "  price      {:?}, lost deals {:?}", rules.price_basis, rules.lost_deals)?;
    writeln!(out, "  sandbox    {:?}, unlinked {:?}", rules.sandbox, rules.unlinked)?;
    let fields = &rules.fields;
    for (name, target) in [
        ("transaction_id", &fields.transaction_id),
        ("invoice_number", &fields.invoice_number),
        ("plan_name", &fields.plan_name),
        ("payment_currency", &fields.payment_currency),
        ("subscription_id", &fields.subscription_id),
        ("next_billing_date", &fields.next_billing_date),
        ("subscription_status", &fields.subscription_status),
        ("payment_status", &fields.payment_status),
        ("last_payment_date", &fields.last_payment_date),
        ("subscription_ends", &fields.subscription_ends),
    ] {
        writeln!(out, "  field      {name:<20} {target}")?;
    }
    for unused in &settings.unused {
        writeln!(out, "  note       {unused}")?;
    }
    Ok(())
}
