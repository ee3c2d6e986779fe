//! Money came in: first payments, renewals, plan changes, one-time charges.

use kommo_client::StatusId;
use paddle_webhook::Transaction;

use super::{
    Decision, Draft, Facts, agreed, documents, dunning, history, money, on_won, products, say,
};
use crate::{
    config::{AgreedPrice, LostDeals, TrialConversion},
    known::Deal,
    outcome::{ParkReason, Parked},
    plan::{Field, Price, Reason, StageMove},
    texts::Text,
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
        return nothing_sold(facts, transaction, Reason::CardChange);
    }
    if !total.is_positive() {
        return nothing_sold(facts, transaction, Reason::ZeroTotal);
    }
    if facts.is_told_by_another() {
        return nothing_sold(facts, transaction, Reason::AlreadyTold);
    }
    let event_id = facts.event.id().as_str().to_owned();
    history::told(sold(facts, transaction), &event_id)
}

/// By what the payment is for.
fn sold(facts: Facts<'_>, transaction: &Transaction) -> Decision {
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    if transaction.is_first_payment() {
        first_payment(facts, transaction, deal)
    } else if transaction.is_renewal() && ends_trial(&facts, transaction, &deal) {
        let won = facts.config.stages.won(deal.pipeline);
        win(facts, transaction, deal, won, Reason::TrialConverted)
    } else if transaction.is_renewal() {
        later_payment(facts, transaction, deal, Reason::RenewalKeepsStage, "renewal", Text::Renewal)
    } else if transaction.is_plan_change() {
        later_payment(
            facts,
            transaction,
            deal,
            Reason::PlanChanged,
            "plan_change",
            Text::PlanChange,
        )
    } else if transaction.is_one_time_charge() {
        later_payment(
            facts,
            transaction,
            deal,
            Reason::OneTimeCharge,
            "charge",
            Text::OneTimeCharge,
        )
    } else {
        later_payment(
            facts,
            transaction,
            deal,
            Reason::UnknownOrigin,
            "payment",
            Text::OtherPayment,
        )
    }
}

/// Nothing is written, unless what was past due is in order now.
fn nothing_sold(mut facts: Facts<'_>, transaction: &Transaction, reason: Reason) -> Decision {
    if !facts.has_recovered() {
        return Decision::Ignore(reason);
    }
    let deal = match facts.deal() {
        Ok(deal) => deal,
        Err(decision) => return decision,
    };
    let mut draft = Draft::new(deal, reason);
    let values = say::transaction(&facts, transaction);
    dunning::end(&mut facts, &mut draft, &values);
    draft.act(&facts, facts.known.clone())
}

fn first_payment(facts: Facts<'_>, transaction: &Transaction, deal: Deal) -> Decision {
    let won = facts.config.stages.won(deal.pipeline);
    let id = transaction.id.as_str();
    let won_by_this =
        facts.known.transaction.won == Some(deal.lead) || deal.named_transaction() == Some(id);
    if deal.status == won || deal.status == StatusId::WON {
        return if won_by_this {
            nothing_sold(facts, transaction, Reason::AlreadyWonByThis)
        } else if history::is_of_a_persons_win(&facts, transaction, winner(&facts, &deal)) {
            won_before(facts, transaction, deal)
        } else {
            another_payment(facts, transaction, deal)
        };
    }
    let is_lost = deal.status == StatusId::LOST;
    // A deal that was won and then moved on is no open deal: a second sale does not win it again. One that is lost is
    // lost, whatever won it before.
    if !is_lost && winner(&facts, &deal).is_some_and(|winner| winner != id) {
        return another_payment(facts, transaction, deal);
    }
    let reason = match (is_lost, facts.config.lost_deals) {
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

/// Whether this charge is the first with money in it of a deal whose subscription began with a trial.
fn ends_trial(facts: &Facts<'_>, transaction: &Transaction, deal: &Deal) -> bool {
    let won = facts.config.stages.won(deal.pipeline);
    facts.config.trial_conversion == TrialConversion::Win
        && facts.known.subscription.had_trial
        && ![won, StatusId::WON, StatusId::LOST].contains(&deal.status)
        && winner(facts, deal).is_none_or(|winner| winner == transaction.id.as_str())
}

/// The transaction that won the deal, as far as anybody knows.
fn winner<'f>(facts: &'f Facts<'_>, deal: &'f Deal) -> Option<&'f str> {
    let sale = &facts.known.sale;
    let ours = sale.written.get(&Field::TransactionId).map(|written| written.text.as_str());
    // What we wrote there ourselves still names a sale that a person has moved to another deal.
    let named = deal.named_transaction().filter(|named| Some(*named) != ours);
    sale.won_by.as_deref().or(named)
}

/// The deal closes with its price, its fields and a note.
fn win(
    mut facts: Facts<'_>,
    transaction: &Transaction,
    deal: Deal,
    won: StatusId,
    reason: Reason,
) -> Decision {
    let config = facts.config;
    let (whole, why) = money::price(transaction, facts.known.account.currency, config.price_basis);
    let decimals = money::decimals(&facts, &deal);
    let paid_price = whole.and_then(|whole| Price::of(whole, decimals));
    let differs = agreed::differs(&facts, transaction, &deal, paid_price);
    if differs && config.agreed_price == AgreedPrice::Park {
        let detail = "what was paid is not what the deal says: check what was bought, mend the deal and resume the event";
        return Decision::Park(
            Parked::new(ParkReason::PriceDiffers, detail).candidates(vec![deal.lead]),
        );
    }
    let mut draft = Draft::new(deal, reason);
    let values = say::transaction(&facts, transaction);
    draft.update.stage =
        Some(StageMove { pipeline: draft.deal.pipeline, from: draft.deal.status, to: won });
    // The deals of the sale that won it before are there, and no part of this payment stands on them.
    let won_before = facts.known.sale.won_by.as_deref();
    let is_another_sale = won_before.is_some_and(|by| by != transaction.id.as_str());
    let lines = if is_another_sale { &[] } else { products::lines(&facts, transaction) };
    let parts = whole.and_then(|whole| products::parts(whole, decimals, lines, config.price_basis));
    draft.update.price = match parts.as_deref() {
        Some(parts) => parts.first().copied(),
        None => paid_price,
    };
    draft.reasons.extend(why);
    let elsewhere = parts.as_deref().and_then(|parts| parts.get(1..)).map(sum);
    if money::is_lowered(&facts) {
        // What went back was heard of first: the deal ends as if it had come after.
        match money::remaining(&facts, &draft.deal, elsewhere) {
            Some(remaining) => draft.update.price = Some(remaining),
            None => draft.because(Reason::CurrencyDiffers),
        }
    }
    let plan = match lines.first() {
        Some(line) => products::name(transaction, line),
        None => transaction.product_names().join(", "),
    };
    sale(&facts, transaction, &mut draft, &plan);
    draft.note(&facts, "payment", Text::Payment, &values);
    if differs {
        draft.because(Reason::PriceDiffers);
        let values = agreed::values(&facts, &draft.deal, values.clone());
        draft.note(&facts, "price_differs", Text::PriceDiffers, &values);
        draft.task(
            &facts,
            "price_differs",
            Text::PriceDiffersTask,
            &values,
            Some(&transaction.custom_data),
        );
    }
    dunning::end(&mut facts, &mut draft, &values);
    let mut known = facts.known.clone();
    known.transaction.won = Some(draft.deal.lead);
    known.sale.won_by = Some(transaction.id.as_str().to_owned());
    if is_another_sale {
        known.sale.elsewhere = None;
    }
    // Once per won deal, even if a person reopens it and Paddle tells the same payment by another event.
    let event_id = facts.event.id().as_str();
    if known.sale.celebrated_by.as_deref().is_none_or(|by| by == event_id) {
        known.sale.celebrated_by = Some(event_id.to_owned());
        known.sale.elsewhere = elsewhere;
        products::deals(&facts, transaction, &mut draft, lines, parts.as_deref());
        on_won::actions(&facts, transaction, &mut draft);
    }
    documents::invoice(&facts, transaction, &mut draft);
    draft.act(&facts, known)
}

/// The fields that tell which sale it was.
fn sale(facts: &Facts<'_>, transaction: &Transaction, draft: &mut Draft, plan: &str) {
    draft.text(facts, Field::TransactionId, transaction.id.as_str());
    draft.text(facts, Field::InvoiceNumber, transaction.invoice_number.as_deref());
    draft.text(facts, Field::PlanName, plan);
    if let Some(total) = transaction.total() {
        draft.text(facts, Field::PaymentCurrency, total.currency().code());
    }
    draft.text(facts, Field::PaymentStatus, facts.known.transaction.status().as_str());
    paid(facts, transaction, draft);
}

/// The payment of a deal that a person closed long ago: stage and price stay as that person set them.
fn won_before(mut facts: Facts<'_>, transaction: &Transaction, deal: Deal) -> Decision {
    let mut draft = Draft::new(deal, Reason::WonBefore);
    let values = say::transaction(&facts, transaction);
    sale(&facts, transaction, &mut draft, &transaction.product_names().join(", "));
    draft.note(&facts, "payment", Text::Payment, &values);
    dunning::end(&mut facts, &mut draft, &values);
    documents::invoice(&facts, transaction, &mut draft);
    let mut known = facts.known.clone();
    known.transaction.won = Some(draft.deal.lead);
    known.sale.won_by = Some(transaction.id.as_str().to_owned());
    known.sale.celebrated_by = Some(facts.event.id().as_str().to_owned());
    draft.act(&facts, known)
}

fn sum(prices: &[Price]) -> Price {
    let sum = prices.iter().fold(0_i64, |sum, price| sum.saturating_add(price.hundredths()));
    Price::from_hundredths(sum)
}

/// The fields that every payment moves on.
fn paid(facts: &Facts<'_>, transaction: &Transaction, draft: &mut Draft) {
    draft.date(facts, Field::LastPaymentDate, Some(say::paid_at(facts, transaction)));
    draft.amount(facts, Field::AmountPaid, transaction.charged());
    draft.amount(facts, Field::TaxPaid, transaction.tax());
    money::totals(facts, draft);
}

/// The deal is won already, by another payment or by a person: nothing of it is overwritten, somebody looks.
fn another_payment(mut facts: Facts<'_>, transaction: &Transaction, deal: Deal) -> Decision {
    let (id, subscription) = (transaction.id.as_str(), facts.references.subscription.clone());
    let is_second = winner(&facts, &deal).is_some_and(|winner| winner != id)
        || facts.known.sale.has_another_sale(id, subscription.as_deref());
    let mut draft = Draft::new(deal, Reason::AnotherPayment);
    if is_second {
        facts.known.sale.leave_out(id, subscription.as_deref());
        // What came of it may have been heard of before, and counted.
        if facts.known.sale.sums() != facts.before.sale.sums() {
            money::totals(&facts, &mut draft);
        }
    }
    let values = say::transaction(&facts, transaction);
    draft.note(&facts, "another_payment", Text::AnotherPayment, &values);
    if facts.config.tasks.second_payment {
        let wanted = Some(&transaction.custom_data);
        draft.task(&facts, "second_payment", Text::SecondPaymentTask, &values, wanted);
    }
    dunning::end(&mut facts, &mut draft, &values);
    documents::invoice(&facts, transaction, &mut draft);
    draft.act(&facts, facts.known.clone())
}

/// A payment after the sale: it is told, and never touches the stage or the price.
fn later_payment(
    mut facts: Facts<'_>,
    transaction: &Transaction,
    deal: Deal,
    reason: Reason,
    name: &str,
    text: Text,
) -> Decision {
    let mut draft = Draft::new(deal, reason);
    if facts.is_of_second_subscription() {
        draft.because(Reason::SecondSubscription);
        let subscription = facts.references.subscription.clone();
        facts.known.sale.leave_out(transaction.id.as_str(), subscription.as_deref());
    } else {
        moved_on(&facts, transaction, reason, &mut draft);
    }
    let values = if reason == Reason::PlanChanged {
        say::plan_change(&facts, transaction)
    } else {
        say::transaction(&facts, transaction)
    };
    draft.note(&facts, name, text, &values);
    dunning::end(&mut facts, &mut draft, &values);
    documents::invoice(&facts, transaction, &mut draft);
    draft.act(&facts, facts.known.clone())
}

/// The fields that a payment after the sale moves on.
fn moved_on(facts: &Facts<'_>, transaction: &Transaction, reason: Reason, draft: &mut Draft) {
    // Of a change of the plan Paddle says only the difference: what it is for now tells the subscription.
    if reason == Reason::RenewalKeepsStage {
        draft.text(facts, Field::InvoiceNumber, transaction.invoice_number.as_deref());
    }
    paid(facts, transaction, draft);
}
