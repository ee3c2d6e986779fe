//! What the rep reads: templates in four languages, the operator's own among them. Pure: no I/O, no clock.

pub(crate) mod clean;
mod en;
mod es;
mod invalid_template;
mod language;
mod named;
mod own;
mod placeholder;
mod pt;
mod ru;
mod template;
mod text;
mod values;

use std::collections::BTreeMap;

use self::template::Template;
pub use self::{
    invalid_template::InvalidTemplate, language::Language, own::OwnText, placeholder::Placeholder,
    text::Text, values::Values,
};

/// All texts of one language, with the operator's own templates in place.
///
/// A template is a row of segments separated by ` · `. In it
///
/// * `{sum}` is replaced by its value; `{{` and `}}` are read as braces;
/// * a segment is left out, with its separator, when it has placeholders and none of them is known;
/// * so is a part in parentheses, or a part in brackets: `(net {net} + tax {tax})`, `Paid[ {sum}]`. The brackets are
///   not printed. What stands outside of such parts without a placeholder is always read: `Paid` stays without `{sum}`.
///
/// Notes and tasks are one line of at most 1,000 characters. An own template of which nothing is known gives way to
/// the default, so that no note is ever empty.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use paddle_kommo_sync::{Language, Placeholder, Text, Texts, Values};
///
/// let own = BTreeMap::from([("renewal".to_owned(), "Renewed for {sum} · {plan}".to_owned())]);
/// let texts = Texts::new(Language::En, &own)?;
///
/// let values = Values::new().set(Placeholder::Sum, "652.15 USD");
/// assert_eq!(texts.render(Text::Renewal, &values), "Renewed for 652.15 USD");
///
/// let values = values.set(Placeholder::Net, "599.00").set(Placeholder::Tax, "53.15");
/// assert_eq!(texts.render(Text::Payment, &values), "Paid 652.15 USD (net 599.00 + tax 53.15)");
/// # Ok::<(), paddle_kommo_sync::InvalidTemplate>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    own: BTreeMap<Text, Template>,
    defaults: BTreeMap<Text, Template>,
}

impl Texts {
    /// The texts of this language. `own` holds the operator's templates by the [key](Text::key) of their text.
    ///
    /// # Errors
    ///
    /// A key or a template that cannot be used; the first of them in the order of the keys. Show its one sentence to
    /// whoever wrote the configuration, and do not start.
    pub fn new(
        language: Language,
        own: &BTreeMap<String, String>,
    ) -> Result<Self, InvalidTemplate> {
        let parse = |text, template: &str| Ok((text, Template::parse(text, template)?));
        let own = own.iter().map(|(key, template)| match Text::named(key) {
            Some(text) => parse(text, template),
            None => Err(InvalidTemplate::UnknownText { key: key.clone() }),
        });
        let defaults = Text::ALL.iter().map(|text| parse(*text, language.template(*text)));
        Ok(Self {
            own: own.collect::<Result<_, _>>()?,
            defaults: defaults.collect::<Result<_, _>>()?,
        })
    }

    /// The text with its values: one line, at most 1,000 characters, nothing in it that looks like a marker. A value
    /// that the template does not ask for is not used.
    #[must_use]
    pub fn render(&self, text: Text, values: &Values) -> String {
        let templates = [self.own.get(&text), self.defaults.get(&text)];
        templates
            .into_iter()
            .flatten()
            .map(|template| template.render(values))
            .find(|line| !line.is_empty())
            .unwrap_or_default()
    }

    /// The same by a template of the operator's, if there is one that has something to say.
    #[must_use]
    pub(crate) fn render_own(&self, own: Option<&OwnText>, text: Text, values: &Values) -> String {
        own.map(|own| own.template.render(values))
            .filter(|line| !line.is_empty())
            .unwrap_or_else(|| self.render(text, values))
    }
}

#[cfg(test)]
mod tests;
