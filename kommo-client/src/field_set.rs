//! Custom fields by their definitions: a value is right, or it is said why not, before anything is sent.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use url::Url;

use crate::{
    custom_fields::{FieldDefinition, FieldEnum},
    field::{FieldChoice, FieldInput, FieldRef, FieldType, FieldWrite},
    id::FieldId,
    price::is_decimal,
};

/// The most characters Kommo takes for a field of type `text` (observed with the vendor's client; the user interface
/// allows more).
const LONGEST_TEXT: usize = 256;

/// The custom fields of one kind of entity, for writing them by code or id.
///
/// One field that Kommo does not take makes it refuse the whole entity. A set knows from the definitions which it would
/// not take.
///
/// ```
/// use kommo_client::{FieldDefinition, FieldSet, SetFieldError};
/// use time::macros::datetime;
///
/// // As `client.custom_fields(EntityType::Leads).field_set()` reads them.
/// let definitions: Vec<FieldDefinition> = serde_json::from_str(
///     r#"[{"id": 7, "name": "Next bill", "code": "NEXT_BILLING_DATE", "type": "date"}]"#,
/// )?;
/// let fields = FieldSet::new(definitions);
/// let write = fields.set("NEXT_BILLING_DATE", datetime!(2026-12-24 00:00 UTC))?;
/// assert!(matches!(fields.set("NEXT_BILLING_DATE", "soon"), Err(SetFieldError::WrongType { .. })));
/// assert!(matches!(fields.set("NEXT_BIL_DATE", "soon"), Err(SetFieldError::UnknownField)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FieldSet {
    by_id: BTreeMap<FieldId, FieldDefinition>,
    by_code: BTreeMap<String, FieldId>,
}

impl FieldSet {
    /// The set of these definitions.
    #[must_use]
    pub fn new(definitions: Vec<FieldDefinition>) -> Self {
        let codes = definitions.iter().filter_map(|field| Some((field.code.clone()?, field.id)));
        let by_code = codes.collect();
        let by_id = definitions.into_iter().map(|field| (field.id, field)).collect();
        Self { by_id, by_code }
    }

    /// The definition of a field.
    #[must_use]
    pub fn get(&self, field: impl Into<FieldRef>) -> Option<&FieldDefinition> {
        let id = match field.into() {
            FieldRef::Id(id) => id,
            FieldRef::Code(code) => *self.by_code.get(&code)?,
        };
        self.by_id.get(&id)
    }

    /// Writes `value` into `field`, by its id and in the form its type asks for.
    ///
    /// # Errors
    ///
    /// [`SetFieldError`], which says what does not fit. Leave the field out and write the rest.
    pub fn set(
        &self,
        field: impl Into<FieldRef>,
        value: impl Into<SetValue>,
    ) -> Result<FieldWrite, SetFieldError> {
        let definition = self.writable(field)?;
        Ok(FieldWrite::new(definition.id, input(definition, value.into())?))
    }

    /// Empties `field`.
    ///
    /// # Errors
    ///
    /// [`SetFieldError`] when there is no such field, or Kommo calculates it.
    pub fn clear(&self, field: impl Into<FieldRef>) -> Result<FieldWrite, SetFieldError> {
        Ok(FieldWrite::new(self.writable(field)?.id, FieldInput::Clear))
    }

    fn writable(&self, field: impl Into<FieldRef>) -> Result<&FieldDefinition, SetFieldError> {
        let definition = self.get(field).ok_or(SetFieldError::UnknownField)?;
        if definition.is_computed { Err(SetFieldError::Computed) } else { Ok(definition) }
    }
}

impl From<Vec<FieldDefinition>> for FieldSet {
    fn from(definitions: Vec<FieldDefinition>) -> Self {
        Self::new(definitions)
    }
}

/// A value for a field whose type is not known here.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SetValue {
    /// For fields of text, numbers and links, and the exact text of an option.
    Text(String),
    /// For numbers, and for fields of text.
    Integer(i64),
    /// For checkboxes.
    Bool(bool),
    /// For dates.
    Time(OffsetDateTime),
    /// For select-like fields.
    Choice(FieldChoice),
    /// For select-like fields that take several.
    Choices(Vec<FieldChoice>),
    /// For fields of the composite types: the input of that type, or [`FieldInput::Raw`] for those that have none here.
    Input(FieldInput),
}

macro_rules! set_value_from {
    ($( $type:ty => $variant:ident, )*) => { $(
        impl From<$type> for SetValue {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )* };
}

set_value_from! {
    &str => Text,
    String => Text,
    i64 => Integer,
    bool => Bool,
    OffsetDateTime => Time,
    FieldChoice => Choice,
    Vec<FieldChoice> => Choices,
    FieldInput => Input,
}

/// Why a value cannot be written into a field.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SetFieldError {
    /// The account has no such field.
    #[error("there is no such field")]
    UnknownField,
    /// Kommo calculates the field.
    #[error("Kommo calculates the field")]
    Computed,
    /// Fields of this type do not take such a value.
    #[error("a field of type {field_type} takes no such value")]
    WrongType {
        /// The type of the field.
        field_type: FieldType,
    },
    /// The text is too long.
    #[error("the text has {characters} characters, more than the {most} that Kommo takes")]
    TooLong {
        /// How many it has.
        characters: usize,
        /// How many it may have.
        most: usize,
    },
    /// The text is not a decimal number such as `-12.50`.
    #[error("the text is not a decimal number")]
    NotANumber,
    /// The text is not an absolute link.
    #[error("the text is not an absolute link")]
    NotALink,
    /// The field has no such option, and Kommo does not make one.
    #[error("the field has no such option")]
    UnknownOption,
}

fn input(field: &FieldDefinition, value: SetValue) -> Result<FieldInput, SetFieldError> {
    use FieldType as Type;
    Ok(match (&field.field_type, value) {
        (Type::Text, SetValue::Text(text)) => {
            let characters = text.chars().count();
            if characters > LONGEST_TEXT {
                return Err(SetFieldError::TooLong { characters, most: LONGEST_TEXT });
            }
            FieldInput::Text(text)
        }
        (Type::Textarea | Type::StreetAddress | Type::TrackingData, SetValue::Text(text)) => {
            FieldInput::Text(text)
        }
        (
            Type::Text | Type::Textarea | Type::StreetAddress | Type::TrackingData,
            SetValue::Integer(number),
        ) => FieldInput::Text(number.to_string()),
        (Type::Numeric | Type::Monetary | Type::Price, SetValue::Text(text)) => {
            if !is_decimal(&text) {
                return Err(SetFieldError::NotANumber);
            }
            FieldInput::Numeric(text)
        }
        (Type::Numeric | Type::Monetary | Type::Price, SetValue::Integer(number)) => {
            FieldInput::Numeric(number.to_string())
        }
        (Type::Checkbox, SetValue::Bool(checked)) => FieldInput::Checkbox(checked),
        (Type::Url, SetValue::Text(text)) => {
            if !Url::parse(&text).is_ok_and(|url| url.has_host()) {
                return Err(SetFieldError::NotALink);
            }
            FieldInput::Url(text)
        }
        (Type::Date | Type::Birthday, SetValue::Time(time)) => FieldInput::Date(time),
        (Type::DateTime, SetValue::Time(time)) => FieldInput::DateTime(time),
        (Type::Select | Type::Radiobutton | Type::Category, SetValue::Choice(choice)) => {
            FieldInput::Select(resolve(field, &choice)?)
        }
        (Type::Select | Type::Radiobutton | Type::Category, SetValue::Text(text)) => {
            FieldInput::Select(resolve(field, &FieldChoice::Text(text))?)
        }
        (Type::Multiselect, SetValue::Choices(choices)) => {
            let choices: Result<_, _> =
                choices.iter().map(|choice| resolve(field, choice)).collect();
            FieldInput::Multiselect(choices?)
        }
        (Type::Multiselect, SetValue::Choice(choice)) => {
            FieldInput::Multiselect(vec![resolve(field, &choice)?])
        }
        (Type::Multiselect, SetValue::Text(text)) => {
            FieldInput::Multiselect(vec![resolve(field, &FieldChoice::Text(text))?])
        }
        (Type::Multitext, SetValue::Text(text)) => FieldInput::Multitext(vec![(text, None)]),
        (
            Type::SmartAddress
            | Type::LegalEntity
            | Type::LinkedEntity
            | Type::ChainedList
            | Type::File
            | Type::Items
            | Type::Payer
            | Type::Supplier,
            SetValue::Input(input),
        ) if fits(&field.field_type, &input) => input,
        (field_type, _) => {
            return Err(SetFieldError::WrongType { field_type: field_type.clone() });
        }
    })
}

/// Whether a composite input is of the field's type. Those that have no input of their own take what is written down raw.
fn fits(field_type: &FieldType, input: &FieldInput) -> bool {
    match input {
        FieldInput::SmartAddress(_) => *field_type == FieldType::SmartAddress,
        FieldInput::LegalEntity(_) => *field_type == FieldType::LegalEntity,
        FieldInput::LinkedEntity(_) => *field_type == FieldType::LinkedEntity,
        FieldInput::ChainedList(links) => {
            *field_type == FieldType::ChainedList && links.len() <= MOST_LINKS
        }
        FieldInput::File(_) => *field_type == FieldType::File,
        FieldInput::Raw(_) => true,
        _ => false,
    }
}

/// Links of a chain (amoCRM's page on custom fields).
const MOST_LINKS: usize = 5;

/// By its id, so that renaming the option meanwhile does no harm.
fn resolve(field: &FieldDefinition, choice: &FieldChoice) -> Result<FieldChoice, SetFieldError> {
    let is_meant = |option: &&FieldEnum| match choice {
        FieldChoice::Id(id) => option.id == *id,
        FieldChoice::Code(code) => option.code.as_ref() == Some(code),
        FieldChoice::Text(text) => option.value == *text,
    };
    let option = field.enums.iter().find(is_meant).ok_or(SetFieldError::UnknownOption)?;
    Ok(FieldChoice::Id(option.id))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::id::EnumId;

    fn set() -> FieldSet {
        FieldSet::new(
            serde_json::from_str(
                r#"[
                {"id":1,"code":"TEXT","type":"text"},{"id":2,"code":"AREA","type":"textarea"},
                {"id":3,"code":"NUMBER","type":"numeric"},{"id":4,"code":"CHECK","type":"checkbox"},
                {"id":5,"code":"URL","type":"url"},{"id":6,"code":"DATE","type":"date"},
                {"id":7,"code":"TIME","type":"date_time"},
                {"id":8,"code":"SELECT","type":"select","enums":[{"id":81,"value":"Pro","code":"pro"},{"id":82,"value":"Free"}]},
                {"id":9,"code":"MULTI","type":"multiselect","enums":{"0":{"id":91,"value":"A"},"1":{"id":92,"value":"B"}}},
                {"id":10,"code":"SUM","type":"numeric","is_computed":true},
                {"id":11,"code":null,"type":"brand_new"},{"id":12,"code":"PHONE","type":"multitext"},
                {"id":13,"code":"LEGAL","type":"legal_entity"},{"id":14,"code":"CHAIN","type":"chained_list"},
                {"id":15,"code":"ITEMS","type":"items"}]"#,
            )
            .unwrap(),
        )
    }

    #[test]
    fn a_value_fits_or_it_is_said_why_not() {
        use FieldInput as Input;
        use SetFieldError as Fault;
        let time = datetime!(2026-12-24 00:00 UTC);
        let id = |id| FieldChoice::Id(EnumId::new(id));
        let wrong = |name: &str| Err(Fault::WrongType { field_type: name.into() });
        let longest = "ä".repeat(256);
        let longer = "ä".repeat(257);
        let legal = Input::LegalEntity(crate::field::LegalEntity::new("Acme"));
        let chain = |links| {
            Input::ChainedList(vec![
                (crate::CatalogId::new(1), crate::CatalogElementId::new(2));
                links
            ])
        };
        let table: Vec<(&str, SetValue, Result<Input, Fault>)> = vec![
            ("TEXT", "Pro".into(), Ok(Input::Text("Pro".into()))),
            ("TEXT", longest.clone().into(), Ok(Input::Text(longest))),
            ("TEXT", longer.clone().into(), Err(Fault::TooLong { characters: 257, most: 256 })),
            ("TEXT", 7.into(), Ok(Input::Text("7".into()))),
            ("TEXT", time.into(), wrong("text")),
            ("AREA", longer.clone().into(), Ok(Input::Text(longer))),
            ("NUMBER", "-12.50".into(), Ok(Input::Numeric("-12.50".into()))),
            ("NUMBER", 7.into(), Ok(Input::Numeric("7".into()))),
            ("NUMBER", "7 EUR".into(), Err(Fault::NotANumber)),
            ("NUMBER", true.into(), wrong("numeric")),
            ("CHECK", true.into(), Ok(Input::Checkbox(true))),
            ("CHECK", "yes".into(), wrong("checkbox")),
            ("URL", "https://a.example/b".into(), Ok(Input::Url("https://a.example/b".into()))),
            ("URL", "a.example/b".into(), Err(Fault::NotALink)),
            ("DATE", time.into(), Ok(Input::Date(time))),
            ("TIME", time.into(), Ok(Input::DateTime(time))),
            ("DATE", "2026-12-24".into(), wrong("date")),
            ("SELECT", "Pro".into(), Ok(Input::Select(id(81)))),
            ("SELECT", FieldChoice::Code("pro".into()).into(), Ok(Input::Select(id(81)))),
            ("SELECT", id(82).into(), Ok(Input::Select(id(82)))),
            ("SELECT", "pro".into(), Err(Fault::UnknownOption)),
            ("SELECT", id(91).into(), Err(Fault::UnknownOption)),
            (
                "MULTI",
                vec![FieldChoice::Text("B".into()), id(91)].into(),
                Ok(Input::Multiselect(vec![id(92), id(91)])),
            ),
            ("MULTI", "A".into(), Ok(Input::Multiselect(vec![id(91)]))),
            ("MULTI", vec![FieldChoice::Text("C".into())].into(), Err(Fault::UnknownOption)),
            ("SUM", 7.into(), Err(Fault::Computed)),
            ("PHONE", "+1".into(), Ok(Input::Multitext(vec![("+1".into(), None)]))),
            ("text", "x".into(), Err(Fault::UnknownField)),
            ("LEGAL", legal.clone().into(), Ok(legal.clone())),
            ("LEGAL", "Acme".into(), wrong("legal_entity")),
            ("CHAIN", legal.clone().into(), wrong("chained_list")),
            ("CHAIN", chain(5).into(), Ok(chain(5))),
            ("CHAIN", chain(6).into(), wrong("chained_list")),
            ("ITEMS", Input::Raw(Vec::new()).into(), Ok(Input::Raw(Vec::new()))),
            ("TEXT", legal.clone().into(), wrong("text")),
        ];
        let fields = set();
        for (code, value, want) in table {
            let got = fields.set(code, value.clone());
            match (got, want) {
                (Ok(write), Ok(input)) => {
                    let definition = fields.get(code).unwrap();
                    assert_eq!(write.field(), &FieldRef::Id(definition.id), "{code} {value:?}");
                    assert_eq!(write.input(), &input, "{code} {value:?}");
                }
                (Err(fault), Err(want)) => assert_eq!(fault, want, "{code} {value:?}"),
                (got, want) => panic!("{code} {value:?}: {got:?}, not {want:?}"),
            }
        }
        assert_eq!(fields.set(FieldId::new(11), "x").unwrap_err(), wrong("brand_new").unwrap_err());
        assert_eq!(fields.clear("TEXT").unwrap().input(), &Input::Clear);
        assert_eq!(fields.clear("SUM").unwrap_err(), Fault::Computed);
    }
}
