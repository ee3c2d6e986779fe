use serde_json::{Map, Value, json};

use super::answer::Answer;

/// One entry of `validation-errors[].errors`.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    code: &'static str,
    path: String,
    detail: String,
}

impl Problem {
    pub(super) fn to_json(&self) -> Value {
        json!({"code": self.code, "path": self.path, "detail": self.detail})
    }
}

/// All that is wrong with one item of a request.
#[derive(Clone, Debug)]
pub(super) struct ItemProblems {
    pub(super) request_id: String,
    pub(super) problems: Vec<Problem>,
}

/// Collects what is wrong, each with its path from the item's root.
///
/// `NotSupportedChoice`, `FieldNotExpected` and `InvalidType` were seen on the wire (amoCRM docs,
/// error-codes). The texts of the others were never captured: their codes here are our choice.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn choice(&mut self, path: impl Into<String>) {
        self.add("NotSupportedChoice", path, "The value you selected is not a valid choice.");
    }

    pub(super) fn unexpected(&mut self, path: impl Into<String>) {
        self.add("FieldNotExpected", path, "This field was not expected.");
    }

    pub(super) fn wrong_type(&mut self, path: impl Into<String>, wanted: &str) {
        self.add("InvalidType", path, &format!("This value should be of type {wanted}."));
    }

    pub(super) fn missing(&mut self, path: impl Into<String>) {
        self.add("FieldMissing", path, "This field is missing.");
    }

    pub(super) fn blank(&mut self, path: impl Into<String>) {
        self.add("NotBlank", path, "This value should not be blank.");
    }

    pub(super) fn too_long(&mut self, path: impl Into<String>, limit: usize) {
        let detail = format!("This value is too long. It should have {limit} characters or less.");
        self.add("TooLong", path, &detail);
    }

    pub(super) fn too_many(&mut self, path: impl Into<String>) {
        self.add("TooMany", path, "This collection should contain exactly 1 element.");
    }

    fn add(&mut self, code: &'static str, path: impl Into<String>, detail: &str) {
        self.0.push(Problem { code, path: path.into(), detail: detail.to_owned() });
    }
}

/// Reads the keys of one JSON object and notes each that is not as it must be.
///
/// A reader answers `None` both for an absent key and for a bad one; a bad one is in `problems`.
#[derive(Debug)]
pub(super) struct Reader<'a, 'p> {
    object: &'a Map<String, Value>,
    prefix: String,
    pub(super) problems: &'p mut Problems,
}

impl<'a, 'p> Reader<'a, 'p> {
    pub(super) fn new(
        object: &'a Map<String, Value>,
        prefix: &str,
        problems: &'p mut Problems,
    ) -> Self {
        Self { object, prefix: prefix.to_owned(), problems }
    }

    pub(super) fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key)
    }

    /// A reader of an object further in, whose problems go to the same list.
    pub(super) fn nested<'n>(
        &'n mut self,
        object: &'a Map<String, Value>,
        key: &str,
    ) -> Reader<'a, 'n> {
        let prefix = format!("{}.", self.path(key));
        Reader { object, prefix, problems: self.problems }
    }

    pub(super) fn refuse_choice(&mut self, key: &str) {
        let path = self.path(key);
        self.problems.choice(path);
    }

    pub(super) fn refuse_type(&mut self, key: &str, wanted: &str) {
        let path = self.path(key);
        self.problems.wrong_type(path, wanted);
    }

    /// The object itself.
    pub(super) fn whole(&self) -> Value {
        Value::Object(self.object.clone())
    }

    pub(super) fn expect_keys(&mut self, allowed: &[&str]) {
        for key in self.object.keys() {
            if !allowed.contains(&key.as_str()) {
                let path = self.path(key);
                self.problems.unexpected(path);
            }
        }
    }

    pub(super) fn require(&mut self, key: &str) {
        if !self.object.contains_key(key) {
            let path = self.path(key);
            self.problems.missing(path);
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<&'a str> {
        self.typed(key, "string", Value::as_str)
    }

    /// A text that must say something.
    pub(super) fn filled_text(&mut self, key: &str) -> Option<&'a str> {
        let text = self.text(key)?;
        if text.trim().is_empty() {
            let path = self.path(key);
            self.problems.blank(path);
            return None;
        }
        Some(text)
    }

    pub(super) fn int(&mut self, key: &str) -> Option<i64> {
        self.typed(key, "int", Value::as_i64)
    }

    pub(super) fn id(&mut self, key: &str) -> Option<u64> {
        self.typed(key, "int", Value::as_u64)
    }

    /// An int that may be `null`: the outer option is "absent".
    pub(super) fn nullable_int(&mut self, key: &str) -> Option<Option<i64>> {
        match self.object.get(key)? {
            Value::Null => Some(None),
            _ => self.int(key).map(Some),
        }
    }

    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        self.typed(key, "bool", Value::as_bool)
    }

    pub(super) fn array(&mut self, key: &str) -> Option<&'a [Value]> {
        self.typed(key, "array", |value| value.as_array().map(Vec::as_slice))
    }

    pub(super) fn object(&mut self, key: &str) -> Option<&'a Map<String, Value>> {
        self.typed(key, "array", Value::as_object)
    }

    fn typed<T>(
        &mut self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.object.get(key)?;
        let read = read(value);
        if read.is_none() {
            self.refuse_type(key, wanted);
        }
        read
    }
}

/// How many items one write may have (Kommo docs, limitations).
const LARGEST_BATCH: usize = 250;

/// The items of a batch that are to be applied, and what is answered if that are not all.
pub(super) struct Batch<T> {
    pub(super) good: Vec<T>,
    pub(super) refusal: Option<Answer>,
}

/// Checks all items of a batch before any is applied.
///
/// Every bad item is named, and one refuses the whole batch: that the good items of such a batch are
/// not written is the common reading of the docs. With `partial` they are written all the same.
pub(super) fn batch<'a, T>(
    body: &'a Value,
    partial: bool,
    mut check: impl FnMut(&'a Map<String, Value>, String, &mut Problems) -> Option<T>,
) -> Result<Batch<T>, Answer> {
    let Value::Array(items) = body else {
        return Err(Answer::problem(400, "Request body must be an array"));
    };
    if items.is_empty() || items.len() > LARGEST_BATCH {
        return Err(Answer::problem(400, "Request body must have from 1 to 250 items"));
    }
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match one(item, &index.to_string(), &mut check) {
            Ok(change) => good.push(change),
            Err(problems) => bad.push(problems),
        }
    }
    let refusal = (!bad.is_empty()).then(|| Answer::invalid(&bad));
    match refusal {
        Some(refusal) if !partial => Err(refusal),
        refusal => Ok(Batch { good, refusal }),
    }
}

/// The same for a write to `/{id}`, whose body is one object.
pub(super) fn single<'a, T>(
    body: &'a Value,
    mut check: impl FnMut(&'a Map<String, Value>, String, &mut Problems) -> Option<T>,
) -> Result<T, Answer> {
    if !body.is_object() {
        return Err(Answer::problem(400, "Request body must be an object"));
    }
    one(body, "0", &mut check).map_err(|problems| Answer::invalid(&[problems]))
}

fn one<'a, T>(
    item: &'a Value,
    index: &str,
    check: &mut impl FnMut(&'a Map<String, Value>, String, &mut Problems) -> Option<T>,
) -> Result<T, ItemProblems> {
    let mut problems = Problems::default();
    let sent = item.get("request_id").and_then(Value::as_str);
    let request_id = sent.unwrap_or(index).to_owned();
    let change = match item {
        Value::Object(object) => {
            Reader::new(object, "", &mut problems).text("request_id");
            check(object, request_id.clone(), &mut problems)
        }
        _ => {
            problems.wrong_type("", "array");
            None
        }
    };
    match change {
        Some(change) if problems.0.is_empty() => Ok(change),
        _ => Err(ItemProblems { request_id, problems: problems.0 }),
    }
}
