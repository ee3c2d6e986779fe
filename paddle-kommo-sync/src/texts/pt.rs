//! Portuguese, as in Brazil.

use super::Text;

#[rustfmt::skip] // One line per text, for whoever translates.
pub(super) const fn template(text: Text) -> &'static str {
    match text {
        Text::Payment => "Pagamento recebido[: {sum}] (líquido {net} + impostos {tax}) · {plan} · de {from} a {to} · fatura {invoice} · {transaction}",
        Text::Renewal => "Renovação paga[: {sum}] (líquido {net} + impostos {tax}) · {plan} · de {from} a {to} · fatura {invoice} · {transaction}",
        Text::PlanChange => "Mudança de plano paga[: {sum}] (líquido {net} + impostos {tax}) · {plan} · antes: {before} · de {from} a {to} · fatura {invoice} · {transaction}",
        Text::OneTimeCharge => "Cobrança avulsa paga[: {sum}] (líquido {net} + impostos {tax}) · {plan} · de {from} a {to} · fatura {invoice} · {transaction}",
        Text::OtherPayment => "Pagamento recebido[: {sum}] (líquido {net} + impostos {tax}) · {plan} · de {from} a {to} · fatura {invoice} · {transaction}",
        Text::AnotherPayment => "Outro pagamento em um lead que já estava ganho[: {sum}] (líquido {net} + impostos {tax}) · {plan} · de {from} a {to} · fatura {invoice} · {transaction}",
        Text::SecondPaymentTask => "Segundo pagamento em um lead ganho: confira se é daqui mesmo · {sum} · {transaction}",
        Text::PriceDiffers => "O pagamento não bate com o preço do lead · pago {sum} (líquido {net} + impostos {tax}) · lead {price} · {plan} · o lead diz {before} · fatura {invoice} · {transaction}",
        Text::PriceDiffersTask => "Confira o preço: o pagamento não bate com o lead · pago {sum} (líquido {net} + impostos {tax}) · lead {price} · {plan} · o lead diz {before} · {transaction}",
        Text::TrialStarted => "Período de teste iniciado[, primeira cobrança em {date}] · {plan} · {subscription}",
        Text::CancelScheduled => "A assinatura vai terminar[ em {date}] · {plan} · {subscription}",
        Text::CancelScheduledTask => "A assinatura vai terminar[ em {date}]: reconquiste o cliente · {plan} · {subscription}",
        Text::CancelWithdrawn => "Cancelamento desfeito, a assinatura continua · {plan} · próxima cobrança em {date} · {subscription}",
        Text::CancelWithdrawnResult => "O cliente ficou: desfez o cancelamento · próxima cobrança em {date} · {subscription}",
        Text::ItemsChanged => "A assinatura mudou · agora: {plan} · antes: {before} · próxima cobrança em {date} · {subscription}",
        Text::Paused => "Assinatura pausada[ até {date}] · {plan} · {subscription}",
        Text::Resumed => "Assinatura retomada · {plan} · próxima cobrança em {date} · {subscription}",
        Text::WinBackTask => "Assinatura cancelada: reconquiste o cliente · {plan} · {subscription}",
        Text::CheckoutFailed => "A tentativa de pagamento falhou, nada foi pago ainda · {sum} · {reason} · cartão {card} · tentativas com falha: {attempts} · {plan} · {transaction}",
        Text::ChargeFailed => "A cobrança falhou, a assinatura continua · {sum} · {reason} · cartão {card} · tentativas com falha: {attempts} · {plan} · {transaction}",
        Text::DunningTask => "Pagamento em atraso[ desde {date}]: fale com o cliente · {sum} · {reason} · cartão {card} · tentativas com falha: {attempts} · {plan} · {subscription}",
        Text::Recovered => "Pagamento recuperado[: {sum}] (líquido {net} + impostos {tax}) · {plan} · fatura {invoice} · {transaction}",
        Text::RecoveredResult => "O cliente já pagou[ {sum}] · {transaction}",
        Text::Refund => "Reembolso[: {sum}][ de {total}][, restam {remains}] · {reason} · {adjustment} · {transaction}",
        Text::Chargeback => "Chargeback[: {sum}][ de {total}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackTask => "Chargeback[ de {sum}]: fale com o cliente · {reason} · {transaction}",
        Text::ChargebackWarning => "Alerta de chargeback[ de {sum}]: o banco pode estornar o pagamento · {reason} · {adjustment} · {transaction}",
        Text::ChargebackWarningTask => "Alerta de chargeback[ de {sum}]: fale com o cliente antes que o banco estorne o pagamento · {reason} · {transaction}",
        Text::ChargebackReversed => "Chargeback revertido, o dinheiro voltou[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackReversedResult => "Chargeback revertido, o dinheiro voltou[: {sum}] · {adjustment}",
        Text::ChargebackWarningEnded => "Alerta de chargeback encerrado, o pagamento foi mantido[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::ChargebackWarningEndedResult => "Alerta de chargeback encerrado, o pagamento foi mantido[: {sum}] · {adjustment}",
        Text::Credit => "Crédito para o cliente[: {sum}] · {reason} · {adjustment} · {transaction}",
        Text::SecondSubscriptionTask => "Segunda assinatura ativa neste lead: confira se é daqui mesmo · {plan} · {subscription}",
        Text::Invoice => "Fatura[ {invoice}] · {sum} · {date} · {transaction}",
        Text::CreditNote => "Nota de crédito[ de {sum}] · {reason} · {adjustment} · {transaction}",
        Text::CheckoutLink => "Link de pagamento[: {link}] · {plan} · {transaction}",
        Text::CheckoutRevised => "O link de pagamento continua o mesmo, mudou o que se paga · agora: {plan} · {link} · {transaction}",
        Text::OnWonTask => "Lead ganho: cuide do novo cliente · {deal} · {plan}",
        Text::NewDeal => "Novo lead[: {deal}] · {plan}",
    }
}
