use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const LANGUAGES: [Language; 4] = [Language::En, Language::Es, Language::Pt, Language::Ru];

fn defaults(language: Language) -> Texts {
    Texts::new(language, &BTreeMap::new()).unwrap()
}

fn with_own(text: Text, template: &str) -> Result<Texts, InvalidTemplate> {
    Texts::new(Language::En, &BTreeMap::from([(text.key().to_owned(), template.to_owned())]))
}

fn values(values: &[(Placeholder, &str)]) -> Values {
    values.iter().fold(Values::new(), |all, (placeholder, value)| all.set(*placeholder, *value))
}

/// A value that cannot stand in a template by chance.
fn sample(placeholder: Placeholder) -> String {
    format!("<{}>", placeholder.name())
}

fn samples(placeholders: impl IntoIterator<Item = Placeholder>) -> Values {
    placeholders
        .into_iter()
        .fold(Values::new(), |all, placeholder| all.set(placeholder, sample(placeholder)))
}

/// What a template asks for, read without the parser.
fn mentioned(template: &str) -> BTreeSet<&'static str> {
    let names = Placeholder::ALL.iter().map(|placeholder| placeholder.name());
    names.filter(|name| template.contains(&format!("{{{name}}}"))).collect()
}

#[test]
fn english_as_reps_know_it() {
    use Placeholder as P;
    let paid = [
        (P::Sum, "652.15 USD"),
        (P::Net, "599.00"),
        (P::Tax, "53.15"),
        (P::Plan, "Pro, yearly"),
        (P::From, "2026-01-01"),
        (P::To, "2027-01-01"),
        (P::Invoice, "325-10566"),
        (P::Transaction, "txn_1"),
    ];
    let rest = "652.15 USD (net 599.00 + tax 53.15) · Pro, yearly · 2026-01-01 to 2027-01-01 · invoice 325-10566 · txn_1";
    let bare = [(P::Sum, "652.15 USD"), (P::Transaction, "txn_1")];
    let trial = [(P::Date, "2026-01-15"), (P::Plan, "Pro"), (P::Subscription, "sub_1")];
    let refund = [
        (P::Sum, "100.00 USD"),
        (P::Total, "652.15 USD"),
        (P::Remains, "552.15 USD"),
        (P::Reason, "requested by customer"),
        (P::Adjustment, "adj_1"),
        (P::Transaction, "txn_1"),
    ];
    let texts = defaults(Language::En);
    for (text, known, want) in [
        (Text::Payment, &paid[..], format!("Paid {rest}")),
        (Text::Payment, &bare, "Paid 652.15 USD · txn_1".to_owned()),
        (Text::Payment, &bare[1..], "Paid · txn_1".to_owned()),
        (Text::Renewal, &paid, format!("Renewal paid {rest}")),
        (Text::PlanChange, &paid, format!("Plan change paid {rest}")),
        (Text::OneTimeCharge, &paid, format!("One-time charge paid {rest}")),
        (Text::OtherPayment, &paid, format!("Paid {rest}")),
        (
            Text::AnotherPayment,
            &paid,
            format!("Another payment on a deal that was already won: paid {rest}"),
        ),
        (
            Text::SecondPaymentTask,
            &bare,
            "Second payment on a won deal: check whether it belongs here · 652.15 USD · txn_1"
                .to_owned(),
        ),
        (
            Text::TrialStarted,
            &trial,
            "Trial started, first charge on 2026-01-15 · Pro · sub_1".to_owned(),
        ),
        (Text::TrialStarted, &trial[1..], "Trial started · Pro · sub_1".to_owned()),
        (
            Text::WinBackTask,
            &trial[1..],
            "Subscription canceled: win the customer back · Pro · sub_1".to_owned(),
        ),
        (
            Text::Refund,
            &refund,
            "Refunded 100.00 USD of 652.15 USD, 552.15 USD remains · requested by customer · adj_1 · txn_1"
                .to_owned(),
        ),
        (Text::Refund, &bare, "Refunded 652.15 USD · txn_1".to_owned()),
        (Text::Refund, &refund[4..], "Refunded · adj_1 · txn_1".to_owned()),
    ] {
        assert_eq!(texts.render(text, &values(known)), want, "{text:?}");
    }
}

#[test]
fn every_language_says_the_same_with_other_words() {
    for text in Text::ALL.iter().copied() {
        let english = Language::En.template(text);
        for language in [Language::Es, Language::Pt, Language::Ru] {
            let template = language.template(text);
            assert_eq!(mentioned(template), mentioned(english), "{language:?} {text:?}");
            assert_ne!(template, english, "{language:?} {text:?}");
        }
    }
}

#[test]
fn every_default_reads_well_whatever_is_known() {
    for language in LANGUAGES {
        let texts = defaults(language);
        for text in Text::ALL.iter().copied() {
            let may = text.placeholders();
            let (even, odd): (Vec<_>, Vec<_>) =
                may.iter().copied().enumerate().partition(|(index, _)| index % 2 == 0);
            let mut known: Vec<Vec<Placeholder>> = vec![may.to_vec(), Vec::new()];
            known.extend([even, odd].map(|half| half.into_iter().map(|(_, each)| each).collect()));
            known.extend(may.iter().map(|one| vec![*one]));
            known.extend(
                may.iter().map(|one| may.iter().copied().filter(|each| each != one).collect()),
            );
            for known in known {
                let line = texts.render(text, &samples(known.iter().copied()));
                assert_reads_well(&line, &format!("{language:?} {text:?} {known:?}: {line:?}"));
                for placeholder in Placeholder::ALL {
                    let told = mentioned(language.template(text)).contains(placeholder.name())
                        && known.contains(placeholder);
                    assert_eq!(
                        line.contains(&sample(*placeholder)),
                        told,
                        "{placeholder:?} {line:?}"
                    );
                }
            }
        }
    }
}

fn assert_reads_well(line: &str, what: &str) {
    assert!(line.chars().next().is_some_and(char::is_alphabetic), "{what}");
    for bad in ["{", "}", "[", "]", "· ·", "()", "( ", "  ", " :", " ,", "\n"] {
        assert!(!line.contains(bad), "{bad:?} in {what}");
    }
    assert!(!line.ends_with(['·', ' ', ':', ',']), "{what}");
}

#[test]
fn own_templates() {
    use Placeholder as P;
    let known = values(&[(P::Sum, "5.00 EUR"), (P::Plan, "Pro"), (P::Tax, "1.00")]);
    for (name, template, want) in [
        ("as it stands", "Money!", "Money!"),
        ("a value", "Got {sum}", "Got 5.00 EUR"),
        ("twice the same", "{plan} {plan}", "Pro Pro"),
        ("nothing known of a segment", "Got {sum} · invoice {invoice}", "Got 5.00 EUR"),
        ("the first segment too", "invoice {invoice} · {plan}", "Pro"),
        ("and one in the middle", "{sum} · {invoice} · {plan}", "5.00 EUR · Pro"),
        ("something known of a segment", "{invoice} of {plan}", "of Pro"),
        ("parentheses left out", "{plan} ({invoice})", "Pro"),
        ("parentheses with something known", "{plan} (tax {tax}{net})", "Pro (tax 1.00)"),
        ("parentheses without a placeholder", "{plan} (paid)", "Pro (paid)"),
        ("brackets left out", "Paid[ by {invoice}]", "Paid"),
        ("brackets are not printed", "Paid[ {sum}]!", "Paid 5.00 EUR!"),
        ("brackets in parentheses", "{sum} ([net {net}, ]tax {tax})", "5.00 EUR (tax 1.00)"),
        ("parentheses in brackets", "{sum}[ with {plan} ({invoice})]", "5.00 EUR with Pro"),
        ("known only within", "deal [{sum}]", "deal 5.00 EUR"),
        ("known within, not around", "{invoice} (tax {tax})", "(tax 1.00)"),
        ("single parentheses", "1) {plan} :( · a[ {sum} (b]", "1) Pro :( · a 5.00 EUR (b"),
        ("braces", "{{{plan}}} {{}}", "{Pro} {}"),
        ("one brace too many is read", "{{{plan}", "{Pro"),
        ("a name in literal braces", "{{sum}}", "{sum}"),
        ("separators to spare", "· {sum} · · {plan} ·", "5.00 EUR · Pro"),
        ("a dot that separates nothing", "a·b · 3·4", "a·b · 3·4"),
        ("several lines", "\n Got\r\n\t{sum}\u{202e} \n", "Got 5.00 EUR"),
        (
            "nothing known at all",
            "invoice {invoice}",
            "Renewal paid 5.00 EUR (net + tax 1.00) · Pro",
        ),
    ] {
        let texts =
            with_own(Text::Renewal, template).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(texts.render(Text::Renewal, &known), want, "{name}");
    }
}

#[test]
fn an_own_template_changes_no_other_text() {
    let texts = with_own(Text::Renewal, "Again").unwrap();
    for text in Text::ALL.iter().copied().filter(|text| *text != Text::Renewal) {
        let known = samples(text.placeholders().iter().copied());
        assert_eq!(texts.render(text, &known), defaults(Language::En).render(text, &known));
    }
}

#[test]
fn an_own_template_stands_in_every_language() {
    let own = BTreeMap::from([("invoice".to_owned(), "Rechnung {invoice}".to_owned())]);
    for language in LANGUAGES {
        let texts = Texts::new(language, &own).unwrap();
        let known = values(&[(Placeholder::Invoice, "1-2")]);
        assert_eq!(texts.render(Text::Invoice, &known), "Rechnung 1-2");
    }
}

#[test]
fn every_mistake_is_named() {
    let trial = "plan, period, date, subscription";
    for (name, template, want) in [
        ("empty", "", "the template of the text \"trial_started\" is empty".to_owned()),
        ("blank", " \n\u{200b}", "the template of the text \"trial_started\" is empty".to_owned()),
        ("separators", " · · ", "the template of the text \"trial_started\" is empty".to_owned()),
        ("brackets", "[] · [ ]", "the template of the text \"trial_started\" is empty".to_owned()),
        (
            "unknown",
            "{plan} · {amount}",
            format!(
                "the template of the text \"trial_started\" has the unknown placeholder \"amount\"; it can use {trial}"
            ),
        ),
        (
            "other letters",
            "{Plan}",
            format!(
                "the template of the text \"trial_started\" has the unknown placeholder \"Plan\"; it can use {trial}"
            ),
        ),
        (
            "no name",
            "a {} b",
            format!(
                "the template of the text \"trial_started\" has the unknown placeholder \"\"; it can use {trial}"
            ),
        ),
        (
            "of another text",
            "[{plan} ({card})]",
            format!(
                "the text \"trial_started\" never gets the placeholder \"card\"; it can use {trial}"
            ),
        ),
        ("not closed", "Trial · of {plan", near("brace", "of {plan")),
        ("closed too late", "{plan · now}", near("brace", "{plan")),
        ("opened twice", "{pl{an}", near("brace", "{pl{an}")),
        ("not opened", "plan}", near("brace", "plan}")),
        ("at the end", "plan {", near("brace", "plan {")),
        ("bracket not closed", "a[ {plan} · b]", near("bracket", "a[ {plan}")),
        ("bracket not opened", "a · {plan}]", near("bracket", "{plan}]")),
        ("bracket around a parenthesis", "[{plan} (", near("bracket", "[{plan} (")),
        (
            "marker",
            "Trial [pk-{plan}]",
            "the template of the text \"trial_started\" has \"[pk-\", which is reserved".to_owned(),
        ),
    ] {
        let message = with_own(Text::TrialStarted, template).map_err(|error| error.to_string());
        assert_eq!(message, Err(want), "{name}");
    }
}

fn near(what: &str, segment: &str) -> String {
    format!(
        "the template of the text \"trial_started\" has a {what} without its partner near \"{segment}\""
    )
}

#[test]
fn an_unknown_text_is_named() {
    for key in ["paymnet", "Payment", "", "payment "] {
        let own = BTreeMap::from([(key.to_owned(), "Paid".to_owned())]);
        let error = Texts::new(Language::En, &own).unwrap_err();
        assert_eq!(error, InvalidTemplate::UnknownText { key: key.to_owned() });
        assert_eq!(error.to_string(), format!("there is no text {key:?}"));
    }
}

#[test]
fn names_are_found_again_and_differ() {
    let keys: BTreeSet<_> = Text::ALL.iter().map(|text| text.key()).collect();
    assert_eq!(keys.len(), Text::ALL.len());
    assert!(Text::ALL.iter().all(|text| Text::named(text.key()) == Some(*text)));
    let names: BTreeSet<_> = Placeholder::ALL.iter().map(|each| each.name()).collect();
    assert_eq!(names.len(), Placeholder::ALL.len());
    assert!(Placeholder::ALL.iter().all(|each| Placeholder::named(each.name()) == Some(*each)));
    for placeholder in Placeholder::ALL {
        let used = Text::ALL.iter().any(|text| text.placeholders().contains(placeholder));
        assert!(used, "no text gets {placeholder:?}");
    }
}

#[test]
fn languages_have_codes() {
    for (language, code) in LANGUAGES.into_iter().zip(["en", "es", "pt", "ru"]) {
        let json = format!("\"{code}\"");
        assert_eq!(serde_json::to_string(&language).unwrap(), json);
        assert_eq!(serde_json::from_str::<Language>(&json).unwrap(), language);
    }
    assert!(serde_json::from_str::<Language>("\"de\"").is_err());
    assert_eq!(Language::default(), Language::En);
}

#[test]
fn long_texts_are_cut_on_a_character_boundary() {
    let texts = with_own(Text::Payment, &format!("{} {{plan}}", "ж".repeat(998))).unwrap();
    let line = texts.render(Text::Payment, &values(&[(Placeholder::Plan, "🦀🦀🦀")]));
    assert_eq!(line, format!("{} 🦀", "ж".repeat(998)));
    let texts = with_own(Text::Payment, &format!("{} {{plan}}", "ж".repeat(999))).unwrap();
    let line = texts.render(Text::Payment, &values(&[(Placeholder::Plan, "Pro")]));
    assert_eq!(line, "ж".repeat(999), "no space at the end");
    let texts = with_own(Text::Payment, &"{plan}".repeat(9)).unwrap();
    let line = texts.render(Text::Payment, &values(&[(Placeholder::Plan, &"a".repeat(300))]));
    assert_eq!(line.len(), 1_000);
}

#[test]
fn no_marker_of_two_halves() {
    for (template, plan, invoice) in [
        ("{plan}{invoice}", "[", "pk-1a2b]"),
        ("{plan}-1a2b", "[pk", ""),
        ("{plan}[pk]-{invoice}", "[", "1"),
    ] {
        let texts = with_own(Text::Payment, template).unwrap();
        let known = values(&[(Placeholder::Plan, plan), (Placeholder::Invoice, invoice)]);
        let line = texts.render(Text::Payment, &known);
        assert!(line.starts_with("(pk-1"), "{template}: {line}");
    }
}

/// Strings that try: any characters, line breaks and markers among them.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        proptest::sample::select(vec![
            "[", "pk-", "[pk-", "{", "}", "{sum}", "{plan}", "(", ")", "]", " · ", "\n", "\r",
            "\u{0}", "\u{200b}", "\u{202e}", "\u{2028}", "\u{feff}", "\u{85}", " ", "a",
        ])
        .prop_map(String::from),
        any::<char>().prop_map(|letter| String::from_iter([letter; 260])),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn assert_harmless(line: &str) {
    assert!(!line.is_empty());
    assert!(!line.contains("[pk-"), "{line:?}");
    assert!(line.chars().count() <= 1_000, "{}", line.chars().count());
    let bad = |letter: char| {
        letter.is_control()
            || "\u{200b}\u{200e}\u{202a}\u{202e}\u{2028}\u{2029}\u{2066}\u{feff}\u{61c}"
                .contains(letter)
    };
    assert!(!line.contains(bad), "{line:?}");
    assert!(!line.contains("  ") && line.trim() == line, "{line:?}");
}

proptest! {
    #[test]
    fn hostile_values_are_harmless(
        language in proptest::sample::select(LANGUAGES.to_vec()),
        text in proptest::sample::select(Text::ALL.to_vec()),
        typed in proptest::collection::vec(hostile(), Placeholder::ALL.len()),
    ) {
        let known = Placeholder::ALL
            .iter()
            .zip(typed)
            .fold(Values::new(), |all, (placeholder, value)| all.set(*placeholder, value));
        for placeholder in Placeholder::ALL {
            prop_assert!(known.value(*placeholder).is_none_or(|value| value.chars().count() <= 256));
        }
        assert_harmless(&defaults(language).render(text, &known));
        // One after the other without anything between them.
        let row: String =
            text.placeholders().iter().map(|each| format!("{{{}}}", each.name())).collect();
        assert_harmless(&with_own(text, &row).unwrap().render(text, &known));
    }

    #[test]
    fn hostile_templates_are_refused_or_harmless(template in hostile(), plan in hostile()) {
        if let Ok(texts) = with_own(Text::Payment, &template) {
            assert_harmless(&texts.render(Text::Payment, &Values::new().set(Placeholder::Plan, plan)));
            assert_harmless(&texts.render(Text::Payment, &Values::new()));
        }
    }
}
