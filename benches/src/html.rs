//! report.html: the whole run in one file that loads nothing else. The page supports light and dark mode, and
//! narrow screens.
//!
//! ```text
//!  machine and run
//!  scoreboard      the same as the last screen of the run (see `screen`), with links to the rows
//!  plots           of all suites
//!  tables          folded, one a suite, with its notes; with `--check`, also the limits
//!    filter        by suite, by peer, or only rows that are behind: the only script of the page
//! ```
//!
//! In a browser without scripts, the page has everything except the filter.

mod scoreboard;
mod tables;

use crate::against::Changes;
use crate::document::Document;
use crate::plot::{self, NARROW, Size, WIDE};
use crate::report::{Plot, Report};
use crate::settings::Settings;
use crate::suite::Suite;
use crate::targets::Judged;
use crate::text::thousands;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/filter.js");

/// What the page shows about the run, in addition to its rows.
pub struct RunContext<'a> {
    /// How the suites were run.
    pub settings: &'a Settings,
    /// The comparison with a saved run, if there is one.
    pub changes: Option<&'a Changes<'a>>,
    /// The limits, if `--check` is given.
    pub judged: Option<&'a [Judged<'a>]>,
}

/// Returns the page.
pub fn page(report: &Report, suites: &[&Suite], document: &Document, context: &RunContext) -> String {
    let plots: Vec<&Plot> = suites.iter().flat_map(|suite| report.plots_of(suite.name)).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "redcore benchmarks" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "redcore benchmarks" }
                (origin(document, context.settings))
                nav {
                    a href="#scoreboard" { "Scoreboard" }
                    @if !plots.is_empty() { a href="#plots" { "Plots" } }
                    a href="#tables" { "Tables" }
                }
                (scoreboard::section(report, suites, context))
                @if !plots.is_empty() {
                    section #plots { h2 { "Plots" } @for plot in plots { (drawing(plot)) } }
                }
                (tables::section(report, suites, context))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// Returns the line about the machine and the run.
fn origin(document: &Document, settings: &Settings) -> Markup {
    html! {
        p.faint {
            (document.machine)
            br;
            (document.date) " · commit " (document.commit) " · " (document.allocator)
            @if let Some(quantum) = document.quantum { ", quantum " (quantum) }
            " · " (settings.scale()) ", " (thousands(document.rows.len() as i64)) " rows"
        }
    }
}

/// Draws a plot twice. The style sheet shows the drawing that fits the width of the window.
fn drawing(plot: &Plot) -> Markup {
    html! {
        figure id=(plot.id) {
            figcaption { (plot.title) }
            p.legend {
                @for (name, colour) in plot::legend(plot) {
                    span { i style={ "background: " (colour) } {} (name) }
                }
            }
            @for (class, size) in [("wide", WIDE), ("narrow", NARROW)] { (drawing_of_size(plot, class, size)) }
        }
    }
}

/// Draws a plot in one size. If it cannot be drawn, the page has a line with the reason instead.
fn drawing_of_size(plot: &Plot, class: &str, size: Size) -> Markup {
    html! {
        @match plot::svg(plot, size) {
            Ok(svg) => div class=(class) role="img" aria-label=(plot.title) { (PreEscaped(svg)) }
            Err(err) => p class={ (class) " faint" } { (err) "." }
        }
    }
}

/// Returns the anchor of the row at `index` in the report.
fn anchor(index: usize) -> String {
    format!("row-{index}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::against::Saved;
    use crate::report::{Row, Series};
    use crate::suites;

    fn settings() -> Settings {
        Settings { quick: true, ..Settings::default() }
    }

    fn sample() -> Report {
        let suite = &suites::ALL[0];
        let mut report = Report::default();
        let row = |case: &str, value| Row::alone(suite.name, case, 7, "ours", "time", "ns", value);
        report.row(row("a <case>", 8.0).beside("peer", 4.0));
        report.row(row("a <case>", 8.0).beside("other", 16.0));
        report.row(row("alone", 3.0));
        report.note(suite.name, "x & y");
        report.plot(Plot {
            id: "curve".into(),
            suite: suite.name.into(),
            title: "a curve".into(),
            x_label: "n".into(),
            y_label: "ns".into(),
            log_x: false,
            log_y: false,
            series: vec![Series { name: "ours".into(), points: vec![(1.0, 2.0), (2.0, 3.0)] }],
        });
        report
    }

    fn sample_page() -> String {
        let report = sample();
        let document = Document::now(&report);
        let changes =
            Changes::of(Saved { name: "yesterday", document: &document }, &document, &[suites::ALL[0].name]);
        let context = RunContext { settings: &settings(), changes: Some(&changes), judged: None };
        page(&report, &[&suites::ALL[0]], &document, &context)
    }

    #[test]
    fn the_page_holds_everything() {
        let page = sample_page();
        let parts = [
            "a &lt;case&gt;",
            "x &amp; y",
            "<svg",
            "a curve",
            "2.00<span class=\"sign\" role=\"img\" aria-label=\"behind\">",
            "yesterday",
            "same",
            "quick run",
        ];
        for part in parts {
            assert!(page.contains(part), "{part} is missing");
        }
        let order =
            ["<h1>", "id=\"scoreboard\"", "id=\"plots\"", "id=\"tables\""].map(|part| page.find(part));
        assert!(order.is_sorted() && order[0].is_some(), "{order:?}");
    }

    #[test]
    fn the_page_stands_alone_with_one_script_inside() {
        let page = sample_page();
        assert_eq!(page.matches("<script").count(), 1);
        assert!(page.contains("<script>"), "the script is in the page, not fetched");
        let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
        for request in ["http", "src=", "<link", "@import", "url(", "fetch("] {
            assert!(!elsewhere.contains(request), "the page asks for something else: {request}");
        }
    }

    #[test]
    fn the_scoreboard_leads_to_rows_of_the_tables() {
        let page = sample_page();
        let links: Vec<&str> =
            page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(links.contains(&"row-0") && links.contains(&"row-1"), "the worst and the best: {links:?}");
        for link in links {
            assert!(page.contains(&format!("id=\"{link}\"")), "{link} leads nowhere");
        }
    }

    #[test]
    fn the_filter_offers_every_peer_once_and_is_hidden_without_scripts() {
        let page = sample_page();
        assert!(page.contains("<form id=\"filter\" hidden"), "{page}");
        for peer in ["peer", "other"] {
            assert_eq!(page.matches(&format!("<option>{peer}</option>")).count(), 1);
            assert_eq!(page.matches(&format!("data-peer=\"{peer}\"")).count(), 1);
        }
        assert_eq!(page.matches("data-verdict=\"behind\">").count(), 1);
    }

    #[test]
    fn tables_are_folded_and_their_counts_add_up() {
        let page = sample_page();
        let folds: Vec<&str> =
            page.split("<details").skip(1).filter_map(|rest| rest.split('>').next()).collect();
        assert!(folds.len() == 1 && folds.iter().all(|fold| !fold.contains("open")), "{folds:?}");
        assert!(page.contains("3 rows: 1 ahead, 0 level, 1 behind, 1 not counted"), "{page}");
    }

    #[test]
    fn a_plot_that_cannot_be_drawn_is_a_line_on_the_page() {
        let mut report = sample();
        report.plots[0].series[0].points.clear();
        let document = Document::now(&report);
        let context = RunContext { settings: &settings(), changes: None, judged: None };
        let page = page(&report, &[&suites::ALL[0]], &document, &context);
        assert!(
            page.contains("the plot &#39;curve&#39; has nothing to draw")
                || page.contains("the plot 'curve' has nothing to draw")
        );
        assert!(page.contains("a &lt;case&gt;"), "the rows are there");
    }
}
