//! The TOML file, and the variables that override its keys.

use std::{num::NonZeroUsize, time::Duration};

use paddle_kommo_sync::{Config, Texts};
use serde::Deserialize as _;
use toml::{Table, Value};

use super::{
    reconcile::{self, Sweeping},
    variables::{Variables, optional},
};
use crate::Failure;

/// Every key of the file that holds one value, as `table.key`. What has keys of the operator's comes from the file only.
const KEYS: &[&str] = &[
    "price_basis",
    "price_decimals",
    "lost_deals",
    "trial_conversion",
    "products",
    "product_deals_pipeline",
    "sandbox",
    "unlinked",
    "unsigned_links",
    "agreed_price",
    "agreed_price_tolerance_percent",
    "mode",
    "invoices",
    "language",
    TOLERANCE,
    BATCH,
    KEEP,
    "fields.transaction_id",
    "fields.invoice_number",
    "fields.plan_name",
    "fields.payment_currency",
    "fields.subscription_id",
    "fields.next_billing_date",
    "fields.subscription_status",
    "fields.payment_status",
    "fields.last_payment_date",
    "fields.subscription_ends",
    "fields.amount_paid",
    "fields.tax_paid",
    "fields.total_paid",
    "fields.total_refunded",
    "fields.total_net",
    "fields.monthly_recurring_revenue",
    "tasks.type_id",
    "tasks.due_in_hours",
    "tasks.fallback_user_id",
    "tasks.second_payment",
    "refunds.deal",
    "fields.checkout_url",
    "checkout.pipeline",
    "checkout.stage",
    "checkout.items",
    "checkout.price_id_field",
    "checkout.quantity_field",
    "checkout.catalog",
    "checkout.discount",
    "checkout.currency",
    "checkout.page",
    "checkout.poll_seconds",
    reconcile::EVERY,
    reconcile::DESTINATION,
];

/// The keys that concern the process, not the rules: of the receiver, and of the writer to Kommo.
const TOLERANCE: &str = "signature_tolerance_seconds";
const BATCH: &str = "batch_size";
const KEEP: &str = "keep_payloads_days";

/// What the file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) config: Config,
    pub(super) tolerance: Duration,
    pub(super) batch_size: NonZeroUsize,
    pub(super) keep_payloads: Duration,
    pub(super) sweeping: Sweeping,
}

pub(super) fn read(variables: Variables<'_>) -> Result<Rules, Failure> {
    let mut table = match optional(variables, "CONFIG") {
        None => Table::new(),
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("CONFIG: {path} cannot be read: {error}"))?;
            text.parse::<Table>()
                .map_err(|error| format!("CONFIG: {path}: {}", one_line(&error)))?
        }
    };
    for key in KEYS {
        let name = variable(key);
        // An empty variable is a value here: it switches a field off.
        if let Some(value) = variables(&name) {
            set(&mut table, key, value)?;
        }
    }
    let tolerance = number(&mut table, TOLERANCE, "seconds", 300, 86_400)?;
    let batch = number(&mut table, BATCH, "items", 50, 250)?;
    let days = number(&mut table, KEEP, "days", 30, 36_500)?;
    let sweeping = reconcile::take(&mut table)?;
    let config = Config::deserialize(table)
        .map_err(|error| format!("{}: {}", place(variables), one_line(&error)))?;
    Texts::new(config.language, &config.templates)
        .map_err(|error| format!("{}: {error}", place(variables)))?;
    Ok(Rules {
        config,
        tolerance: Duration::from_secs(tolerance),
        batch_size: usize::try_from(batch)
            .ok()
            .and_then(NonZeroUsize::new)
            .unwrap_or(NonZeroUsize::MIN),
        keep_payloads: Duration::from_secs(days.saturating_mul(86_400)),
        sweeping,
    })
}

/// The variable that overrides a key.
fn variable(key: &str) -> String {
    match key {
        // `LANGUAGE` is gettext's: many systems set it, to what would be no language here.
        "language" => "TEXTS_LANGUAGE".to_owned(),
        key => key.replace('.', "_").to_uppercase(),
    }
}

/// A number from 1 to `most`.
fn number(table: &mut Table, key: &str, of: &str, default: u64, most: u64) -> Result<u64, Failure> {
    let number = match table.remove(key) {
        None => Some(default),
        Some(Value::Integer(number)) => u64::try_from(number).ok(),
        Some(_) => None,
    };
    number
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("{key} must be a number of {of} between 1 and {most}").into())
}

fn set(table: &mut Table, key: &str, value: String) -> Result<(), Failure> {
    let value = match (value.parse(), value.parse()) {
        (Ok(number), _) => Value::Integer(number),
        (_, Ok(switch)) => Value::Boolean(switch),
        _ => Value::String(value),
    };
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((group, key)) => {
            let rows = table.entry(group).or_insert_with(|| Value::Table(Table::new()));
            let rows = rows
                .as_table_mut()
                .ok_or_else(|| format!("configuration: `{group}` must be a table"))?;
            rows.insert(key.to_owned(), value);
        }
    }
    Ok(())
}

/// Where a wrong value may stand.
fn place(variables: Variables<'_>) -> String {
    match optional(variables, "CONFIG") {
        Some(path) => format!("CONFIG {path}, or a variable that overrides it"),
        None => "configuration".to_owned(),
    }
}

/// TOML's errors draw a picture of the place; the log has one line.
fn one_line(error: &toml::de::Error) -> String {
    error
        .to_string()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use kommo_client::{FieldId, PipelineId, StatusId};
    use paddle_kommo_sync::{FieldTarget, OnWonAction, OwnText, PriceBasis};

    use super::*;

    fn with(file: &str, set: &[(&str, &str)]) -> Result<Rules, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, file).unwrap();
        let lookup = |name: &str| match name {
            "CONFIG" => Some(path.display().to_string()),
            name => set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        };
        read(&lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn the_documented_file_is_the_default() {
        let readme = include_str!("../../../../README.md");
        let start = readme.find("```toml\nprice_basis").unwrap() + "```toml\n".len();
        let file = &readme[start..start + readme[start..].find("```").unwrap()];
        let default = Rules {
            config: Config::default(),
            tolerance: Duration::from_secs(300),
            batch_size: NonZeroUsize::new(50).unwrap(),
            keep_payloads: Duration::from_secs(30 * 86_400),
            sweeping: Sweeping::default(),
        };
        assert_eq!(with(file, &[]).unwrap(), default);
        let table: Table = file.parse().unwrap();
        for key in KEYS {
            let value = match key.split_once('.') {
                None => table.get(*key),
                Some((group, key)) => table.get(group).and_then(|group| group.get(key)),
            };
            assert!(value.is_some(), "{key} is not documented");
        }
    }

    #[test]
    fn a_variable_overrides_the_file() {
        let file = "price_basis = \"gross\"\n[fields]\nplan_name = 17\n[stages]\n3177727 = 55\n";
        let Rules { config, .. } = with(file, &[]).unwrap();
        assert_eq!(config.price_basis, PriceBasis::Gross);
        assert_eq!(config.fields.plan_name, FieldTarget::Id(FieldId::new(17)));
        assert_eq!(config.stages.won(PipelineId::new(3_177_727)), StatusId::new(55));
        assert_eq!(config.stages.won(PipelineId::new(1)), StatusId::WON);

        let set = [
            ("PRICE_BASIS", "earnings"),
            ("FIELDS_PLAN_NAME", "PLAN"),
            ("FIELDS_INVOICE_NUMBER", ""),
            ("TASKS_SECOND_PAYMENT", "false"),
            ("SIGNATURE_TOLERANCE_SECONDS", "60"),
            ("BATCH_SIZE", "250"),
        ];
        let Rules { config, tolerance, batch_size, .. } = with(file, &set).unwrap();
        assert_eq!(config.price_basis, PriceBasis::Earnings);
        assert_eq!(config.fields.plan_name, FieldTarget::Code("PLAN".to_owned()));
        assert_eq!(config.fields.invoice_number, FieldTarget::Off);
        assert!(!config.tasks.second_payment);
        assert_eq!((tolerance, batch_size.get()), (Duration::from_secs(60), 250));
    }

    #[test]
    fn what_is_done_when_a_deal_is_won_is_read() {
        let file = r#"
            [[on_won]]
            add_task = { text = "Call them · {deal}", type_id = 2, due_in_hours = 48 }
            when = { product = "pro_01", currency = "USD", minimum = 100000 }

            [[on_won]]
            add_tag = "customer"

            [[on_won]]
            create_deal = { pipeline = 3177727, stage = 555, name = "Onboarding {deal}" }

            [[on_won]]
            start_salesbot = 565
        "#;
        let config = with(file, &[]).unwrap().config;
        let [task, tag, deal, bot] = config.on_won.as_slice() else {
            panic!("{:?}", config.on_won)
        };
        let OnWonAction::AddTask(action) = &task.action else { panic!("{task:?}") };
        assert_eq!(action.text.as_ref().map(OwnText::as_str), Some("Call them · {deal}"));
        assert_eq!((action.type_id, action.due_in_hours), (Some(2), Some(48)));
        assert_eq!(
            (task.when.product.as_deref(), task.when.minimum),
            (Some("pro_01"), Some(100_000))
        );
        assert_eq!(
            task.when.currency.map(|currency| currency.code().to_owned()).as_deref(),
            Some("USD")
        );
        assert_eq!(tag.action, OnWonAction::AddTag("customer".to_owned()));
        let OnWonAction::CreateDeal(action) = &deal.action else { panic!("{deal:?}") };
        assert_eq!(
            (action.pipeline, action.stage),
            (PipelineId::new(3_177_727), Some(StatusId::new(555)))
        );
        assert_eq!(action.name.as_ref().map(OwnText::as_str), Some("Onboarding {deal}"));
        assert_eq!(bot.action, OnWonAction::StartSalesbot(565));

        let written = toml::to_string(&config).unwrap();
        assert_eq!(with(&written, &[]).unwrap().config, config, "what is written is read again");
    }

    #[test]
    fn a_mistake_in_the_file_is_named() {
        for (file, want) in [
            ("price_bassis = \"net\"", "price_bassis"),
            ("products = \"deal_per_plan\"", "deal_per_plan"),
            ("[[on_won]]\nadd_tags = \"x\"", "add_tags"),
            ("[[on_won]]", "needs one of add_task, add_tag, create_deal and start_salesbot"),
            ("[[on_won]]\nadd_tag = \"a\"\nstart_salesbot = 1", "and only one"),
            ("[[on_won]]\nadd_tag = \" \"", "a tag cannot be empty"),
            ("[[on_won]]\nstart_salesbot = 0", "start_salesbot: 0 is not the id"),
            ("[[on_won]]\nstart_salesbot = -1", "start_salesbot"),
            (
                "[[on_won]]\ncreate_deal = { pipeline = 0 }",
                "pipeline 0 is not the id of a pipeline",
            ),
            ("[[on_won]]\ncreate_deal = { stage = 5 }", "pipeline"),
            ("[[on_won]]\ncreate_deal = { pipeline = 1, stage = 143 }", "cannot be in stage 143"),
            ("[[on_won]]\ncreate_deal = { pipeline = 1, stage = 0 }", "cannot be in stage 0"),
            (
                "[[on_won]]\ncreate_deal = { pipeline = 1, name = \"{nobody}\" }",
                "unknown placeholder \"nobody\"",
            ),
            ("[[on_won]]\nadd_task = { text = \"{refund}\" }", "unknown placeholder \"refund\""),
            (
                "[[on_won]]\nadd_task = { text = \"{remains}\" }",
                "never gets the placeholder \"remains\"",
            ),
            ("[[on_won]]\nadd_task = { type_id = 0 }", "type_id 0 is not the id"),
            ("[[on_won]]\nadd_task = { due = 1 }", "due"),
            (
                "[[on_won]]\nadd_tag = \"a\"\nwhen = { product = \"Pro\" }",
                "product \"Pro\" is neither",
            ),
            (
                "[[on_won]]\nadd_tag = \"a\"\nwhen = { currency = \"dollars\" }",
                "currency must be a code",
            ),
            ("[[on_won]]\nadd_tag = \"a\"\nwhen = { minimum = 5 }", "needs a currency"),
            (
                "[[on_won]]\nadd_tag = \"a\"\nwhen = { currency = \"USD\", minimum = 0 }",
                "minimum must be above zero",
            ),
            ("[[on_won]]\nadd_tag = \"a\"\nwhen = { max = 5 }", "max"),
            ("[on_won]\nadd_tag = \"a\"", "on_won"),
            ("product_deals_pipeline = -1", "product_deals_pipeline"),
            ("[fields]\nplan = \"X\"", "plan"),
            ("[fields]\nplan_name = 0", "plan_name"),
            ("[fields]\nplan_name = -5", "plan_name"),
            ("[checkout]\nstage = 5", "set together"),
            ("[checkout]\npoll = 5", "poll"),
            ("[checkout]\nitems = \"price\"", "price"),
            ("[stages]\nsales = 142", "`sales` is not a pipeline id"),
            ("[stages]\n1 = 143", "stage 143 cannot mean"),
            ("[tasks]\ndue_in_hours = \"soon\"", "due_in_hours"),
            ("signature_tolerance_seconds = 0", "signature_tolerance_seconds must be"),
            ("batch_size = 0", "batch_size must be a number of items between 1 and 250"),
            ("batch_size = 251", "batch_size must be"),
            ("batch_size = \"all\"", "batch_size must be"),
            ("not toml", "config.toml"),
        ] {
            let error = with(file, &[]).unwrap_err();
            assert!(error.contains(want) && !error.contains('\n'), "{file}: {error}");
        }
    }
}
