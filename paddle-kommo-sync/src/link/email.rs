//! The deal by the customer's e-mail address: the last rung, and what confirms an unsigned id.

use kommo_client::{Client, Contact, Lead, LeadId};
use time::OffsetDateTime;

use super::opened::is_opened_after;
use crate::{
    config::Config,
    outcome::{ParkReason, Parked},
};

/// Whether the customer with this address is a contact of the deal that an unsigned id names.
pub(crate) async fn is_confirmed(
    kommo: &Client,
    email: &str,
    lead: LeadId,
) -> Result<bool, kommo_client::Error> {
    let contacts = kommo.contacts().find_by_email(email).await?;
    Ok(contacts.iter().any(|contact| contact.lead_ids.contains(&lead)))
}

/// The last rung: the contact with exactly this address, and its one open deal that was there when the sale began.
pub(crate) async fn by_email(
    kommo: &Client,
    email: &str,
    (config, began): (&Config, OffsetDateTime),
) -> Result<Result<LeadId, Parked>, kommo_client::Error> {
    let contacts = kommo.contacts().find_by_email(email).await?;
    let mut leads: Vec<LeadId> =
        contacts.iter().flat_map(|contact| contact.lead_ids.iter().copied()).collect();
    leads.sort_unstable();
    leads.dedup();
    let read = kommo.leads().list_by_ids(&leads).await?;
    let open: Vec<LeadId> = read
        .iter()
        .filter(|lead| standing(lead, config, began) == Standing::Open)
        .map(|lead| lead.id)
        .collect();
    let why = |candidates: &[LeadId]| why(candidates, &read, &contacts, (config, began));
    Ok(match open.as_slice() {
        [lead] => Ok(*lead),
        [] => {
            let detail = format!(
                "no deal is named, and the customer's contact has no open deal{}: link the event to a deal by hand",
                why(&leads)
            );
            Err(Parked::new(ParkReason::NoDeal, detail).candidates(leads))
        }
        _ => {
            let detail = format!(
                "no deal is named, and the customer's contacts have several open deals{}: say which one is meant",
                why(&open)
            );
            Err(Parked::new(ParkReason::AmbiguousDeal, detail).candidates(open))
        }
    })
}

/// Whether a deal of the customer may be the one that was paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Won,
    Lost,
    /// What was made for a sale, for those who look after the customer, is not what the customer buys next.
    MadeForASale,
    /// It was opened after the sale began: about what the customer may buy next.
    OpenedLater,
    Gone,
}

fn standing(lead: &Lead, config: &Config, began: OffsetDateTime) -> Standing {
    let won = lead.pipeline_id.map(|pipeline| config.stages.won(pipeline));
    if lead.is_won() || (lead.status_id.is_some() && lead.status_id == won) {
        Standing::Won
    } else if lead.is_lost() {
        Standing::Lost
    } else if !lead.is_open() {
        Standing::Gone
    } else if lead.pipeline_id.is_some_and(|pipeline| config.makes_deals_in(pipeline)) {
        Standing::MadeForASale
    } else if is_opened_after(lead, began) {
        Standing::OpenedLater
    } else {
        Standing::Open
    }
}

/// Of each candidate how it stands, and by which contact it came up. Ids only: this ends up in logs.
fn why(
    candidates: &[LeadId],
    leads: &[Lead],
    contacts: &[Contact],
    (config, began): (&Config, OffsetDateTime),
) -> String {
    const MOST: usize = 10;
    let each = candidates.iter().take(MOST).map(|id| {
        let lead = leads.iter().find(|lead| lead.id == *id);
        let standing = match lead.map_or(Standing::Gone, |lead| standing(lead, config, began)) {
            Standing::Open => "open",
            Standing::Won => "won",
            Standing::Lost => "lost",
            Standing::MadeForASale => "made for an earlier sale",
            Standing::OpenedLater => "opened after this sale",
            Standing::Gone => "gone",
        };
        let of = contacts.iter().filter(|contact| contact.lead_ids.contains(id));
        let of: Vec<String> = of.map(|contact| contact.id.to_string()).collect();
        format!("deal {id} is {standing}, of contact {}", of.join(" and "))
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join("; ")) }
}
