//! Draws a [`Plot`] as an SVG that takes its text colour from the page around it.
//!
//! plotters writes fixed colours. So the text, the axes and the grid are drawn in a marker colour, which is
//! then replaced by `currentColor`. The background is not drawn. The lines have colours of medium lightness,
//! which are visible on white and on black.

use crate::report::Plot;
use crate::text::short;
use anyhow::anyhow;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use std::ops::Range;

/// The size of a drawing in pixels. At this size its text is legible.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    width: u32,
    height: u32,
    /// The width of redcore's line. The line of a peer is one pixel thinner.
    stroke: u32,
    /// The number of ticks on the x axis. Their labels limit it.
    x_ticks: usize,
}

/// The size of a drawing for a wide page.
pub const WIDE: Size = Size { width: 920, height: 440, stroke: 3, x_ticks: 10 };

/// The size of a drawing for a telephone. The text has the same size, and there is less space between it.
pub const NARROW: Size = Size { width: 360, height: 320, stroke: 2, x_ticks: 4 };

/// The marker for the text colour of the page, which [`svg`] replaces.
const INK: RGBColor = RGBColor(1, 2, 3);
const INK_IN_SVG: &str = "#010203";

const LINES: [RGBColor; 8] = [
    RGBColor(214, 69, 65),
    RGBColor(46, 126, 216),
    RGBColor(24, 155, 110),
    RGBColor(150, 95, 210),
    RGBColor(205, 140, 10),
    RGBColor(20, 160, 185),
    RGBColor(215, 75, 150),
    RGBColor(125, 125, 125),
];

/// Draws `plot`. Returns an error if the plot has no point that can be drawn.
pub fn svg(plot: &Plot, size: Size) -> anyhow::Result<String> {
    let drawable = |point: &(f64, f64)| plot.is_drawable(*point);
    let points = || plot.series.iter().flat_map(|series| &series.points).filter(|p| drawable(p));
    if points().next().is_none() {
        return Err(anyhow!("the plot '{}' has nothing to draw", plot.id));
    }
    let x = range(points().map(|p| p.0), plot.log_x, true);
    let y = range(points().map(|p| p.1), plot.log_y, false);
    let mut text = String::new();
    match (plot.log_x, plot.log_y) {
        (false, false) => draw(plot, size, &mut text, x, y, drawable),
        (true, false) => draw(plot, size, &mut text, x.log_scale(), y, drawable),
        (false, true) => draw(plot, size, &mut text, x, y.log_scale(), drawable),
        (true, true) => draw(plot, size, &mut text, x.log_scale(), y.log_scale(), drawable),
    }
    .map_err(|err| anyhow!("cannot draw the plot '{}': {err}", plot.id))?;
    Ok(text.replace(INK_IN_SVG, "currentColor"))
}

fn colour(series: usize) -> RGBColor {
    LINES[series % LINES.len()]
}

/// Returns the name of each line with its colour for CSS. The page draws the legend, because it would cover
/// lines inside the drawing.
pub fn legend(plot: &Plot) -> impl Iterator<Item = (&str, String)> {
    plot.series.iter().enumerate().map(|(i, series)| {
        let RGBColor(r, g, b) = colour(i);
        (series.name.as_str(), format!("rgb({r} {g} {b})"))
    })
}

/// Returns the range of an axis: from the least to the greatest value, with some space above if it is not
/// `tight`. A linear y axis starts at 0, so that heights can be compared.
fn range(values: impl Iterator<Item = f64>, log: bool, tight: bool) -> Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    match (log, tight) {
        (true, true) => low..high.max(low * 1.1),
        (true, false) => low / 1.5..high * 1.5,
        (false, true) => low..if high > low { high } else { low + 1.0 },
        (false, false) => low.min(0.0)..if high > 0.0 { high * 1.08 } else { 1.0 },
    }
}

fn draw<X, Y>(
    plot: &Plot,
    size: Size,
    text: &mut String,
    x: X,
    y: Y,
    drawable: impl Fn(&(f64, f64)) -> bool,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let ink = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let root = SVGBackend::with_string(text, (size.width, size.height)).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(62)
        .build_cartesian_2d(x, y)
        .map_err(|err| err.to_string())?;
    chart
        .configure_mesh()
        .x_labels(size.x_ticks)
        .x_desc(&plot.x_label)
        .y_desc(&plot.y_label)
        .axis_desc_style(ink(14))
        .label_style(ink(13))
        .axis_style(INK.mix(0.6))
        .bold_line_style(INK.mix(0.18))
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .draw()
        .map_err(|err| err.to_string())?;
    // The first line is redcore's. It is thicker, and is drawn last so that it is on top.
    for (i, series) in plot.series.iter().enumerate().rev() {
        let style = colour(i).stroke_width(if i == 0 { size.stroke } else { size.stroke - 1 });
        let line = series.points.iter().copied().filter(&drawable);
        chart.draw_series(LineSeries::new(line, style)).map_err(|err| err.to_string())?;
    }
    root.present().map_err(|err| err.to_string())?;
    drop(chart);
    drop(root);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Series;

    fn plot(log_x: bool, log_y: bool, points: Vec<(f64, f64)>) -> Plot {
        Plot {
            id: "p".into(),
            suite: "s".into(),
            title: "t".into(),
            x_label: "across".into(),
            y_label: "up".into(),
            log_x,
            log_y,
            series: vec![Series { name: "line".into(), points }],
        }
    }

    #[test]
    fn every_kind_of_axis_draws_in_the_colour_of_the_page() {
        for (log_x, log_y) in [(false, false), (false, true), (true, false), (true, true)] {
            let points = vec![(0.0, 0.0), (10.0, 1.0), (1000.0, 50.0), (f64::NAN, 1.0)];
            let svg = svg(&plot(log_x, log_y, points), WIDE).unwrap();
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
            assert!(svg.contains("currentColor") && !svg.contains(INK_IN_SVG) && !svg.contains("NaN"));
            assert!(svg.contains("across") && svg.contains("up") && svg.contains("<polyline"));
            assert!(!svg.contains("#FFFFFF") && !svg.contains("#000000"), "a colour that one theme hides");
        }
    }

    #[test]
    fn the_legend_has_the_colours_of_the_lines() {
        let mut plot = plot(false, false, vec![(0.0, 1.0), (1.0, 2.0)]);
        plot.series.push(Series { name: "second".into(), points: vec![(0.0, 2.0), (1.0, 1.0)] });
        let drawn = svg(&plot, NARROW).unwrap();
        let legend: Vec<_> = legend(&plot).collect();
        assert_eq!(legend[1].0, "second");
        for (i, (_, css)) in legend.iter().enumerate() {
            let RGBColor(r, g, b) = colour(i);
            assert_eq!(*css, format!("rgb({r} {g} {b})"));
            assert!(drawn.contains(&format!("#{r:02X}{g:02X}{b:02X}")), "{drawn}");
        }
    }

    #[test]
    fn a_plot_of_one_point_draws_and_one_of_none_is_an_error() {
        assert!(svg(&plot(true, true, vec![(5.0, 5.0)]), WIDE).is_ok());
        assert!(svg(&plot(false, false, vec![(0.0, 0.0)]), WIDE).is_ok());
        assert!(svg(&plot(false, false, vec![]), WIDE).is_err());
        assert!(svg(&plot(true, false, vec![(0.0, 1.0)]), WIDE).is_err());
    }
}
