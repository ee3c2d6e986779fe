//! Russian.

use super::Text;

#[rustfmt::skip] // One line per text, for whoever translates.
pub(super) const fn template(text: Text) -> &'static str {
    match text {
        Text::Payment => "Оплачено[: {sum}] (без налога {net} + налог {tax}) · {plan} · с {from} по {to} · счёт {invoice} · {transaction}",
        Text::Renewal => "Продление оплачено[: {sum}] (без налога {net} + налог {tax}) · {plan} · с {from} по {to} · счёт {invoice} · {transaction}",
        Text::PlanChange => "Смена тарифа оплачена[: {sum}] (без налога {net} + налог {tax}) · {plan} · раньше: {before} · с {from} по {to} · счёт {invoice} · {transaction}",
        Text::OneTimeCharge => "Разовый платёж получен[: {sum}] (без налога {net} + налог {tax}) · {plan} · с {from} по {to} · счёт {invoice} · {transaction}",
        Text::OtherPayment => "Оплачено[: {sum}] (без налога {net} + налог {tax}) · {plan} · с {from} по {to} · счёт {invoice} · {transaction}",
        Text::AnotherPayment => "Ещё одна оплата по уже выигранной сделке[: {sum}] (без налога {net} + налог {tax}) · {plan} · с {from} по {to} · счёт {invoice} · {transaction}",
        Text::SecondPaymentTask => "Вторая оплата по выигранной сделке: проверьте, сюда ли она относится · {sum} · {transaction}",
        Text::PriceDiffers => "Оплата не совпадает с ценой в сделке · оплачено {sum} (без налога {net} + налог {tax}) · в сделке {price} · {plan} · в сделке указано {before} · счёт {invoice} · {transaction}",
        Text::PriceDiffersTask => "Проверьте цену: оплата не совпадает со сделкой · оплачено {sum} (без налога {net} + налог {tax}) · в сделке {price} · {plan} · в сделке указано {before} · {transaction}",
        Text::TrialStarted => "Начался пробный период[, первое списание {date}] · {plan} · {subscription}",
        Text::CancelScheduled => "Подписка закончится[ {date}] · {plan} · {subscription}",
        Text::CancelScheduledTask => "Подписка закончится[ {date}]: верните клиента · {plan} · {subscription}",
        Text::CancelWithdrawn => "Отмена отозвана, подписка продолжается · {plan} · следующее списание {date} · {subscription}",
        Text::CancelWithdrawnResult => "Клиент остаётся: отмена отозвана · следующее списание {date} · {subscription}",
        Text::ItemsChanged => "Подписка изменена · теперь: {plan} · раньше: {before} · следующее списание {date} · {subscription}",
        Text::Paused => "Подписка приостановлена[ до {date}] · {plan} · {subscription}",
        Text::Resumed => "Подписка возобновлена · {plan} · следующее списание {date} · {subscription}",
        Text::WinBackTask => "Подписка отменена: верните клиента · {plan} · {subscription}",
        Text::CheckoutFailed => "Оплата не прошла, пока ничего не оплачено · {sum} · {reason} · карта {card} · неудачных попыток: {attempts} · {plan} · {transaction}",
        Text::ChargeFailed => "Списание не прошло, подписка продолжается · {sum} · {reason} · карта {card} · неудачных попыток: {attempts} · {plan} · {transaction}",
        Text::DunningTask => "Платёж просрочен[ с {date}]: свяжитесь с клиентом · {sum} · {reason} · карта {card} · неудачных попыток: {attempts} · {plan} · {subscription}",
        Text::Recovered => "Просроченный платёж получен[: {sum}] (без налога {net} + налог {tax}) · {plan} · счёт {invoice} · {transaction}",
        Text::RecoveredResult => "Клиент оплатил[ {sum}] · {transaction}",
        Text::Refund => "Возврат[: {sum}][ из {total}][, остаётся {remains}] · {reason} · {adjustment} · {transaction}",
        Text::Chargeback => "Чарджбэк[: {sum}][ из {total}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackTask => "Чарджбэк[ на {sum}]: свяжитесь с клиентом · {reason} · {transaction}",
        Text::ChargebackWarning => "Предупреждение о чарджбэке[ на {sum}]: банк может отозвать платёж · {reason} · {adjustment} · {transaction}",
        Text::ChargebackWarningTask => "Предупреждение о чарджбэке[ на {sum}]: свяжитесь с клиентом, пока банк не отозвал платёж · {reason} · {transaction}",
        Text::ChargebackReversed => "Чарджбэк отменён, деньги вернулись[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackReversedResult => "Чарджбэк отменён, деньги вернулись[: {sum}] · {adjustment}",
        Text::ChargebackWarningEnded => "Предупреждение о чарджбэке снято, платёж остаётся в силе[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackWarningEndedResult => "Предупреждение о чарджбэке снято, платёж остаётся в силе[: {sum}] · {adjustment}",
        Text::Credit => "Зачёт в пользу клиента[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::SecondSubscriptionTask => "Вторая активная подписка в этой сделке: проверьте, сюда ли она относится · {plan} · {subscription}",
        Text::Invoice => "Счёт[ {invoice}] · {sum} · {date} · {transaction}",
        Text::CreditNote => "Кредит-нота[ на {sum}] · {reason} · {adjustment} · {transaction}",
        Text::CheckoutLink => "Ссылка на оплату[: {link}] · {plan} · {transaction}",
        Text::CheckoutRevised => "Ссылка на оплату прежняя, изменилось то, что оплачивается · теперь: {plan} · {link} · {transaction}",
        Text::OnWonTask => "Сделка выиграна: займитесь новым клиентом · {deal} · {plan}",
        Text::NewDeal => "Новая сделка[: {deal}] · {plan}",
    }
}
