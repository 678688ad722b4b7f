//! HTML of which nothing is markup but literals of ours. What somebody else wrote gets in by [`Markup::text`] and as the
//! value of an attribute, and both go through the one place that escapes.
#![forbid(unsafe_code)]

use std::fmt::Display;

use crate::admin::form::visible;

/// A document in the making.
pub(super) struct Markup(String);

/// Names of attributes and their values.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

impl Markup {
    pub(super) fn new() -> Self {
        Self("<!DOCTYPE html>\n".to_owned())
    }

    /// An element, and what is in it.
    pub(super) fn element(&mut self, name: &'static str, attributes: Attributes<'_>, within: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        within(self);
        self.0 += "</";
        self.0 += name;
        self.0 += ">\n";
    }

    /// An element with a text in it.
    pub(super) fn told(&mut self, name: &'static str, class: &'static str, text: impl Display) {
        let attributes: Attributes<'_> = if class.is_empty() { &[] } else { &[("class", &class)] };
        self.element(name, attributes, |markup| markup.text(text));
    }

    /// An element that has no end, and nothing in it.
    pub(super) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.0 += "<";
        self.0 += name;
        for (name, value) in attributes {
            self.0 += " ";
            self.0 += name;
            self.0 += "=\"";
            self.text(value);
            self.0 += "\"";
        }
        self.0 += ">";
    }

    /// A style sheet, in which nothing would be escaped, and just that between its tags.
    pub(super) fn style(&mut self, sheet: &'static str) {
        self.0 += "<style>";
        self.0 += sheet;
        self.0 += "</style>\n";
    }

    /// Text, which stays text wherever it stands: between tags, or in a value.
    pub(super) fn text(&mut self, text: impl Display) {
        for c in visible(&text.to_string()).chars() {
            match c {
                '&' => self.0 += "&amp;",
                '<' => self.0 += "&lt;",
                '>' => self.0 += "&gt;",
                '"' => self.0 += "&quot;",
                '\'' => self.0 += "&#39;",
                other => self.0.push(other),
            }
        }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_element_has_its_attributes_and_what_is_in_it() {
        let mut markup = Markup(String::new());
        markup.element("a", &[("href", &"#1"), ("title", &2)], |markup| markup.told("b", "", "x"));
        markup.told("i", "c", "y");
        assert_eq!(markup.into_text(), "<a href=\"#1\" title=\"2\"><b>x</b>\n</a>\n<i class=\"c\">y</i>\n");
    }

    proptest! {
        #[test]
        fn no_text_is_markup_nor_ends_a_value(text in "[<>&\"'\\PC\\u{0}-\\u{1f}\\u{202e}]{0,40}") {
            let mut markup = Markup(String::new());
            markup.text(&text);
            let escaped = markup.into_text();
            let active = ['<', '>', '"', '\'', '\n', '\u{202e}'];
            prop_assert!(!escaped.contains(active), "{}", escaped);
            let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
            let back = plain.iter().fold(escaped, |text, (entity, c)| text.replace(entity, c));
            prop_assert_eq!(back, visible(&text));
        }
    }
}
