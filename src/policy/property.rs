//! Properties of datasets and their values, as a policy writes them. By full name or by a short one, of which the full
//! one is kept, so that two names of one property are one.
#![forbid(unsafe_code)]

use std::fmt;

use ::toml::Spanned;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::Names;
use super::error::nearest;
use super::pattern::WILDCARDS;
use crate::command::property::{Property, Setting};

/// The name of a property that one can set.
pub(super) struct PropertyName(pub Property);

/// Properties and their values: a table NAME = "VALUE".
#[derive(Default)]
pub(super) struct Settings(pub Vec<Spanned<Setting>>);

/// Reads the name of a property, or says what is wrong with it.
fn read(text: &str) -> Result<Property, String> {
    if let Some(property) = Property::parse(text) {
        return Ok(property);
    }
    let native: Vec<&str> = Property::native().collect();
    let remedy = match nearest(text, &native) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "expected one of zfsprops(7), or NAME:NAME".to_owned(),
    };
    Err(format!("unknown property `{}`, {remedy}", text.escape_debug()))
}

/// As [`read`], but only one that can be set: the others hold whatever one would like.
fn settable(text: &str) -> Result<PropertyName, String> {
    let property = read(text)?;
    if property.is_settable() { Ok(PropertyName(property)) } else { Err(format!("`{property}` can only be read")) }
}

/// Reads a pattern of properties. One without a wildcard is a name, and an unknown name is a slip.
pub(super) fn pattern(text: &str) -> Result<Box<str>, String> {
    let pattern = Names::one(text).map_err(|error| error.to_string())?;
    if text.contains(WILDCARDS) { Ok(pattern) } else { Ok(settable(text)?.0.to_string().into()) }
}

impl<'de> Deserialize<'de> for PropertyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = PropertyName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        settable(text).map_err(E::custom)
    }
}

/// A value; a whole number is as good as its text.
struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.contains("{client}") {
            return Err(E::custom("`{client}` stands in datasets, names and tags alone"));
        }
        Ok(Value(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        match u64::try_from(number) {
            Ok(number) => Ok(Value(number.to_string())),
            Err(_) => Err(E::invalid_value(serde::de::Unexpected::Signed(number), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value(number.to_string()))
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SettingsVisitor)
    }
}

struct SettingsVisitor;

impl<'de> Visitor<'de> for SettingsVisitor {
    type Value = Settings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut settings = Vec::new();
        while let Some(name) = map.next_key::<Spanned<PropertyName>>()? {
            let span = name.span();
            let setting = map.next_value_seed(ValueOf(name.into_inner().0))?;
            settings.push(Spanned::new(span, setting));
        }
        // The reader hands them on by name.
        settings.sort_by_key(|setting| setting.span().start);
        Ok(Settings(settings))
    }
}

/// A value that goes with this property.
struct ValueOf(Property);

impl<'de> serde::de::DeserializeSeed<'de> for ValueOf {
    type Value = Setting;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Setting, D::Error> {
        let Value(value) = Value::deserialize(deserializer)?;
        Setting::of(self.0, &value).ok_or_else(|| D::Error::custom("a value that is not printable ASCII"))
    }
}
