use paddle_webhook::{Amount, Currency, Money};

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::new(code).unwrap())
}

#[test]
fn sums_are_written_as_people_write_them() {
    for (minor, code, decimal, shown, units) in [
        (65215, "USD", Some("652.15"), "652.15 USD", Some(652)),
        (65250, "USD", Some("652.50"), "652.50 USD", Some(653)),
        (65249, "USD", Some("652.49"), "652.49 USD", Some(652)),
        (0, "EUR", Some("0.00"), "0.00 EUR", Some(0)),
        (5, "EUR", Some("0.05"), "0.05 EUR", Some(0)),
        (-5, "EUR", Some("-0.05"), "-0.05 EUR", Some(0)),
        (-50, "EUR", Some("-0.50"), "-0.50 EUR", Some(-1)),
        (-49, "EUR", Some("-0.49"), "-0.49 EUR", Some(0)),
        (-150, "EUR", Some("-1.50"), "-1.50 EUR", Some(-2)),
        (1000, "JPY", Some("1000"), "1000 JPY", Some(1000)),
        (-1000, "KRW", Some("-1000"), "-1000 KRW", Some(-1000)),
        (65215, "XTS", None, "65215 minor units of XTS", None),
        (
            i64::MAX,
            "USD",
            Some("92233720368547758.07"),
            "92233720368547758.07 USD",
            Some(92233720368547758),
        ),
        (
            i64::MIN,
            "USD",
            Some("-92233720368547758.08"),
            "-92233720368547758.08 USD",
            Some(-92233720368547758),
        ),
        (i64::MIN, "JPY", Some("-9223372036854775808"), "-9223372036854775808 JPY", Some(i64::MIN)),
    ] {
        let money = money(minor, code);
        assert_eq!(money.to_decimal().as_deref(), decimal, "{minor} {code}");
        assert_eq!(money.to_string(), shown);
        assert_eq!(money.to_units(), units, "{minor} {code}");
    }
}

#[test]
fn arithmetic_stays_within_one_currency_and_its_room() {
    assert_eq!(money(1, "USD").checked_add(money(2, "USD")), Some(money(3, "USD")));
    assert_eq!(money(1, "USD").checked_sub(money(2, "USD")), Some(money(-1, "USD")));
    assert_eq!(money(1, "USD").checked_add(money(2, "EUR")), None);
    assert_eq!(money(1, "USD").checked_sub(money(0, "EUR")), None);
    assert_eq!(money(i64::MAX, "USD").checked_add(money(1, "USD")), None);
    assert_eq!(money(i64::MIN, "USD").checked_sub(money(1, "USD")), None);
    assert!(
        money(1, "USD").is_positive()
            && money(0, "USD").is_zero()
            && money(-1, "USD").is_negative()
    );
    assert!(
        !money(0, "USD").is_positive()
            && !money(0, "USD").is_negative()
            && !money(1, "USD").is_zero()
    );
}

#[test]
fn parts_sum_to_the_whole() {
    for (whole, weights, want) in [
        (100, vec![1, 1, 1], Some(vec![34, 33, 33])),
        (-100, vec![1, 1, 1], Some(vec![-34, -33, -33])),
        (100, vec![0, 1, 0], Some(vec![0, 100, 0])),
        (7, vec![5, 3, 2], Some(vec![4, 2, 1])),
        (1, vec![1, 2], Some(vec![0, 1])),
        (0, vec![1, 2], Some(vec![0, 0])),
        (i64::MIN, vec![1], Some(vec![i64::MIN])),
        (i64::MAX, vec![u64::MAX, u64::MAX], Some(vec![4611686018427387904, 4611686018427387903])),
        (5, vec![], None),
        (5, vec![0, 0], None),
    ] {
        let parts = money(whole, "EUR").split(&weights);
        let parts = parts.map(|parts| parts.iter().map(Money::minor).collect::<Vec<_>>());
        assert_eq!(parts, want, "{whole} by {weights:?}");
    }
}

#[test]
fn amounts_are_whole_numbers_or_errors() {
    for (json, want) in [
        ("\"65215\"", Some(65215)),
        ("65215", Some(65215)),
        ("\"-5\"", Some(-5)),
        ("-5", Some(-5)),
        ("\"0\"", Some(0)),
        ("\"-0\"", Some(0)),
        ("\"9223372036854775807\"", Some(i64::MAX)),
        ("\"-9223372036854775808\"", Some(i64::MIN)),
        ("\"9223372036854775808\"", None),
        ("9223372036854775808", None),
        ("\"+5\"", None),
        ("\"5.0\"", None),
        ("5.0", None),
        ("1e2", None),
        ("\"\"", None),
        ("\"-\"", None),
        ("\" 5\"", None),
        ("\"--5\"", None),
        ("\"٥\"", None),
        ("true", None),
        ("null", None),
        ("[]", None),
    ] {
        assert_eq!(
            serde_json::from_str::<Amount>(json).ok().map(|amount| amount.minor()),
            want,
            "{json}"
        );
    }
    assert_eq!(serde_json::to_string(&Amount::new(-5)).unwrap(), "\"-5\"");
}

#[test]
fn currencies_of_paddle_have_an_exponent_and_others_none() {
    let all = "USD EUR GBP JPY AUD CAD CHF HKD SGD SEK ARS BRL CLP CNY COP CZK DKK HUF ILS INR KRW MXN NOK NZD PEN PLN RUB THB TRY TWD UAH VND ZAR";
    assert_eq!(all.split(' ').count(), 33);
    for code in all.split(' ') {
        let want = if ["JPY", "KRW", "CLP"].contains(&code) { 0 } else { 2 };
        let currency: Currency = code.parse().unwrap();
        assert_eq!(currency.exponent(), Some(want), "{code}");
        assert_eq!(currency.code(), code);
        assert_eq!(serde_json::to_string(&currency).unwrap(), format!("\"{code}\""));
    }
    for code in ["BHD", "XXX", "ISK"] {
        assert_eq!(Currency::new(code).unwrap().exponent(), None, "{code}");
    }
    for code in ["", "US", "USDC", "usd", "U D", "ÜSD", "U\0D", "123"] {
        assert!(Currency::new(code).is_err(), "{code:?}");
    }
    assert_eq!(format!("{:?}", Currency::new("USD").unwrap()), "Currency(\"USD\")");
}

#[test]
fn a_code_of_another_shape_is_kept_from_the_wire() {
    for code in ["USDC", "usd", "X", "brand_new"] {
        let currency: Currency = serde_json::from_str(&format!("\"{code}\"")).unwrap();
        assert_eq!(currency.code(), code);
        assert_eq!(currency.exponent(), None);
    }
    for json in ["\"\"", "\"U D\"", "\"thirteen_long\"", "\"\\u0000\"", "\"Ü\"", "7"] {
        assert!(serde_json::from_str::<Currency>(json).is_err(), "{json}");
    }
}
