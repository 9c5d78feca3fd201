//! The frame of a picture: an SVG file that is legible on a white page, on a dark page, and on a telephone.
//!
//! An SVG in an `<img>` has no access to the style and the theme of the page. So it has its own background,
//! which follows the colour scheme of the system, and it uses system fonts. A picture is 410 pixels wide. Two
//! of them fit side by side on a desktop, and a telephone reduces the text only slightly.
//!
//! The elements are written with maud, like report.html, and not drawn with plotters. plotters has fixed
//! colours. Here, each element has a class, and the style sheet sets its colour for each scheme.

use maud::{Markup, PreEscaped, html};

/// The width of all pictures.
pub(super) const WIDTH: f64 = 410.0;

/// The height of the background of all pictures.
pub(super) const HEIGHT: f64 = 330.0;

/// The empty space below the background. It separates the picture from the next one on a telephone.
const GAP: f64 = 6.0;

/// The distance of text from the left edge and from the right edge.
pub(super) const MARGIN: f64 = 16.0;

const STYLE: &str = "
text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; fill: #1f2328; }
.title { font-size: 15.5px; font-weight: 600; }
.faint { fill: #59636e; }
.tick { font-size: 12px; }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.panel { fill: #ffffff; stroke: #d1d9e0; }
.grid { stroke: #d1d9e0; }
.axis { stroke: #818b98; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.ours { stroke: #0a5fc2; } .bar.ours { fill: #0a5fc2; }
.second { stroke: #7a3fc4; stroke-dasharray: 7 3; }
.theirs { stroke: #bc4c00; }
.bar { stroke: none; fill: #8a939e; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.faint { fill: #a3adb8; }
.value { stroke: #151b23; }
.panel { fill: #151b23; stroke: #3d444d; }
.grid { stroke: #313943; }
.axis { stroke: #7d8590; }
.ours { stroke: #58a6ff; } .bar.ours { fill: #58a6ff; }
.second { stroke: #c297ff; }
.theirs { stroke: #ff9a52; }
.bar { fill: #6f7985; }
}
";

/// Which end of a text is at its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Returns the whole file: the title and the elements on a background, with one element in each line.
pub(super) fn svg(title: &str, elements: Vec<Markup>) -> String {
    let body: String = elements.into_iter().map(|element| element.into_string() + "\n").collect();
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(HEIGHT + GAP)
            viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + GAP)) role="img" {
            title { (title) }
            style { (PreEscaped(STYLE)) }
            (PreEscaped("\n"))
            rect.panel x="0.5" y="0.5" width=(WIDTH - 1.0) height=(HEIGHT - 1.0) rx="6" {}
            (PreEscaped("\n"))
            (text(MARGIN, 27.0, "title", Anchor::Start, title))
            (PreEscaped("\n"))
            (PreEscaped(body))
        }
    };
    svg.into_string() + "\n"
}

/// Returns a text with its base line at `y`.
pub(super) fn text(x: f64, y: f64, class: &str, anchor: Anchor, text: &str) -> Markup {
    let anchor = match anchor {
        Anchor::Start => "",
        Anchor::Middle => " middle",
        Anchor::End => " end",
    };
    html! { text class=(format!("{class}{anchor}").trim()) x=(number(x)) y=(number(y)) { (text) } }
}

/// Returns a straight line.
pub(super) fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Markup {
    html! { line class=(class) x1=(number(from.0)) y1=(number(from.1)) x2=(number(to.0)) y2=(number(to.1)) {} }
}

/// Returns a line through all points.
pub(super) fn polyline(class: &str, points: impl Iterator<Item = (f64, f64)>) -> Markup {
    let points: Vec<_> = points.map(|(x, y)| format!("{},{}", number(x), number(y))).collect();
    html! { polyline class=(class) points=(points.join(" ")) {} }
}

/// Returns a filled rectangle.
pub(super) fn bar(class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) -> Markup {
    html! { rect class=(class) x=(number(x)) y=(number(y)) width=(number(width)) height=(number(height)) rx="2" {} }
}

/// Formats a coordinate, rounded to a tenth of a pixel.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.trim_end_matches(".0").to_owned()
}

/// Maps values to pixels.
pub(super) struct Scale {
    /// The values at both ends. They are logarithms if `log` is set.
    values: (f64, f64),
    pixels: (f64, f64),
    log: bool,
}

impl Scale {
    /// Returns a linear scale from `values` to `pixels`.
    pub(super) fn linear(values: (f64, f64), pixels: (f64, f64)) -> Self {
        Self { values, pixels, log: false }
    }

    /// Returns a logarithmic scale, on which each factor of ten takes the same number of pixels.
    pub(super) fn log(values: (f64, f64), pixels: (f64, f64)) -> Self {
        Self { values: (values.0.log10(), values.1.log10()), pixels, log: true }
    }

    /// Returns the pixel of a value. If the range is empty, all values are at the first pixel.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = if self.log { value.log10() } else { value };
        let range = self.values.1 - self.values.0;
        let share = if range == 0.0 { 0.0 } else { (value - self.values.0) / range };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }
}

/// Returns the powers of ten from the greatest one that is not above `low` to the least one that is not below
/// `high`. Both arguments must be positive.
pub(super) fn decades(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    (first..=last).map(|power| 10f64.powi(power)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_put_their_ends_at_the_ends() {
        let linear = Scale::linear((0.0, 20.0), (100.0, 0.0));
        assert_eq!((linear.at(0.0), linear.at(5.0), linear.at(20.0)), (100.0, 75.0, 0.0));
        let log = Scale::log((10.0, 1000.0), (0.0, 50.0));
        assert_eq!((log.at(10.0), log.at(100.0), log.at(1000.0)), (0.0, 25.0, 50.0));
        assert_eq!(Scale::log((10.0, 10.0), (7.0, 50.0)).at(10.0), 7.0, "an empty range");
    }

    #[test]
    fn decades_enclose_the_values() {
        assert_eq!(decades(26e3, 289e6), [1e4, 1e5, 1e6, 1e7, 1e8, 1e9]);
        assert_eq!(decades(1e4, 1e7), [1e4, 1e5, 1e6, 1e7]);
    }

    #[test]
    fn a_picture_has_a_background_in_both_schemes_and_escapes_its_text() {
        let svg = svg("a < b", vec![text(1.0, 2.25, "", Anchor::End, "x & y")]);
        assert!(svg.contains("class=\"panel\"") && svg.contains("prefers-color-scheme: dark"), "{svg}");
        assert!(
            svg.contains("a &lt; b")
                && svg.contains("<text class=\"end\" x=\"1\" y=\"2.2\">x &amp; y</text>")
        );
    }
}
