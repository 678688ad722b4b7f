//! Bars over days, as SVG: stretched to whatever width there is, so that all words stand beside it.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;

use super::markup::Markup;
use super::{Day, dated};

/// What stands at a day: parts from the bottom up, each of a class of the style sheet, and what they are in words.
pub(super) struct Bar {
    pub day: Day,
    pub parts: Vec<(&'static str, u64)>,
    pub says: String,
}

impl Bar {
    fn height(&self) -> u64 {
        self.parts.iter().fold(0, |sum, (_, part)| sum.saturating_add(*part))
    }
}

/// A plot of these days, all that lies outside of them left out. `most` says in words how high the highest bar is.
pub(super) fn plot(
    markup: &mut Markup,
    title: &str,
    days: &RangeInclusive<Day>,
    bars: &[Bar],
    most: impl Fn(u64) -> String,
) {
    let bars: Vec<&Bar> = bars.iter().filter(|bar| days.contains(&bar.day) && bar.height() > 0).collect();
    let highest = bars.iter().map(|bar| bar.height()).max().unwrap_or(0);
    let (first, last) = (dated(*days.start()), dated(*days.end()));
    let width = (days.end() - days.start() + 1) * SLOT;
    let label = format!("{title} from {first} to {last}: at most {}", most(highest));
    markup.element("figure", &[], |markup| {
        markup.element("figcaption", &[], |markup| {
            markup.told("span", "", title);
            markup.told("span", "most", format!("at most {}", most(highest)));
        });
        let view = format!("0 0 {width} {HEIGHT}");
        let drawing: super::markup::Attributes<'_> =
            &[("viewBox", &view), ("preserveAspectRatio", &"none"), ("role", &"img"), ("aria-label", &label)];
        markup.element("svg", drawing, |markup| {
            for bar in bars {
                draw(markup, bar, (bar.day - days.start()) * SLOT, highest);
            }
        });
        markup.element("div", &[("class", &"axis")], |markup| {
            markup.told("span", "", first);
            markup.told("span", "", last);
        });
    });
}

fn draw(markup: &mut Markup, bar: &Bar, x: u64, highest: u64) {
    markup.element("g", &[], |markup| {
        markup.told("title", "", &bar.says);
        let mut top = HEIGHT;
        for (class, part) in bar.parts.iter().filter(|(_, part)| *part > 0) {
            let height = scaled(*part, highest).min(top);
            top -= height;
            markup.element(
                "rect",
                &[("class", class), ("x", &(x + GAP)), ("y", &top), ("width", &(SLOT - 2 * GAP)), ("height", &height)],
                |_| {},
            );
        }
    });
}

/// In units of the drawing. What is there is seen, however little it is.
fn scaled(part: u64, highest: u64) -> u64 {
    let exact = u128::from(part) * u128::from(HEIGHT) / u128::from(highest.max(1));
    u64::try_from(exact).unwrap_or(HEIGHT).max(LEAST)
}

/// Units of the drawing.
const HEIGHT: u64 = 1000;
const LEAST: u64 = 20;
const SLOT: u64 = 10;
const GAP: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn plotted(bars: &[Bar]) -> String {
        let mut markup = Markup::new();
        plot(&mut markup, "Bytes", &(10..=19), bars, |most| format!("{most} B"));
        markup.into_text()
    }

    fn bar(day: Day, parts: &[(&'static str, u64)]) -> Bar {
        Bar { day, parts: parts.to_vec(), says: format!("<{day}>") }
    }

    #[test]
    fn bars_stand_at_their_days_and_their_parts_above_each_other() {
        let text = plotted(&[bar(10, &[("done", 3), ("kept", 1)]), bar(12, &[("done", 2)])]);
        assert!(text.contains("viewBox=\"0 0 100 1000\""), "{text}");
        for rect in [
            "class=\"done\" x=\"1\" y=\"250\" width=\"8\" height=\"750\"",
            "class=\"kept\" x=\"1\" y=\"0\" width=\"8\" height=\"250\"",
            "class=\"done\" x=\"21\" y=\"500\" width=\"8\" height=\"500\"",
        ] {
            assert!(text.contains(rect), "{rect} in {text}");
        }
        assert!(text.contains("<title>&lt;12&gt;</title>") && text.contains("at most 4 B"), "{text}");
        assert!(text.contains("<span>1970-01-11</span>") && text.contains("<span>1970-01-20</span>"), "{text}");
    }

    #[test]
    fn nothing_is_drawn_outside_of_the_days_or_above_the_edge_and_what_is_little_is_seen() {
        assert_eq!(
            plotted(&[bar(9, &[("done", 1)]), bar(20, &[("done", 1)]), bar(11, &[])]).matches("<rect").count(),
            0
        );
        let text = plotted(&[bar(11, &[("done", u64::MAX), ("kept", 1)])]);
        assert!(text.contains("y=\"0\" width=\"8\" height=\"1000\""), "{text}");
        let text = plotted(&[bar(11, &[("done", 1)]), bar(12, &[("done", 1_000_000)])]);
        assert!(text.contains("y=\"980\" width=\"8\" height=\"20\""), "{text}");
    }
}
