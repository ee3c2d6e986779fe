//! The report for people, for programs and for spreadsheets.

use std::io::Write;

use paddle_kommo_sync::reconcile::{Entry, Repaired, Report, Standing};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use crate::Failure;

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Json,
    Csv,
}

/// Everything that is said in the end.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    pub(super) explained: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repaired: Option<Repaired>,
    #[serde(flatten)]
    report: Report,
}

impl Output {
    pub(super) fn new(report: Report) -> Self {
        Self { explained: report.is_explained(), repaired: None, report }
    }
}

impl Format {
    pub(super) fn named(name: Option<&str>) -> Result<Self, Failure> {
        match name {
            None | Some("table") => Ok(Self::Table),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(other) => Err(format!("`{other}` is none of table, json and csv").into()),
        }
    }

    pub(super) fn write(self, output: &Output, out: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Self::Table => table(output, out)?,
            Self::Json => writeln!(out, "{}", serde_json::to_string_pretty(output)?)?,
            Self::Csv => csv(&output.report, out)?,
        }
        Ok(())
    }
}

/// The columns of an entry.
fn columns(entry: &Entry) -> [String; 10] {
    let amount = entry.money.and_then(|money| money.to_decimal());
    let minor = || entry.money.map(|money| money.minor().to_string());
    [
        entry.kind.clone(),
        entry.id.clone(),
        entry.transaction_id.clone().unwrap_or_default(),
        entry.at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default(),
        amount.or_else(minor).unwrap_or_default(),
        entry.money.map(|money| money.currency().code().to_owned()).unwrap_or_default(),
        entry.standing.code().to_owned(),
        entry.lead.map(|lead| lead.to_string()).unwrap_or_default(),
        entry.event_id.clone().unwrap_or_default(),
        entry.detail.clone(),
    ]
}

const NAMES: [&str; 10] =
    ["kind", "id", "of", "at", "amount", "currency", "standing", "deal", "event", "detail"];

fn csv(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}", NAMES.join(","))?;
    for entry in &report.entries {
        let cells = columns(entry).map(|cell| quoted(&cell));
        writeln!(out, "{}", cells.join(","))?;
    }
    Ok(())
}

/// A cell as RFC 4180 wants it, which no spreadsheet takes for a formula.
fn quoted(cell: &str) -> String {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_formula = !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r', '\'']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

fn table(output: &Output, out: &mut dyn Write) -> std::io::Result<()> {
    let report = &output.report;
    // What it is about is in front; the event stands with what went wrong only.
    let rows: Vec<[String; 8]> = report
        .entries
        .iter()
        .map(|entry| {
            let [kind, id, _, at, amount, currency, standing, deal, event, detail] = columns(entry);
            let at = at.split('T').next().unwrap_or_default().to_owned();
            let deal = if deal.is_empty() { String::new() } else { format!("deal {deal}") };
            let detail = match entry.standing {
                Standing::Done => detail,
                _ if event.is_empty() => detail,
                _ => format!("{detail} [{event}]"),
            };
            [standing, at, kind, format!("{amount} {currency}"), id, deal, detail, String::new()]
        })
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths.get(column).copied().unwrap_or_default();
            // Sums stand under each other.
            let cell =
                if column == 3 { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            line.push_str(&cell);
            line.push_str("  ");
        }
        writeln!(out, "{}", line.replace(['\n', '\r'], " ").trim_end())?;
    }
    for id in &report.unreadable {
        writeln!(out, "unreadable  {id}")?;
    }
    if !rows.is_empty() {
        writeln!(out)?;
    }
    for sum in &report.sums {
        let total = sum.paddle.in_currency(&sum.currency);
        let parts: Vec<String> = sum
            .by_standing
            .iter()
            .map(|(standing, tally)| {
                format!("{standing} {} ({})", tally.in_currency(&sum.currency), tally.count)
            })
            .collect();
        let (kind, currency, count) = (&sum.kind, &sum.currency, sum.paddle.count);
        writeln!(out, "{kind} {currency}: {total} ({count}) = {}", parts.join(" + "))?;
    }
    if let Some(repaired) = &output.repaired {
        let (taken, resumed) = (repaired.taken.len(), repaired.resumed.len());
        writeln!(out, "repaired: {taken} events taken in, {resumed} opened again")?;
    }
    let unexplained =
        report.entries.iter().filter(|entry| entry.standing == Standing::Missing).count();
    match (output.explained, report.entries.len()) {
        (true, 0) => writeln!(out, "nothing was paid or given back in this time"),
        (true, count) => writeln!(out, "all {count} are explained"),
        (false, count) => {
            let unreadable = report.unreadable.len();
            writeln!(out, "of {count}, {unexplained} are missing; {unreadable} cannot be read")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output() -> Output {
        let report = serde_json::json!({
            "period": {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"},
            "entries": [
                {"kind": "payment", "id": "txn_1", "at": "2026-01-02T03:04:05Z",
                 "money": {"minor": 65890, "currency": "USD"}, "standing": "done",
                 "detail": "first_payment", "event_id": "evt_1", "lead": 7},
                {"kind": "payment", "id": "txn_22", "at": "2026-01-03T00:00:00Z",
                 "money": {"minor": 500, "currency": "JPY"}, "standing": "parked",
                 "detail": "refused: \"no\", says Kommo", "event_id": "evt_2"},
                {"kind": "refund", "id": "adj_1", "transaction_id": "txn_1", "at": null, "money": null,
                 "standing": "missing", "detail": "=cmd()", "event_id": "evt_3"},
            ],
            "sums": [{"currency": "USD", "kind": "payment", "paddle": {"count": 1, "minor": 65890},
                      "by_standing": {"done": {"count": 1, "minor": 65890}}}],
        });
        Output::new(serde_json::from_value(report).unwrap())
    }

    fn written(format: Format) -> String {
        let mut out = Vec::new();
        format.write(&output(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_person_reads_a_table() {
        assert_eq!(
            written(Format::Table),
            "done     2026-01-02  payment  658.90 USD  txn_1   deal 7  first_payment\n\
             parked   2026-01-03  payment     500 JPY  txn_22          refused: \"no\", says Kommo [evt_2]\n\
             missing              refund               adj_1           =cmd() [evt_3]\n\
             \n\
             payment USD: 658.90 (1) = done 658.90 (1)\n\
             of 3, 1 are missing; 0 cannot be read\n"
        );
    }

    #[test]
    fn a_spreadsheet_reads_cells_and_no_formulas() {
        assert_eq!(
            written(Format::Csv),
            "kind,id,of,at,amount,currency,standing,deal,event,detail\n\
             payment,txn_1,,2026-01-02T03:04:05Z,658.90,USD,done,7,evt_1,first_payment\n\
             payment,txn_22,,2026-01-03T00:00:00Z,500,JPY,parked,,evt_2,\"refused: \"\"no\"\", says Kommo\"\n\
             refund,adj_1,txn_1,,,,missing,,evt_3,\"'=cmd()\"\n"
        );
    }

    #[test]
    fn a_program_reads_all_of_it() {
        let json: serde_json::Value = serde_json::from_str(&written(Format::Json)).unwrap();
        assert_eq!(json["explained"], false);
        assert_eq!(json["entries"][0]["money"]["minor"], 65_890);
        assert_eq!(json["sums"][0]["by_standing"]["done"]["count"], 1);
    }
}
