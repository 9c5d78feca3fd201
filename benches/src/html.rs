//! report.html: the whole run in one file that needs nothing else, in light and dark.

use crate::against::{Change, change};
use crate::document::Document;
use crate::plot;
use crate::report::{Plot, Report, Row};
use crate::suite::Suite;
use crate::table::spread;
use crate::targets::Judged;
use crate::text::{figure, thousands};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::iter;

const STYLE: &str = "
:root { color-scheme: light dark; --page: #fff; --text: #1c1e21; --faint: #6a6f76; --line: #d9dce0;
  --win: #0b7a4b; --loss: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #15171a; --text: #e4e6e9; --faint: #9aa0a8;
  --line: #363a40; --win: #4ccf94; --loss: #ff8a80; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; } nav a { margin-right: 1em; } a { color: inherit; }
.faint, caption { color: var(--faint); } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .7rem .15rem 0; text-align: left; white-space: nowrap; }
th { border-bottom: 1px solid var(--line); } tr.case td { border-top: 1px solid var(--line); }
th.number, td.number { text-align: right; } .win { color: var(--win); } .loss { color: var(--loss); }
td.why { white-space: normal; min-width: 16rem; }
pre { white-space: pre-wrap; font: 13px/1.45 ui-monospace, monospace; color: var(--faint); }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; } svg { max-width: 100%; height: auto; }
.legend { margin: .3rem 0; } .legend span { margin-right: 1.2em; white-space: nowrap; }
.legend i { display: inline-block; width: 1.4em; height: 3px; margin-right: .4em; vertical-align: middle; }
";

/// What the page shows besides the rows.
pub struct Extras<'a> {
    /// The saved run to compare with: its name and rows.
    pub saved: Option<(&'a str, &'a [Row])>,
    /// The limits, where they were asked for.
    pub judged: Option<&'a [Judged<'a>]>,
}

/// The page.
pub fn page(
    report: &Report,
    suites: &[&Suite],
    document: &Document,
    extras: &Extras,
) -> anyhow::Result<String> {
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
                p.faint {
                    (document.machine)
                    br;
                    (document.date) " · commit " (document.commit) " · " (document.allocator)
                    @if let Some(quantum) = document.quantum { ", quantum " (quantum) }
                }
                p {
                    "Times are medians of rounds in which all subjects took turns. A ratio is redcore over its peer, \
                     the median of the ratios of single rounds, with their quartiles beside it: below 1 redcore is \
                     ahead (for ops/s: above 1)."
                }
                nav { @for suite in suites { a href={ "#" (suite.name) } { (suite.name) } } }
                @if let Some(judged) = extras.judged { (limits(judged)) }
                @for suite in suites { (section(report, suite, extras)?) }
            }
        }
    };
    Ok(page.into_string())
}

fn section(report: &Report, suite: &Suite, extras: &Extras) -> anyhow::Result<Markup> {
    let rows: Vec<&Row> = report.rows_of(suite.name).collect();
    let above = iter::once(None).chain(rows.iter().copied().map(Some));
    Ok(html! {
        section id=(suite.name) {
            h2 { (suite.name) }
            p { (suite.about) }
            @if !rows.is_empty() {
                div.scroll {
                    table {
                        tr {
                            th { "case" } th.number { "n" } th { "redcore" } th {} th { "peer" } th {}
                            th.number { "ratio" } th { "spread" }
                            @if let Some((name, _)) = extras.saved { th { (name) } th { "change" } }
                        }
                        @for (row, above) in rows.iter().zip(above) { (table_row(row, above, extras)) }
                    }
                }
            }
            @for note in report.notes_of(suite.name) { pre { (note.text) } }
            @for plot in report.plots_of(suite.name) { (drawing(plot)?) }
        }
    })
}

fn drawing(plot: &Plot) -> anyhow::Result<Markup> {
    Ok(html! {
        figure id=(plot.id) {
            figcaption { (plot.title) }
            p.legend {
                @for (name, colour) in plot::legend(plot) {
                    span { i style={ "background: " (colour) } {} (name) }
                }
            }
            (PreEscaped(plot::svg(plot)?))
        }
    })
}

/// One row; what it shares with the one above is left blank.
fn table_row(row: &Row, above: Option<&Row>, extras: &Extras) -> Markup {
    let same_case = above.is_some_and(|above| above.same_case(row));
    let same_subject = above.is_some_and(|above| above.same_value(row));
    // Only a ratio whose whole spread lies on one side of 1 is a win or a loss.
    let (below, over) = (row.ratio_high < 1.0, row.ratio_low > 1.0);
    let (win, loss) = if row.less_is_better() { (below, over) } else { (over, below) };
    html! {
        tr class=[(!same_case).then_some("case")] {
            td { @if !same_case { (row.title()) } }
            td.number { @if !same_case { (thousands(row.n as i64)) } }
            td { @if !same_subject { (row.subject) } }
            td.number { @if !same_subject { (figure(row.value)) " " (row.unit) } }
            @if row.peer.is_empty() {
                td {} td {} td {} td {}
            } @else {
                td { (row.peer) }
                td.number { (figure(row.peer_value)) " " (row.unit) }
                td.number.win[win].loss[loss] { (figure(row.ratio)) }
                td.faint { (spread(row)) }
            }
            @if let Some((_, saved)) = extras.saved { (changed(row, saved)) }
        }
    }
}

/// The cells that compare a row with a saved run.
fn changed(row: &Row, saved: &[Row]) -> Markup {
    let (change, then) = change(row, saved);
    let class = match change {
        Change::Worse => "loss",
        Change::Better => "win",
        _ => "faint",
    };
    html! {
        td.number { @if let Some(then) = then { (figure(then.verdict_value())) } }
        td class=(class) { (change.word()) }
    }
}

fn limits(judged: &[Judged]) -> Markup {
    let missed = judged.iter().filter(|judged| !judged.met).count();
    html! {
        section #limits {
            h2 { "limits" }
            p { (missed) " of " (judged.len()) " missed." }
            div.scroll {
                table {
                    tr {
                        th { "row" } th { "n" } th { "found" } th { "limit" } th { "issue" } th { "known, and why" }
                    }
                    @for judged in judged { (limit(judged)) }
                }
            }
        }
    }
}

fn limit(judged: &Judged) -> Markup {
    let target = judged.target;
    let names = [Some(&target.suite), Some(&target.case), Some(&target.metric)];
    let subject = judged.row.map(|row| &row.subject).or(target.subject.as_ref());
    let names: Vec<&str> =
        names.into_iter().chain([subject, target.peer.as_ref()]).flatten().map(String::as_str).collect();
    let n = judged.row.map(|row| row.n).or(target.n);
    html! {
        tr {
            td { (names.join(", ")) }
            td.number { @if let Some(n) = n { (thousands(n as i64)) } }
            td.number.win[judged.met].loss[!judged.met] {
                @if judged.row.is_some() { (figure(judged.found)) } @else { "no such row" }
            }
            td.number { (figure(target.limit)) }
            td { (target.issue) }
            td.why { (target.known()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Series;
    use crate::suites;

    #[test]
    fn the_page_stands_alone_and_holds_everything() {
        let suite = &suites::ALL[0];
        let mut report = Report::default();
        report.row(Row::alone(suite.name, "a <case>", 7, "ours", "time", "ns", 8.0).beside("peer", 4.0));
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
        let document = Document::now(&report);
        let saved = report.rows.clone();
        let extras = Extras { saved: Some(("before", &saved)), judged: None };
        let page = page(&report, &[suite], &document, &extras).unwrap();
        for part in ["a &lt;case&gt;", "x &amp; y", "<svg", "a curve", "number loss\">2.00", "before", "same"]
        {
            assert!(page.contains(part), "{part} is missing");
        }
        let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("http") && !page.contains("<script"), "the page asks for something else");
    }
}
