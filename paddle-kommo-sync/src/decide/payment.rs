//! Money came in: first payments, renewals, plan changes, one-time charges.

use kommo_client::StatusId;
use paddle_webhook::Transaction;

use super::{Decision, Draft, Facts, money, text};
use crate::{
    config::LostDeals,
    known::Deal,
    outcome::{ParkReason, Parked},
    plan::{Field, Reason, StageMove, Value},
};

/// `transaction.completed`.
pub(super) fn completed(facts: Facts<'_>, transaction: &Transaction) -> Decision {
    let Some(total) = transaction.total() else {
        // Without a total nobody can say whether there is money in it, and only money closes a deal.
        return Decision::Park(Parked::new(
            ParkReason::UnexpectedShape,
            "the completed transaction has no total",
        ));
    };
    if transaction.is_card_change() {
        return Decision::Ignore(Reason::CardChange);
    }
    if !total.is_positive() {
        return Decision::Ignore(Reason::ZeroTotal);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    if transaction.is_first_payment() {
        first_payment(facts, transaction, deal)
    } else if transaction.is_renewal() {
        later_payment(
            facts,
            transaction,
            deal,
            Reason::RenewalKeepsStage,
            "renewal",
            "Renewal paid",
        )
    } else if transaction.is_plan_change() {
        later_payment(
            facts,
            transaction,
            deal,
            Reason::PlanChanged,
            "plan_change",
            "Plan change paid",
        )
    } else if transaction.is_one_time_charge() {
        later_payment(
            facts,
            transaction,
            deal,
            Reason::OneTimeCharge,
            "charge",
            "One-time charge paid",
        )
    } else {
        later_payment(facts, transaction, deal, Reason::UnknownOrigin, "payment", "Paid")
    }
}

fn first_payment(facts: Facts<'_>, transaction: &Transaction, deal: Deal) -> Decision {
    let won = facts.config.stages.won(deal.pipeline);
    let id = transaction.id.as_str();
    let won_by_this = facts.known.transaction.won == Some(deal.lead)
        || deal.transaction_id.as_deref() == Some(id);
    if deal.status == won || deal.status == StatusId::WON {
        return if won_by_this {
            Decision::Ignore(Reason::AlreadyWonByThis)
        } else {
            another_payment(facts, transaction, deal)
        };
    }
    let reason = match (deal.status == StatusId::LOST, facts.config.lost_deals) {
        (false, _) => Reason::FirstPayment,
        (true, LostDeals::Win) => Reason::LostDealWon,
        (true, LostDeals::Park) => {
            let detail = "the deal is marked as lost: reopen it and resume the event, or set lost_deals = \"win\"";
            return Decision::Park(
                Parked::new(ParkReason::DealLost, detail).candidates(vec![deal.lead]),
            );
        }
    };
    win(facts, transaction, deal, won, reason)
}

/// The deal closes with its price, its fields and a note.
fn win(
    facts: Facts<'_>,
    transaction: &Transaction,
    deal: Deal,
    won: StatusId,
    reason: Reason,
) -> Decision {
    let config = facts.config;
    let mut draft = Draft::new(deal, reason);
    draft.update.stage =
        Some(StageMove { pipeline: draft.deal.pipeline, from: draft.deal.status, to: won });
    let (price, why) = money::price(transaction, facts.known.account_currency, config.price_basis);
    draft.update.price = price;
    draft.reasons.extend(why);
    draft.field(config, Field::TransactionId, transaction.id.as_str());
    draft.field(config, Field::InvoiceNumber, transaction.invoice_number.as_deref());
    draft.field(config, Field::PlanName, text::products(&transaction.product_names()).as_str());
    draft.field(
        config,
        Field::PaymentCurrency,
        transaction.total().map(|total| total.currency()).as_ref().map(|c| c.code()),
    );
    draft.field(config, Field::PaymentStatus, facts.known.transaction.status().as_str());
    if let Some(paid_at) = transaction.billed_at {
        draft.value(config, Field::LastPaymentDate, Value::Date(paid_at));
    }
    draft.note("payment", text::payment("Paid", transaction));
    let mut known = facts.known;
    known.transaction.won = Some(draft.deal.lead);
    draft.act(known)
}

/// The deal is won already, by another payment or by a person: nothing of it is overwritten, somebody looks.
fn another_payment(facts: Facts<'_>, transaction: &Transaction, deal: Deal) -> Decision {
    let mut draft = Draft::new(deal, Reason::AnotherPayment);
    draft.note(
        "another_payment",
        text::payment("Another payment on a deal that was already won: paid", transaction),
    );
    if facts.config.tasks.second_payment {
        let text = text::second_payment(transaction);
        draft.task(&facts, "second_payment", text, Some(&transaction.custom_data));
    }
    draft.act(facts.known)
}

/// A payment after the sale: it is told, and never touches the stage or the price.
fn later_payment(
    facts: Facts<'_>,
    transaction: &Transaction,
    deal: Deal,
    reason: Reason,
    name: &str,
    heading: &str,
) -> Decision {
    let config = facts.config;
    let mut draft = Draft::new(deal, reason);
    match reason {
        Reason::RenewalKeepsStage => {
            draft.field(config, Field::InvoiceNumber, transaction.invoice_number.as_deref());
            if let Some(paid_at) = transaction.billed_at {
                draft.value(config, Field::LastPaymentDate, Value::Date(paid_at));
            }
        }
        Reason::PlanChanged => {
            draft.field(
                config,
                Field::PlanName,
                text::products(&transaction.product_names()).as_str(),
            );
        }
        _ => {}
    }
    draft.note(name, text::payment(heading, transaction));
    draft.act(facts.known)
}
