//! report.html: the whole run in one file that needs nothing else, in light and dark.

use crate::against::{Change, change};
use crate::document::Document;
use crate::plot;
use crate::report::{Report, Row};
use crate::suite::Suite;
use crate::table::spread;
use crate::targets::Judged;
use crate::text::{figure, thousands};
use std::fmt::Write;

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
    let mut page = String::new();
    let out = &mut page;
    writeln!(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>redcore benchmarks</title><style>{STYLE}</style></head><body>")?;
    writeln!(out, "<h1>redcore benchmarks</h1>")?;
    writeln!(
        out,
        "<p class=\"faint\">{}<br>{} · commit {} · {}{}</p>",
        escape(&document.machine.to_string()),
        escape(&document.date),
        escape(&document.commit),
        escape(&document.allocator),
        document.quantum.map(|quantum| format!(", quantum {quantum}")).unwrap_or_default(),
    )?;
    writeln!(
        out,
        "<p>Times are medians of rounds in which all subjects took turns. A ratio is redcore over its peer, the \
         median of the ratios of single rounds, with their quartiles beside it: below 1 redcore is ahead \
         (for ops/s: above 1).</p>"
    )?;
    let links = suites.iter().map(|suite| format!("<a href=\"#{0}\">{0}</a>", suite.name));
    writeln!(out, "<nav>{}</nav>", links.collect::<String>())?;
    if let Some(judged) = extras.judged {
        misses(out, judged)?;
    }
    for suite in suites {
        section(out, report, suite, extras)?;
    }
    writeln!(out, "</body></html>")?;
    Ok(page)
}

fn section(out: &mut String, report: &Report, suite: &Suite, extras: &Extras) -> anyhow::Result<()> {
    writeln!(out, "<section id=\"{0}\"><h2>{0}</h2><p>{1}</p>", suite.name, escape(suite.about))?;
    let mut rows = report.rows_of(suite.name).peekable();
    if rows.peek().is_some() {
        write!(
            out,
            "<div class=\"scroll\"><table><tr><th>case<th class=\"number\">n<th>redcore<th><th>peer<th><th class=\"number\">ratio<th>spread"
        )?;
        if let Some((name, _)) = extras.saved {
            write!(out, "<th>{}<th>change", escape(name))?;
        }
        writeln!(out, "</tr>")?;
        let mut above: Option<&Row> = None;
        for row in rows {
            table_row(out, row, above, extras)?;
            above = Some(row);
        }
        writeln!(out, "</table></div>")?;
    }
    for note in report.notes_of(suite.name) {
        writeln!(out, "<pre>{}</pre>", escape(&note.text))?;
    }
    for plot in report.plots_of(suite.name) {
        let svg = plot::svg(plot)?;
        let (id, title) = (escape(&plot.id), escape(&plot.title));
        write!(out, "<figure id=\"{id}\"><figcaption>{title}</figcaption><p class=\"legend\">")?;
        for (name, colour) in plot::legend(plot) {
            write!(out, "<span><i style=\"background: {colour}\"></i>{}</span>", escape(name))?;
        }
        writeln!(out, "</p>{svg}</figure>")?;
    }
    writeln!(out, "</section>")?;
    Ok(())
}

/// One row; what it shares with the one above is left blank.
fn table_row(out: &mut String, row: &Row, above: Option<&Row>, extras: &Extras) -> anyhow::Result<()> {
    let same_case = above.is_some_and(|above| above.same_case(row));
    let same_subject = above.is_some_and(|above| above.same_value(row));
    let unless = |same: bool, text: String| if same { String::new() } else { escape(&text) };
    let case = unless(same_case, row.title());
    let n = unless(same_case, thousands(row.n as i64));
    let subject = unless(same_subject, row.subject.clone());
    let value = unless(same_subject, format!("{} {}", figure(row.value), row.unit));
    let class = if same_case { "" } else { " class=\"case\"" };
    let (peer, unit) = (escape(&row.peer), escape(&row.unit));
    write!(out, "<tr{class}><td>{case}<td class=\"number\">{n}<td>{subject}<td class=\"number\">{value}")?;
    if row.peer.is_empty() {
        write!(out, "<td><td><td><td>")?;
    } else {
        // Only a ratio whose whole spread lies on one side of 1 is a win or a loss.
        let (ahead, behind) = (row.ratio_high < 1.0, row.ratio_low > 1.0);
        let verdict = match (ahead, behind, row.less_is_better()) {
            (true, _, true) | (_, true, false) => " win",
            (_, true, true) | (true, _, false) => " loss",
            _ => "",
        };
        write!(
            out,
            "<td>{peer}<td class=\"number\">{} {unit}<td class=\"number{verdict}\">{}<td class=\"faint\">{}",
            figure(row.peer_value),
            figure(row.ratio),
            spread(row)
        )?;
    }
    if let Some((_, saved)) = extras.saved {
        let (change, then) = change(row, saved);
        let was = then.map(|then| figure(then.verdict_value()));
        let class = match change {
            Change::Worse => "loss",
            Change::Better => "win",
            _ => "faint",
        };
        write!(
            out,
            "<td class=\"number\">{}<td class=\"{class}\">{}",
            was.unwrap_or_default(),
            change.word()
        )?;
    }
    writeln!(out, "</tr>")?;
    Ok(())
}

fn misses(out: &mut String, judged: &[Judged]) -> anyhow::Result<()> {
    let missed = judged.iter().filter(|judged| !judged.met).count();
    writeln!(out, "<section id=\"limits\"><h2>limits</h2><p>{missed} of {} missed.</p>", judged.len())?;
    writeln!(
        out,
        "<div class=\"scroll\"><table><tr><th>row<th>n<th>found<th>limit<th>issue<th>known, and why</tr>"
    )?;
    for judged in judged {
        let target = judged.target;
        let names = [Some(&target.suite), Some(&target.case), Some(&target.metric)];
        let subject = judged.row.map(|row| &row.subject).or(target.subject.as_ref());
        let names: Vec<&str> =
            names.into_iter().chain([subject, target.peer.as_ref()]).flatten().map(String::as_str).collect();
        let n = judged.row.map(|row| row.n).or(target.n);
        writeln!(
            out,
            "<tr><td>{}<td class=\"number\">{}<td class=\"number {}\">{}<td class=\"number\">{}<td>{}<td class=\"why\">{}</tr>",
            escape(&names.join(", ")),
            n.map(|n| thousands(n as i64)).unwrap_or_default(),
            if judged.met { "win" } else { "loss" },
            if judged.row.is_some() { figure(judged.found) } else { "no such row".into() },
            figure(target.limit),
            target.issue,
            escape(&target.known()),
        )?;
    }
    writeln!(out, "</table></div></section>")?;
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Plot, Series};
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
        let document = Document::now(report.rows.clone());
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
