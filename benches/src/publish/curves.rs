//! The picture of the bytes per key while a store grows. The line of redcore is flat, and the other lines are
//! saw-toothed.

use super::Published;
use super::panel::{self, Anchor, HEIGHT, MARGIN, Scale, WIDTH, decades, line, polyline, text};
use crate::report::{Plot, Series};
use crate::text::thousands;
use maud::Markup;

/// The id of the plot in report.json.
pub const PLOT: &str = "memory-keys";

/// The lines: the name in the plot, the name in the picture, and the class. The first line is drawn last, so
/// that it is on top.
const LINES: [(&str, &str, &str); 3] = [
    ("Keyspace", "redcore, a Keyspace", "line ours"),
    ("classic of boxes", "Redis' design, boxes", "line second"),
    ("hashbrown of boxes", "hashbrown, boxes", "line theirs"),
];

const LEFT: f64 = 42.0;
const RIGHT: f64 = WIDTH - MARGIN - 4.0;
const TOP: f64 = 132.0;
const BOTTOM: f64 = HEIGHT - 48.0;
const LEGEND: f64 = 52.0;
const LEGEND_STEP: f64 = 19.0;

/// Returns the plot if it has all lines of the picture.
pub(super) fn plot(plots: &[Plot]) -> Option<&Plot> {
    plots.iter().find(|plot| plot.id == PLOT && LINES.iter().all(|(name, ..)| series(plot, name).is_some()))
}

fn series<'a>(plot: &'a Plot, name: &str) -> Option<&'a Series> {
    plot.series.iter().find(|series| series.name == name && !series.points.is_empty())
}

/// Returns the points of all lines of the picture.
pub(super) fn points(plot: &Plot) -> impl Iterator<Item = (f64, f64)> {
    LINES.iter().filter_map(|(name, ..)| series(plot, name)).flat_map(|series| series.points.iter().copied())
}

/// Draws the plot of a run. The run must have the plot.
pub(super) fn svg(run: &Published) -> String {
    let lines: Vec<_> = plot(&run.document.plots)
        .into_iter()
        .flat_map(|plot| LINES.into_iter().filter_map(|line| Some((line, series(plot, line.0)?))))
        .collect();
    let (least, most) = extremes(lines.iter().flat_map(|(_, series)| series.points.iter().map(|p| p.0)));
    let (_, top) = extremes(lines.iter().flat_map(|(_, series)| series.points.iter().map(|p| p.1)));
    let step = if top > 100.0 { 40.0 } else { 20.0 };
    let top = (top / step).ceil() * step;
    let (x, y) = (Scale::log((least, most), (LEFT, RIGHT)), Scale::linear((0.0, top), (BOTTOM, TOP)));

    let mut elements = vec![text(MARGIN, TOP - 12.0, "faint", Anchor::Start, "bytes a key")];
    for tick in (0..).map(|i| f64::from(i) * step).take_while(|&tick| tick <= top) {
        let class = if tick == 0.0 { "axis" } else { "grid" };
        elements.push(line(class, (LEFT, y.at(tick)), (RIGHT, y.at(tick))));
        elements.push(text(LEFT - 8.0, y.at(tick) + 4.5, "faint tick", Anchor::End, &tick.to_string()));
    }
    for tick in decades(least, most).into_iter().filter(|tick| (least..=most).contains(tick)) {
        let anchor = if tick == most { Anchor::End } else { Anchor::Middle };
        elements.push(line("axis", (x.at(tick), BOTTOM), (x.at(tick), BOTTOM + 4.0)));
        elements.push(text(x.at(tick), BOTTOM + 18.0, "faint tick", anchor, &count(tick)));
    }
    let middle = LEFT.midpoint(RIGHT);
    elements.push(text(middle, BOTTOM + 37.0, "faint", Anchor::Middle, "keys, logarithmic"));
    for ((_, _, class), series) in lines.iter().rev() {
        elements.push(polyline(class, series.points.iter().map(|&(n, bytes)| (x.at(n), y.at(bytes)))));
    }
    for (i, ((_, name, class), series)) in lines.iter().enumerate() {
        elements.extend(legend(LEGEND + i as f64 * LEGEND_STEP, name, class, series));
    }
    panel::svg("Bytes a key while a store grows", elements)
}

/// Returns the legend of a line: its name, and its least and greatest value.
fn legend(y: f64, name: &str, class: &str, series: &Series) -> [Markup; 3] {
    let (least, most) = extremes(series.points.iter().map(|p| p.1));
    [
        line(class, (MARGIN, y - 4.5), (MARGIN + 26.0, y - 4.5)),
        text(MARGIN + 34.0, y, "", Anchor::Start, name),
        text(WIDTH - MARGIN, y, "", Anchor::End, &format!("{least:.1} to {most:.1} B")),
    ]
}

fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}

/// Returns a count as text, such as `10,000` or `10 million`.
fn count(n: f64) -> String {
    if n < 1e6 { thousands(n as i64) } else { format!("{} million", thousands((n / 1e6) as i64)) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Returns a plot with all lines of the picture.
    pub(in super::super) fn sample(id: &str) -> Plot {
        let series = |name: &str| Series { name: name.into(), points: vec![(1e4, 11.0), (1e6, 12.0)] };
        Plot {
            id: id.into(),
            suite: "memory".into(),
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            log_x: true,
            log_y: false,
            series: LINES.iter().map(|(name, ..)| series(name)).collect(),
        }
    }

    #[test]
    fn counts_are_said_in_words_from_a_million_on() {
        assert_eq!(
            (count(1e5), count(1e6), count(1e7)),
            ("100,000".into(), "1 million".into(), "10 million".into())
        );
    }

    #[test]
    fn a_plot_without_one_of_the_lines_is_not_the_one() {
        let mut plot = sample(PLOT);
        assert!(super::plot(std::slice::from_ref(&plot)).is_some());
        plot.series.pop();
        assert!(super::plot(&[plot]).is_none());
    }
}
