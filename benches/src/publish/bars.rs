//! The picture of the longest SET, which has a bar for each store on a logarithmic scale.

use super::panel::{self, Anchor, HEIGHT, MARGIN, Scale, WIDTH, bar, decades, line, text};
use super::rows::LONGEST_SET;
use super::{Published, table};
use crate::report::Row;
use crate::text::{duration, thousands};

/// Names in the report that the picture replaces.
const NAMES: [(&str, &str); 2] = [("classic of boxes", "Redis' design"), ("hashbrown of boxes", "hashbrown")];

const LEFT: f64 = 114.0;
/// The end of the longest bar. The value of the bar is to the right of it.
const RIGHT: f64 = WIDTH - MARGIN - 58.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = HEIGHT - 76.0;

/// The maximum thickness of a bar.
const THICKEST: f64 = 26.0;

/// Returns the rows of the picture, or `None` if [`LONGEST_SET`] is missing.
pub(super) fn rows(rows: &[Row]) -> Option<Vec<&Row>> {
    let wanted = LONGEST_SET.find(rows)?;
    Some(rows.iter().filter(|row| row.same_value(wanted)).collect())
}

/// Draws the rows of a run, which must have them.
pub(super) fn svg(run: &Published) -> String {
    let rows = rows(&run.document.rows).unwrap_or_default();
    let mut bars: Vec<(&str, f64, bool)> =
        rows.iter().map(|row| (name(&row.peer), row.peer_value, false)).collect();
    bars.extend(rows.first().map(|row| ("redcore", row.value, true)));
    bars.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (shortest, longest) = (bars.first().map_or(1.0, |bar| bar.1), bars.last().map_or(10.0, |bar| bar.1));
    let decades = decades(shortest, longest);
    let x = Scale::log((decades[0], longest), (LEFT, RIGHT));

    let about = format!("of {}; each counts with its fastest of 5 runs", thousands(LONGEST_SET.n as i64));
    let mut elements = vec![text(MARGIN, 47.0, "faint", Anchor::Start, &about)];
    for (i, &tick) in decades.iter().enumerate().filter(|(_, tick)| **tick <= longest) {
        let class = if i == 0 { "axis" } else { "grid" };
        elements.push(line(class, (x.at(tick), TOP), (x.at(tick), BOTTOM)));
        elements.push(text(x.at(tick), BOTTOM + 17.0, "faint tick", Anchor::Middle, &duration(tick)));
    }
    let step = (BOTTOM - TOP) / bars.len().max(1) as f64;
    for (i, (name, ns, ours)) in bars.into_iter().enumerate() {
        let middle = TOP + step * (i as f64 + 0.5);
        let thickness = (step * 0.62).min(THICKEST);
        let (end, class) = (x.at(ns).max(LEFT + 2.0), if ours { "bar ours" } else { "bar" });
        elements.push(text(LEFT - 10.0, middle + 4.5, "", Anchor::End, name));
        elements.push(bar(class, (LEFT, middle - thickness / 2.0), (end - LEFT, thickness)));
        elements.push(text(end + 6.0, middle + 4.5, "value", Anchor::Start, &duration(ns)));
    }
    elements.push(text(
        LEFT,
        BOTTOM + 36.0,
        "faint",
        Anchor::Start,
        "each grid line is ten times the one before",
    ));
    let origin = format!("measured on {}, {}", run.name, table::day(&run.document.date));
    elements.push(text(MARGIN, HEIGHT - 14.0, "faint", Anchor::Start, &origin));
    panel::svg("The longest SET of a new key", elements)
}

fn name(peer: &str) -> &str {
    NAMES.iter().find(|(of, _)| *of == peer).map_or(peer, |(_, name)| name)
}
